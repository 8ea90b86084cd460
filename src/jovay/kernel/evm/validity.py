"""Whether a transaction may be in a block, and the status that says why not."""

from ..lang import U64, U256, kernel, load8
from ..machine.account import Account, code_size
from ..machine.environment import Block
from ..machine.machine import Machine
from ..protocol import forks
from ..protocol import gas as price
from ..protocol.limits import BLOB_COUNT_LIMIT, MAX_INIT_CODE_SIZE, TX_MAX_GAS_LIMIT
from ..transaction.lists import blob_hash
from ..transaction.record import BLOB, L1_MESSAGE, LEGACY, SET_CODE, Transaction
from .frames import delegate_of

VALID = 0
INVALID = 128  # from here on: why a transaction may not be in a block
TYPE_NOT_SUPPORTED = 128
WRONG_CHAIN_ID = 129
NONCE_TOO_LOW = 130
NONCE_TOO_HIGH = 131
NONCE_MAX = 132
SENDER_NOT_EOA = 133
INTRINSIC_GAS_TOO_LOW = 134
FLOOR_GAS_TOO_LOW = 135
GAS_LIMIT_TOO_HIGH = 136  # EIP-7825
BLOCK_GAS_EXHAUSTED = 137
FEE_CAP_TOO_LOW = 138
TIP_ABOVE_FEE_CAP = 139
INSUFFICIENT_FUNDS = 140
INITCODE_TOO_LARGE = 141
BLOB_MISSING = 142
BLOB_TOO_MANY = 143
BLOB_VERSION = 144
BLOB_FEE_TOO_LOW = 145
BLOB_CREATE = 146
AUTHORIZATIONS_MISSING = 147
SET_CODE_CREATE = 148
UNPROTECTED = 149
POSTPONED = 150  # valid so far, but a block loads only so much state: a later one goes on
SET_ASIDE = 151  # valid so far, but it takes long: it is executed beside the blocks
LEFT_OUT = 152  # not looked at yet: others of its block took long

#: Checks that a run skips: a prediction ignores nonce and balance; a simulated call (eth_call) may come from anyone
#: and, if it names no price, be free whatever the base fee is.
ANY_NONCE = 1
ANY_BALANCE = 2
SIMULATED = 4
FREE = 8

BLOB_HASH_VERSION = 1
ALL = 0xFFFFFFFFFFFFFFFF


@kernel
def intrinsic_gas(tx: Transaction, fork: U64) -> U64:
    """g₀ (Yellow Paper, 6.2) with EIP-2028, 2930, 3860 and 7702."""
    gas = U64(price.TX_BASE_COST) + tx.zero_bytes * price.TX_DATA_COST_PER_ZERO
    gas += tx.nonzero_bytes * price.TX_DATA_COST_PER_NON_ZERO[fork]
    if tx.has_to == 0:
        gas += price.TX_CREATE_COST[fork] + ((tx.data_size + 31) >> 5) * price.INIT_CODE_WORD_COST[fork]
    gas += tx.access_addresses * price.TX_ACCESS_LIST_ADDRESS_COST
    gas += tx.access_keys * price.TX_ACCESS_LIST_STORAGE_KEY_COST
    return gas + tx.authorization_count * price.PER_EMPTY_ACCOUNT_COST


@kernel
def floor_gas(tx: Transaction, fork: U64) -> U64:
    """The least a transaction pays for its calldata (EIP-7623)."""
    if fork < forks.PRAGUE:
        return U64(0)
    tokens = tx.zero_bytes + tx.nonzero_bytes * price.TOKENS_PER_NON_ZERO
    return U64(price.TX_BASE_COST) + tokens * price.FLOOR_CALLDATA_COST


@kernel
def type_is_known(tx: Transaction, fork: U64) -> bool:
    kind = tx.kind
    if kind == LEGACY or kind == L1_MESSAGE:
        return True
    if kind == 1:
        return fork >= forks.BERLIN
    if kind == 2:
        return fork >= forks.LONDON
    return fork >= forks.CANCUN if kind == BLOB else fork >= forks.PRAGUE


@kernel
def check_static(tx: Transaction, block: Block, flags: U64) -> U64:
    """The rules that need no state."""
    fork = block.fork
    if not type_is_known(tx, fork):
        return U64(TYPE_NOT_SUPPORTED)
    if tx.has_chain_id != 0 and tx.chain_id != block.chain_id:
        return U64(WRONG_CHAIN_ID)
    if tx.kind == L1_MESSAGE:
        return U64(VALID)
    if fork >= forks.OSAKA and tx.gas_limit > TX_MAX_GAS_LIMIT and flags & SIMULATED == 0:
        return U64(GAS_LIMIT_TOO_HIGH)
    if tx.max_priority_fee > tx.max_fee:
        return U64(TIP_ABOVE_FEE_CAP)
    if fork >= forks.SHANGHAI and tx.has_to == 0 and tx.data_size > MAX_INIT_CODE_SIZE:
        return U64(INITCODE_TOO_LARGE)
    if tx.gas_limit < intrinsic_gas(tx, fork):
        return U64(INTRINSIC_GAS_TOO_LOW)
    if tx.gas_limit < floor_gas(tx, fork):
        return U64(FLOOR_GAS_TOO_LOW)
    if tx.nonce == ALL:
        return U64(NONCE_MAX)
    if tx.kind == BLOB:
        return check_blobs(tx, block)
    if tx.kind == SET_CODE:
        if tx.has_to == 0:
            return U64(SET_CODE_CREATE)
        if tx.authorization_count == 0:
            return U64(AUTHORIZATIONS_MISSING)
    return U64(VALID)


@kernel(inline=False)
def check_blobs(tx: Transaction, block: Block) -> U64:
    """EIP-4844, EIP-7594."""
    if tx.has_to == 0:
        return U64(BLOB_CREATE)
    if tx.blob_count == 0:
        return U64(BLOB_MISSING)
    if tx.blob_count > block.max_blobs:
        return U64(BLOB_TOO_MANY)
    if block.fork >= forks.OSAKA and tx.blob_count > BLOB_COUNT_LIMIT:
        return U64(BLOB_TOO_MANY)
    for i in range(tx.blob_count):
        if load8(blob_hash(tx, U64(i))) != BLOB_HASH_VERSION:
            return U64(BLOB_VERSION)
    if tx.max_blob_fee < block.blob_base_fee:
        return U64(BLOB_FEE_TOO_LOW)
    return U64(VALID)


@kernel
def wide_product(a: U256, b: U64) -> U256:
    """a · b, all ones where it does not fit."""
    if a >> 192 != 0:
        return ~U256(0)
    return a * U256(b)


@kernel
def check_state(m: Machine, tx: Transaction, sender: Account, gas_left: U64) -> U64:
    """The rules that need the sender's account and the block's remaining gas."""
    block = m.block
    if m.tx.skipped & ANY_NONCE == 0:
        if tx.nonce < sender.nonce:
            return U64(NONCE_TOO_LOW)
        if tx.nonce > sender.nonce:
            return U64(NONCE_TOO_HIGH)
    if tx.gas_limit > gas_left:
        return U64(BLOCK_GAS_EXHAUSTED)
    if tx.max_fee < block.base_fee and m.tx.skipped & FREE == 0:
        return U64(FEE_CAP_TOO_LOW)
    if m.tx.skipped & SIMULATED == 0 and code_size(sender) != 0:  # EIP-3607, which holds for the past too
        if block.fork < forks.PRAGUE or delegate_of(sender.code) == 0:
            return U64(SENDER_NOT_EOA)
    if m.tx.skipped & ANY_BALANCE != 0:
        return U64(VALID)
    if not can_pay(m, tx, sender):
        return U64(INSUFFICIENT_FUNDS)
    return U64(VALID)


@kernel
def can_pay(m: Machine, tx: Transaction, sender: Account) -> bool:
    """Whether the balance covers value, gas at the fee cap, blobs at theirs, and the L1 data fee."""
    ceiling = ~U256(0)
    most = wide_product(tx.max_fee, tx.gas_limit)
    blobs = wide_product(tx.max_blob_fee, tx.blob_count * price.GAS_PER_BLOB)
    if most == ceiling or blobs == ceiling:
        return False
    total = most + blobs
    if total < most:
        return False
    with_value = total + tx.value
    if with_value < total:
        return False
    data_fee = wide_product(m.block.l1_fee_per_byte, tx.raw_size)
    return with_value + data_fee >= with_value and sender.balance >= with_value + data_fee
