"""A recorder in the place of a node's development operations."""

from __future__ import annotations

from typing import Any

from rpc.serving import ALICE

ANSWERS: dict[str, Any] = {
    "accounts": [ALICE],
    "acts_for": True,
    "automine": True,
    "interval": 5.0,
    "snapshot": 1,
    "revert": True,
    "increase_time": 60,
    "set_time": 5,
    "drop": True,
    "dump": b"state",
    "send": b"\x5e" * 32,
    "sign": b"\x51" * 65,
    "sign_transaction": b"\x02\xc0",
}


class FakeDev:
    """Remembers each call as (name, arguments) and gives fixed answers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        def record(*arguments: Any) -> Any:
            self.calls.append((name, arguments))
            return ANSWERS.get(name)

        return record
