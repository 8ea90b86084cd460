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

import numpy as np

from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.native.records import dtype_of

from .writes import Records

_HEAD = struct.Struct("<5I4x2Q")
HASH = 32


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

    def encode(self) -> list[bytes]:
        """Its bytes, in parts."""
        records = self.accounts, self.slots, self.founded
        counts = *map(len, records), len(self.code_hashes), self.ancestors
        head = _HEAD.pack(*counts, self.code_bytes, len(self.proof))
        return [head, *(part.tobytes() for part in records), b"".join(self.code_hashes), self.proof]

    @classmethod
    def decode(cls, data: bytes) -> Spv:
        """The inverse of ``encode``; ``ValueError`` for anything else."""
        if len(data) < _HEAD.size:
            raise ValueError(f"an SPV of {len(data)} bytes")
        accounts, slots, founded, codes, ancestors, code_bytes, proof = _HEAD.unpack_from(data)
        at, parts = _HEAD.size, list[Records]()
        for count, record in ((accounts, AccountChange), (slots, SlotChange), (founded, SlotChange)):
            end = at + count * record.size
            if end > len(data):
                raise ValueError(f"an SPV of {len(data)} bytes whose records end at {end}")
            parts.append(np.frombuffer(data[at:end], dtype_of(record)))
            at = end
        if at + codes * HASH + proof != len(data):
            raise ValueError(f"an SPV of {len(data)} bytes whose parts take {at + codes * HASH + proof}")
        hashes = tuple(data[at + i * HASH : at + (i + 1) * HASH] for i in range(codes))
        return cls(parts[0], parts[1], parts[2], ancestors, hashes, code_bytes, data[at + codes * HASH :])
