"""The prover controller as the relayer asks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jovay.bridge.controller_client import TEE, ZK, ControllerClient, batch_fields
from jovay.bridge.errors import ControllerRefusalError, WireError
from jovay.bridge.l1.record import Kind
from jovay.bridge.relayer.errors import ProofFormatError
from jovay.bridge.relayer.store import Batch
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.statement import Statement
from jovay.chain.settlement import Settlement

_NAMES = {Kind.ZK: ZK, Kind.TEE: TEE}
_UNKNOWN = "UnknownBatchError"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a prover states of a batch, and what its verifier on L1 takes for it."""

    statement: Statement
    verifier_proof: bytes


@dataclass(frozen=True, slots=True)
class Unproven:
    """There is no proof: ``known`` is false where the controller was never asked for one, and ``error`` says why it
    has given up.
    """

    known: bool = True
    error: str = ""


class Controller:
    """Raises what ``ControllerClient`` raises."""

    def __init__(self, url: str, settlement: Settlement) -> None:
        self._client, self._settlement = ControllerClient(url), settlement

    def prove(self, batch: Batch, parent: BatchHeader, kinds: Sequence[Kind]) -> None:
        """Ask for proofs of a batch; again is the same as once."""
        raw, there = batch.raw, self._settlement
        fields = batch_fields(
            there.l1_chain_id, there.rollup, there.config, parent, raw.header, raw.da, raw.versioned_hashes,
            batch.chunks,
        )  # fmt: skip
        self._client.call("prove_batch", **fields, types=[_NAMES[kind] for kind in kinds])

    def proof(self, batch: Batch, kind: Kind) -> Proof | Unproven:
        """What has become of it. Raises ``ProofFormatError`` too."""
        try:
            answer = self._client.call("get_proof", index=batch.index, type=_NAMES[kind])
        except ControllerRefusalError as refusal:
            if refusal.type == _UNKNOWN:
                return Unproven(known=False)
            raise
        match answer.get("status"):
            case "done":
                return _read(answer)
            case "failed":
                return Unproven(error=str(answer.get("error") or "no reason given"))
        return Unproven()

    def prove_again(self, batch: Batch, kind: Kind) -> None:
        """The proof that there is is of no use."""
        self._client.call("re_prove_batch", index=batch.index, types=[_NAMES[kind]])


def _read(answer: dict[str, Any]) -> Proof:
    try:
        statement = Statement.from_json(answer["statement"])
        return Proof(statement, bytes.fromhex(answer["verifierProof"].removeprefix("0x")))
    except (KeyError, AttributeError, ValueError, WireError) as error:
        raise ProofFormatError(f"the controller gives a proof that cannot be read: {error}") from error
