"""Why a block is refused, in the names of execution-spec-tests."""

from __future__ import annotations

from collections.abc import Iterable

from jovay.chain.refusals import decoding_text
from jovay.kernel.evm import validity
from jovay.kernel.transaction import status as decoding

BLOCK, TRANSACTION = "BlockException.", "TransactionException."


class RefusedBlockError(Exception):
    """A block that is invalid.

    ``names`` are the exceptions of the tests that say so; a last ``*`` stands for any rest.
    """

    def __init__(self, message: str, *names: str) -> None:
        super().__init__(message)
        self.names = names

    def is_meant_by(self, expected: str) -> bool:
        """Whether this is what a test expects: one of its alternatives, which are parted by ``|``."""
        return any(_fits(name, wanted) for wanted in expected.split("|") for name in self.names)


def _fits(name: str, wanted: str) -> bool:
    return wanted.startswith(name[:-1]) if name.endswith("*") else wanted == name


def refused(name: str, message: str, *more: str) -> RefusedBlockError:
    """A ``BlockException`` of the tests, and others that may mean the same."""
    return RefusedBlockError(message, BLOCK + name, *(BLOCK + other for other in more))


#: What the kernel says of a transaction that may not run.
_INVALID = {
    validity.WRONG_CHAIN_ID: ["INVALID_CHAINID"],
    validity.NONCE_TOO_LOW: ["NONCE_MISMATCH_TOO_LOW"],
    validity.NONCE_TOO_HIGH: ["NONCE_MISMATCH_TOO_HIGH"],
    validity.NONCE_MAX: ["NONCE_IS_MAX", "NONCE_TOO_BIG"],
    validity.SENDER_NOT_EOA: ["SENDER_NOT_EOA"],
    validity.INTRINSIC_GAS_TOO_LOW: ["INTRINSIC_GAS_TOO_LOW"],
    validity.FLOOR_GAS_TOO_LOW: ["INTRINSIC_GAS_BELOW_FLOOR_GAS_COST", "INTRINSIC_GAS_TOO_LOW"],
    validity.GAS_LIMIT_TOO_HIGH: ["GAS_LIMIT_EXCEEDS_MAXIMUM"],
    validity.BLOCK_GAS_EXHAUSTED: ["GAS_ALLOWANCE_EXCEEDED"],
    validity.FEE_CAP_TOO_LOW: ["INSUFFICIENT_MAX_FEE_PER_GAS"],
    validity.TIP_ABOVE_FEE_CAP: ["PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS*"],
    validity.INSUFFICIENT_FUNDS: ["INSUFFICIENT_ACCOUNT_FUNDS", "GASLIMIT_PRICE_PRODUCT_OVERFLOW"],
    validity.INITCODE_TOO_LARGE: ["INITCODE_SIZE_EXCEEDED"],
    validity.BLOB_MISSING: ["TYPE_3_TX_ZERO_BLOBS"],
    validity.BLOB_TOO_MANY: ["TYPE_3_TX_BLOB_COUNT_EXCEEDED", "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED"],
    validity.BLOB_VERSION: ["TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH"],
    validity.BLOB_FEE_TOO_LOW: ["INSUFFICIENT_MAX_FEE_PER_BLOB_GAS"],
    validity.BLOB_CREATE: ["TYPE_3_TX_CONTRACT_CREATION"],
    validity.AUTHORIZATIONS_MISSING: ["TYPE_4_EMPTY_AUTHORIZATION_LIST"],
    validity.SET_CODE_CREATE: ["TYPE_4_TX_CONTRACT_CREATION"],
}
#: What it says of one that does not decode.
_UNDECODABLE = {
    decoding.TYPE_NOT_SUPPORTED: ["TYPE_NOT_SUPPORTED"],
    decoding.INVALID_SIGNATURE: ["INVALID_SIGNATURE_VRS", "RLP_INVALID_SIGNATURE*"],
    decoding.CHAIN_ID_TOO_LARGE: ["INVALID_CHAINID"],
    decoding.BLOB_SIDECAR: ["TYPE_3_TX_WITH_FULL_BLOBS"],
    decoding.RECOVERY_FAILED: ["EC_RECOVERY_FAIL", "INVALID_SIGNATURE_VRS"],
}
_MALFORMED = [
    "RLP_*",
    "ADDRESS_TOO_*",
    "NONCE_OVERFLOW",
    "GASLIMIT_OVERFLOW",
    "VALUE_OVERFLOW",
    "GASPRICE_OVERFLOW",
    "PRIORITY_OVERFLOW",
    "TYPE_3_TX_CONTRACT_CREATION",
    "TYPE_3_TX_WITH_FULL_BLOBS",
    "TYPE_4_TX_CONTRACT_CREATION",
    "TYPE_4_INVALID_*",
]


def invalid_transaction(
    index: int, kind: int, status: int, message: str, also: Iterable[int] = ()
) -> RefusedBlockError:
    """A transaction of type ``kind`` that may not be in the block; ``also`` are further faults of it."""
    names = [name for fault in (status, *also) for name in _INVALID.get(fault, ())]
    if status == validity.TYPE_NOT_SUPPORTED:
        names += [f"TYPE_{kind}_TX_PRE_FORK", f"TYPE_{kind}_TX_ZERO_BLOBS_PRE_FORK", "TYPE_NOT_SUPPORTED"]
    return RefusedBlockError(f"transaction {index}: {message}", *(TRANSACTION + name for name in names))


def undecodable_transaction(index: int, kind: int, status: int) -> RefusedBlockError:
    """A transaction that does not decode, or whose signature is void."""
    names = _UNDECODABLE.get(status & 0xFF, _MALFORMED)
    return RefusedBlockError(
        f"transaction {index}: {decoding_text(kind, status)}",
        BLOCK + "RLP_STRUCTURES_ENCODING",
        *(TRANSACTION + name for name in names),
    )
