"""What a handler gets: the node behind the RPC layer and the connection that asks."""

from __future__ import annotations

from dataclasses import dataclass

from jovay.rpc.backend import Backend
from jovay.rpc.budget import Budget
from jovay.rpc.feed import Feed
from jovay.rpc.filters import Filters
from jovay.rpc.hub import Hub
from jovay.rpc.ingest import Ingest
from jovay.rpc.limits import Limits
from jovay.rpc.session import Session
from jovay.rpc.workers import Workers


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that outlives a connection."""

    backend: Backend
    limits: Limits
    hub: Hub
    filters: Filters
    feed: Feed
    ingest: Ingest
    workers: Workers
    memory: Budget
    namespaces: frozenset[str]
    tracing: bool


class Context:
    """One connection's view of the node: its interfaces, and what the connection may use."""

    __slots__ = (
        "chain",
        "development",
        "executor",
        "keccak",
        "limits",
        "pool",
        "services",
        "session",
        "settlement",
        "state",
        "tracer",
    )

    def __init__(self, services: Services, session: Session | None = None) -> None:
        self.services = services
        node = services.backend
        self.chain, self.state, self.pool, self.executor = node.chain, node.state, node.pool, node.executor
        self.development, self.keccak = node.development, node.keccak
        self.settlement, self.tracer = node.settlement, node.tracer
        self.limits = services.limits
        self.session = session
