"""How far the relayer is, for people and for metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from jovay.bridge.errors import BridgeError
from jovay.bridge.l1.record import Kind
from jovay.bridge.relayer.backlog import Backlog
from jovay.bridge.relayer.rollup import RollupReader
from jovay.bridge.relayer.service import Step
from jovay.bridge.relayer.store import BatchStore

_FIGURES = {
    "l2_head": "newest block that the node has stored",
    "sealed": "newest batch that was made",
    "committed": "newest batch that L1 has",
    "committed_block": "newest block in a batch that L1 has",
    "attested": "newest batch with a TEE claim",
    "proven": "newest batch with a ZK claim",
    "finalized": "newest batch that is final",
    "backlog": "blocks in no batch that L1 has",
    "failing_steps": "steps that do not get on",
    "spent": "wei that all transactions of these keys took on L1",
    "committer_balance": "wei on L1 of the key that commits",
    "claims_balance": "wei on L1 of the key that makes claims",
    "feeder_balance": "wei on L2 of the key that tells it what batches cost",
    "works": "1, or 0 while another relayer holds the lease",
}


class Progress:
    """``more``: further figures, such as what was spent."""

    def __init__(
        self,
        rollup: RollupReader,
        backlog: Backlog,
        store: BatchStore,
        steps: Sequence[Step],
        more: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self._rollup, self._backlog, self._store, self._steps, self._more = (
            rollup,
            backlog,
            store,
            steps,
            more,
        )
        self._registry = CollectorRegistry()
        self._gauges = {
            name: Gauge(f"jovay_relayer_{name}", text, registry=self._registry)
            for name, text in _FIGURES.items()
        }

    def status(self) -> dict[str, Any]:
        """Figures by name (those are missing whose source has not answered), and what each step is at."""
        found: dict[str, Any] = {"sealed": self._store.last_index}
        if self._backlog.head >= 0:
            found["l2_head"] = self._backlog.head
        try:
            found |= self._on_l1()
            if "l2_head" in found:
                found["backlog"] = max(0, found["l2_head"] - found["committed_block"])
        except BridgeError as error:
            found["l1"] = str(error)
        found["failing_steps"] = sum(1 for step in self._steps if step.problem)
        found["steps"] = {step.name: step.problem or "gets on" for step in self._steps}
        return found | self._more()

    def metrics(self) -> bytes:
        """The figures in Prometheus' text form."""
        status = self.status()
        for name, gauge in self._gauges.items():
            if name in status:
                gauge.set(status[name])
        return generate_latest(self._registry)

    def _on_l1(self) -> dict[str, int]:
        state = self._rollup.state()
        batch = self._store.batch(state.committed)
        block = batch.last_block if batch else 0
        return {
            "committed": state.committed,
            "committed_block": block,
            "attested": state.claimed[Kind.TEE],
            "proven": state.claimed[Kind.ZK],
            "finalized": state.finalized,
        }
