"""Why things end or are refused, in geth's words: the kernel's statuses, and what they stand for.

A frame ends by a ``Halt``. A transaction is refused, by a block, by the pool, or while it is decoded, with an
``Invalid``. The values of both are the words; details may follow them. What an RLP decoder says is in ``RLP``.
"""

from __future__ import annotations

from enum import StrEnum

from jovay.kernel import rlp
from jovay.kernel.evm import validity
from jovay.kernel.machine import status
from jovay.kernel.pool import record as pool
from jovay.kernel.transaction import status as decoding


class Halt(StrEnum):
    """Why a frame stopped other than by success."""

    REVERT = "execution reverted"
    OUT_OF_GAS = "out of gas"
    CODE_STORE_OUT_OF_GAS = "contract creation code storage out of gas"
    DEPTH = "max call depth exceeded"
    BALANCE = "insufficient balance for transfer"
    COLLISION = "contract address collision"
    INITCODE_SIZE = "max initcode size exceeded"
    CODE_SIZE = "max code size exceeded"
    BAD_JUMP = "invalid jump destination"
    WRITE_PROTECTION = "write protection"
    RETURN_DATA = "return data out of bounds"
    INVALID_CODE = "invalid code: must not begin with 0xef"
    NONCE_OVERFLOW = "nonce uint64 overflow"
    STACK_UNDERFLOW = "stack underflow"
    STACK_OVERFLOW = "stack limit reached 1024 (1023)"
    INVALID_OPCODE = "invalid opcode"
    PRECOMPILE = "precompile failed"
    TIMEOUT = "execution timeout"


class Invalid(StrEnum):
    """Why a transaction is refused before it executes."""

    NONCE_TOO_LOW = "nonce too low"
    NONCE_TOO_HIGH = "nonce too high"
    NONCE_MAX = "nonce has max value"
    INSUFFICIENT_FUNDS = "insufficient funds for gas * price + value"
    FUNDS_FOR_TRANSFER = "insufficient funds for transfer"
    INTRINSIC_GAS = "intrinsic gas too low"
    FLOOR_GAS = "insufficient gas for floor data gas cost"
    FEE_CAP_TOO_LOW = "max fee per gas less than block base fee"
    TIP_ABOVE_FEE_CAP = "max priority fee per gas higher than max fee per gas"
    BLOCK_GAS_LIMIT = "gas limit reached"
    TX_GAS_CAP = "transaction gas limit too high"
    SENDER_NOT_EOA = "sender not an eoa"
    INITCODE_SIZE = Halt.INITCODE_SIZE.value
    TYPE_NOT_SUPPORTED = "transaction type not supported"
    CHAIN_ID = "invalid chain id for signer"
    UNPROTECTED = "only replay-protected (EIP-155) transactions allowed over RPC"
    BLOB_MISSING = "blob transaction missing blob hashes"
    BLOB_TOO_MANY = "blob transaction has too many blobs"
    BLOB_VERSION = "blob hash version mismatch"
    BLOB_FEE_CAP_TOO_LOW = "max fee per blob gas less than block blob gas fee"
    BLOB_CREATE = "blob transaction of type create"
    AUTHORIZATIONS = "EIP-7702 transaction with empty auth list"
    SET_CODE_CREATE = "EIP-7702 transaction cannot be used to create contract"
    # By the pool.
    ALREADY_KNOWN = "already known"
    UNDERPRICED = "transaction underpriced"
    REPLACEMENT_UNDERPRICED = "replacement transaction underpriced"
    POOL_FULL = "txpool is full"
    SENDER_FULL = "account limit exceeded"
    OVERSIZED = "oversized data"
    EXCEEDS_GAS_LIMIT = "exceeds block gas limit"
    DELEGATED_FULL = "in-flight transaction limit reached for delegated accounts"
    DELEGATED_GAP = "gapped-nonce tx from delegated accounts"
    BUSY = "busy: no blocks are made"
    # While it is decoded.
    TYPED_TOO_SHORT = "typed transaction too short"
    SIGNATURE = "invalid transaction v, r, s values"
    SIDECAR = "blob transactions with sidecars are not supported"
    RECOVERY = "recovery failed"
    MALFORMED = "rlp: invalid transaction"
    # A status that no table has.
    OTHER = "transaction refused"


#: By the status of a frame.
HALTS = {
    status.REVERT: Halt.REVERT,
    status.OUT_OF_GAS: Halt.OUT_OF_GAS,
    status.STACK_UNDERFLOW: Halt.STACK_UNDERFLOW,
    status.STACK_OVERFLOW: Halt.STACK_OVERFLOW,
    status.INVALID_JUMP: Halt.BAD_JUMP,
    status.INVALID_OPCODE: Halt.INVALID_OPCODE,
    status.STATIC_VIOLATION: Halt.WRITE_PROTECTION,
    status.RETURN_DATA_OUT_OF_BOUNDS: Halt.RETURN_DATA,
    status.INVALID_CODE_PREFIX: Halt.INVALID_CODE,
    status.CODE_TOO_LARGE: Halt.CODE_SIZE,
    status.ADDRESS_COLLISION: Halt.COLLISION,
    status.CALL_DEPTH: Halt.DEPTH,
    status.INSUFFICIENT_BALANCE: Halt.BALANCE,
    status.INITCODE_TOO_LARGE: Halt.INITCODE_SIZE,
    status.PRECOMPILE_FAILED: Halt.PRECOMPILE,
    status.NONCE_OVERFLOW: Halt.NONCE_OVERFLOW,
    status.CODE_STORE_OUT_OF_GAS: Halt.CODE_STORE_OUT_OF_GAS,
}
#: By the status of a transaction, in a block or in the pool.
INVALID = {
    validity.TYPE_NOT_SUPPORTED: Invalid.TYPE_NOT_SUPPORTED,
    validity.WRONG_CHAIN_ID: Invalid.CHAIN_ID,
    validity.NONCE_TOO_LOW: Invalid.NONCE_TOO_LOW,
    validity.NONCE_TOO_HIGH: Invalid.NONCE_TOO_HIGH,
    validity.NONCE_MAX: Invalid.NONCE_MAX,
    validity.SENDER_NOT_EOA: Invalid.SENDER_NOT_EOA,
    validity.INTRINSIC_GAS_TOO_LOW: Invalid.INTRINSIC_GAS,
    validity.FLOOR_GAS_TOO_LOW: Invalid.FLOOR_GAS,
    validity.GAS_LIMIT_TOO_HIGH: Invalid.TX_GAS_CAP,
    validity.BLOCK_GAS_EXHAUSTED: Invalid.BLOCK_GAS_LIMIT,
    validity.FEE_CAP_TOO_LOW: Invalid.FEE_CAP_TOO_LOW,
    validity.TIP_ABOVE_FEE_CAP: Invalid.TIP_ABOVE_FEE_CAP,
    validity.INSUFFICIENT_FUNDS: Invalid.INSUFFICIENT_FUNDS,
    validity.INITCODE_TOO_LARGE: Invalid.INITCODE_SIZE,
    validity.BLOB_MISSING: Invalid.BLOB_MISSING,
    validity.BLOB_TOO_MANY: Invalid.BLOB_TOO_MANY,
    validity.BLOB_VERSION: Invalid.BLOB_VERSION,
    validity.BLOB_FEE_TOO_LOW: Invalid.BLOB_FEE_CAP_TOO_LOW,
    validity.BLOB_CREATE: Invalid.BLOB_CREATE,
    validity.AUTHORIZATIONS_MISSING: Invalid.AUTHORIZATIONS,
    validity.SET_CODE_CREATE: Invalid.SET_CODE_CREATE,
    validity.UNPROTECTED: Invalid.UNPROTECTED,
    pool.ALREADY_KNOWN: Invalid.ALREADY_KNOWN,
    pool.UNDERPRICED_REPLACEMENT: Invalid.REPLACEMENT_UNDERPRICED,
    pool.POOL_FULL: Invalid.POOL_FULL,
    pool.SENDER_FULL: Invalid.SENDER_FULL,
    pool.OVERSIZED: Invalid.OVERSIZED,
    pool.BLOBS_NOT_TAKEN: Invalid.TYPE_NOT_SUPPORTED,
    pool.UNDERPRICED: Invalid.UNDERPRICED,
    pool.GAS_ABOVE_BLOCK: Invalid.EXCEEDS_GAS_LIMIT,
    pool.DELEGATED_FULL: Invalid.DELEGATED_FULL,
    pool.DELEGATED_GAP: Invalid.DELEGATED_GAP,
    pool.BUSY: Invalid.BUSY,
    pool.OVERDRAWN: Invalid.INSUFFICIENT_FUNDS,
}
#: By the code in a status of decoding; those of RLP are malformed.
UNDECODABLE = {
    decoding.TYPE_NOT_SUPPORTED: Invalid.TYPE_NOT_SUPPORTED,
    decoding.TYPED_TOO_SHORT: Invalid.TYPED_TOO_SHORT,
    decoding.INVALID_SIGNATURE: Invalid.SIGNATURE,
    decoding.CHAIN_ID_TOO_LARGE: Invalid.CHAIN_ID,
    decoding.BLOB_SIDECAR: Invalid.SIDECAR,
    decoding.RECOVERY_FAILED: Invalid.RECOVERY,
}
RLP = {
    rlp.END_OF_INPUT: "rlp: unexpected end of input",
    rlp.NON_CANONICAL_SIZE: "rlp: non-canonical size information",
    rlp.ELEMENT_TOO_LARGE: "rlp: element is larger than containing list",
    rlp.EXPECTED_STRING: "rlp: expected input string or byte",
    rlp.EXPECTED_LIST: "rlp: expected input list",
    rlp.TOO_LONG: "rlp: input string too long",
    rlp.TOO_SHORT: "rlp: input string too short",
    rlp.LEADING_ZERO: "rlp: non-canonical integer (leading zero bytes)",
    rlp.TOO_FEW_ELEMENTS: "rlp: too few elements",
    rlp.TOO_MANY_ELEMENTS: "rlp: input list has too many elements",
    rlp.MORE_THAN_ONE_VALUE: "rlp: input contains more than one value",
}
#: What says nothing of a transaction but that it is not through; in our own words, since geth has none.
UNFINISHED = {
    status.MISS: "state not in memory",
    status.LEFT_SET: "left the predicted read-write set",
    status.ARENA_FULL: "execution arena full",
    status.PAUSED: "paused",
    status.DETACHED: "detached",
    status.WAITING: "waits for state",
    validity.POSTPONED: "state not in memory yet",
    validity.SET_ASIDE: "set aside",
    validity.LEFT_OUT: "left out",
}


def ending(how: int) -> str:
    """How a frame, or the attempt to execute a transaction, ended, in words."""
    found = HALTS.get(how) or INVALID.get(how) or UNFINISHED.get(how)
    return str(found or f"status {how}")


def refusal_of(how: int) -> Invalid:
    """The reason that a status of block, pool or decoding stands for."""
    code = how & 0xFF
    return INVALID.get(how) or UNDECODABLE.get(code) or (Invalid.MALFORMED if code in RLP else Invalid.OTHER)


def is_no_transaction(how: int) -> bool:
    """Whether a status of decoding says that the bytes are no transaction, so that they have no hash."""
    code = how & 0xFF
    is_of_decoding = how not in INVALID and (code in RLP or code in UNDECODABLE)
    return is_of_decoding and code != decoding.RECOVERY_FAILED
