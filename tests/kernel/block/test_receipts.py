"""Receipts against rlp and py-trie: consensus encodings, bloom filters, roots, and what the node stores."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from functools import cache
from operator import index

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from jovay.kernel.block import body, receipts
from jovay.kernel.block.body import Body
from jovay.kernel.block.receipts import BLOOM_WORK_SIZE, OK, TOO_SMALL, BlockReceipts, Receipt, StoredLog
from jovay.kernel.block.run import RUN_SIZE, RUN_STRIDE, Run
from jovay.kernel.machine.log import LOG_SIZE, Log
from jovay.kernel.machine.result import Result
from jovay.kernel.transaction.record import Transaction
from jovay.native.library import Library, build
from jovay.native.records import View, int_of
from rigs.records import array_at
from rigs.state import State
from rigs.transactions import keccak256


@cache
def library() -> Library:
    return build([receipts.build_receipts, body.write_body])


@dataclass(frozen=True)
class Event:
    address: int
    topics: list[bytes]
    data: bytes


@dataclass(frozen=True)
class Draft:
    kind: int
    status: int
    gas: int
    raw: bytes
    events: list[Event] = field(default_factory=list)


words = st.one_of(st.binary(min_size=32, max_size=32), st.just(bytes(32)), st.just(b"\xaa" * 32))
events = st.builds(
    Event,
    st.one_of(st.integers(0, 3), st.integers(0, 2**160 - 1)),
    st.lists(words, max_size=4),
    st.one_of(st.just(b""), st.binary(max_size=60), st.integers(250, 300).map(bytes)),
)
drafts = st.lists(
    st.builds(
        Draft,
        st.sampled_from([0, 1, 2, 3, 4, 0x7F]),
        st.integers(0, 1),
        st.integers(21_000, 2**40),
        st.binary(min_size=1, max_size=300),
        st.lists(events, max_size=4),
    ),
    max_size=6,
)


class Block:
    """Executed runs with these outcomes, in a machine's arenas."""

    def __init__(self, drafts: list[Draft], **sizes: int) -> None:
        self.drafts, self.state = drafts, State()
        memory = self.state.memory
        self.machine = self.state.machine(logs=64)
        self.runs = memory.take(len(drafts) * RUN_STRIDE + 64)
        log_count = 0
        for k, draft in enumerate(drafts):
            first = log_count
            for event in draft.events:
                self._log(log_count, event)
                log_count += 1
            raw = memory.take(len(draft.raw))
            ctypes.memmove(raw, draft.raw, len(draft.raw))
            tx = {"kind": draft.kind, "raw": raw, "raw_size": len(draft.raw)}
            tx |= {"hash": keccak256(draft.raw), "sender": bytes([k]) * 20}
            run = View(Run, self.runs + k * RUN_STRIDE)
            run.transaction, run.machine = memory.record(Transaction, tx), self.machine
            run.result = index(run) + RUN_SIZE
            result = View(Result, run.result)
            result.status, result.gas_used, result.first_log = draft.status, draft.gas, first
            result.log_count, result.gas_price, result.created = len(draft.events), 7 + k, 2**159 + k
        self.out = memory.record(
            BlockReceipts,
            {
                "receipts": memory.take(len(drafts) * Receipt.size + 64),
                "logs": memory.take(64 * StoredLog.size),
                "log_data": memory.take(1 << 16),
                "log_capacity": 64,
                "log_data_capacity": 1 << 16,
                "scratch": memory.take(1 << 21),
                "scratch_size": 1 << 21,
            }
            | sizes,
        )

    def _log(self, at: int, event: Event) -> None:
        log = View(Log, self.machine.logs.records + at * LOG_SIZE)
        data = self.state.memory.take(len(event.data))
        ctypes.memmove(data, event.data, len(event.data))
        log.address, log.topic_count = event.address, len(event.topics)
        log.topics = b"".join(event.topics).ljust(128, b"\xee")
        log.data, log.data_size = data, len(event.data)

    def order(self) -> ctypes.Array[ctypes.c_uint64]:
        """The last run comes first."""
        count = len(self.drafts)
        return (ctypes.c_uint64 * (count + 1))(*[count - 1, *range(count - 1)][:count])

    def build(self) -> int:
        order = self.order()
        at = ctypes.addressof(order)
        status: int = library()[receipts.build_receipts](self.out, self.runs, at, len(self.drafts))
        return status

    def in_order(self) -> list[Draft]:
        return [self.drafts[k] for k in self.order()[: len(self.drafts)]]


def bloom(logs: list[Event]) -> bytes:
    """The Yellow Paper's M3:2048 over addresses and topics."""
    bits = 0
    for event in logs:
        for entry in (event.address.to_bytes(20, "big"), *event.topics):
            digest = keccak256(entry)
            for at in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") % 2048)
    return bits.to_bytes(256, "big")


def consensus(draft: Draft, cumulative: int) -> bytes:
    """EIP-2718."""
    logs = [[e.address.to_bytes(20, "big"), e.topics, e.data] for e in draft.events]
    encoded: bytes = rlp.encode([draft.status, cumulative, bloom(draft.events), logs])
    return bytes([draft.kind]) * bool(draft.kind) + encoded


def ordered_root(values: list[bytes]) -> bytes:
    tree = HexaryTrie({})
    for position, value in enumerate(values):
        tree[rlp.encode(position)] = value
    return bytes(tree.root_hash)


@given(drafts=drafts)
@settings(max_examples=60, deadline=None)
def test_roots_and_filters(drafts):
    block = Block(drafts)
    assert block.build() == OK
    cumulative, encoded = 0, []
    for draft in block.in_order():
        cumulative += draft.gas
        encoded.append(consensus(draft, cumulative))
    out = block.out
    assert out.receipts_root == ordered_root(encoded)
    assert out.transactions_root == ordered_root([draft.raw for draft in block.in_order()])
    assert out.bloom == bloom([event for draft in drafts for event in draft.events])
    assert (out.count, out.gas_used) == (len(drafts), cumulative)


@given(drafts=drafts)
@settings(max_examples=40, deadline=None)
def test_stored_receipts_and_logs(drafts):
    block = Block(drafts)
    assert block.build() == OK
    out, ordered = block.out, block.in_order()
    stored, logs = array_at(out.receipts, out.count, Receipt), array_at(out.logs, out.log_count, StoredLog)
    assert stored["status"].tolist() == [d.status for d in ordered]
    assert stored["kind"].tolist() == [d.kind for d in ordered]
    assert stored["gas_used"].tolist() == [d.gas for d in ordered]
    assert stored["log_count"].tolist() == [len(d.events) for d in ordered]
    assert stored["bloom"].tolist() == [bloom(d.events) for d in ordered]
    numbers = block.order()[: len(drafts)]
    assert [int_of(v) for v in stored["gas_price"]] == [7 + k for k in numbers]
    assert [int_of(v) for v in stored["created"]] == [2**159 + k for k in numbers]
    data = ctypes.string_at(out.log_data, out.log_data_size)
    found = []
    for log in logs:
        topics = log["topics"].tobytes()
        found.append(
            (
                int(log["transaction"]),
                int_of(log["address"]),
                [topics[32 * k : 32 * k + 32] for k in range(int(log["topic_count"]))],
                data[int(log["data_offset"]) :][: int(log["data_size"])],
            )
        )
    assert found == [(k, e.address, e.topics, e.data) for k, d in enumerate(ordered) for e in d.events]
    assert stored["first_log"].tolist() == [
        sum(len(d.events) for d in ordered[:k]) for k in range(len(ordered))
    ]


def test_more_logs_than_are_hashed_together():
    """The filters' digests are made many at a time, and repeated addresses once."""
    logs = [[Event(5, [bytes([k, j]) * 16], b"") for j in range(4)] * 9 for k in range(7)]
    drafts = [Draft(2, 1, 21_000, bytes([k + 1]), events) for k, events in enumerate(logs)]
    block = Block(drafts, log_capacity=400)
    block.out.logs = block.state.memory.take(400 * StoredLog.size)
    block.machine.logs.records = block.state.memory.take(400 * LOG_SIZE)
    at = 0
    for draft in drafts:
        for event in draft.events:
            block._log(at, event)
            at += 1
    assert block.build() == OK
    assert block.out.log_count == 252
    assert block.out.bloom == bloom([event for draft in drafts for event in draft.events])
    stored = array_at(block.out.receipts, 7, Receipt)
    assert stored["bloom"].tolist() == [bloom(d.events) for d in block.in_order()]


@pytest.mark.parametrize(
    "sizes",
    [
        {"log_capacity": 39},
        {"log_data_capacity": 39},
        {"scratch_size": BLOOM_WORK_SIZE - 1},
        {"scratch_size": BLOOM_WORK_SIZE},
    ],
)
def test_too_little_room(sizes):
    drafts = [Draft(2, 1, 1, b"\1" * 3000, [Event(1, [], b"x")] * 4) for _ in range(10)]
    assert Block(drafts, **sizes).build() == TOO_SMALL
    assert Block(drafts, log_capacity=40, log_data_capacity=40).build() == OK


@given(drafts=drafts)
@settings(max_examples=30, deadline=None)
def test_bodies(drafts):
    block = Block(drafts)
    memory, count, size = block.state.memory, len(drafts), sum(len(d.raw) for d in drafts)
    places = {name: memory.take(32 * count + 64) for name in ("hashes", "senders", "offsets")}
    places["transactions"] = memory.take(size + 64)
    order = block.order()
    for capacity, status in ((size, 0), (size - 1, 1)):
        if capacity < 0:
            continue
        out = memory.record(Body, places | {"capacity": capacity})
        assert library()[body.write_body](block.runs, ctypes.addressof(order), count, out) == status
        if status == 0:
            ordered = block.in_order()
            raw = b"".join(d.raw for d in ordered)
            offsets = (ctypes.c_uint32 * (count + 1)).from_address(places["offsets"])
            assert ctypes.string_at(places["transactions"], size) == raw
            assert [raw[offsets[k] : offsets[k + 1]] for k in range(count)] == [d.raw for d in ordered]
            hashes = ctypes.string_at(places["hashes"], 32 * count)
            assert hashes == b"".join(keccak256(d.raw) for d in ordered)
            senders = ctypes.string_at(places["senders"], 20 * count)
            assert senders == b"".join(bytes([k]) * 20 for k in order[:count])
