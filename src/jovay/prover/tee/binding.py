"""What an enclave's quote and signatures are about, as ``TEEVerifier.sol`` hashes it."""

from __future__ import annotations

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from jovay.prover.tee.platform import REPORT_DATA_SIZE

ENCLAVE_KEY = keccak(text="Jovay enclave key 1")
TEE_PROOF = keccak(text="Jovay TEE proof 1")


def report_data(
    l1_chain_id: int, verifier: bytes, enclave: bytes, l1_block: int, l1_block_hash: bytes
) -> bytes:
    """Report data, 64 bytes, that bind a key (its address) to the verifier that it is for and to a moment.

    ``l1_block`` is one of the last 256 when the key is registered: so old the quote may be.
    """
    types = ("bytes32", "uint256", "address", "address", "uint256", "bytes32")
    bound = encode(types, (ENCLAVE_KEY, l1_chain_id, verifier, enclave, l1_block, l1_block_hash))
    return keccak(bound).ljust(REPORT_DATA_SIZE, b"\0")


def proof_digest(l1_chain_id: int, verifier: bytes, statement_hash: bytes) -> bytes:
    """What the enclave's secp256k1 key signs to attest a statement, 32 bytes."""
    types = ("bytes32", "uint256", "address", "bytes32")
    return keccak(encode(types, (TEE_PROOF, l1_chain_id, verifier, statement_hash)))
