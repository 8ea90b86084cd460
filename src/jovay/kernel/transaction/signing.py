"""What a transaction's signature signs (EIP-155, 2930, 1559, 4844, 7702), and secp256k1's ranges."""

from jovay.kernel.lang import U64, U256, Ptr, copy, kernel, store8
from jovay.kernel.rlp import u64_size, write_list_header, write_u64

from .record import LEGACY, Transaction

SECP256K1_ORDER = U256(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141)
SECP256K1_HALF_ORDER = U256(0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0)

#: A signing payload is at most this much longer than the raw transaction.
SIGNING_OVERHEAD = 32


@kernel(inline=False)
def signing_payload(tx: Transaction, out: Ptr) -> U64:
    """Write the bytes whose Keccak-256 is signed; returns their number ≤ raw size + ``SIGNING_OVERHEAD``.

    They are those of the transaction without its signature, under a list header of their own.
    """
    at, size = out, tx.signed_size
    if tx.kind != LEGACY:
        store8(at, tx.kind)
        at += 1
    protected = tx.kind == LEGACY and tx.has_chain_id != 0
    at = write_list_header(at, size + u64_size(tx.chain_id) + 2 if protected else size)
    copy(at, tx.signed, size)
    at += size
    if protected:
        at = write_u64(at, tx.chain_id)
        store8(at, U64(0x80))
        store8(at + 1, U64(0x80))
        at += 2
    return at - out
