"""What travels with a blob transaction and is not part of it: blobs, commitments and proofs (EIP-4844, EIP-7594)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jovay.bridge.l1.client import L1Client
from jovay.bridge.wire import blobs as kzg
from jovay.chain import rlp

#: Wrappers: one proof for each blob, and (from Osaka on) one for each of its cells.
BLOB_PROOFS, CELL_PROOFS = 0, 1
_COMMITMENT = 48
#: P256VERIFY (EIP-7951), which came with Osaka, and a signature that it accepts: of the hash 0, by the key 1 with the
#: nonce 1, so that r and s are the x-coordinate of the generator, which is the public key.
_P256VERIFY = (0x100).to_bytes(20, "big")
_GENERATOR = bytes.fromhex(
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
_SIGNED = bytes(32) + _GENERATOR[:32] * 2 + _GENERATOR


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Blobs with their proofs; ``version`` is the wrapper's."""

    version: int
    blobs: tuple[bytes, ...]
    commitments: tuple[bytes, ...]
    proofs: tuple[bytes, ...]

    @staticmethod
    def of(blobs: Sequence[bytes], version: int) -> Sidecar:
        """Computes commitments and proofs: some 0.1 s a blob for blob proofs, 0.3 s for cell proofs."""
        commitments = tuple(map(kzg.commitment_of, blobs))
        if version == BLOB_PROOFS:
            proofs = tuple(map(kzg.blob_proof, blobs, commitments))
        else:
            proofs = tuple(proof for blob in blobs for proof in kzg.cell_proofs(blob))
        return Sidecar(version, tuple(blobs), commitments, proofs)

    @property
    def versioned_hashes(self) -> tuple[bytes, ...]:
        return tuple(map(kzg.versioned_hash, self.commitments))

    def wrap(self, raw: bytes) -> bytes:
        """A signed blob transaction as nodes take it."""
        version = rlp.encode(self.version) if self.version else b""
        parts = b"".join(map(rlp.encode, (self.blobs, self.commitments, self.proofs)))
        return raw[:1] + rlp.encode_list(raw[1:] + version + parts)

    def pack(self) -> tuple[int, bytes, bytes, bytes]:
        """Columns of a store."""
        return self.version, b"".join(self.blobs), b"".join(self.commitments), b"".join(self.proofs)

    @staticmethod
    def unpack(version: int, blobs: bytes, commitments: bytes, proofs: bytes) -> Sidecar:
        """From columns of a store."""
        return Sidecar(
            version, _cut(blobs, kzg.SIZE), _cut(commitments, _COMMITMENT), _cut(proofs, _COMMITMENT)
        )


def wrapper(client: L1Client) -> int:
    """The version of the wrapper that L1 takes now."""
    verified = client.eth_call(_P256VERIFY, _SIGNED)
    return CELL_PROOFS if int.from_bytes(verified, "big") == 1 else BLOB_PROOFS


def _cut(data: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(data[at : at + size] for at in range(0, len(data), size))
