"""What the JSON-RPC layer needs from a node.

All methods are synchronous and safe to call from any thread. Blocks are named by number after
:meth:`Backend.resolve` or :meth:`Backend.number_of`; there is one canonical chain. Methods raise
:class:`BackendError` (or a subclass) for conditions that a client should see, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from jovay.chain.types import (
    Account,
    AccountProof,
    Address,
    Block,
    ChainConfig,
    ExecutionWitness,
    Hash32,
    Header,
    Inclusion,
    Log,
    Receipt,
    Transaction,
)
from jovay.simulation.requests import (
    Bundle,
    BundleResult,
    Call,
    CallResult,
    ExecuteOptions,
    Invalid,
    TraceOptions,
)

T = TypeVar("T")


class BackendError(Exception):
    """A condition that the client sees as JSON-RPC error -32000 with this text."""


class OutOfRangeError(BackendError):
    """A number that a client gave is out of its bounds."""

    def __init__(self, what: str, value: float, least: float, most: float) -> None:
        super().__init__(f"{what} {value} is out of range: {least} to {most}")


class HistoryUnavailableError(BackendError):
    """The state (or the data) of that block was pruned or never kept."""


class TooManyResultsError(BackendError):
    """A log query exceeded its ``limit``; ``last_block`` is the last block that was covered completely."""

    def __init__(self, limit: int, last_block: int) -> None:
        super().__init__(f"query returned more than {limit} results")
        self.limit = limit
        self.last_block = last_block


class BlockTag(StrEnum):
    """Named blocks.

    ``pending`` is the newest state there is; ``safe`` is TEE-attested, ``finalized`` proven on L1.
    """

    EARLIEST = "earliest"
    LATEST = "latest"
    PENDING = "pending"
    SAFE = "safe"
    FINALIZED = "finalized"


class SubmitError(msgspec.Struct, frozen=True, gc=False):
    """Why a raw transaction was refused; ``message`` is the whole text, starting with ``reason``."""

    reason: Invalid
    message: str
    expected_nonce: int | None = None


class RawBatch(msgspec.Struct, frozen=True, gc=False):
    """Raw transactions back to back: number ``i`` is ``data[ends[i - 1]:ends[i]]`` (first from 0)."""

    data: bytes
    ends: Sequence[int]


class Submitted(msgspec.Struct, frozen=True, gc=False):
    """Outcome of a :class:`RawBatch`: ``hashes`` is 32 bytes for each (also for refused ones that decode,
    else zeros).

    ``errors`` maps the index of a refused transaction to its reason; all others are in the pool.
    """

    hashes: bytes
    errors: Mapping[int, SubmitError] = {}


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A log query over blocks ``first``…``last`` inclusive.

    ``addresses`` empty matches all; ``topics[i]`` empty matches any topic at position ``i`` (which must
    exist), else one of the given ones must be there. A query that finds more than ``limit`` raises
    :class:`TooManyResultsError`.
    """

    first: int
    last: int
    addresses: tuple[Address, ...] = ()
    topics: tuple[tuple[Hash32, ...], ...] = ()
    limit: int = 10_000


class Fees(msgspec.Struct, frozen=True, gc=False):
    """Prices for the next block, in wei."""

    base_fee: int
    priority_fee: int
    blob_base_fee: int


class PoolStatus(msgspec.Struct, frozen=True, gc=False):
    """Numbers of executable and of waiting transactions."""

    pending: int
    queued: int


class PoolContent(msgspec.Struct, frozen=True):
    """Transactions of the pool by sender, each list in nonce order."""

    pending: Mapping[Address, Sequence[Transaction]]
    queued: Mapping[Address, Sequence[Transaction]]


class Finality(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How final a block is: stage 1 executed and persisted, 2 attested on L1, 3 proven on L1.

    Times in seconds.
    """

    stage: int
    block_number: int
    batch_index: int | None = None
    commit_transaction: Hash32 | None = None
    commit_time: int | None = None
    tee_transaction: Hash32 | None = None
    tee_time: int | None = None
    zk_transaction: Hash32 | None = None
    zk_time: int | None = None


class NewBlock(msgspec.Struct, frozen=True, gc=False):
    """A block became visible: its receipts, state and logs answer queries.

    ``transaction_hashes`` back to back.
    """

    header: Header
    transaction_hashes: bytes


class NewPending(msgspec.Struct, frozen=True, gc=False):
    """Transactions entered the pool; hashes back to back."""

    hashes: bytes


class Removed(msgspec.Struct, frozen=True, gc=False):
    """Blocks above ``head`` left the chain (a revert in development mode); their logs are given with
    ``removed``.
    """

    head: Header
    logs: Sequence[Log]


Event: TypeAlias = NewBlock | NewPending | Removed


class Backend(Protocol):
    """A node, as JSON-RPC sees it."""

    @property
    def chain(self) -> ChainConfig:
        """Chain parameters."""

    @property
    def dev(self) -> DevBackend | None:
        """Development operations, or None where they are switched off."""

    @property
    def client_version(self) -> str:
        """Answer to web3_clientVersion, for instance ``jovay/v0.1.0/linux-amd64/python3.11``."""

    def keccak256(self, content: bytes) -> Hash32:
        """Keccak-256."""

    # Blocks.
    def head(self) -> int:
        """Number of the newest visible block."""

    def resolve(self, tag: BlockTag) -> int | None:
        """Block number of a tag; None when no block has reached that stage."""

    def number_of(self, block_hash: Hash32) -> int | None:
        """Number of a canonical block."""

    def header(self, number: int) -> Header | None:
        """Header of a canonical block."""

    def block(self, number: int) -> Block | None:
        """Header and body of a canonical block."""

    def transaction_count(self, number: int) -> int | None:
        """How many transactions a block has."""

    def transaction_hashes(self, number: int) -> bytes | None:
        """Hashes of a block's transactions, back to back."""

    # Transactions and receipts.
    def transaction(self, transaction_hash: Hash32) -> Inclusion | None:
        """A mined or pooled transaction."""

    def transaction_at(self, number: int, index: int) -> Inclusion | None:
        """A transaction by its position."""

    def receipts(self, hashes: Sequence[Hash32]) -> Sequence[Receipt | None]:
        """Receipts of visible transactions, None for unknown ones, in order."""

    def block_receipts(self, number: int) -> Sequence[Receipt] | None:
        """All receipts of a block."""

    def logs(self, query: LogFilter) -> Sequence[Log]:
        """Matching logs in chain order."""

    # Raw encodings (EIP-2718 envelopes and RLP).
    def raw_header(self, number: int) -> bytes | None:
        """RLP of a header."""

    def raw_block(self, number: int) -> bytes | None:
        """RLP of a block."""

    def raw_receipts(self, number: int) -> Sequence[bytes] | None:
        """Consensus encodings of a block's receipts."""

    def raw_transaction(self, transaction_hash: Hash32) -> bytes | None:
        """Envelope of a mined or pooled transaction."""

    # State after a block.
    def account(self, address: Address, number: int) -> Account:
        """Basic data of an account."""

    def code(self, address: Address, number: int) -> bytes:
        """Code of an account."""

    def storage(self, address: Address, slot: int, number: int) -> int:
        """Value of a storage slot."""

    def proof(self, address: Address, slots: Sequence[int], number: int) -> AccountProof:
        """Proof of an account and of some of its slots."""

    # Execution over the state after a block.
    def execute(
        self, bundles: Sequence[Bundle], number: int, options: ExecuteOptions
    ) -> Sequence[BundleResult]:
        """Execute bundles one after another; never changes the chain.

        A call with ``invalid`` set ends its bundle and all later ones (they have no results).
        """

    def trace_transactions(
        self,
        number: int,
        indexes: Sequence[int] | None,
        options: TraceOptions,
        time_limit: float,
        look: Callable[[int, CallResult], T],
    ) -> list[T]:
        """What ``look`` makes of a block's transactions (all of them for None), re-executed in their place.

        It is given each index and result with its trace once, so that no two traces need to be in memory.
        """

    def witness(self, number: int, time_limit: float) -> ExecutionWitness:
        """What executing a block again takes without any other state."""

    # Pool.
    def submit(self, batch: RawBatch, ready_only: bool = False) -> Submitted:
        """Decode, check and pool raw transactions.

        ``ready_only`` refuses what could only wait (``NONCE_TOO_HIGH`` with the expected nonce).
        """

    def pool_status(self) -> PoolStatus:
        """Size of the pool."""

    def pool_content(self, sender: Address | None = None) -> PoolContent:
        """Contents of the pool, of one sender if given."""

    def next_nonce(self, address: Address) -> int:
        """Nonce after the sender's executable pooled transactions."""

    def fees(self) -> Fees:
        """Prices for the next block."""

    def blob_base_fee(self, number: int) -> int | None:
        """Blob base fee of a block; None before Cancun."""

    # L1.
    def finality(self, number: int) -> Finality:
        """How final a block is."""

    # Events.
    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``listener`` for every event from now on, in order and from any thread; returns how to stop
        that.

        ``listener`` must return at once and must not raise.
        """


class DevBackend(Protocol):
    """Development operations.

    Changes to the state are visible at once, as part of a new or of the latest block.
    """

    def set_balance(self, address: Address, balance: int) -> None:
        """Set a balance, in wei."""

    def set_nonce(self, address: Address, nonce: int) -> None:
        """Set a nonce."""

    def set_code(self, address: Address, code: bytes) -> None:
        """Set the code."""

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        """Set a storage slot."""

    def accounts(self) -> Sequence[Address]:
        """Addresses whose keys the node holds for development."""

    def impersonate(self, address: Address, enabled: bool) -> None:
        """Let eth_sendTransaction act for any address, or stop that."""

    def impersonate_all(self, enabled: bool) -> None:
        """Let eth_sendTransaction act for all addresses, or stop that."""

    def acts_for(self, address: Address) -> bool:
        """Whether the node holds the key of an address, or impersonates it."""

    def send(self, call: Call, anyone: bool = False) -> Hash32:
        """Pool an unsigned transaction of a held or impersonated account, or of ``anyone`` (gas and nonce set)."""

    def sign(self, address: Address, digest: Hash32) -> bytes:
        """Sign a digest with a held key: r ‖ s ‖ v (27/28)."""

    def sign_transaction(self, call: Call) -> bytes:
        """Signed envelope of a call of a held account."""

    def mine(self, blocks: int, interval: int | None = None) -> None:
        """Produce that many blocks now, ``interval`` seconds apart in their time stamps."""

    def set_automine(self, enabled: bool) -> None:
        """Cut a block as soon as there are transactions, or only on demand."""

    def automine(self) -> bool:
        """Whether blocks are cut automatically."""

    def set_interval(self, seconds: float) -> None:
        """Cut a block every so many seconds; 0 stops that."""

    def interval(self) -> float | None:
        """The seconds set so; None if blocks are not cut like that."""

    def snapshot(self) -> int:
        """Remember the current state; returns its id, counting from 1."""

    def revert(self, snapshot: int) -> bool:
        """Go back to a snapshot, which ends it and all later ones; False for an unknown id."""

    def reset(self) -> None:
        """Go back to genesis."""

    def rollback(self, blocks: int) -> None:
        """Drop the newest blocks."""

    def increase_time(self, seconds: int) -> int:
        """Move the clock forward; returns the total offset, in seconds."""

    def set_time(self, timestamp: int) -> int:
        """Set the clock; returns the new offset, in seconds."""

    def set_next_timestamp(self, timestamp: int) -> None:
        """Time stamp of the next block."""

    def set_timestamp_interval(self, seconds: int | None) -> None:
        """Distance between the time stamps of blocks; None goes back to the clock."""

    def set_coinbase(self, address: Address) -> None:
        """Fee receiver of later blocks."""

    def set_gas_limit(self, gas: int) -> None:
        """Gas limit of later blocks."""

    def set_next_base_fee(self, wei: int) -> None:
        """Base fee of the next block."""

    def set_prev_randao(self, value: Hash32) -> None:
        """PREVRANDAO of the next block."""

    def drop(self, transaction_hash: Hash32) -> bool:
        """Remove a transaction from the pool."""

    def drop_all(self) -> None:
        """Empty the pool."""

    def dump(self) -> bytes:
        """The whole state in the node's snapshot form."""

    def load(self, data: bytes) -> None:
        """Replace the state by a dump."""
