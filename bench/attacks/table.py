"""All attacks by name; "nothing" is the quiet node that the others are compared with."""

from __future__ import annotations

from . import Attack, connections, execution, heavy, pool, reads

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
    "openings": heavy.openings,
    "counted openings": heavy.counted_openings,
    "timed openings": heavy.timed_openings,
    "random openings": heavy.random_openings,
    "emptied senders": pool.emptied_senders,
    "gaps": pool.gaps,
    "balances": reads.balances,
    "small calls": reads.small_calls,
    "blocks": reads.blocks,
    "receipts": reads.receipts,
    "block receipts": reads.block_receipts,
    "logs": reads.logs,
    "steps": reads.steps,
    "frames": reads.frames,
    "traced block": reads.traced_block,
    "spin": reads.spin,
    "overrides": reads.overrides,
    "simulated": reads.simulated,
    "values": reads.values,
    "refused frames": reads.refused_frames,
    "refused calls": reads.refused_calls,
}
