"""The thread that follows L1: what passes, and what ends it."""

from __future__ import annotations

import sqlite3
import threading

from jovay.bridge.errors import L1RpcError
from jovay.bridge.l1.following import Following


def test_what_passes_is_waited_for_and_what_does_not_is_told() -> None:
    troubles = [
        sqlite3.OperationalError("database or disk is full"),
        L1RpcError(-32000, "busy"),
        ValueError("odd"),
    ]
    told: list[BaseException] = []
    ended = threading.Event()

    def step() -> bool:
        raise troubles.pop(0)

    def fail(error: BaseException) -> None:
        told.append(error)
        ended.set()

    following = Following(step, fail, pause=0.0)
    following.start()
    assert ended.wait(10)
    following.stop()
    assert (troubles, [str(error) for error in told], following.trouble) == ([], ["odd"], "odd")


def test_a_servers_words_are_shortened_in_errors() -> None:
    error = L1RpcError(-32000, "x" * 10_000, None, "eth_call")
    assert len(str(error)) < 600
    assert len(error.message) == 10_000
