"""How much of a machine's arenas gas can fill: the one place where their capacities come from.

Every bound is the gas divided by the cheapest way to append one entry, from Cancun's rules on. A transaction of that
gas finds room in a machine that is empty, whatever it does. Where a view serves many transactions, ``shared`` is the
room for others beside it, counted in accounts.
"""

from ..lang import U64, kernel
from ..machine.layout import FRAMES, STACKS, MachineSizes
from ..protocol.forks import CANCUN
from ..protocol.gas import (
    COLD_SLOAD,
    CREATE,
    LOG,
    LOG_DATA,
    PER_EMPTY_ACCOUNT_COST,
    SELF_DESTRUCT,
    STORAGE_UPDATE,
    TX_ACCESS_LIST_ADDRESS_COST,
    TX_ACCESS_LIST_STORAGE_KEY_COST,
    WARM_ACCESS,
)
from ..protocol.limits import MAX_INIT_CODE_SIZE
from ..state.code import code_footprint
from .frames import LEAST_RETURN
from .memory import memory_gas

LEAST_SELF_DESTRUCT = int(SELF_DESTRUCT[CANCUN])
#: More gas is never asked for: no sum of what it can fill wraps.
MOST_GAS = 1 << 40
#: A record is listed as changed for so much: a slot that an access list names (1,900) and that is written (2,900), or
#: one of a transaction's three accounts (7,000).
LISTED_GAS = TX_ACCESS_LIST_STORAGE_KEY_COST + STORAGE_UPDATE - COLD_SLOAD
#: Accounts and slots that a transaction has without paying for each: sender, recipient, coinbase, delegate, system
#: contracts, precompiles.
FREE_RECORDS = 64
#: Entries of the journal beside those that instructions make: nonces, balances and touches at both ends.
FREE_ENTRIES = 64
#: What precompiles and decoding use of the scratch arena without asking.
LEAST_SCRATCH = 1 << 18


@kernel
def power_of_two(least: U64) -> U64:
    """The first power of two, from 16 on, that is not below ``least`` ≤ 2⁶³."""
    size = U64(16)
    while size < least:
        size = size << 1
    return size


@kernel
def most_words(gas: U64) -> U64:
    """The most words of memory in one frame that ``gas`` < 2⁵² pays for."""
    words, bit = U64(0), U64(1 << 30)
    while bit != 0:
        if memory_gas(words | bit) <= gas:
            words = words | bit
        bit = bit >> 1
    return words


@kernel
def machine_sizes(gas: U64, shared: U64, sizes: MachineSizes) -> None:
    """Capacities of a machine for transactions of up to ``gas`` each; more than ``MOST_GAS`` counts as that."""
    if gas > MOST_GAS:
        gas = U64(MOST_GAS)
    # An access list is the cheapest way to name an account (2,400); a cold access costs 2,600.
    accounts = gas // TX_ACCESS_LIST_ADDRESS_COST + FREE_RECORDS
    # A transient slot costs 100 for each write; a persistent one at least 1,900, in an access list.
    slots = gas // WARM_ACCESS + FREE_RECORDS
    sizes.accounts = accounts + shared
    sizes.account_index = power_of_two(sizes.accounts * 2 + 2)
    sizes.slots = slots + shared * 4
    sizes.slot_index = power_of_two(sizes.slots * 2 + 2)
    sizes.misses = accounts + shared  # no bound is needed: what finds no room is missed by the next run
    # Each account is touched once at a time, and each SELFDESTRUCT (5,000) lists its own again.
    sizes.touched = accounts + gas // LEAST_SELF_DESTRUCT
    # A transient write makes two entries for 100 gas. All else is dearer: a warm SSTORE makes one for 100, a call with
    # value six for 6,700, SELFDESTRUCT seven for 5,000. Three for each touched account that goes in the end.
    sizes.journal = gas // WARM_ACCESS * 2 + sizes.touched * 3 + FREE_ENTRIES
    sizes.stack_bytes = U64(STACKS)
    # A word costs more the more a frame has: it goes furthest where all frames have the same share.
    sizes.memory_bytes = (most_words(gas // FRAMES) + 1) * (FRAMES * 32)
    # A creation (32,000) keeps up to 48 KiB of initialisation code with its jump destinations; deployed code costs 200
    # a byte and takes 9/8 of one; a delegation costs 25,000.
    creates, deployed = gas // CREATE + 1, gas // 160
    delegations = (gas // PER_EMPTY_ACCOUNT_COST + 1) * code_footprint(U64(23))
    sizes.code_bytes = creates * (code_footprint(U64(MAX_INIT_CODE_SIZE)) + 128) + deployed + delegations
    sizes.code_bytes += shared * 1024
    # What is returned has been memory; a modulus of MODEXP takes a smaller root of the gas.
    sizes.return_bytes = most_words(gas) * 32 + LEAST_RETURN
    sizes.logs = gas // LOG + 1 + shared * 2  # LOG0
    sizes.log_bytes = gas // LOG_DATA + shared * 2048
    # MODEXP (EIP-2565, before EIP-7823 bounds it): a byte of exponent for 8/3 gas, moduli by the gas's root.
    sizes.scratch = gas // 2 + LEAST_SCRATCH + (1 << 20)
