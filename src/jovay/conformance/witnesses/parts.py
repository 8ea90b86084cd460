"""A witness taken apart: lists of bytes, of which any may be changed, put together again with counts that fit."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from jovay.kernel.block.changes import ACCOUNT_CHANGE_SIZE, SLOT_CHANGE_SIZE, AccountChange, SlotChange
from jovay.kernel.lang import Record, Word
from jovay.kernel.machine.environment import Block
from jovay.kernel.programs.stateless import Witness
from jovay.tracer.parts import padded

_WORD = struct.Struct("<Q")
Field = tuple[int, int]
"""Offset and width."""


def _words(record: type[Record], base: int = 0) -> dict[str, Field]:
    return {
        name: (base + offset, kind.bits // 8)
        for name, (kind, offset) in record.fields.items()
        if isinstance(kind, type) and issubclass(kind, Word)
    }


#: Words of the head, those of the environment as ``block.name``; of an account's and of a slot's record.
HEAD = _words(Witness)
HEAD |= {f"block.{name}": at for name, at in _words(Block, Witness.fields["block"][1]).items()}
ACCOUNT, SLOT = _words(AccountChange), _words(SlotChange)
PARENT_ROOT = Witness.fields["parent_root"][1]


def get(data: bytes | bytearray, at: Field) -> int:
    return int.from_bytes(data[at[0] : at[0] + at[1]], "little")


def put(data: bytearray, at: Field, value: int) -> None:
    """Write a word, cut to its width."""
    offset, width = at
    data[offset : offset + width] = (value % (1 << 8 * width)).to_bytes(width, "little")


@dataclass
class Parts:
    """All of a witness."""

    head: bytearray
    accounts: list[bytes] = field(default_factory=list)
    slots: list[bytes] = field(default_factory=list)
    codes: list[bytes] = field(default_factory=list)
    proof: bytes = b""
    hashes: list[bytes] = field(default_factory=list)
    transactions: list[bytes] = field(default_factory=list)
    tail: bytes = b""

    def encode(self) -> bytes:
        """The bytes, with counts and sizes that fit."""
        body = [padded(b"".join(self.accounts)), padded(b"".join(self.slots))]
        for code in self.codes:
            body += [_WORD.pack(len(code)), padded(code)]
        body += [padded(self.proof), *self.hashes]
        for raw in self.transactions:
            body += [_WORD.pack(len(raw)), padded(raw)]
        joined = b"".join([*body, self.tail])
        for name, value in (
            ("account_count", len(self.accounts)),
            ("slot_count", len(self.slots)),
            ("code_count", len(self.codes)),
            ("multiproof_size", len(self.proof)),
            ("hash_count", len(self.hashes)),
            ("transaction_count", len(self.transactions)),
            ("size", Witness.size + len(joined)),
        ):
            put(self.head, HEAD[name], value)
        return bytes(self.head) + joined

    @property
    def parent_root(self) -> bytes:
        return bytes(self.head[PARENT_ROOT : PARENT_ROOT + 32])

    @parent_root.setter
    def parent_root(self, root: bytes) -> None:
        self.head[PARENT_ROOT : PARENT_ROOT + 32] = root


def take_apart(data: bytes) -> Parts:
    """The parts of a well-formed witness; ``encode`` gives the same bytes again."""
    parts = Parts(bytearray(data[: Witness.size]))
    counts = {name: get(data, at) for name, at in HEAD.items()}
    at = Witness.size

    def take(size: int) -> bytes:
        nonlocal at
        found = data[at : at + size]
        at += size + -size % 8
        return found

    def take_sized() -> bytes:
        return take(_WORD.unpack(take(8))[0])

    accounts, slots = (
        take(counts["account_count"] * ACCOUNT_CHANGE_SIZE),
        take(counts["slot_count"] * SLOT_CHANGE_SIZE),
    )
    parts.accounts = _cut(accounts, ACCOUNT_CHANGE_SIZE)
    parts.slots = _cut(slots, SLOT_CHANGE_SIZE)
    parts.codes = [take_sized() for _ in range(counts["code_count"])]
    parts.proof = take(counts["multiproof_size"])
    parts.hashes = [take(32) for _ in range(counts["hash_count"])]
    parts.transactions = [take_sized() for _ in range(counts["transaction_count"])]
    parts.tail = data[at:]
    return parts


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
