"""Proofs to L1: batches are handed to the controller, and what it proves becomes claims, in the order of batches.

L1 is asked first which batch is next; a proof is checked against what is known here, then against L1 itself by a call
that changes nothing, and only then sent. A prover that is wrong costs no gas.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from eth_abi.abi import encode

from jovay.bridge.errors import BridgeError, L1RpcError
from jovay.bridge.l1 import contracts
from jovay.bridge.l1.batches import GENESIS_BATCH
from jovay.bridge.l1.record import Kind
from jovay.bridge.relayer.controller import Proof, Unproven
from jovay.bridge.relayer.errors import BadProofError, RelayerError
from jovay.bridge.relayer.outbox import Outbox, claim_of
from jovay.bridge.relayer.rollup import RollupReader, RollupState
from jovay.bridge.relayer.store import Batch, BatchStore
from jovay.bridge.wire import blobs
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.blobs import Opening
from jovay.chain.hexadecimal import shown

log = logging.getLogger("jovay.relayer")

#: Batches that provers may work on at once.
AHEAD = 8
_PROOF = ("bytes32", "uint64", "bytes32", "(bytes32,bytes,bytes)[]", "bytes")


class Prover(Protocol):
    """What is asked of the prover controller (`controller.Controller`)."""

    def prove(self, batch: Batch, parent: BatchHeader, kinds: Sequence[Kind]) -> None: ...
    def proof(self, batch: Batch, kind: Kind) -> Proof | Unproven: ...
    def prove_again(self, batch: Batch, kind: Kind) -> None: ...


class Claims:
    """Every prover has a window of batches of its own: one that is slow does not keep the other from work."""

    def __init__(
        self,
        rollup: RollupReader,
        store: BatchStore,
        outbox: Outbox,
        controller: Prover,
    ) -> None:
        self._rollup, self._store, self._outbox = rollup, store, outbox
        self._controller = controller
        self._asked: dict[tuple[Kind, int], bytes] = {}
        self._openings: tuple[bytes, list[Opening]] = (b"", [])

    def step(self) -> None:
        """Go on with what there is to do. Raises ``RelayerError``, and what clients raise."""
        state = self._rollup.state()
        if state.exodus:
            return
        self._hand_over(state)
        problems: list[BridgeError] = []
        for kind in state.claimed:  # one prover's trouble is not another's
            try:
                self._claim(kind, state)
            except BridgeError as error:
                problems.append(error)
        if len(problems) > 1:
            raise RelayerError("; ".join(map(str, problems)))
        if problems:
            raise problems[0]

    # ---- to the provers

    def _hand_over(self, state: RollupState) -> None:
        """Ask for proofs of the next batches, as soon as they are made: they are proven while L1 takes them."""
        wanted = set[tuple[Kind, int]]()
        for kind, claimed in state.claimed.items():
            for index in range(claimed + 1, min(self._store.last_index, claimed + AHEAD) + 1):
                if kind not in self._rollup.kinds(index, state):
                    continue
                wanted.add((kind, index))
                is_asked = self._asked.get((kind, index)) == self._store.hash_of(index)
                if not is_asked and (batch := self._store.batch(index)):
                    self._ask(batch, kind)
        self._asked = {which: asked for which, asked in self._asked.items() if which in wanted}

    def _ask(self, batch: Batch, kind: Kind) -> None:
        parent = self._store.tip(batch.index - 1)
        self._controller.prove(batch, parent.header if parent else GENESIS_BATCH, [kind])
        self._asked[kind, batch.index] = batch.hash

    # ---- to L1

    def _claim(self, kind: Kind, state: RollupState) -> None:
        index = state.claimed[kind] + 1
        if index > state.committed or kind not in self._rollup.kinds(index, state):
            return
        batch = self._store.batch(index)
        if batch is None or self._rollup.batch_hash(index, state) != batch.hash:
            return
        what = claim_of(kind, index, batch.hash)
        if self._outbox.is_sent(what):
            self._outbox.settle(what, lambda state: state.claimed[kind] >= index)
            return
        found = self._controller.proof(batch, kind)
        if isinstance(found, Unproven):
            self._urge(batch, kind, found)
            return
        if found.statement.batch_hash != batch.hash:
            self._ask(batch, kind)  # the proof is that of a batch that does not stand any more
            return
        try:
            data = self._call(kind, batch, found, state)
        except BadProofError:
            self._controller.prove_again(batch, kind)
            raise
        self._outbox.send(what, self._rollup.rollup.address, data)
        log.info("a claim is sent", extra={"batch": index, "prover": kind})

    def _urge(self, batch: Batch, kind: Kind, found: Unproven) -> None:
        if not found.known:
            self._ask(batch, kind)
        elif found.error:
            self._controller.prove_again(batch, kind)
            raise BadProofError(batch.index, found.error)

    def _call(self, kind: Kind, batch: Batch, proof: Proof, state: RollupState) -> bytes:
        """Calldata of ``verifyBatch``, which L1 would accept now. Raises ``BadProofError``."""
        openings = self._check(kind, batch, proof, state)
        stated, header = proof.statement, batch.raw.header.encode()
        arguments = kind, header, stated.post_state_root, stated.l2_msg_root, encode_proof(proof, openings)
        data = self._rollup.rollup.encode("verifyBatch", *arguments)
        try:
            self._rollup.client.eth_call(self._rollup.rollup.address, data, sender=self._outbox.address)
        except L1RpcError as error:
            if error.revert_data is None:
                raise
            raise BadProofError(batch.index, contracts.reason(error.revert_data)) from error
        return data

    def _check(self, kind: Kind, batch: Batch, proof: Proof, state: RollupState) -> list[Opening]:
        """Compare a statement with what is known of its batch; the openings that go with it."""
        stated, settlement = proof.statement, self._rollup.settlement
        before = self._rollup.output(kind, batch.index - 1, state)
        openings = self._open(batch)
        expected = {
            "l1_chain_id": settlement.l1_chain_id,
            "rollup": settlement.rollup,
            "l2_chain_id": settlement.config.chain_id,
            "parent_batch_hash": batch.raw.header.parent_batch_hash,
            "pre_state_root": before.state_root,
            "parent_block_hash": before.last_block_hash,
            "last_block_hash": batch.last_block_hash,
            "last_timestamp": batch.last_timestamp,
            "data_digest": batch.raw.da.digest,
        }
        for name, value in expected.items():
            if (found := getattr(stated, name)) != value:
                raise BadProofError(batch.index, f"its {name} is {shown(found)}, and not {shown(value)}")
        if list(stated.openings) != [(one.z, one.y) for one in openings]:
            raise BadProofError(batch.index, "its openings are not those of the blobs")
        return openings

    def _open(self, batch: Batch) -> list[Opening]:
        """Openings of a batch's blobs; those of the last one are kept, since both provers need them."""
        if self._openings[0] != batch.hash:
            found = []
            if batch.raw.versioned_hashes:
                digest = batch.raw.da.digest
                for blob in blobs.to_blobs(batch.raw.da):
                    found.append(blobs.open_blob(blob, blobs.commitment_of(blob), digest))
            self._openings = batch.hash, found
        return self._openings[1]


def encode_proof(proof: Proof, openings: Sequence[Opening]) -> bytes:
    """``Rollup.Proof``."""
    stated = proof.statement
    opened = [(one.y, one.commitment, one.proof) for one in openings]
    return encode(
        _PROOF,
        (stated.last_block_hash, stated.last_timestamp, stated.data_digest, opened, proof.verifier_proof),
    )
