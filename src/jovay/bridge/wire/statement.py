"""The statement that both provers make of a batch; its hash is what they sign or prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from jovay.bridge.errors import WireError
from jovay.chain.hexadecimal import hexed

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

    def to_json(self) -> dict[str, Any]:
        """As the prover controller's answers have it: names in camel case, numbers, bytes in hex."""
        shown: dict[str, Any] = {_camel(one.name): getattr(self, one.name) for one in fields(self)}
        shown = {name: hexed(value) if isinstance(value, bytes) else value for name, value in shown.items()}
        return {**shown, "openings": [[hexed(z), hexed(y)] for z, y in self.openings]}

    @classmethod
    def from_json(cls, shown: Any) -> Statement:
        """The inverse of ``to_json``. Raises WireError."""
        try:
            values = {one.name: _value(one.name, one.type, shown[_camel(one.name)]) for one in fields(cls)}
        except (KeyError, TypeError, ValueError) as error:
            raise WireError("statement", f"{type(error).__name__}: {error}") from error
        return cls(**values)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


def _value(name: str, kind: Any, shown: Any) -> Any:
    if name == "openings":
        return [(_bytes(z, 32), _bytes(y, 32)) for z, y in shown]
    if kind == "int":
        if type(shown) is not int or not 0 <= shown < 1 << 64:
            raise ValueError(f"{name} is {shown!r}")
        return shown
    return _bytes(shown, 20 if name == "rollup" else 32)


def _bytes(shown: str, size: int) -> bytes:
    value = bytes.fromhex(str.removeprefix(shown, "0x"))
    if len(value) != size:
        raise ValueError(f"{len(value)} bytes, not {size}")
    return value
