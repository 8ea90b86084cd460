"""Faults for a stepped relayer: death at any write, servers that are gone, L1 going back, dear gas, a hostile owner.

A script is drawn from a seed. While it runs anything may fail; afterwards everything must come to rest in one state.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jovay.bridge.errors import ControllerUnreachableError, L1UnreachableError
from jovay.bridge.l1.record import Kind
from rigs.l2_blocks import MadeBlocks
from rigs.relayed_l1 import MadeProofs, RelayedL1
from rigs.relayer import SteppedRelayer

#: Blocks of L1 that go back at most, and those after which L2 executes a message, and nothing is expected to change.
DEEPEST, CONFIRMED = 32, 40


class Killed(BaseException):
    """The process ends here."""


class Fuse:
    """Ends the process at a write: before it, within its transaction, or after it."""

    def __init__(self) -> None:
        self.left = -1
        self.kills = 0

    def burn(self) -> None:
        if self.left == 0:
            self.left, self.kills = -1, self.kills + 1
            raise Killed
        if self.left > 0:
            self.left -= 1

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            self.burn()
            found = function(*arguments, **named)
            self.burn()
            return found

        return wrapped

    def within(self, transaction: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def wrapped() -> Iterator[Any]:
            self.burn()
            with transaction() as found:
                yield found
                self.burn()
            self.burn()

        return wrapped


class Script:
    """One run on contracts of its own."""

    def __init__(self, url: str, folder: Path, seed: int, now_ms: int) -> None:
        self.random = random.Random(seed)
        self.chain = MadeBlocks(start_ms=now_ms - 60_000, seed=seed)
        self.l1 = RelayedL1(url, self.chain.blocks[0].hash)
        self.proofs = MadeProofs(self.l1, self.chain)
        self.folder = folder
        self.fuse = Fuse()
        self.l1_gone = self.controller_gone = 0
        self.problems: list[str] = []
        self._unreachable()
        if seed % 3:  # data are dear in blobs: they go as calldata, which is quicker to try
            self.l1.client.blob_base_fee = lambda: 10**15  # type: ignore[method-assign]
        self.messages = [self.l1.send_message() for _ in range(self.random.randrange(6))]
        self.l1.mine(CONFIRMED)
        self.relayer = self._open()

    def _unreachable(self) -> None:
        """Let servers be gone for as many turns as is wanted."""
        call, prove, proof = self.l1.client.call, self.proofs.prove, self.proofs.proof

        def asked(method: str, *parameters: Any) -> Any:
            if self.l1_gone:
                raise L1UnreachableError("L1", method, "gone")
            return call(method, *parameters)

        def through(function: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(*arguments: Any) -> Any:
                if self.controller_gone:
                    raise ControllerUnreachableError("the controller", "gone")
                return function(*arguments)

            return wrapped

        client, proofs = self.l1.client, self.proofs
        client.call = asked  # type: ignore[method-assign]
        proofs.prove, proofs.proof = through(prove), through(proof)  # type: ignore[method-assign]

    def _open(self, name: str = "relayer") -> SteppedRelayer:
        found = SteppedRelayer(self.l1, self.chain, self.proofs, self.folder / name, confirmations=CONFIRMED)
        parts: Any = found.relayer
        for file in (parts.store._file, parts.commits._store._file, parts.claims._store._file):
            file.write = self.fuse.around(file.write)
            file.transaction = self.fuse.within(file.transaction)
        for manager in (parts.commits, parts.claims):
            manager._client = _Sending(manager._client, self.fuse)
        return found

    # ---- events

    def run(self, events: int) -> None:
        """So many, between turns."""
        choices: list[tuple[int, Callable[[], None]]] = [
            (6, self.more_blocks), (5, self.kill), (2, self.lose_l1), (2, self.lose_controller), (3, self.go_back),
            (1, self.dear_gas), (2, self.revert), (2, self.lie), (1, self.lose_store), (1, self.other_relayer),
        ]  # fmt: skip
        weights = [weight for weight, _ in choices]
        for _ in range(events):
            (chosen,) = self.random.choices(choices, weights)
            chosen[1]()
            for _ in range(self.random.randrange(1, 4)):
                self.turn()

    def turn(self) -> None:
        try:
            self.problems += self.relayer.turn()
        except Killed:
            self.relayer.close()
            self.relayer = self._open()
        self.l1_gone, self.controller_gone = max(0, self.l1_gone - 1), max(0, self.controller_gone - 1)
        if not self.l1_gone:
            self.l1.mine(self.random.randrange(3))

    def more_blocks(self) -> None:
        for _ in range(self.random.randrange(1, 9)):
            count = self.random.randrange(3) if self.random.random() < 0.3 else 0
            taken, self.messages = self.messages[:count], self.messages[count:]
            raws = [self.chain.transaction() for _ in range(self.random.randrange(4))]
            self.chain.add(raws, taken, later_ms=self.random.randrange(100))

    def kill(self) -> None:
        self.fuse.left = self.random.randrange(24)

    def lose_l1(self) -> None:
        self.l1_gone = self.random.randrange(1, 4)

    def lose_controller(self) -> None:
        self.controller_gone = self.random.randrange(1, 6)

    def go_back(self) -> None:
        with self.reachable():
            self.l1.reorg(self.random.choice((1, 2, 3, 5, 8, DEEPEST)))

    def dear_gas(self) -> None:
        with self.reachable():
            block = self.l1.client.block()
            assert block is not None
            self.l1.client.call(
                "anvil_setNextBlockBaseFeePerGas", hex(min(100 * block.base_fee, 100 * 10**9))
            )

    def revert(self) -> None:
        """By the owner, to any batch that may go."""
        with self.reachable():
            state = self.l1.reader.state()
            if state.finalized < state.committed:
                self.l1.revert_to(self.random.randrange(state.finalized, state.committed))

    def lie(self) -> None:
        self.proofs.lies.append({"last_block_hash": self.random.randbytes(32)})

    def lose_store(self) -> None:
        """The process goes on with nothing that it knew, but its key's transactions."""
        self.relayer.close()
        (self.folder / "relayer" / "batches.sqlite").unlink()
        for name in ("batches.sqlite-wal", "batches.sqlite-shm"):
            (self.folder / "relayer" / name).unlink(missing_ok=True)
        with self.reachable():
            self.relayer = self._open()

    def other_relayer(self) -> None:
        """Another process with the same keys works for a while."""
        fuse, self.fuse = self.fuse, Fuse()
        with self.reachable():
            other = self._open("other")
            for _ in range(3):
                other.turn()
                self.l1.mine()
            other.close()
        self.fuse = fuse

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """L1 is there for what the test itself does."""
        gone, self.l1_gone = self.l1_gone, 0
        yield
        self.l1_gone = gone

    # ---- the end

    def settle(self, turns: int = 120) -> None:
        """Nothing happens any more: everything must become final."""
        self.fuse.left, self.l1_gone, self.controller_gone, self.proofs.lies = -1, 0, 0, []
        last: list[str] = []
        for _ in range(turns):
            state = self.l1.reader.state()
            batch = self.relayer.store.batch(state.finalized)
            if state.finalized == state.committed and self._holds_all(batch):
                break
            last = self.relayer.turn()
            self.l1.mine()
        else:
            raise AssertionError(
                f"no rest: {self.l1.reader.state()}, {last}, of {len(self.chain.blocks)} blocks"
            )
        self.check()

    def _holds_all(self, batch: Any) -> bool:
        return (batch.last_block if batch else 0) == self.chain.last.number

    def check(self) -> None:
        """Store and L1 have the same batches, which hold every block once, in order, and every message."""
        state, before = self.l1.reader.state(), 0
        for index in range(1, state.committed + 1):
            batch = self.relayer.store.batch(index)
            assert batch is not None
            assert batch.hash == self.l1.reader.batch_hash(index, state)
            assert batch.first_block == before + 1
            before = batch.last_block
            block = self.chain.blocks[before]
            assert (batch.last_block_hash, batch.next_message) == (block.hash, block.next_l1_message)
            assert self.l1.reader.message_count(index, state) == block.next_l1_message
            for kind in (Kind.ZK, Kind.TEE):
                assert self.l1.reader.output(kind, index, state).last_block_hash == block.hash
        assert before == self.chain.last.number
        assert self.relayer.store.last_index == state.committed == state.finalized


class _Sending:
    """A client with a fuse at what it sends."""

    def __init__(self, client: Any, fuse: Fuse) -> None:
        self._client, self._fuse = client, fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._fuse.around(found) if name == "send_raw" else found
