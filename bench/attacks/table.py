"""All attacks by name; "nothing" is the quiet node that the others are compared with."""

from __future__ import annotations

from . import Attack, connections, execution, pool

ATTACKS: dict[str, Attack] = {
    "nothing": lambda target: [],
    "pending filters": connections.pending_filters,
    "subscriptions": connections.subscriptions,
    "slow requests": connections.slow_requests,
    "endless headers": connections.endless_headers,
    "created accounts": execution.created_accounts,
    "unpaid reads": execution.unpaid_reads,
    "cold chain": execution.cold_chain,
    "counters": execution.counters,
    "emptied senders": pool.emptied_senders,
    "gaps": pool.gaps,
}
