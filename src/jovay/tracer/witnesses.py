"""Execution witnesses of stored blocks: from what was recorded when they were made, else from a second execution."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Iterator, Sequence

from jovay.chain.rules import ChainRules
from jovay.chain.types import ExecutionWitness, Header
from jovay.native.library import Library
from jovay.state.errors import ExecutionError, UnknownBlockError
from jovay.state.spv import HEAD_BYTES, Sizes, Spv
from jovay.state.trie import SCHEME
from jovay.state.writes import Records, WriteSet
from jovay.storage.datadir import DataDirectory
from jovay.storage.environments import stored_environment
from jovay.storage.headers import read_header

from .codes import codes_of
from .errors import WitnessError
from .lookback import Lookback
from .replica import Replicas, has_write_sets
from .witness import BlockInput, StatelessExecutor

log = logging.getLogger("jovay.tracer")
ARENA_BYTES = 8 << 30
SCALES = (0, 1)
"""Sizes of the arenas that the execution gets: a guest's where that is enough."""


class Witnesses:
    """Makes witnesses, and hands out none with which the block cannot be executed."""

    def __init__(self, library: Library, data: DataDirectory, rules: ChainRules, lookback: Lookback) -> None:
        self._library, self._data, self._rules = library, data, rules
        self._lookback, self._replicas = lookback, Replicas(library, data.blocks, rules)
        self._executor: StatelessExecutor | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give back what second executions keep."""
        self._replicas.close()

    def witness(self, number: int, time_limit: float) -> ExecutionWitness:
        """Witness of block ``number``; ``WitnessError`` where a block is not what its transactions make of it."""
        if not max(self._data.blocks.oldest, 0) < number <= self._data.blocks.latest:
            raise UnknownBlockError(number)
        header = read_header(self._data.blocks, number)
        recorded = self._recorded(header)
        if recorded is not None:
            try:
                return self._proven(header, recorded)
            except ExecutionError as error:
                log.warning("what was recorded of block %d is of no use: %s", number, error)
        return self._proven(header, self._executed(header, time_limit))

    def spv(self, number: int, time_limit: float, again: bool = False) -> Spv:
        """What stored block ``number`` touched: as it was recorded, else (or ``again``) by executing it again."""
        header = read_header(self._data.blocks, number)
        recorded = None if again else self._recorded(header)
        return self._executed(header, time_limit) if recorded is None else recorded

    def _executed(self, header: Header, time_limit: float) -> Spv:
        if has_write_sets(self._data.blocks):
            return self._replicas.execute(header, time_limit)
        return self._lookback.execute(header.number, time_limit)

    def sizes(self, number: int) -> Sizes | None:
        """Of what was recorded of a stored block; None if nothing was. Of the record only the head is read."""
        head = self._data.tracer.read(number, self._data.blocks.hash_of(number), HEAD_BYTES)
        return None if head is None else Sizes.decode(head)

    def _recorded(self, header: Header) -> Spv | None:
        contents = self._data.tracer.read(header.number, header.hash)
        if contents is None:
            return None
        try:
            return Spv.decode(contents)
        except ValueError as error:
            log.warning("what was recorded of block %d is damaged: %s", header.number, error)
            return None

    def _proven(self, header: Header, spv: Spv) -> ExecutionWitness:
        """The witness, once the stateless function has made the block of it."""
        codes = codes_of(self._library, self._data, spv.code_hashes)
        if codes is None:
            raise WitnessError(header.number, "the code of an account is not stored")
        given = self._input(header, spv, codes)
        return ExecutionWitness(
            scheme=SCHEME,
            input=self._checked(given, header),
            state=(spv.proof,),
            codes=tuple(codes),
            keys=tuple(_keys(spv.accounts, spv.slots, spv.founded)),
            headers=(self._data.blocks.header(header.number - 1),),
        )

    def _input(self, header: Header, spv: Spv, codes: Sequence[bytes]) -> BlockInput:
        blocks, number = self._data.blocks, header.number
        offsets, raw = blocks.transactions(number)
        ends = offsets.tolist()
        return BlockInput(
            block=bytes(stored_environment(blocks, self._rules, header).record()),
            parent_hash=header.parent_hash,
            parent_root=read_header(blocks, number - 1).state_root,
            touched=WriteSet(spv.accounts, spv.slots, codes),
            multiproof=spv.proof,
            hashes=[blocks.hash_of(before) for before in range(number - spv.ancestors, number)],
            transactions=[raw[start:end] for start, end in itertools.pairwise(ends)],
        )

    def _checked(self, given: BlockInput, header: Header) -> bytes:
        """The encoded input, once it has given the block's roots."""
        reason = ""
        for scale in SCALES:
            encoded = given.encode(scale)
            with self._lock:
                if self._executor is None:
                    self._executor = StatelessExecutor(self._library, ARENA_BYTES)
                result = self._executor.execute(encoded)
            if not result.status:
                if (result.state_root, result.receipts_root) == (header.state_root, header.receipts_root):
                    return encoded
                reason = "development methods have changed the state in it"
                break
            reason = result.error
        raise WitnessError(header.number, reason)


def _keys(accounts: Records, *slots: Records) -> Iterator[bytes]:
    """Addresses, and addresses with a slot behind."""
    for row in accounts:
        yield row["address"].tobytes()[19::-1]
    for part in slots:
        for row in part:
            yield row["address"].tobytes()[19::-1] + row["key"].tobytes()[::-1]
