"""The methods of the JSON-RPC interface; importing this package fills the method table."""

from jovay.rpc.methods import (
    accounts,
    calls,
    chain,
    config,
    debug,
    dev,
    fees,
    finality,
    logs,
    network,
    pool,
    send,
    simulate,
    state,
    subscriptions,
)

__all__ = [
    "accounts",
    "calls",
    "chain",
    "config",
    "debug",
    "dev",
    "fees",
    "finality",
    "logs",
    "network",
    "pool",
    "send",
    "simulate",
    "state",
    "subscriptions",
]
