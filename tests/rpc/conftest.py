"""A fresh chain in memory, a server over it, and a client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jovay.native import kernel
from rigs.rpc import Rpc
from rpc.memory_backend import MemoryBackend
from rpc.serving import ALICE, BOB, Served, serve


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """The kernel, which reads batches: compiling it must not come into a test's time."""
    kernel.load()


@pytest.fixture
def backend() -> MemoryBackend:
    """A fresh chain with two rich accounts."""
    made = MemoryBackend()
    made.fund(ALICE, 10**21)
    made.fund(BOB, 10**21)
    return made


@pytest.fixture
def served(backend: MemoryBackend) -> Iterator[Served]:
    """A server over the fresh chain."""
    with serve(backend) as running:
        yield running


@pytest.fixture
def rpc(served: Served) -> Rpc:
    """A client of the server."""
    return served.rpc()
