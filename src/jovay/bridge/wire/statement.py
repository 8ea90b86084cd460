"""The statement that both provers make of a batch; its hash is what they sign or prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.crypto import keccak

STATEMENT = keccak(text="Jovay statement 1")
_TYPES = ("bytes32", "uint256", "address", "uint64", *("bytes32",) * 7, "uint64", *("bytes32",) * 3)


@dataclass(frozen=True, slots=True)
class Statement:
    """Roots and hashes are 32 bytes; ``last_timestamp`` in milliseconds; ``openings`` (z, y) for each blob."""

    l1_chain_id: int
    rollup: bytes
    l2_chain_id: int
    chain_config_hash: bytes
    parent_batch_hash: bytes
    batch_hash: bytes
    pre_state_root: bytes
    post_state_root: bytes
    parent_block_hash: bytes
    last_block_hash: bytes
    last_timestamp: int
    l2_msg_root: bytes
    data_digest: bytes
    openings: Sequence[tuple[bytes, bytes]] = ()

    @property
    def hash(self) -> bytes:
        """keccak of the ABI encoding, as ``Statement.sol`` computes it."""
        values = (
            STATEMENT,
            self.l1_chain_id,
            self.rollup,
            self.l2_chain_id,
            self.chain_config_hash,
            self.parent_batch_hash,
            self.batch_hash,
            self.pre_state_root,
            self.post_state_root,
            self.parent_block_hash,
            self.last_block_hash,
            self.last_timestamp,
            self.l2_msg_root,
            self.data_digest,
            keccak(b"".join(z + y for z, y in self.openings)),
        )
        return keccak(encode(_TYPES, values))
