"""The block after the newest one, as far as it is known before it is made: its environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import RLock

from jovay.chain.block_hashes import BlockHashes
from jovay.chain.environment import BlockEnvironment
from jovay.chain.rules import ChainRules, base_fee_after
from jovay.chain.types import Header
from jovay.kernel.machine.environment import Block
from jovay.kernel.protocol.forks import LONDON, OSAKA, PARIS
from jovay.kernel.protocol.limits import BLOCK_HASHES, TX_MAX_GAS_LIMIT
from jovay.native.hashing import keccak256
from jovay.native.records import View, new_record
from jovay.sequencer.clock import Clock
from jovay.sequencer.settings import SequencerSettings
from jovay.state.reader import StateReader
from jovay.state.world import NativeWorld
from jovay.storage.blocks import BlockStore

from .reservation import Reservation


class NextBlock:
    """Environments of blocks after ``parent``. ``making`` is held by whoever makes a block, or plans one here.

    ``reserved(number)`` is the reservation of a block, if it has one.
    """

    def __init__(
        self,
        world: NativeWorld,
        rules: ChainRules,
        settings: SequencerSettings,
        blocks: BlockStore,
        reserved: Callable[[int], Reservation | None],
        making: RLock,
    ) -> None:
        self._library, self._rules, self._blocks, self._reserved = world.library, rules, blocks, reserved
        self._state = StateReader(world)
        self.settings, self.clock, self._making = settings, Clock(), making
        self._hashes, self._hashes_filled = BlockHashes(), False
        self._base_fee: int | None = None
        self._prevrandao: int | None = None
        self._record = new_record(Block)
        self._l1_fee = settings.l1_fee_per_byte
        self.parent: Header
        self.parent_milliseconds: int
        self.expected: BlockEnvironment

    def record(self) -> View:
        """The environment that is expected, as the kernel's record: what the pool judges new transactions by."""
        return self._record

    def follow(self, parent: Header, milliseconds: int | None = None) -> None:
        """``parent`` is made, and wholly: the next block comes after it. ``milliseconds``: its time in full."""
        self.parent = parent
        self.parent_milliseconds = parent.timestamp * 1000 if milliseconds is None else milliseconds
        if self.settings.l1_fee is not None:
            account, slot = self.settings.l1_fee
            self._l1_fee = self._state.storage(account.to_bytes(20, "big"), slot, parent.number)
        self._remember_hashes()
        self._expect()

    def start_over(self, parent: Header, milliseconds: int | None = None) -> None:
        """The same where the chain was cut: ``parent`` follows other blocks than the last one did."""
        self._hashes_filled = False
        self.follow(parent, milliseconds)

    # ---- what is known of it ---------------------------------------------------------------------------------

    def environment(self, milliseconds: int | None = None) -> BlockEnvironment:
        """The block's environment if it is made now; or at a time, which is not before its parent's."""
        parent, settings, number = self.parent, self.settings, self.parent.number + 1
        if milliseconds is None:
            timestamp = self._timestamp(number)
            milliseconds = self.clock.milliseconds(timestamp, self.parent_milliseconds)
        else:
            timestamp = milliseconds // 1000
        blobs, fork = self._rules.blobs(number, timestamp), self._rules.fork(number, timestamp)
        base_fee = self.base_fee_after(parent) if self._base_fee is None else self._base_fee
        return BlockEnvironment(
            number=number,
            timestamp=timestamp,
            gas_limit=settings.gas_limit,
            base_fee=base_fee if fork >= LONDON else 0,
            coinbase=settings.coinbase,
            chain_id=self._rules.chain_id,
            fork=fork,
            parent_hash=parent.hash,
            prevrandao=self._randomness(number) if fork >= PARIS else 0,
            blob_base_fee=self._rules.blob_base_fee(0, number, timestamp),
            max_blobs=blobs.maximum,
            l1_fee_per_byte=self._l1_fee,
            fees_to_coinbase=settings.fees_to_coinbase,
            hashes=self._hashes,
            hashes_known=min(BLOCK_HASHES, number),
            milliseconds=milliseconds,
        )

    def _timestamp(self, number: int) -> int:
        """Of the block, if it is made now: its reservation's, where it has one."""
        earliest, timestamp = self.parent.timestamp, self.clock.timestamp(self.parent.timestamp)
        reserved = self._reserved(number)
        if reserved is not None and self.clock.is_free and reserved.timestamp >= earliest:
            return reserved.timestamp
        return timestamp

    def base_fee_after(self, parent: Header) -> int:
        """Base fee of the block after ``parent``, in wei: fixed, or by EIP-1559 but for a least one."""
        fixed, least = self.settings.base_fee, self.settings.least_base_fee
        return max(base_fee_after(parent), least) if fixed is None else fixed

    def transaction_gas(self, limit: int) -> int:
        """The most gas that a transaction can have where blocks have ``limit``."""
        fork = self._rules.fork(self.parent.number + 1, self.parent.timestamp)
        return min(limit, TX_MAX_GAS_LIMIT) if fork >= OSAKA else limit

    def _randomness(self, number: int) -> int:
        if self._prevrandao is not None:
            return self._prevrandao
        return int.from_bytes(keccak256(self._library, self.parent.hash + number.to_bytes(8, "big")), "big")

    def _remember_hashes(self) -> None:
        """Keep the newest hash where BLOCKHASH looks; at the start also those before it."""
        number = self.parent.number
        older = range(max(0, number - BLOCK_HASHES + 1), number) if not self._hashes_filled else ()
        for ancestor in older:
            self._hashes.put(ancestor, self._blocks.hash_of(ancestor))
        self._hashes_filled = True
        self._hashes.put(number, self.parent.hash)

    def _expect(self) -> None:
        self.expected = self.environment()
        self._record = self.expected.record()  # a new one: threads may be judging by the last

    # ---- what somebody wants of it ---------------------------------------------------------------------------

    def change(self, **settings: object) -> None:
        """Change settings of all blocks from now on."""
        with self._making:
            self.settings = replace(self.settings, **settings)  # type: ignore[arg-type]
            self._expect()

    def plan(
        self, timestamp: int | None = None, base_fee: int | None = None, prevrandao: int | None = None
    ) -> None:
        """Let the next block, and only that, have these values; None leaves what was planned."""
        with self._making:
            if timestamp is not None:
                self.clock.plan(timestamp)
            self._base_fee = self._base_fee if base_fee is None else base_fee
            self._prevrandao = self._prevrandao if prevrandao is None else prevrandao
            self._expect()

    def begun(self) -> None:
        """The block is being made: what was planned holds for no other."""
        self.clock.plan(None)
        self._base_fee = self._prevrandao = None

    def shift_clock(self, seconds: int) -> None:
        """Let time stamps be so much later than the system's clock."""
        with self._making:
            self.clock.shift(seconds)
            self._expect()

    def space_time_stamps(self, seconds: int | None) -> None:
        """Let time stamps be so far apart; None: they follow the clock."""
        with self._making:
            self.clock.space(seconds)
            self._expect()
