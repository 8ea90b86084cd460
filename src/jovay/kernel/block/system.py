"""What happens at the start of a block before its transactions: the system contracts of EIP-2935 and EIP-4788.

Their code only stores what it is called with, so the effect is written directly, where the contracts exist.
"""

from ..evm import forks
from ..evm.machine import Machine
from ..lang import U64, U256, address_of, kernel, poison
from ..state.journal import ENTRY
from ..state.view import account, set_slot, slot

HISTORY_STORAGE = U256(0x0000F90827F1C53A10CB7A02335B175320002935)
BEACON_ROOTS = U256(0x000F3DF6D732807EF1319FB7B8BB8522D0BEAC02)
HISTORY_WINDOW = 8191


@kernel
def write_system_slot(m: Machine, address: U256, key: U256, value: U256) -> U64:
    """Store a slot of a contract if the contract has code. 0, or an abort status."""
    a = account(m, address)
    if address_of(a) == 0:
        return m.abort
    if address_of(a.code) == 0:
        return U64(0)
    s = slot(m, a, key)
    if address_of(s) == 0:
        return m.abort
    if s.value != value and not set_slot(m, s, value):
        return m.abort
    return U64(0)


@kernel
def begin_block(m: Machine, parent_hash: U256, beacon_root: U256) -> U64:
    """The system writes of block ``m.block`` in a serial view. 0, or MISS after which it can be called again."""
    m.stamp += 1
    m.group = U64(0)
    m.parallel = U64(0)
    poison(m.journal, m.journal_count * ENTRY)
    m.journal_count = U64(0)
    block = m.block
    how = U64(0)
    if block.fork >= forks.PRAGUE and block.number > 0:
        how = write_system_slot(m, HISTORY_STORAGE, U256((block.number - 1) % HISTORY_WINDOW), parent_hash)
    if how == 0 and block.fork >= forks.CANCUN and block.number > 0:
        at = block.timestamp % HISTORY_WINDOW
        how = write_system_slot(m, BEACON_ROOTS, U256(at), U256(block.timestamp))
        if how == 0:
            how = write_system_slot(m, BEACON_ROOTS, U256(at + HISTORY_WINDOW), beacon_root)
    poison(m.journal, m.journal_count * ENTRY)
    m.journal_count = U64(0)
    return how
