"""What the JSON-RPC layer needs from a node: four interfaces, its events, development
operations, and what a settled chain and a node that records for provers have besides.

All methods are synchronous and safe to call from any thread. They raise ``errors.BackendError`` (or a subclass) for
conditions that a client should see, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jovay.chain.types import Hash32

from .chain import Chain
from .development import Development
from .events import Events
from .executor import Executor
from .pool import Pool
from .settlement import Settlement
from .state import State
from .tracer import Tracer


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A node, as JSON-RPC sees it.

    ``client_version`` answers web3_clientVersion, for instance ``jovay/v0.1.0/linux-amd64/python3.11``.
    """

    chain: Chain
    state: State
    pool: Pool
    executor: Executor
    events: Events
    keccak: Callable[[bytes], Hash32]
    client_version: str
    development: Development | None = None
    settlement: Settlement | None = None
    tracer: Tracer | None = None
