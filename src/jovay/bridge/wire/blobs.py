"""Blobs (EIP-4844): DA data in field elements of 31 bytes, their commitments, and openings at a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import as_file, files

import ckzg
import numpy as np
from eth_utils.crypto import keccak

from jovay.bridge.errors import WireError
from jovay.bridge.wire.da import DaData
from jovay.kernel.curves.bls12_381.curve import R as BLS_MODULUS

WORDS, WORD, DATA = 4096, 32, 31
SIZE = WORDS * WORD
CAPACITY = WORDS * DATA


def blob_count(da: DaData) -> int:
    """As few blobs as hold the data."""
    return max(1, -(-len(da.data) // CAPACITY))


def to_blobs(da: DaData) -> list[bytes]:
    """As few blobs as hold the data; the last is filled up with zeros."""
    count = blob_count(da)
    words = np.zeros((count * WORDS, WORD), np.uint8)
    padded = da.data.ljust(count * CAPACITY, b"\0")
    words[:, 1:] = np.frombuffer(padded, np.uint8).reshape(-1, DATA)
    words[0, 0] = da.da_version
    data = words.tobytes()
    return [data[at : at + SIZE] for at in range(0, len(data), SIZE)]


def from_blobs(blobs: Sequence[bytes]) -> DaData:
    """The data that ``blobs`` hold. Refused: set high bytes, data after the end, a blob too many."""
    if not blobs or any(len(blob) != SIZE for blob in blobs):
        raise WireError("blobs", f"sizes {[len(blob) for blob in blobs]} instead of {SIZE} each")
    words = np.frombuffer(b"".join(blobs), np.uint8).reshape(-1, WORD)
    if words[1:, 0].any():
        raise WireError(
            "blobs", "a field element of more than 31 bytes", int(words[1:, 0].argmax() + 1) * WORD
        )
    da = DaData.padded(int(words[0, 0]), words[:, 1:].tobytes())
    if blob_count(da) != len(blobs):
        raise WireError("blobs", f"{len(blobs)} blobs for {len(da.data)} bytes")
    return da


@dataclass(frozen=True, slots=True)
class Opening:
    """Blob polynomial's value ``y`` at ``z`` with its proof, as the precompile 0x0a takes them."""

    commitment: bytes
    z: bytes
    y: bytes
    proof: bytes

    @property
    def versioned_hash(self) -> bytes:
        return versioned_hash(self.commitment)


def commitment_of(blob: bytes) -> bytes:
    """KZG commitment, 48 bytes."""
    return bytes(ckzg.blob_to_kzg_commitment(blob, _setup()))


def blob_proof(blob: bytes, commitment: bytes) -> bytes:
    """The proof that EIP-4844's wrapper carries, 48 bytes."""
    return bytes(ckzg.compute_blob_kzg_proof(blob, commitment, _setup()))


def cell_proofs(blob: bytes) -> list[bytes]:
    """The proofs of a blob's 128 cells, which EIP-7594's wrapper carries."""
    _, proofs = ckzg.compute_cells_and_kzg_proofs(blob, _setup())
    return list(map(bytes, proofs))


def versioned_hash(commitment: bytes) -> bytes:
    """EIP-4844, kzg_to_versioned_hash."""
    return b"\x01" + sha256(commitment).digest()[1:]


def data_hash(versioned_hashes: Sequence[bytes]) -> bytes:
    """``dataHash`` of a batch that travels in blobs."""
    return keccak(b"".join(versioned_hashes))


def evaluation_point(versioned_hash: bytes, data_digest: bytes) -> bytes:
    """z, drawn from the commitment and the data that a prover worked with."""
    return (int.from_bytes(keccak(versioned_hash + data_digest), "big") % BLS_MODULUS).to_bytes(32, "big")


def open_blob(blob: bytes, commitment: bytes, data_digest: bytes) -> Opening:
    """The opening that L1 asks for."""
    z = evaluation_point(versioned_hash(commitment), data_digest)
    proof, y = ckzg.compute_kzg_proof(blob, z, _setup())
    return Opening(commitment, z, bytes(y), bytes(proof))


def prepare() -> None:
    """Load the powers of Ethereum's ceremony, which takes seconds, before the first blob has to wait for them."""
    _setup()


@cache
def _setup() -> object:
    # eth-account ships the powers of Ethereum's ceremony; L1's precompile refuses what others make.
    with as_file(files("eth_account") / "typed_transactions/blob_transactions/kzg_trusted_setup.txt") as path:
        return ckzg.load_trusted_setup(str(path), 0)
