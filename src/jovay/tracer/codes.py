"""Contract code by its hash, wherever a chain has it."""

from __future__ import annotations

from collections.abc import Sequence

from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.state.historical_values import stored_writes
from jovay.storage.datadir import DataDirectory


def codes_of(library: Library, data: DataDirectory, hashes: Sequence[bytes]) -> list[bytes] | None:
    """The code with these hashes: from the flat state, and what is newer from the log's write sets.

    None if some is nowhere, which only code of a block that left the chain can be.
    """
    found = dict(zip(hashes, data.state.codes(b"".join(hashes)), strict=True))
    number = data.blocks.latest
    while None in found.values() and number > max(data.state.height, 0):
        for code in stored_writes(data.blocks, number).codes:
            digest = keccak256(library, code)
            if digest in found:
                found[digest] = code
        number -= 1
    codes = [code for code in found.values() if code is not None]
    return codes if len(codes) == len(found) else None
