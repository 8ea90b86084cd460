"""Development operations: implements ``Development`` of ``jovay.rpc.backend``."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jovay.backend.errors import executing
from jovay.backend.node_backend import NodeBackend
from jovay.chain.types import Address, Hash32
from jovay.rpc.backend.errors import BackendError, NotProvableError, OutOfRangeError
from jovay.rpc.backend.pool import RawBatch
from jovay.sequencer.clock import MAX_TIMESTAMP
from jovay.sequencer.errors import RewindError
from jovay.simulation.requests import Call

from .edits import Editor
from .impersonation import decoded
from .interval import IntervalMiner
from .signing import Keys, transaction_of

MAX_NONCE = (1 << 64) - 2
#: Gas limits of blocks: Ethereum's least one, and the greatest that fits a signed number.
GAS_LIMITS = 5_000, (1 << 63) - 1
#: Wei per gas.
MAX_BASE_FEE = (1 << 64) - 1
#: Seconds between blocks, on the clock or as time stamps.
MAX_INTERVAL = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What ``revert`` goes back to."""

    number: int
    hash: Hash32
    offset: int


class Development:
    """Serves the development methods of one node; thread-safe."""

    def __init__(self, backend: NodeBackend) -> None:
        self._backend, self._sequencer = backend, backend.sequencer
        sequencer = backend.sequencer
        self._clock = sequencer.next_block.clock
        self._editor = Editor(sequencer, backend.reader)
        self._keys = Keys(sequencer.rules.chain_id, sequencer.keccak)
        self._impersonated: set[Address] = set()
        self._all_impersonated = False
        self._snapshots: dict[int, Snapshot] = {}
        self._next_snapshot = 1
        self._lock = threading.RLock()
        self._timer: IntervalMiner | None = None

    def close(self) -> None:
        """Stop interval mining."""
        self.set_interval(0)

    # ---- state -----------------------------------------------------------------------------------------------

    def set_balance(self, address: Address, balance: int) -> None:
        """Set a balance, in wei."""
        self._check_free("edits of the state")
        self._editor.set_account(address, balance=balance)

    def set_nonce(self, address: Address, nonce: int) -> None:
        """Set a nonce."""
        self._check_free("edits of the state")
        check_range("nonce", nonce, 0, MAX_NONCE)
        self._editor.set_account(address, nonce=nonce)

    def set_code(self, address: Address, code: bytes) -> None:
        """Set the code."""
        self._check_free("edits of the state")
        self._editor.set_code(address, code)

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        """Set a storage slot."""
        self._check_free("edits of the state")
        self._editor.set_storage(address, slot, value)

    def dump(self) -> bytes:
        """The whole state as a snapshot file without blocks."""
        self._check()
        return self._editor.dump()

    def load(self, data: bytes) -> None:
        """Replace the state by a dump, in a new block."""
        self._check_free("edits of the state")
        self._editor.load(data)

    def _check(self) -> None:
        with executing():
            self._sequencer.check_running()

    def _check_free(self, what: str) -> None:
        """Refuse what no prover could derive. Raises ``NotProvableError`` on a settled chain."""
        self._check()
        if self._sequencer.rules.settled is not None:
            raise NotProvableError(what)

    # ---- accounts --------------------------------------------------------------------------------------------

    def accounts(self) -> Sequence[Address]:
        """The ten well-known accounts."""
        return self._keys.addresses()

    def impersonate(self, address: Address, enabled: bool) -> None:
        """Let ``send`` act for an address, or stop that."""
        self._check_free("transactions without a signature")
        with self._lock:
            (self._impersonated.add if enabled else self._impersonated.discard)(address)

    def impersonate_all(self, enabled: bool) -> None:
        """Let ``send`` act for all addresses, or stop that."""
        self._check_free("transactions without a signature")
        self._all_impersonated = enabled

    def acts_for(self, address: Address) -> bool:
        """Whether the node holds the key of an address, or impersonates it."""
        return address in self._keys or self._is_impersonated(address)

    def _is_impersonated(self, address: Address) -> bool:
        return self._all_impersonated or address in self._impersonated

    def send(self, call: Call, anyone: bool = False) -> Hash32:
        """Pool a transaction of a held or impersonated account, or of ``anyone``."""
        self._check()
        impersonated = anyone or self._is_impersonated(call.sender)
        if call.sender in self._keys and not impersonated:
            raw = self._keys.sign_transaction(call)
            result = self._backend.pool.submit(RawBatch(raw, (len(raw),)))
            if error := result.errors.get(0):
                raise BackendError(error.message)
            return result.hashes
        if not impersonated:
            raise BackendError("unknown account")
        self._check_free("transactions without a signature")
        sequencer = self._sequencer
        chain_id = sequencer.rules.chain_id
        batch = decoded(sequencer.portal, transaction_of(call, chain_id), sequencer.keccak, chain_id)
        result = self._backend.pool.add(batch)
        if error := result.errors.get(0):
            raise BackendError(error.message)
        return result.hashes

    def sign(self, address: Address, digest: Hash32) -> bytes:
        """r ‖ s ‖ v (27/28)."""
        return self._keys.sign(address, digest)

    def sign_transaction(self, call: Call) -> bytes:
        """Signed envelope of a call of a held account."""
        return self._keys.sign_transaction(call)

    # ---- blocks ----------------------------------------------------------------------------------------------

    def mine(self, blocks: int, interval: int | None = None) -> None:
        """Produce that many blocks now, ``interval`` seconds apart."""
        self._check()
        sequencer = self._sequencer
        check_range("interval", interval or 0, 0, MAX_INTERVAL)
        if interval is not None:
            self._check_free("another clock")
        with sequencer.paused():
            last = sequencer.next_block.environment().timestamp + blocks * (interval or 0)
            check_range("timestamp", last, 0, MAX_TIMESTAMP)
            for made in range(blocks):
                if interval is not None and made:
                    sequencer.next_block.plan(timestamp=sequencer.executed.timestamp + interval)
                sequencer.make_block()
            if interval is not None:
                self._follow(sequencer.executed.timestamp)
        sequencer.drain()

    def set_automine(self, enabled: bool) -> None:
        """Cut blocks by the clock, or only on demand."""
        self._sequencer.set_automine(enabled)

    def automine(self) -> bool:
        """Whether blocks are cut by the clock."""
        return self._sequencer.automine

    def set_interval(self, seconds: float) -> None:
        """Cut a block every so many seconds, whatever ``automine`` says; 0 stops that."""
        check_range("interval", seconds, 0, MAX_INTERVAL)
        with self._lock:
            if self._timer is not None:
                self._timer.stop()
                self._timer = None
            if seconds > 0:
                self._timer = IntervalMiner(lambda: self.mine(1), seconds)

    def interval(self) -> float | None:
        """The seconds set so; None if blocks are not cut like that."""
        timer = self._timer
        return None if timer is None else timer.seconds

    # ---- going back ------------------------------------------------------------------------------------------

    def snapshot(self) -> int:
        """Remember the newest block and the clock."""
        self._check()
        with self._lock, self._sequencer.paused() as head:
            identifier, self._next_snapshot = self._next_snapshot, self._next_snapshot + 1
            self._snapshots[identifier] = Snapshot(head.number, head.hash, self._clock.offset)
            return identifier

    def revert(self, snapshot: int) -> bool:
        """Go back to a snapshot, which ends it and all later ones."""
        self._check()
        with self._lock:
            found = self._snapshots.get(snapshot)
            if found is None:
                return False
            self._forget_snapshots(lambda identifier: identifier >= snapshot)
            self._rewind(found.number)
            self._set_offset(found.offset)
            return True

    def reset(self) -> None:
        """Go back to genesis, with the system's clock."""
        self._check()
        with self._lock:
            self._snapshots.clear()
            self._impersonated.clear()
            self._all_impersonated = False
            self._rewind(self._sequencer.data.blocks.oldest)
            self._sequencer.next_block.space_time_stamps(None)
            self._set_offset(0)

    def rollback(self, blocks: int) -> None:
        """Drop the newest blocks."""
        self._check()
        with self._lock, self._sequencer.paused() as head:
            check_range("depth", blocks, 0, head.number)
            self._rewind(head.number - blocks)
            self._forget_snapshots(
                lambda identifier: self._snapshots[identifier].number > head.number - blocks
            )

    def _rewind(self, target: int) -> None:
        sequencer = self._sequencer
        with executing(), sequencer.paused() as head:
            if sequencer.rules.settled is not None and target < (least := sequencer.finality.committed):
                raise RewindError(target, least, head.number)
            sequencer.rewind_to(target)

    def _forget_snapshots(self, ended: Callable[[int], bool]) -> None:
        for identifier in [identifier for identifier in self._snapshots if ended(identifier)]:
            del self._snapshots[identifier]

    # ---- time ------------------------------------------------------------------------------------------------

    def increase_time(self, seconds: int) -> int:
        """Move the clock forward; returns its offset in seconds."""
        self._check_free("another clock")
        self._set_offset(self._clock.offset + seconds)
        return self._clock.offset

    def set_time(self, timestamp: int) -> int:
        """Set the clock; returns its offset in seconds."""
        self._check_free("another clock")
        self._set_offset(timestamp - int(time.time()))
        return self._clock.offset

    def set_next_timestamp(self, timestamp: int) -> None:
        """Time stamp of the next block; the clock goes on from there."""
        self._check_free("another clock")
        sequencer = self._sequencer
        check_range("timestamp", timestamp, 0, MAX_TIMESTAMP)
        with sequencer.paused() as head:
            if timestamp < head.timestamp:
                raise BackendError(
                    f"Timestamp error: {timestamp} is lower than previous block's timestamp {head.timestamp}"
                )
            self._follow(timestamp)
            sequencer.next_block.plan(timestamp=timestamp)

    def set_timestamp_interval(self, seconds: int | None) -> None:
        """Distance between the time stamps of blocks; None goes back to the clock."""
        self._check_free("another clock")
        check_range("interval", seconds or 0, 0, MAX_INTERVAL)
        self._sequencer.next_block.space_time_stamps(seconds)

    def _follow(self, timestamp: int) -> None:
        """Let the clock show ``timestamp`` now."""
        self._sequencer.next_block.shift_clock(timestamp - int(time.time()))

    def _set_offset(self, seconds: int) -> None:
        check_range("timestamp", int(time.time()) + seconds, 0, MAX_TIMESTAMP)
        self._sequencer.next_block.shift_clock(seconds)

    # ---- the environment of blocks ---------------------------------------------------------------------------

    def set_coinbase(self, address: Address) -> None:
        """Fee receiver of later blocks."""
        self._check_free("another fee recipient")
        self._sequencer.next_block.change(coinbase=int.from_bytes(address, "big"))

    def set_gas_limit(self, gas: int) -> None:
        """Gas limit of later blocks."""
        self._check_free("another gas limit")
        check_range("gas limit", gas, *GAS_LIMITS)
        with executing():
            self._sequencer.limit_gas(gas)

    def set_next_base_fee(self, wei: int) -> None:
        """Base fee of the next block."""
        self._check_free("another base fee")
        check_range("base fee", wei, 0, MAX_BASE_FEE)
        self._sequencer.next_block.plan(base_fee=wei)

    def set_prev_randao(self, value: Hash32) -> None:
        """PREVRANDAO of the next block."""
        self._check_free("another PREVRANDAO")
        self._sequencer.next_block.plan(prevrandao=int.from_bytes(value, "big"))

    # ---- pool ------------------------------------------------------------------------------------------------

    def drop(self, transaction_hash: Hash32) -> bool:
        """Remove a transaction from the pool."""
        return self._sequencer.pool.drop(transaction_hash)

    def drop_all(self) -> None:
        """Empty the pool."""
        self._sequencer.pool.clear()


def check_range(what: str, value: float, least: float, most: float) -> None:
    """Raise ``OutOfRangeError`` for what no block can have."""
    if not least <= value <= most:
        raise OutOfRangeError(what, value, least, most)
