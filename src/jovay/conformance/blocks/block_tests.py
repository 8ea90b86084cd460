"""Blockchain tests of execution-spec-tests: genesis and blocks → which are valid, and the head's state."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import msgspec

from jovay.chain.types import Header
from jovay.conformance.results import TestResult
from jovay.conformance.state_tests import EngineError, unhex
from jovay.native.hashing import keccak256

from .encoding import DecodedBlock, decode_block
from .engine import BlockEngine
from .header_rules import check_header
from .network import Network, UnsupportedNetworkError, network_of
from .refusals import RefusedBlockError, refused
from .state import State, state_of


@dataclass(frozen=True)
class Known:
    """A block of the chain, the state after it, and the hashes of up to 256 blocks that end with it."""

    header: Header
    state: State
    hashes: list[bytes]


@dataclass
class Outcome:
    """What a chain came to."""

    head: Known
    problems: list[str] = field(default_factory=list)
    valid: int = 0
    refused: int = 0


class TestChain:
    """The chain of one test; a block may follow any that was valid before it."""

    __test__ = False

    def __init__(self, engine: BlockEngine, network: Network, case: dict[str, Any]) -> None:
        self._engine, self._network = engine, network
        genesis = self._decode(unhex(case["genesisRLP"])).header
        state = state_of(case["pre"], engine.library)
        if (root := engine.root_of(state)) != genesis.state_root:
            raise ValueError(f"the pre-state's root is 0x{root.hex()}, not 0x{genesis.state_root.hex()}")
        self.head = Known(genesis, state, [genesis.hash])
        self._known = {genesis.hash: self.head}

    def add(self, data: bytes) -> None:
        """Take a block as the new head; raises ``RefusedBlockError``."""
        block = self._decode(data)
        parent = self._known.get(block.header.parent_hash)
        if parent is None:
            name = "UNKNOWN_PARENT" if any(block.header.parent_hash) else "UNKNOWN_PARENT_ZERO"
            raise refused(name, f"unknown parent 0x{block.header.parent_hash.hex()}")
        check_header(block, parent.header, len(data))
        state = self._engine.execute(block, self._network, parent.header, parent.state, parent.hashes)
        self.head = Known(block.header, state, [*parent.hashes[-255:], block.header.hash])
        self._known[block.header.hash] = self.head

    def _decode(self, data: bytes) -> DecodedBlock:
        return decode_block(data, self._network, lambda content: keccak256(self._engine.library, content))


def run_chain(engine: BlockEngine, case: dict[str, Any]) -> Outcome:
    """Offer all blocks of a test; its problems are where validity or the head is not what the test says.

    Raises ``EngineError``, ``UnsupportedNetworkError``, or ``KeyError``/``ValueError`` for what is no test.
    """
    chain = TestChain(engine, network_of(case["network"], case.get("config") or {}), case)
    outcome = Outcome(chain.head)
    for index, block in enumerate(case["blocks"]):
        expected = block.get("expectException")
        try:
            chain.add(unhex(block["rlp"]))
            outcome.valid += 1
            if expected:
                outcome.problems.append(f"block {index}: expected {expected}, got a valid block")
        except RefusedBlockError as error:
            outcome.refused += 1
            if not expected or not error.is_meant_by(expected):
                got = f"{error} ({'|'.join(error.names)})"
                outcome.problems.append(f"block {index}: expected {expected or 'a valid block'}, got {got}")
    outcome.head = chain.head
    if (head := chain.head.header.hash) != unhex(case["lastblockhash"]):
        outcome.problems.append(f"the head is 0x{head.hex()}, not {case['lastblockhash']}")
    return outcome


class _Head(msgspec.Struct):
    network: str
    blocks: msgspec.Raw


_decode_heads = msgspec.json.Decoder(dict[str, _Head]).decode


@dataclass(frozen=True)
class BlockTests:
    """The suite of blockchain tests."""

    what: str = "blockchain tests"

    def forks_of(self, content: bytes) -> dict[str, Collection[str]]:
        """The network of each test of a file; raises ``msgspec.DecodeError``."""
        return {test: (head.network,) for test, head in _decode_heads(content).items()}

    def run(
        self, engine: BlockEngine, name: str, case: dict[str, Any], forks: frozenset[str]
    ) -> list[TestResult]:
        """The one result of a test."""
        before, network = engine.reordered, case["network"]
        try:
            found = run_chain(engine, case)
        except (
            KeyError,
            ValueError,
            TypeError,
            OverflowError,
            EngineError,
            UnsupportedNetworkError,
        ) as error:
            return [TestResult(name, False, "", network, f"{type(error).__name__}: {error}")]
        except RefusedBlockError as error:
            return [TestResult(name, False, "", network, f"genesis: {error}")]
        return [
            TestResult(
                name,
                not found.problems,
                "0x" + found.head.header.state_root.hex(),
                network,
                "; ".join(found.problems),
                found.head.header.gas_used,
                valid_blocks=found.valid,
                refused_blocks=found.refused,
                reordered_blocks=engine.reordered - before,
            )
        ]
