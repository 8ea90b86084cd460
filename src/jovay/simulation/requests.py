"""Requests to execute calls on a state of the chain, their results and their traces.

One request form serves eth_call, eth_estimateGas, eth_createAccessList, eth_simulateV1 and debug_traceCall: a
list of bundles, each a block with overrides and calls, executed one after another over the state of an
existing block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntFlag

import msgspec

from jovay.chain.reasons import Halt, Invalid
from jovay.chain.types import AccessEntry, Address, Authorization, Block, Hash32, Withdrawal


class Call(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message to execute.

    Prices in wei; ``None`` lets the executor choose (gas: the cap; nonce: the account's).
    """

    sender: Address = bytes(20)
    to: Address | None = None
    gas: int | None = None
    gas_price: int | None = None
    max_fee_per_gas: int | None = None
    max_priority_fee_per_gas: int | None = None
    value: int = 0
    data: bytes = b""
    nonce: int | None = None
    access_list: tuple[AccessEntry, ...] | None = None
    max_fee_per_blob_gas: int | None = None
    blob_versioned_hashes: tuple[Hash32, ...] | None = None
    authorization_list: tuple[Authorization, ...] | None = None


class AccountOverride(msgspec.Struct, frozen=True, kw_only=True):
    """Changes to one account before execution.

    ``state`` replaces the whole storage, ``state_diff`` single slots.
    """

    nonce: int | None = None
    balance: int | None = None
    code: bytes | None = None
    state: Mapping[int, int] | None = None
    state_diff: Mapping[int, int] | None = None
    move_precompile_to: Address | None = None


class BlockOverrides(msgspec.Struct, frozen=True, kw_only=True):
    """Changes to the environment of a bundle; ``None`` keeps the default (see :class:`Bundle`)."""

    number: int | None = None
    timestamp: int | None = None
    gas_limit: int | None = None
    coinbase: Address | None = None
    prev_randao: int | None = None
    difficulty: int | None = None
    base_fee_per_gas: int | None = None
    blob_base_fee: int | None = None
    parent_beacon_block_root: Hash32 | None = None
    withdrawals: Sequence[Withdrawal] | None = None


class Bundle(msgspec.Struct, frozen=True):
    """Calls that share a block environment and see each other's effects."""

    calls: Sequence[Call]
    block: BlockOverrides | None = None
    state: Mapping[Address, AccountOverride] | None = None


class TraceParts(IntFlag):
    """Which raw events a trace collects."""

    NONE = 0
    STEPS = 1
    FRAMES = 2
    STATE = 4


class TraceOptions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What to record.

    ``stack``, ``memory`` and ``return_data`` matter to STEPS; ``max_steps`` 0 means no limit.
    """

    parts: TraceParts
    stack: bool = True
    memory: bool = False
    return_data: bool = False
    max_steps: int = 0
    max_bytes: int = 256 << 20


class ExecuteOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to execute bundles.

    * ``validation``: check nonces and prices like a real block. Without it nonces are not checked, and the
      base fee counts as zero for a call that names no price (so that it costs nothing); a call that names one
      pays for its gas, and fails like a transaction if it cannot. Whether the sender is an EOA is never
      checked.
    * ``new_block``: each bundle is a new block on top of the previous one (eth_simulateV1); otherwise all
      bundles run in the environment of the block they start from (eth_call).
    * ``gas_cap``: gas for one call without ``gas``, and the limit of all gas spent; ``time_limit`` in
      seconds.
    * ``transfers``: report every ETH transfer as a log of the ERC-7528 address (eth_simulateV1
      traceTransfers).
    * ``access_list``: collect the touched addresses and slots.
    * ``at_index``: start from the state before that transaction of the block, in the block's own environment,
      rather than from the state after the whole block.
    """

    gas_cap: int
    time_limit: float
    validation: bool = False
    new_block: bool = False
    transfers: bool = False
    access_list: bool = False
    at_index: int | None = None
    trace: TraceOptions | None = None


class CallLog(msgspec.Struct, frozen=True, gc=False):
    """An event of an executed call; ``index`` counts within its block or request.

    ``position`` is how many sub-calls of its frame came before it.
    """

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes
    index: int = 0
    position: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """State before one opcode.

    ``stack`` bottom first; ``storage`` is the (slot, value) that SLOAD/SSTORE touches.
    """

    pc: int
    op: int
    gas: int
    gas_cost: int
    depth: int
    address: Address
    refund: int = 0
    stack: tuple[int, ...] | None = None
    memory: bytes | None = None
    return_data: bytes | None = None
    storage: tuple[int, int] | None = None
    error: str | None = None


class Frame(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A call, creation or SELFDESTRUCT (``op``).

    Frames come in order of entry; ``depth`` 0 is the transaction.
    """

    op: int
    depth: int
    sender: Address
    to: Address | None
    value: int
    gas: int
    gas_used: int
    input: bytes
    output: bytes = b""
    error: str | None = None
    logs: Sequence[CallLog] = ()


class TouchedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that a transaction read or wrote. ``*_before``/``*_after`` of slots are keyed by slot
    number.

    ``existed`` / ``exists``: whether the account was in the state before, is in it after.
    """

    existed: bool
    exists: bool
    nonce_before: int
    nonce_after: int
    balance_before: int
    balance_after: int
    code_before: bytes
    code_after: bytes
    slots_before: Mapping[int, int]
    slots_after: Mapping[int, int]


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Raw events of one transaction, as far as its :class:`TraceOptions` asked for them."""

    steps: Sequence[Step] = ()
    frames: Sequence[Frame] = ()
    touched: Mapping[Address, TouchedAccount] = {}
    truncated: bool = False


class CallResult(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of one call.

    ``invalid`` means it never started; ``halt`` that it started and failed. ``detail`` is the whole error
    text where geth says more than the reason (addresses and amounts, the opcode, the stack sizes).
    ``gas_used`` is after refunds, ``max_used_gas`` the peak before them. ``access_list`` has every address
    and slot that the execution touched (EIP-2929), including the sender, the recipient and precompiles.
    """

    gas_used: int
    output: bytes = b""
    halt: Halt | None = None
    invalid: Invalid | None = None
    detail: str = ""
    max_used_gas: int = 0
    gas_refund: int = 0
    created: Address | None = None
    logs: Sequence[CallLog] = ()
    access_list: tuple[AccessEntry, ...] = ()
    trace: Trace | None = None

    @property
    def error(self) -> str | None:
        """Error text, None for success."""
        reason = self.invalid or self.halt
        return None if reason is None else self.detail or reason.value


class BundleResult(msgspec.Struct, frozen=True):
    """Results of a bundle in call order.

    ``block`` only when ``new_block`` was asked: header with the roots of state, transactions and receipts, and
    the calls as transactions (with the nonces and gas that they got, and hashes over their unsigned encoding
    with zero signature values).
    """

    calls: Sequence[CallResult]
    block: Block | None = None
