"""The configuration of a settled chain: everything about a block's environment that neither data nor state say.

It is 27 words of 32 bytes, big-endian; their Keccak-256 is the ``chainConfigHash`` of the statement
(docs/settlement.md). ``jovay.chain.settled`` writes it.
"""

from ..hashes.keccak import keccak256
from ..lang import U64, U256, Ptr, Record, kernel, load256be
from ..protocol.forks import CANCUN, NEWEST

#: Forks that a configuration can schedule, in order; unused places are zero.
FORK_PLACES = 8
#: Words: version, chain id, gas limit, coinbase, base-fee rule, base fee, whether the coinbase has the base fee,
#: account and slot of the L1 fee per byte, account and slot of the L2 message root, per fork first second and number.
WORDS = 11 + 2 * FORK_PLACES
SIZE = 32 * WORDS
VERSION = 1
#: Base-fee rules.
FIXED, EIP1559 = 0, 1


class SettledConfig(Record):
    """Its words as numbers."""

    forks: Ptr  # the pairs, as they lie in the input
    chain_id: U64
    gas_limit: U64
    coinbase: U256
    base_fee_rule: U64
    base_fee: U256  # wei: the fee, or under EIP-1559 the least
    fees_to_coinbase: U64
    l1_fee_account: U256  # 0: L1 data costs nothing
    l1_fee_slot: U256
    l2_mailbox: U256
    l2_msg_root_slot: U256


@kernel(inline=True)
def word(at: Ptr, index: U64) -> U256:
    return load256be(at + index * 32)


@kernel
def read_config(at: Ptr, out: SettledConfig) -> bool:
    """Read the ``SIZE`` bytes at ``at``; false where a word has no meaning."""
    out.forks = at + 11 * 32
    out.chain_id, out.gas_limit = U64(word(at, U64(1))), U64(word(at, U64(2)))
    out.coinbase, out.base_fee_rule = word(at, U64(3)), U64(word(at, U64(4)))
    out.base_fee, out.fees_to_coinbase = word(at, U64(5)), U64(word(at, U64(6)))
    out.l1_fee_account, out.l1_fee_slot = word(at, U64(7)), word(at, U64(8))
    out.l2_mailbox, out.l2_msg_root_slot = word(at, U64(9)), word(at, U64(10))
    if word(at, U64(0)) != VERSION or (word(at, U64(1)) | word(at, U64(2)) | word(at, U64(5))) >> 64 != 0:
        return False
    if word(at, U64(4)) > EIP1559 or word(at, U64(6)) > 1:
        return False
    return (out.coinbase | out.l1_fee_account | out.l2_mailbox) >> 160 == 0


@kernel
def config_hash(at: Ptr, out: Ptr) -> None:
    keccak256(at, U64(SIZE), out)


@kernel
def fork_at(config: SettledConfig, timestamp: U64) -> U64:
    """The newest fork in force, in seconds of EVM time; 0 where none is, or it is one that cannot be proven."""
    fork = U256(0)
    for i in range(FORK_PLACES):
        at = config.forks + U64(i) * 64
        if load256be(at + 32) != 0 and load256be(at) <= U256(timestamp):
            fork = load256be(at + 32)
    # Tables of prices have no entry for an unknown fork; before Cancun, SELFDESTRUCT empties storage unseen.
    return U64(fork) if fork >= CANCUN and fork <= NEWEST else U64(0)
