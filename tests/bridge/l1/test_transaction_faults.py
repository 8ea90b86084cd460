"""Random faults against the transaction manager: at the end every request is mined exactly once, in order.

A run is a sequence of requests, steps, blocks and faults: the process ends between two lines (and anything between
``begin`` and ``commit`` is lost), a call gets no answer before or after it took effect, reorganisations of 1 to 32
blocks with or without their transactions, fees × 100, a pool that forgets, or knows again what it had forgotten; and in
some runs somebody else uses the key, in some the servers that answer are not all as far.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest

from jovay.bridge.errors import L1RpcError, L1UnreachableError
from jovay.bridge.l1 import sender, sidecars, transaction_store, transactions
from jovay.bridge.l1.fees import Ceilings
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.transactions import Mined, Pending, Policy, Request, TxManager
from jovay.storage import sqlite
from rigs.simulated_l1 import CHAIN_ID, GWEI, SimulatedL1
from rigs.transactions import sign

SECRET = bytes(31) + b"\7"
KEY = RawKey(SECRET)
TARGET = bytes(19) + b"\1"
DEEPEST = 32
POLICY = Policy(
    ceilings=Ceilings(10**6 * GWEI, 10**6 * GWEI, 10**6 * GWEI), confirmations=DEEPEST + 2, in_flight=4
)
FILES = {transactions.__file__, sender.__file__, transaction_store.__file__, sqlite.__file__}
BLOB = bytes(131_072)


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_after(lines: int) -> Iterator[None]:
    """Ends the process at one of the next lines of the manager or its store."""
    left = lines

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in FILES:
            return None
        if event == "line":
            left -= 1
            if left <= 0:
                raise Killed
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    except Killed:
        pass
    finally:
        sys.settrace(before)


class Run:
    """One scripted run. ``blobs``: whether requests carry blobs."""

    def __init__(self, path: Path, seed: int, shared: bool = False) -> None:
        self.random, self.shared = Random(seed), shared
        self.blobs = self.random.random() < 0.2
        self.path, self.l1 = path, SimulatedL1()
        self.l1.mine(DEEPEST + 1)
        if self.random.random() < 0.3:
            self.l1.behind = lambda: self.random.choice((0, 0, 0, 1, 2))
        self.asked = 0
        self.manager = TxManager(self.l1, KEY, path, POLICY)

    def reopen(self) -> None:
        self.manager._store.close()  # what an end of the process does: its locks are not waited for
        self.manager = TxManager(self.l1, KEY, self.path, POLICY)

    def request(self, number: int) -> Request:
        blobs = (BLOB,) if self.blobs else ()
        return Request(TARGET, number.to_bytes(4, "big"), f"request {number}", blobs=blobs)

    def ask(self) -> None:
        """As a caller does who may be killed, too: again, until it knows that the request is written down."""
        if self.random.random() < 0.2:
            with killed_after(self.random.randrange(1, 40)):
                self.manager.send(self.request(self.asked))
            self.reopen()
        self.manager.send(self.request(self.asked))
        self.asked += 1

    def step(self) -> None:
        fault = self.random.random()
        if fault < 0.25:
            with killed_after(self.random.randrange(1, 400)):
                self.step_once()
            self.l1.fails_in = None
            self.reopen()
            return
        if fault < 0.5:
            self.l1.fails_in, self.l1.fails_after = self.random.randrange(1, 25), self.random.random() < 0.5
        self.step_once()
        self.l1.fails_in = None

    def step_once(self) -> None:
        with suppress(L1UnreachableError):
            self.manager.step()

    def fault(self) -> None:
        kind = self.random.randrange(5 + 2 * self.shared)
        if kind == 0:
            depth = self.random.randrange(1, DEEPEST + 1)
            self.l1.reorg(depth, self.random.random() < 0.5, self.random.randrange(depth, depth + 3))
        elif kind == 1:
            dear = self.random.random() < 0.5
            self.l1.gas_price = self.l1.blob_price = 100 * GWEI if dear else GWEI
        elif kind == 2:
            self.l1.pool.clear()
        elif kind == 3:
            self.reopen()
        elif kind == 4:
            for sent in self.random.sample(self.l1.seen, len(self.l1.seen)):
                self.l1.echo(sent)
        else:
            self.intrude()

    def intrude(self) -> None:
        """Somebody else sends with the same key: at the next nonce, in place of another, or beyond.

        Not beyond where blobs are wanted: nodes keep such a transaction, and take no blobs beside it, for hours.
        """
        used = int(self.l1.call("eth_getTransactionCount", f"0x{KEY.address.hex()}", "latest"), 16)
        nonce, fee = (
            used + (0 if self.blobs else self.random.randrange(4)),
            self.random.choice((2, 10, 400)) * GWEI,
        )
        fields = [CHAIN_ID, nonce, fee, fee, 50_000, b"\xee" * 20, 0, b"", []]
        with suppress(L1RpcError):
            self.l1.call("eth_sendRawTransaction", f"0x{sign(2, fields, SECRET).hex()}")

    def play(self, moves: int) -> None:
        for _ in range(moves):
            move = self.random.random()
            if move < 0.15 and self.asked < 12:
                self.ask()
            elif move < 0.6:
                self.step()
            elif move < 0.85:
                self.l1.mine(self.random.randrange(1, 4))
            else:
                self.fault()

    def finish(self) -> None:
        """Without faults, everything becomes final."""
        self.l1.behind = lambda: 0
        for count in range(400):
            if count == 150 and self.shared:  # nodes forget what lacks a nonce before it
                self.l1.pool.clear()
            self.manager.step()
            found = [self.manager.status(f"request {number}") for number in range(self.asked)]
            if all(isinstance(each, Mined) and each.final for each in found):
                return
            self.l1.mine()
        raise AssertionError(f"not final: {found}")

    def check(self) -> None:
        wanted = [self.request(number).data for number in range(self.asked)]
        mined = [each.fields["data"] for each in self.l1.mined() if each.fields["to"] == TARGET]
        if self.shared:  # who comes too late for a nonce is moved to the end
            mined.sort()
        assert mined == wanted


def play(path: Path, seed: int, shared: bool = False) -> None:
    run = Run(path, seed, shared)
    try:
        run.play(80)
        run.finish()
        run.check()
    finally:
        run.manager.close()


@pytest.fixture(autouse=True)
def _one_sidecar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proofs of the one blob are computed once; the simulation does not look at them."""
    made = sidecars.Sidecar.of(_blobs(), 0)
    monkeypatch.setattr(sidecars.Sidecar, "of", staticmethod(lambda blobs, version: made))


@cache
def _blobs() -> tuple[bytes]:
    return (BLOB,)


@pytest.mark.parametrize("seed", range(20))
def test_every_request_is_mined_once_and_in_order(seed: int, tmp_path: Path) -> None:
    play(tmp_path / "transactions", seed)


@pytest.mark.parametrize("seed", range(20))
def test_it_is_mined_once_though_the_key_is_shared(seed: int, tmp_path: Path) -> None:
    play(tmp_path / "transactions", seed, shared=True)


def test_a_nonce_that_was_taken_may_come_back(tmp_path: Path) -> None:
    """Until the taker is final, what was signed for the nonce may still be mined: nothing else is sent meanwhile."""
    run = Run(tmp_path / "transactions", 1, shared=True)
    run.blobs, l1 = False, run.l1
    run.manager.send(run.request(0))
    run.manager.step()
    fields = [CHAIN_ID, 0, 400 * GWEI, 400 * GWEI, 50_000, b"\xee" * 20, 0, b"", []]
    l1.call("eth_sendRawTransaction", f"0x{sign(2, fields, SECRET).hex()}")
    for _ in range(5):
        l1.mine()
        run.manager.step()
    assert isinstance(run.manager.status("request 0"), Pending)
    l1.reorg(5, lost=True, length=5)
    l1.echo(l1.seen[0])
    l1.mine()
    run.asked = 1
    run.finish()
    run.check()
    run.manager.close()


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("seed", range(1_000, 1_400))
def test_it_is_so_in_many_runs(seed: int, shared: bool, tmp_path: Path) -> None:
    play(tmp_path / "transactions", seed, shared)
