"""A whole relayer: its parts put together, and the list of what it does."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jovay.bridge.errors import BridgeError
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.data import BlobSource
from jovay.bridge.l1.fees import market
from jovay.bridge.l1.keys import Signer
from jovay.bridge.l1.transactions import Policy, TxManager
from jovay.bridge.relayer.adoption import Adoption, StoredData
from jovay.bridge.relayer.backlog import Backlog
from jovay.bridge.relayer.blocks import BlockSource, Node
from jovay.bridge.relayer.claims import Claims, Prover
from jovay.bridge.relayer.committer import Committer, Timing
from jovay.bridge.relayer.costs import Costs
from jovay.bridge.relayer.lease import Lease
from jovay.bridge.relayer.oracle import Oracle
from jovay.bridge.relayer.outbox import Outbox
from jovay.bridge.relayer.progress import Progress
from jovay.bridge.relayer.queries import Queries
from jovay.bridge.relayer.rollup import RollupReader
from jovay.bridge.relayer.sealing import Limits
from jovay.bridge.relayer.service import Service, Step
from jovay.bridge.relayer.store import BatchStore
from jovay.chain.settlement import Settlement

#: Seconds between two looks at what L2's transactions should pay for their data.
FEED_PACE = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """``pace``: seconds between two runs of a step; ``sources``: who is asked for the blobs of batches that somebody
    else committed.
    """

    limits: Limits = field(default_factory=Limits)
    timing: Timing = field(default_factory=Timing)
    policy: Policy = field(default_factory=Policy)
    pace: float = 1.0
    sources: Sequence[BlobSource] = ()


class Relayer:
    """Everything in ``folder``. Without ``prover`` (the controller) it makes no claims.

    Raises ``WrongChainError`` if L1 is not the settlement's, ``StoreError`` and ``TransactionStoreError`` if the folder
    is another's.
    """

    def __init__(
        self,
        settlement: Settlement,
        l1: L1Client,
        node: Node,
        prover: Prover | None,
        folder: Path,
        committer: Signer,
        claimer: Signer,
        options: Options,
    ) -> None:
        l1.require_chain(settlement.l1_chain_id)
        self.rollup, source = RollupReader(l1, settlement), BlockSource(node)
        self.store = BatchStore(folder / "batches.sqlite", settlement.rollup, settlement.l1_chain_id)
        self.commits = TxManager(l1, committer, store_of(folder, "commits", committer), options.policy)
        self.claims = TxManager(l1, claimer, store_of(folder, "claims", claimer), options.policy)
        self.backlog = Backlog(source)
        adoption = Adoption(self.rollup, source, [StoredData(self.store), *options.sources])
        commit = Committer(
            self.rollup,
            self.backlog,
            self.store,
            Outbox(self.commits, self.rollup, self.store),
            adoption.read,
            options.limits,
            options.timing,
        )
        self.steps = [
            Step("commit batches", commit.step, options.pace, commit.watch),
            Step("send commits", self.commits.step, options.pace),
        ]
        if prover is not None:
            outbox = Outbox(self.claims, self.rollup, self.store)
            claim = Claims(self.rollup, self.store, outbox, prover)
            self.steps.append(Step("claim proofs", claim.step, options.pace))
            self.steps.append(Step("send claims", self.claims.step, options.pace))
        self.costs = Costs(
            self.store, self.commits, self.claims, self.rollup.kinds_now if prover else lambda _: ()
        )
        self.lease: Lease | None = None
        self._payers = {"committer": self.commits, "claims": self.claims}
        self.queries = Queries(self.store, node)
        self.progress = Progress(self.rollup, self.backlog, self.store, self.steps, self._more)
        self._parts: list[BatchStore | TxManager | Lease] = [self.store, self.commits, self.claims]
        self._l1, self._folder, self._options = l1, folder, options

    def feed_fees(self, l2: L1Client, feeder: Signer) -> None:
        """Also tell L2 what batches cost."""
        manager = TxManager(l2, feeder, store_of(self._folder, "fees", feeder), Policy(confirmations=1))
        oracle = Oracle(l2, manager, lambda: market(self._l1), self.costs.recent)
        self._parts.append(manager)
        self._payers["feeder"] = manager
        self.steps.append(Step("feed the L1 fee", oracle.step, FEED_PACE))
        self.steps.append(Step("send L1 fees", manager.step, self._options.pace))

    def share(self, lease: Lease) -> None:
        """Work only while this relayer holds the lease. After all other parts are there."""
        for step in self.steps:
            step.run = lease.guard(step.run, step.standby)
        self.steps.insert(0, Step("hold the lease", lease.renew, lease.seconds / 4))
        self.lease = lease
        self._parts.append(lease)

    def _more(self) -> dict[str, Any]:
        """Figures of money, and whether this one works. Balances are missing while nobody tells them."""
        found: dict[str, Any] = {"spent": self.costs.spent()}
        for role, manager in self._payers.items():
            with suppress(BridgeError):
                found[f"{role}_balance"] = manager.balance()
        return found | {"works": self.lease is None or self.lease.held}

    def service(self) -> Service:
        """What runs the steps."""
        return Service(self.steps)

    def close(self) -> None:
        """Let another process have the folder."""
        for part in self._parts:
            part.close()


def store_of(folder: Path, role: str, signer: Signer) -> Path:
    """Where an account's transactions are kept: each key has a file of its own, so that a role can change hands."""
    return folder / f"{role}-{signer.address.hex()}.sqlite"
