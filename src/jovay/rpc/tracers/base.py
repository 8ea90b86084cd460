"""What all tracers have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from jovay.chain.types import Address, Hash32
from jovay.simulation.requests import CallResult, TraceParts


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a traced transaction belongs, as far as it belongs anywhere (a call does not).

    ``gas`` is its gas limit; ``precompiles`` those active in its block; ``keccak`` Keccak-256.
    """

    gas: int
    precompiles: frozenset[Address]
    keccak: Callable[[bytes], Hash32]
    block_hash: Hash32 | None = None
    block_number: int = 0
    transaction_hash: Hash32 | None = None
    index: int = 0


class Tracer(Protocol):
    """Forms results; ``parts`` are the raw events that it needs."""

    parts: TraceParts

    def form(self, result: CallResult, place: Place) -> Any:
        """JSON of a traced transaction."""


def flag(config: dict[str, Any], name: str) -> bool:
    """An option of a tracer, false if it is not given."""
    value = config.get(name, False)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise ValueError(f"option {name} must be a boolean")
