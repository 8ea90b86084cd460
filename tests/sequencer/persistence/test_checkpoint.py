"""Checkpoints run beside the thread that starts them, and are waited for where the state must be on disk."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from jovay.chain.types import EMPTY_CODE_HASH
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.native import kernel
from jovay.native.records import dtype_of
from jovay.sequencer.persistence.checkpoint import Checkpoints
from jovay.state.writes import WriteSet, empty
from jovay.storage.kv import Batch, MemoryKV
from jovay.storage.state import TABLES, StateStore


class SlowKV(MemoryKV):
    """Writes wait for ``go``; ``fails`` makes them fail."""

    def __init__(self) -> None:
        super().__init__(TABLES)
        self.go, self.fails, self.flushes = threading.Event(), False, 0

    def write(self, batch: Batch, *, sync: bool = False) -> None:
        assert self.go.wait(10)
        if self.fails:
            raise OSError("no space")
        super().write(batch, sync=sync)

    def flush(self) -> None:
        self.flushes += 1


@pytest.fixture
def store() -> SlowKV:
    return SlowKV()


def nonce_of(number: int, nonce: int) -> WriteSet:
    accounts = np.zeros(1, dtype_of(AccountChange))
    accounts["address"], accounts["nonce"], accounts["exists"] = number.to_bytes(32, "little"), nonce, 1
    accounts["code_hash"] = EMPTY_CODE_HASH[::-1]
    return WriteSet(accounts, empty(SlotChange))


def nonces(state: StateStore) -> dict[int, int]:
    found = {}
    for addresses, values in state.accounts():
        found |= {int(a[-1]): int(v["nonce"]) for a, v in zip(addresses, values, strict=True)}
    return found


def checkpoints(store: SlowKV, seconds: float = 0.0, blocks: int = 100) -> tuple[Checkpoints, StateStore]:
    state = StateStore(store)
    return Checkpoints(kernel.load(), state, seconds, blocks), state


def test_blocks_go_on_while_one_runs(store: SlowKV) -> None:
    running, state = checkpoints(store)
    running.add([nonce_of(1, 1), nonce_of(2, 1)])
    running.start_if_due(2)
    running.add([nonce_of(1, 2)])
    running.start_if_due(3)  # the first still runs: nothing happens, nobody waits
    assert state.height == -1
    store.go.set()
    running.write(3, sync=True)
    assert (state.height, nonces(state)) == (3, {1: 2, 2: 1})
    assert store.flushes == 0
    running.write(3, sync=True)  # nothing new, but what is there must be on the disk
    assert store.flushes == 1
    running.close()


def test_nothing_starts_before_its_time(store: SlowKV) -> None:
    store.go.set()
    running, state = checkpoints(store, seconds=1e6, blocks=2)
    running.start_if_due(0)
    running.add([nonce_of(1, 1)])
    running.start_if_due(1)
    running.close()
    assert state.height == -1
    running, state = checkpoints(store, seconds=1e6, blocks=2)
    running.add([nonce_of(1, 1), nonce_of(1, 2)])
    running.start_if_due(2)
    running.close()
    assert (state.height, nonces(state)) == (2, {1: 2})


def test_a_failure_reaches_the_thread_that_stores_blocks(store: SlowKV) -> None:
    running, _ = checkpoints(store)
    store.fails = True
    running.add([nonce_of(1, 1)])
    running.start_if_due(1)
    store.go.set()
    with pytest.raises(OSError, match="no space"):
        running.write(1)
    running.close()
