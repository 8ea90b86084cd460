"""Transactions that arrive: sent once for each request, in order, through fee spikes, losses, restarts and reorgs.

A request has one nonce, so that of all that is signed for it one is mined. Everything is written down before it is
sent, and every step begins with what the chain says, so a process may end between any two lines.

Several managers with one key (of a relayer and its standby) do no harm: who finds its nonce taken looks at the
transaction that took it, adopts one that does the same, and gives its own a new nonce only when another one is final.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from jovay.bridge.errors import L1RpcError
from jovay.bridge.l1 import contracts, records
from jovay.bridge.l1.answers import Answer
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.fees import Ceilings, Fees, Market, market
from jovay.bridge.l1.keys import Signer
from jovay.bridge.l1.records import L1Block, L1Receipt, L1Transaction
from jovay.bridge.l1.sender import Sender
from jovay.bridge.l1.transaction_store import Attempt, Entry, Request, Stage, TransactionStore
from jovay.chain.hexadecimal import hexed
from jovay.chain.transactions import decode_transaction

log = logging.getLogger("jovay.transactions")

_PLAIN_TRANSFER = 21_000


@dataclass(frozen=True, slots=True)
class Policy:
    """How transactions are sent.

    ``confirmations``: blocks, its own counted, after which no reorganisation is expected. ``patience``: blocks that a
    transaction waits before its fees are raised. ``in_flight``: how many may be on their way. ``preflight``: do not
    send what would fail. ``gas_margin``: percent on top of an estimate.
    """

    ceilings: Ceilings = field(default_factory=Ceilings)
    confirmations: int = 64
    patience: int = 3
    in_flight: int = 8
    preflight: bool = True
    gas_margin: int = 25


@dataclass(frozen=True, slots=True)
class Pending:
    """Not mined; ``hash`` of the last transaction signed for it, ``reason`` why it waits, where that is known."""

    hash: bytes | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Mined:
    """In a block, and succeeded; ``final``: deep enough that this is not expected to change."""

    hash: bytes
    block_number: int
    block_hash: bytes
    receipt: L1Receipt
    final: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """Not sent because it would fail, or mined and reverted (then with its receipt, and ``final`` as of Mined)."""

    reason: str
    final: bool = True
    receipt: L1Receipt | None = None


class TxManager:
    """The transactions of one account on one chain. ``send`` and ``status`` may be called from any thread."""

    def __init__(
        self,
        client: L1Client,
        signer: Signer,
        store_path: Path,
        policy: Policy = Policy(),
        explain: Callable[[bytes], str] = contracts.reason,
    ) -> None:
        """``explain`` puts what a reverted call returned into words. Raises TransactionStoreError."""
        self._client, self._policy, self._explain = client, policy, explain
        self.address = signer.address
        chain_id = client.chain_id()
        self._store = TransactionStore(store_path, signer.address, chain_id)
        self._sender = Sender(client, signer, self._store, chain_id)
        self._turn = threading.Lock()
        #: Why requests wait, as far as this process knows.
        self._waits: dict[int, str] = {}
        self._confirmed_at = b""
        #: Nonce below all of ours that nothing takes, and the block at which that was seen.
        self._gap = (-1, 0)

    def close(self) -> None:
        """Let go of the store."""
        with self._turn:
            self._store.close()

    def send(self, request: Request) -> None:
        """Sees to it that the transaction is mined; returns once that is written down.

        Nothing happens if it was asked for before. Raises RequestConflictError if another one was, under the same key.
        """
        self._store.add(request)

    def status(self, key: str) -> Pending | Mined | Failed | None:
        """What became of a request, as of the last step; None for one that was never made."""
        entry = self._store.find(key)
        if entry is None:
            return None
        if entry.receipt is not None:
            receipt, final = entry.receipt, entry.stage == Stage.FINAL
            if not receipt.succeeded:
                return Failed(entry.reason or "it reverted", final, receipt)
            return Mined(receipt.transaction_hash, receipt.block_number, receipt.block_hash, receipt, final)
        if entry.stage == Stage.REFUSED:
            return Failed(entry.reason or "refused")
        attempts = self._store.attempts(entry)
        return Pending(attempts[-1].hash if attempts else None, self._waits.get(entry.id))

    def balance(self) -> int:
        """Wei that the account has to pay with. Raises what the client raises."""
        return self._client.balance(self.address)

    def receipts(self, prefix: str = "") -> list[L1Receipt]:
        """Of all requests whose keys begin so and that are in blocks, reverted ones too: what was paid for."""
        return self._store.receipts(prefix)

    def spent(self) -> int:
        """Wei that all requests took that are in blocks."""
        return self._store.spent()

    def step(self) -> None:
        """Compares what was sent with the chain, and does what there is to do. To be called again and again.

        Raises L1Error when the server does not answer as it should, and SignerError; the next step goes on from there.
        """
        with self._turn:
            head = self._client.block()
            assert head is not None
            used = self._client.nonce(self.address)
            self._confirm(head)
            for entry in self._store.sent():
                if entry.nonce < used:
                    self._collect(entry, head)
            waiting = self._store.sent()
            if not waiting and self._store.queued() is None:
                return
            prices = market(self._client)
            if waiting:
                self._fill(waiting, used, head, prices)
                for entry in waiting:
                    if entry.nonce >= used:
                        self._push(entry, entry.nonce == used, head, prices)
            self._launch(used, head, prices)

    # ---- what the chain says

    def _confirm(self, head: L1Block) -> None:
        """Are the mined ones still where they were?"""
        if head.hash == self._confirmed_at:
            return
        for entry in self._store.mined():
            assert entry.receipt is not None
            receipt = self._client.receipt(entry.receipt.transaction_hash)
            if receipt is None:
                log.warning("%s is no longer in block %d", entry.request.key, entry.receipt.block_number)
                self._store.unmine(entry)
            elif receipt.block_hash != entry.receipt.block_hash:
                self._mine(entry, receipt)
            elif head.number - receipt.block_number + 1 >= self._policy.confirmations:
                self._store.finish(entry)
        self._confirmed_at = head.hash

    def _collect(self, entry: Entry, head: L1Block) -> None:
        """A request whose nonce is used up: by which transaction?"""
        attempts = self._store.attempts(entry)
        for attempt in reversed(attempts):
            receipt = self._client.receipt(attempt.hash)
            if receipt is not None:
                self._mine(entry, receipt)
                return
        taker = self._taker(entry.nonce, head.number)
        if taker is None or taker.block_number is None or taker.hash in {each.hash for each in attempts}:
            return  # the server's views differ, or the chain changes just now
        if self._sender.does(taker, entry):
            log.info("%s was sent by another process as 0x%s", entry.request.key, taker.hash.hex())
            fees = Fees(taker.max_fee, taker.max_priority_fee, taker.max_blob_fee)
            self._store.adopt(entry, Attempt(taker.hash, b"", entry.nonce, fees, head.number))
        elif head.number - taker.block_number + 1 >= self._policy.confirmations:
            log.warning("nonce %d of %s was taken by 0x%s", entry.nonce, entry.request.key, taker.hash.hex())
            self._store.requeue(entry)
        else:
            self._wait(entry, f"nonce {entry.nonce} was taken by 0x{taker.hash.hex()}")

    def _mine(self, entry: Entry, receipt: L1Receipt) -> None:
        reason = None if receipt.succeeded else self._why(entry, receipt)
        self._store.mine(entry, receipt, reason)
        self._waits.pop(entry.id, None)
        log.info(
            "%s is mined in block %d%s",
            entry.request.key,
            receipt.block_number,
            f": {reason}" if reason else "",
        )

    def _why(self, entry: Entry, receipt: L1Receipt) -> str:
        """Why a mined transaction reverted, found by calling it again on the block before."""
        try:
            self._client.call("eth_call", self._sender.call(entry), hex(receipt.block_number - 1))
        except L1RpcError as error:
            if error.revert_data is not None:
                return self._explain(error.revert_data)
        return "it reverted"

    def _taker(self, nonce: int, newest: int) -> L1Transaction | None:
        """The account's mined transaction with this nonce, searched by the account's nonces at blocks."""
        try:
            low, span = newest, 1
            while low and self._client.nonce(self.address, low) > nonce:
                low, span = max(0, low - span), span * 2
            high = newest
            while low < high:
                middle = (low + high) // 2
                if self._client.nonce(self.address, middle) > nonce:
                    high = middle
                else:
                    low = middle + 1
            found = self._client.call("eth_getBlockByNumber", hex(low), True)
        except L1RpcError as error:
            log.warning("nobody can say who took nonce %d: %s", nonce, error)
            return None
        for each in (found or {}).get("transactions", ()):
            if each["from"].lower() == hexed(self.address) and int(each["nonce"], 16) == nonce:
                return records.transaction(each)
        return None

    # ---- what is on its way

    def _push(self, entry: Entry, first: bool, head: L1Block, prices: Market) -> None:
        """A signed transaction that is not mined: known to the server, and dear enough?"""
        last = [each for each in self._store.attempts(entry) if each.raw][-1]
        waited, cheap = head.number - last.block >= self._policy.patience, not prices.admits(last.fees)
        if self._client.transaction(last.hash) is not None:
            dearer = waited and (first or cheap)
        else:
            dearer = self._broadcast(entry, last) is Answer.UNDERPRICED or (waited and cheap)
        if dearer:
            self._replace(entry, last, head, prices)

    def _replace(self, entry: Entry, last: Attempt, head: L1Block, prices: Market) -> None:
        """Sign and send again for more, unless the ceilings forbid it."""
        fees = prices.replacement(last.fees, self._policy.ceilings)
        if fees is None:
            self._wait(entry, f"fees are above the ceilings: {prices}")
            return
        log.info("%s is sent again for %s", entry.request.key, fees)
        gas = decode_transaction(last.raw, self.address, last.hash).gas
        attempt = self._sender.attempt(entry.request, last.nonce, fees, gas, head, self._sender.hashes(entry))
        self._store.sign(entry, attempt)
        self._broadcast(entry, attempt)

    def _fill(self, waiting: list[Entry], used: int, head: L1Block, prices: Market) -> None:
        """Take a nonce below ours that nobody takes: what had it was dropped, or reorganised away."""
        ours = [entry.nonce for entry in (*waiting, *self._store.mined()) if entry.nonce >= used]
        if not ours or min(ours) == used:  # it may also be mined, and the server behind
            self._gap = (-1, 0)
            return
        if self._gap[0] != used:
            self._gap = (used, head.number)
        others = self._client.nonce(self.address, "pending") > used
        if others and head.number - self._gap[1] < self._policy.patience:
            return
        fees = prices.offer(self._policy.ceilings, blobs=False)
        if fees is None:
            return
        log.warning("nonce %d is missing: it is filled", used)
        request = Request(self.address, b"", f"nonce {used} at block {head.number}", gas=_PLAIN_TRANSFER)
        attempt = self._sender.attempt(request, used, fees, _PLAIN_TRANSFER, head)
        self._store.fill(request, attempt)
        for entry in self._store.sent():
            if entry.nonce == used:
                self._broadcast(entry, attempt)

    def _broadcast(self, entry: Entry, attempt: Attempt) -> Answer:
        answer, reason = self._sender.broadcast(entry, attempt)
        self._wait(entry, None if answer is Answer.TAKEN else f"not taken by the server: {reason}")
        return answer

    def _wait(self, entry: Entry, reason: str | None) -> None:
        """Why a request waits; told once."""
        if reason is None:
            self._waits.pop(entry.id, None)
        elif self._waits.get(entry.id) != reason:
            self._waits[entry.id] = reason
            log.warning("%s waits: %s", entry.request.key, reason)

    # ---- what is to be sent

    def _launch(self, used: int, head: L1Block, prices: Market) -> None:
        """Give nonces to requests of the queue, and send them."""
        flying = self._store.sent()
        while len(flying) < self._policy.in_flight and (entry := self._store.queued()) is not None:
            if any(each.has_blobs != entry.has_blobs for each in flying):
                self._wait(entry, "nodes take no blob transaction beside others of the same account")
                return
            in_pool = self._client.nonce(self.address, "pending")  # may be another process's
            gas = self._gas(entry, bool(flying) or in_pool > used)
            if gas is None:
                if self._store.queued() == entry:
                    return
                continue
            fees = prices.offer(self._policy.ceilings, entry.has_blobs)
            if fees is None:
                self._wait(entry, f"fees are above the ceilings: {prices}")
                return
            nonce = max(used, in_pool, self._store.last_nonce() + 1)
            attempt = self._sender.attempt(entry.request, nonce, fees, gas, head, self._sender.hashes(entry))
            self._store.sign(entry, attempt)
            if self._broadcast(entry, attempt) is Answer.REFUSED:
                return
            flying.append(entry)

    def _gas(self, entry: Entry, behind_others: bool) -> int | None:
        """Gas to give it; None if it waits or is refused. What fails behind others may well not fail after them."""
        given = entry.request.gas
        if given is not None and not self._policy.preflight:
            return given
        try:
            where = ("pending",) if behind_others else ()
            estimate = int(self._client.call("eth_estimateGas", self._sender.call(entry), *where), 16)
        except L1RpcError as error:
            failed = error.revert_data
            reason = str(error) if failed is None else self._explain(failed)
            if behind_others and given is not None and failed is None:
                return given
            if behind_others or failed is None:
                self._wait(entry, reason)
                return None
            log.warning("%s is not sent, since it would fail: %s", entry.request.key, reason)
            self._store.refuse(entry, reason)
            return None
        return estimate * (100 + self._policy.gas_margin) // 100 if given is None else given
