"""What a settled chain knows of L1, as JSON-RPC sees it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from eth_abi.abi import decode
from eth_utils.crypto import keccak

from jovay.bridge import artifacts
from jovay.bridge.withdrawals import L2Message, L2Messages
from jovay.chain.settlement import Settlement as Contracts
from jovay.chain.transactions import L2_MAILBOX
from jovay.chain.types import Hash32, Log
from jovay.rpc.backend.chain import LogFilter
from jovay.rpc.backend.settlement import BacklogStatus, BatchInfo, BatchStep, SyncStatus, Withdrawal
from jovay.sequencer.finality import GENESIS, Confirmation, L1Finality, Step
from jovay.sequencer.sequencer import Sequencer

from .chain import NodeChain
from .state import NodeState

log = logging.getLogger("jovay.backend")
SENT = keccak(text="SentMsg(address,address,uint256,uint256,bytes,uint256,bytes32)")
_FIELDS = ("uint256", "uint256", "bytes", "uint256", "bytes32")
EXECUTED = artifacts.load("L2Mailbox").slot("finalizeL1MsgNonce")
_BLOCKS = 4_096
"""Blocks whose messages are read at once."""
_PAUSE = 0.5
"""Seconds between two looks for new messages."""


class NodeSettlement:
    """Implements ``Settlement`` of ``jovay.rpc.backend``."""

    def __init__(
        self, sequencer: Sequencer, chain: NodeChain, state: NodeState, contracts: Contracts
    ) -> None:
        self.contracts = contracts
        self._sequencer, self._chain, self._state = sequencer, chain, state
        self._finality = sequencer.finality
        self._messages = L2Messages(sequencer.data.kv, sequencer.persistence.write)
        self._reading, self._new, self._stopping = threading.Lock(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._read_on, name="l2-messages", daemon=True)
        self._l1_view: Callable[[], tuple[int, int] | None] = lambda: None
        self._prover_info: Callable[[], Any] = lambda: None

    # ---- life ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Keep up with the chain's messages from now on."""
        self._sequencer.listen(lambda blocks: self._new.set())
        self._new.set()
        self._thread.start()

    def see_l1(self, view: Callable[[], tuple[int, int] | None]) -> None:
        """``view`` tells the newest block of L1 that was read and how many messages there are up to it."""
        self._l1_view = view

    def see_provers(self, info: Callable[[], Any]) -> None:
        """``info`` tells what the prover controller says of itself, at once."""
        self._prover_info = info

    def close(self) -> None:
        """Stop that."""
        self._stopping.set()
        self._new.set()
        if self._thread.is_alive():
            self._thread.join()

    def _read_on(self) -> None:
        while not self._stopping.is_set():
            self._new.wait()
            self._new.clear()
            try:
                self._catch_up()
            except Exception:
                if not self._stopping.is_set():
                    log.exception("messages to L1 cannot be read")
            self._stopping.wait(_PAUSE)

    def _catch_up(self) -> None:
        """Read the messages of all visible blocks."""
        with self._reading:
            block, block_hash = self._messages.read
            if block_hash and self._hash_of(block) != block_hash:
                # Blocks have left the chain, on a development chain only: those that stand are read again.
                self._messages.rewind(GENESIS, self._hash_of(GENESIS) or bytes(32))
                block, block_hash = self._messages.read
            first, head = block + 1 if block_hash else GENESIS, self._chain.head()
            while first <= head and not self._stopping.is_set():
                last = min(first + _BLOCKS - 1, head)
                last_hash = self._hash_of(last)
                if last_hash is None:
                    return
                self._messages.append(self._sent(first, last), last, last_hash)
                first = last + 1

    def _hash_of(self, number: int) -> Hash32 | None:
        header = self._chain.header(number)
        return None if header is None else header.hash

    def _sent(self, first: int, last: int) -> Iterator[L2Message]:
        query = LogFilter(first=first, last=last, addresses=(L2_MAILBOX,), topics=((SENT,),), limit=0)
        yield from map(_message, self._chain.logs(query))

    # ---- batches ---------------------------------------------------------------------------------------------

    def batch(self, index: int) -> BatchInfo | None:
        """A committed batch."""
        low, high = GENESIS + 1, self._finality.committed
        while low < high:  # the first block of a batch that is not before it
            middle = (low + high) // 2
            confirmation = self._finality.confirmation(Step.COMMITTED, middle)
            before = confirmation is not None and (confirmation.batch or 0) < index
            low, high = (middle + 1, high) if before else (low, middle)
        found = self._finality.confirmation(Step.COMMITTED, low)
        if found is None or found.batch != index:
            return None
        return BatchInfo(
            index=index,
            first_block=low,
            last_block=found.block,
            commit=BatchStep(found.transaction, found.time),
            tee=_step(self._finality, Step.ATTESTED, found.block),
            zk=_step(self._finality, Step.PROVEN, found.block),
        )

    def batch_of(self, number: int) -> BatchInfo | None:
        """The committed batch that has a block."""
        found = self._finality.confirmation(Step.COMMITTED, number) if number > GENESIS else None
        return None if found is None or found.batch is None else self.batch(found.batch)

    # ---- messages to L1 --------------------------------------------------------------------------------------

    def messages_of(self, transaction_hash: Hash32) -> Sequence[int]:
        """Numbers of the messages that a visible transaction sent."""
        (receipt,) = self._chain.receipts([transaction_hash])
        sent = [] if receipt is None else [entry for entry in receipt.logs if _is_sent(entry)]
        return [_message(entry).nonce for entry in sent]

    def withdrawal(self, nonce: int) -> Withdrawal | None:
        """A message to L1, with its proof for the end of its batch."""
        if nonce >= self._messages.count:
            self._catch_up()
        message = self._messages.message(nonce)
        if message is None:
            return None
        batch = self.batch_of(message.block)
        siblings: Sequence[bytes] = ()
        if batch is not None:
            siblings = self._messages.proof(nonce, self._messages.count_at(batch.last_block))
        sender, target, value, _, data = message.fields
        return Withdrawal(
            sender=bytes.fromhex(sender[2:]),
            target=bytes.fromhex(target[2:]),
            value=value,
            nonce=nonce,
            data=data,
            hash=message.leaf,
            block=message.block,
            batch=batch,
            siblings=tuple(siblings),
            claim=None if batch is None else message.claim(batch.index, siblings),
        )

    # ---- fees and progress -----------------------------------------------------------------------------------

    def l1_fee_per_byte(self) -> int:
        """What the oracle says after the newest block."""
        account, slot = self.contracts.config.l1_fee
        return self._state.storage(account.to_bytes(20, "big"), slot, self._chain.head())

    def sync(self) -> SyncStatus:
        """How far everything is."""
        head = self._chain.head()
        reached = self._finality.committed, self._finality.safe, self._finality.finalized
        steps = zip(Step, reached, strict=True)
        batches = [self._finality.confirmation(step, block) for step, block in steps]
        committed, attested, proven = ((known.batch or 0) if known else 0 for known in batches)
        view = self._l1_view()
        return SyncStatus(
            l1_head=None if view is None else view[0],
            messages_seen=None if view is None else view[1],
            messages_executed=self._state.storage(L2_MAILBOX, EXECUTED, head),
            latest=head,
            committed=reached[0],
            attested=reached[1],
            proven=reached[2],
            backlog=self._backlog(),
            committed_batch=committed,
            attested_batch=attested,
            proven_batch=proven,
        )

    def _backlog(self) -> BacklogStatus:
        pressure = self._sequencer.backpressure
        now, most, stall = pressure.backlog(), pressure.most, pressure.stall()
        return BacklogStatus(
            blocks=now.blocks,
            bytes=now.bytes,
            most_blocks=None if most is None else most.blocks,
            most_bytes=None if most is None else most.bytes,
            stall=None if stall is None else stall.reason,
        )

    def provers(self) -> Any:
        """What the prover controller says of itself."""
        return self._prover_info()


def _step(finality: L1Finality, step: Step, block: int) -> BatchStep | None:
    known: Confirmation | None = finality.confirmation(step, block)
    return None if known is None else BatchStep(known.transaction, known.time)


def _is_sent(entry: Log) -> bool:
    return entry.address == L2_MAILBOX and entry.topics[:1] == (SENT,)


def _message(entry: Log) -> L2Message:
    """A message from its log."""
    _, nonce, call, _, _ = decode(_FIELDS, entry.data)
    return L2Message(nonce, entry.block_number, call)
