"""SPV (Simplified Payment Verification, as the white paper calls it): what a block touched, with the values before it
and the multiproof that shows them. TracerDB holds it.

The white paper's Basic Trace, a block's header, transactions and write set, is in the block log; with that, SPV data
are all that a stateless execution needs. Little-endian: a head (numbers of accounts, slots, founded slots, code hashes
and ancestors, 4 bytes each and 4 zeros; bytes of the code and of the multiproof, 8 each), then ``AccountChange``
records, ``SlotChange`` records of the slots, and of those founded, the code hashes (32 bytes each), and the multiproof.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.native.records import dtype_of

from .writes import Records

_HEAD = struct.Struct("<5I4x2Q")
HEAD_BYTES, HASH = _HEAD.size, 32
Buffer = bytes | memoryview


class Sizes(NamedTuple):
    """The head: how many accounts, slots, founded slots, code hashes and ancestors, bytes of code and multiproof."""

    accounts: int
    slots: int
    founded: int
    codes: int
    ancestors: int
    code_bytes: int
    proof: int

    @classmethod
    def decode(cls, data: bytes) -> Sizes:
        """Of a record's first bytes. ``ValueError`` if they are too few."""
        if len(data) < _HEAD.size:
            raise ValueError(f"an SPV of {len(data)} bytes")
        return cls(*_HEAD.unpack_from(data))


@dataclass(frozen=True, slots=True)
class Spv:
    """SPV data of one block.

    ``founded``: slots that it puts where nothing was; ``code_hashes``: of the accounts' code, each once, of
    ``code_bytes`` bytes in all. Execution asks for the hashes of the ``ancestors`` blocks before.
    """

    accounts: Records
    slots: Records
    founded: Records
    ancestors: int
    code_hashes: tuple[bytes, ...]
    code_bytes: int
    proof: bytes

    @classmethod
    def of(cls, accounts: Records, slots: Records, founded: Records, ancestors: int, proof: bytes) -> Spv:
        """What the producer recorded, and the multiproof of it."""
        with_code = accounts[accounts["code_size"] != 0]
        sizes = {
            row["code_hash"].tobytes()[::-1]: int(row["code_size"])
            for row in with_code[np.unique(with_code["code_hash"], return_index=True)[1]]
        }
        return cls(accounts, slots, founded, ancestors, tuple(sizes), sum(sizes.values()), proof)

    def encode(self) -> list[Buffer]:
        """Its bytes, in parts; of records and multiproof no copies."""
        records = self.accounts, self.slots, self.founded
        counts = *map(len, records), len(self.code_hashes), self.ancestors
        head = _HEAD.pack(*counts, self.code_bytes, len(self.proof))
        views = [np.ascontiguousarray(part).view(np.uint8).data for part in records]
        return [head, *views, b"".join(self.code_hashes), self.proof]

    @classmethod
    def decode(cls, data: bytes) -> Spv:
        """The inverse of ``encode``; ``ValueError`` for anything else."""
        sizes = Sizes.decode(data)
        at, parts = _HEAD.size, list[Records]()
        kinds = (sizes.accounts, AccountChange), (sizes.slots, SlotChange), (sizes.founded, SlotChange)
        for count, record in kinds:
            end = at + count * record.size
            if end > len(data):
                raise ValueError(f"an SPV of {len(data)} bytes whose records end at {end}")
            parts.append(np.frombuffer(data[at:end], dtype_of(record)))
            at = end
        proof = at + sizes.codes * HASH
        if proof + sizes.proof != len(data):
            raise ValueError(f"an SPV of {len(data)} bytes whose parts take {proof + sizes.proof}")
        hashes = tuple(data[start : start + HASH] for start in range(at, proof, HASH))
        return cls(parts[0], parts[1], parts[2], sizes.ancestors, hashes, sizes.code_bytes, data[proof:])
