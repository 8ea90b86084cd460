"""Who signed: senders of transactions, authorities of EIP-7702 tuples."""

from jovay.kernel.curves.secp256k1 import recover
from jovay.kernel.hashes.keccak import keccak256
from jovay.kernel.lang import U64, U256, Ptr, copy, kernel, store8
from jovay.kernel.rlp import write_list_header

from .lists import Authorization
from .record import L1_MESSAGE, Transaction
from .signing import SECP256K1_HALF_ORDER, SECP256K1_ORDER
from .status import INVALID_SIGNATURE, RECOVERY_FAILED

#: EIP-7702's domain byte.
AUTHORIZATION_MAGIC = 5
#: Scratch that ``authority_of`` needs.
AUTHORIZATION_SCRATCH = 256


@kernel
def recover_sender(tx: Transaction, scratch: Ptr) -> U64:
    """Recover ``tx.sender`` of a decoded transaction; scratch 64 bytes. Status 0 or ``RECOVERY_FAILED``."""
    if tx.kind == L1_MESSAGE:
        return U64(0)
    return recover_address(tx.signing_hash, tx.r, tx.s, tx.y_parity, tx.sender, scratch)


@kernel(inline=False)
def recover_address(digest: Ptr, r: U256, s: U256, y_parity: U64, out: Ptr, scratch: Ptr) -> U64:
    """Address (20 bytes to ``out``) whose key made the signature; scratch of 64 bytes."""
    if not recover(digest, r, s, y_parity, scratch):
        return U64(RECOVERY_FAILED)
    keccak256(scratch, U64(64), scratch)
    copy(out, scratch + 12, U64(20))
    return U64(0)


@kernel(inline=False)
def authority_of(authorization: Authorization, scratch: Ptr) -> U64:
    """Recover the signer of an EIP-7702 tuple into ``authority``; scratch of ``AUTHORIZATION_SCRATCH`` bytes.

    Status ``INVALID_SIGNATURE`` (ranges, high s) or ``RECOVERY_FAILED``: the tuple is void, not the rest.
    """
    r, s = authorization.r, authorization.s
    if r == 0 or r >= SECP256K1_ORDER or s == 0 or s > SECP256K1_HALF_ORDER or authorization.y_parity > 1:
        return U64(INVALID_SIGNATURE)
    payload = scratch + 64
    store8(payload, U64(AUTHORIZATION_MAGIC))
    at = write_list_header(payload + 1, authorization.signed_size)
    copy(at, authorization.signed, authorization.signed_size)
    digest = scratch + 192
    keccak256(payload, at + authorization.signed_size - payload, digest)
    return recover_address(digest, r, s, authorization.y_parity, authorization.authority, scratch)
