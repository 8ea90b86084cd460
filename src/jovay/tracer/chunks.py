"""Witnesses of chunks: what was recorded of each of their blocks, as one."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Sequence

import numpy as np

from jovay.kernel.block.changes import KEPT_CODE, KEPT_UPPER
from jovay.kernel.transaction.record import L1_MESSAGE
from jovay.native.library import Library
from jovay.state.errors import TrieError, UnknownBlockError
from jovay.state.spv import Spv
from jovay.state.trie import StateTrie
from jovay.state.writes import Records, WriteSet, chosen
from jovay.storage.datadir import DataDirectory
from jovay.storage.headers import read_header
from jovay.storage.standing import read_standing

from .chunk_witness import ChunkWitness
from .codes import codes_of
from .errors import WitnessError

log = logging.getLogger("jovay.tracer")


class ChunkWitnesses:
    """Over one node's stored blocks; ``spv`` has what was recorded of them (``Witnesses.spv``)."""

    def __init__(self, library: Library, data: DataDirectory, spv: Callable[[int, float, bool], Spv]) -> None:
        self._library, self._data, self._spv = library, data, spv

    def witness(self, first: int, last: int, time_limit: float, again: bool = False) -> ChunkWitness:
        """Of blocks ``first`` to ``last``; ``again``: not from what was recorded.

        Raises ``UnknownBlockError``, and ``WitnessError`` if it cannot be put together in time.
        """
        blocks = self._data.blocks
        if not max(blocks.oldest, 0) < first <= last <= blocks.latest:
            raise UnknownBlockError(last if first > blocks.oldest else first)
        spvs, touched, proof = self._proven(first, last, time_limit, again)
        codes = codes_of(self._library, self._data, code_hashes(touched.accounts))
        if codes is None:
            raise WitnessError(first, "the code of an account is not stored")
        before = read_standing(blocks, first - 1)
        return ChunkWitness(
            parent_header=blocks.header(first - 1),
            first_l1_message=before.next_message,
            rolling_hash=before.rolling_hash,
            l1_messages=[raw for number in range(first, last + 1) for raw in l1_messages(self._data, number)],
            hashes=[(number, blocks.hash_of(number)) for number in older_hashes(first, spvs)],
            touched=WriteSet(touched.accounts, touched.slots, codes),
            multiproof=proof,
        )

    def _proven(
        self, first: int, last: int, time_limit: float, again: bool
    ) -> tuple[list[Spv], WriteSet, bytes]:
        """What was recorded of the blocks, what execution is told of all, and the multiproof of that before the first.

        Where records do not lead to the blocks' roots, the blocks are executed again.
        """
        deadline = time.monotonic() + time_limit
        roots = [read_header(self._data.blocks, number - 1).state_root for number in range(first, last + 1)]
        for anew in (True,) if again else (False, True):
            spvs = [self._spv(number, deadline - time.monotonic(), anew) for number in range(first, last + 1)]
            try:
                _, told, proof = joined(self._library, spvs, roots)
                return spvs, told, proof
            except TrieError as error:
                log.warning("what was recorded of blocks %d to %d is of no use: %s", first, last, error)
        raise WitnessError(first, "what its blocks touched does not lead to their state roots")


def joined(library: Library, spvs: Sequence[Spv], roots: Sequence[bytes]) -> tuple[WriteSet, WriteSet, bytes]:
    """What consecutive blocks touched, as of ``union``, and the multiproof of what is proven; ``roots`` are those
    before each. Raises ``TrieError`` where a block's multiproof does not lead to its root, or lacks a key.
    """
    proven, told = union(spvs)
    return proven, told, StateTrie.joined(library, [spv.proof for spv in spvs], roots, proven)


def older_hashes(first: int, spvs: Sequence[Spv]) -> range:
    """The blocks before the parent of block ``first`` whose hashes that and the following ones asked for."""
    oldest = min(number - spv.ancestors for number, spv in enumerate(spvs, first))
    return range(max(0, oldest), first - 1)


def union(spvs: Sequence[Spv]) -> tuple[WriteSet, WriteSet]:
    """All keys of consecutive blocks, with the values before the first: those to be proven, where ``kept`` is what all
    blocks kept; and those that execution is told, which are all but slots that nobody touched before they were founded.
    """
    accounts, first, number = _distinct([spv.accounts for spv in spvs], "address")
    kept = np.full(len(first), KEPT_CODE | KEPT_UPPER, np.uint64)
    np.bitwise_and.at(kept, number, accounts["kept"])
    proven, told = chosen(accounts, first), chosen(accounts, first)
    proven["kept"], told["kept"] = kept, 0
    parts = [part for spv in spvs for part in (spv.slots, spv.founded)]
    founds = np.repeat(np.arange(len(parts)) % 2 != 0, [len(part) for part in parts])
    slots, first, _ = _distinct(parts, "address", "key")
    return WriteSet(proven, chosen(slots, first)), WriteSet(told, chosen(slots, first[~founds[first]]))


def _distinct(parts: Sequence[Records], *keys: str) -> tuple[Records, np.ndarray, np.ndarray]:
    """All records, where each key is first among them (in the keys' order), and each record's key among those."""
    records = np.concatenate(parts)
    rows = np.hstack([np.frombuffer(records[key].tobytes(), np.uint8).reshape(-1, 32) for key in keys])
    names = np.ascontiguousarray(rows).view(f"V{rows.shape[1]}").reshape(-1)
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    return records, first, number


def code_hashes(accounts: Records) -> list[bytes]:
    """Of the accounts with code, each once."""
    hashes = accounts["code_hash"][accounts["code_size"] != 0]
    return [digest.tobytes()[::-1] for digest in np.unique(hashes)]


def l1_messages(data: DataDirectory, number: int) -> list[bytes]:
    """The L1 messages of a stored block: its first transactions."""
    offsets, raw = data.blocks.transactions(number)
    found = []
    for start, end in itertools.pairwise(offsets.tolist()):
        if raw[start] != L1_MESSAGE:
            break
        found.append(raw[start:end])
    return found
