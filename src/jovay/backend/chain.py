"""The chain as JSON-RPC sees it: what is visible, what waits in the pool by its hash, and how final blocks are."""

from __future__ import annotations

from functools import cached_property

from jovay.chain.rules import ChainRules
from jovay.chain.types import ChainParameters, Hash32, Inclusion
from jovay.rpc.backend.chain import BlockTag, Finality
from jovay.sequencer.finality import GENESIS, Confirmation, Step
from jovay.sequencer.sequencer import Sequencer
from jovay.storage.logs_index import LogsIndex

from .configuration import chain_config
from .pooled import PooledTransactions
from .visible_chain import VisibleChain


class NodeChain(VisibleChain):
    """Implements ``Chain`` of ``jovay.rpc.backend``; every method may be called from any thread."""

    def __init__(self, sequencer: Sequencer, logs_index: LogsIndex, genesis_hash: Hash32) -> None:
        super().__init__(sequencer.data.blocks, logs_index, sequencer.keccak, lambda: sequencer.visible)
        self._rules: ChainRules = sequencer.rules
        self._finality = sequencer.finality
        self._pooled, self._genesis_hash = PooledTransactions(sequencer.pool), genesis_hash

    @cached_property
    def config(self) -> ChainParameters:
        """Chain parameters."""
        return chain_config(self._rules, self._genesis_hash)

    def resolve(self, tag: BlockTag) -> int | None:
        """Block number of a tag."""
        known = self._finality
        fixed = {BlockTag.EARLIEST: GENESIS, BlockTag.SAFE: known.safe, BlockTag.FINALIZED: known.finalized}
        return fixed.get(tag, self.head())

    def finality(self, number: int) -> Finality:
        """How final a block is."""
        known, nothing = self._finality, Confirmation(number)
        commit, tee, zk = (known.confirmation(step, number) or nothing for step in Step)
        return Finality(
            stage=known.stage(number),
            block_number=number,
            batch_index=commit.batch,
            commit_transaction=commit.transaction,
            commit_time=commit.time,
            tee_transaction=tee.transaction,
            tee_time=tee.time,
            zk_transaction=zk.transaction,
            zk_time=zk.time,
        )

    def blob_base_fee(self, number: int) -> int | None:
        """Blob base fee of a block; None before Cancun."""
        header = self.header(number)
        if header is None or header.excess_blob_gas is None:
            return None
        return self._rules.blob_base_fee(header.excess_blob_gas, number, header.timestamp)

    # The pool lets go of a transaction after its block has become visible: one of three looks finds it.

    def transaction(self, transaction_hash: Hash32) -> Inclusion | None:
        """A mined or pooled transaction."""
        visible, pooled = super().transaction, self._pooled.get
        return visible(transaction_hash) or pooled(transaction_hash) or visible(transaction_hash)

    def raw_transaction(self, transaction_hash: Hash32) -> bytes | None:
        """Envelope of a mined or pooled transaction."""
        visible, pooled = super().raw_transaction, self._pooled.raw
        return visible(transaction_hash) or pooled(transaction_hash) or visible(transaction_hash)
