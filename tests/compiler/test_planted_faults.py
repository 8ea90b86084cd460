"""Faults planted in different parts of the kernel: the checked build finds each, and names function and part."""

from __future__ import annotations

import ctypes
from operator import index

import pytest

from jovay.kernel.block import receipts
from jovay.kernel.block.admission import Admission
from jovay.kernel.block.receipts import BlockReceipts, Receipt, StoredLog
from jovay.kernel.evm import frames, memory
from jovay.kernel.evm.templates import STEPS
from jovay.kernel.machine import journal, loading, marks, misses, view, writing
from jovay.kernel.machine.environment import Block
from jovay.kernel.machine.frame import Frame
from jovay.kernel.machine.layout import MachineSizes, init_machine
from jovay.kernel.machine.machine import Machine
from jovay.kernel.machine.result import Result
from jovay.kernel.pool import entries as pool_entries
from jovay.kernel.protocol import opcodes as op
from jovay.kernel.riscv import decode as riscv_decode
from jovay.kernel.state import code
from jovay.kernel.state.layout import WorldSizes, init_world
from jovay.kernel.state.world import World
from jovay.kernel.transaction.decode import _legacy, parse
from jovay.kernel.transaction.record import Transaction
from jovay.kernel.trie import nodes
from jovay.native.arena import Arena, Buffer
from jovay.native.records import View, new_record
from jovay.sequencer.pool.memory import Memory
from rigs.checked import Fault, build_with, run_child

LOG0, MSTORE = STEPS[op.LOG0], STEPS[op.MSTORE]
ENTRIES = (
    code.intern_code,
    parse,
    frames.leave,
    frames.new_frame,
    frames.start,
    init_machine,
    init_world,
    journal.save,
    memory.grow,
    nodes.new_leaf,
    nodes.trie_init,
    pool_entries.new_sender,
    receipts.store_logs,
    riscv_decode.decode,
    view.account,
    writing.list_dirty,
    misses.list_miss,
    marks.list_touched,
    view.slot_entry,
    LOG0,
    MSTORE,
)
LIMITS = {
    "accounts": 4, "account_index": 64, "slots": 4, "slot_index": 64, "misses": 4, "journal": 8,
    "stack_bytes": 8192, "memory_bytes": 4096, "code_bytes": 4096, "return_bytes": 96, "logs": 2,
    "log_bytes": 96, "touched": 3, "scratch": 4096,
}  # fmt: skip
WORLD_LIMITS = {
    "accounts": 4, "account_index": 64, "slots": 4, "slot_index": 64, "code_bytes": 1024, "code_index": 16,
    "history": 4, "changed": 8,
}  # fmt: skip


def body_of(step):
    """The function behind an instruction's checks."""
    return next(
        c.cell_contents
        for c in step.__closure__
        if getattr(c.cell_contents, "symbol", "").endswith(("log0", "mstore"))
    )


class Bench:
    """A small world and machine, and calls of the library under test."""

    def __init__(self, library) -> None:
        self.library = library
        self.world_arena, self.arena = Arena(1 << 16), Arena(1 << 19)
        self.world = self.world_arena.address
        sizes = new_record(WorldSizes, WORLD_LIMITS), new_record(MachineSizes, LIMITS)
        self.call(init_world, self.world, sizes[0], 1)
        View(World, self.world).complete = 1
        self.at = self.arena.address
        self.call(init_machine, self.at, sizes[1], self.world, 2)
        self.machine = View(Machine, self.at)
        self.block = new_record(Block, {"fork": 12})
        self.machine.block = self.block

    def call(self, function, *arguments):
        return self.library[function](*arguments)

    def frame(self):
        """Another running frame."""
        f = self.call(frames.new_frame, self.at, 10**9)
        record = View(Frame, f)
        record.kind, record.out_size, record.input_size = 0xF1, 0, 0
        self.call(frames.start, self.at, f, 7)
        return record


def fill_accounts(b):
    for address in range(LIMITS["accounts"] + 1):
        b.call(view.account, b.at, 1000 + address)


def fill_slots(b):
    a = b.call(view.account, b.at, 1000)
    for key in range(LIMITS["slots"] + 1):
        b.call(view.slot_entry, b.at, a, key)


def fill_journal(b):
    for _ in range(LIMITS["journal"] + 1):
        b.call(journal.save, b.at, b.call(view.account, b.at, 1000))


def fill_dirty(b):
    for _ in range(LIMITS["accounts"] + LIMITS["slots"] + 1):
        b.call(writing.list_dirty, b.at, b.machine.tables.accounts)


def fill_misses(b):
    for key in range(LIMITS["misses"] + 1):
        b.call(misses.list_miss, b.at, 0, key, 0)


def fill_touched(b):
    a = b.call(view.account, b.at, 1000)
    for _ in range(LIMITS["touched"] + 1):
        b.call(marks.list_touched, b.at, a)


def put(at, *words):
    """EVM words on a stack whose memory the test owns."""
    for k, word in enumerate(words):
        ctypes.memmove(at + 32 * k, word.to_bytes(32, "little"), 32)
    return at + 32 * len(words)


def own_stack(b):
    f = b.frame()
    stack = ctypes.create_string_buffer(4096)
    f.stack = ctypes.addressof(stack)
    return f, stack


def step(b, operation, f, *operands):
    """An instruction over a stack in the host's memory."""
    sp = put(f.stack, *operands)
    return b.call(operation, b.at, index(f), 0, sp, 10**8)


def write_logs(size, count):
    def scenario(b):
        f, _stack = own_stack(b)
        for _ in range(count):
            step(b, LOG0, f, size, 0)

    return scenario


def store_word(b):
    f, _stack = own_stack(b)
    step(b, MSTORE, f, 5, 0)


def grow_memory(b):
    f = b.frame()
    b.call(memory.grow, b.at, index(f), 10**8, LIMITS["memory_bytes"] + 1)


def end_call(b):
    """The result of a call goes to the stack of the caller."""
    parent = b.frame()
    b.frame()
    b.call(frames.leave, b.at, 1)
    assert parent.sp == parent.stack + 32


def return_too_much(b):
    f = b.frame()
    data = ctypes.create_string_buffer(256)
    f.input, f.input_size = ctypes.addressof(data), LIMITS["return_bytes"] + 1
    b.call(frames.leave, b.at, 2)


def place_code(b):
    text = ctypes.create_string_buffer(bytes(40), 40)
    b.call(code.intern_code, b.world, ctypes.addressof(text), 40, 5)


def add_senders(b):
    memory = Memory(1)
    address, verdict = ctypes.create_string_buffer(32), new_record(Admission, {})
    for _ in range(2):  # the last one stands for the sender in transit
        b.call(pool_entries.new_sender, memory, address, verdict)


def add_leaves(b):
    trie, branches, leaves = Arena(4096, name="trie"), Arena(4096), Arena(4096)
    b.call(nodes.trie_init, trie, branches, 8, leaves, 2)
    key = ctypes.create_string_buffer(64)
    for _ in range(2):
        b.call(nodes.new_leaf, trie, ctypes.addressof(key), ctypes.addressof(key) + 32)


def store_receipt(b):
    logs, data = Arena(StoredLog.size * 2, name="results.logs"), Arena(100, name="results.log_data")
    out = new_record(
        BlockReceipts,
        {"logs": logs, "log_data": data, "log_capacity": 2, "log_data_capacity": 100},
    )
    write_logs(32, 2)(b)
    result, receipt = new_record(Result, {"log_count": 2}), new_record(Receipt, {})

    b.call(receipts.store_logs, out, result, b.at, receipt, 0)
    result = new_record(Result, {"log_count": 1})
    assert not b.call(receipts.store_logs, out, result, b.at, receipt, 0)


def parse_cut_short(b):
    raw = Buffer(bytes.fromhex("c101"))
    tx = new_record(Transaction, {})
    b.call(parse, raw, 2, tx)


def decode_word(b):
    b.call(riscv_decode.decode, 0x00007033)


#: By part: the fault, the part as reports name it, and what touches it. ``None``: there is no name to give.
FAULTS = {
    "view accounts": (
        Fault(loading.load_account, "position == m.tables.account_capacity", "position > m.tables.account_capacity"),
        "machine.tables.accounts",
        fill_accounts,
    ),
    "view slots": (
        Fault(view.add_slot, "position == m.tables.slot_capacity", "position > m.tables.slot_capacity"),
        "machine.tables.slots",
        fill_slots,
    ),
    "journal": (
        Fault(journal.save, "count == m.journal.capacity", "count > m.journal.capacity"),
        "machine.journal",
        fill_journal,
    ),
    "changes": (
        Fault(writing.list_dirty, "m.dirty.count == m.dirty.capacity", "m.dirty.count > m.dirty.capacity"),
        "machine.dirty",
        fill_dirty,
    ),
    "misses": (
        Fault(misses.list_miss, "count < m.misses.capacity", "count <= m.misses.capacity"),
        "machine.misses",
        fill_misses,
    ),
    "touched": (
        Fault(marks.list_touched, "count == m.touched.capacity", "count > m.touched.capacity"),
        "machine.touched",
        fill_touched,
    ),
    "logs": (
        Fault(body_of(LOG0), "m.logs.count == m.logs.capacity", "m.logs.count > m.logs.capacity"),
        "machine.logs",
        write_logs(1, LIMITS["logs"] + 1),
    ),
    "EVM memory": (
        Fault(body_of(MSTORE), "store256be(at(f, offset),", "store256be(at(f, offset) + 1,"),
        "machine.calls.memory",
        store_word,
    ),
    "EVM memory's arena": (
        Fault(memory.grow, "+ m.calls.memory_capacity:", "+ m.calls.memory_capacity + 32:"),
        "machine.calls.memory",
        grow_memory,
    ),
    "EVM stack": (
        Fault(frames.leave, "store256(parent.sp, result)", "store256(parent.sp + 1, result)"),
        "machine.calls.stacks",
        end_call,
    ),
    "return arena": (
        Fault(frames.deliver_output, "f.input_size > m.returned.capacity", "f.input_size > m.returned.capacity + 1"),
        "machine.returned",
        return_too_much,
    ),
    "code": (
        Fault(code.mark_jumpdests, "(size >> 3) + 1", "(size >> 3) + 17"),
        "world.codes",
        place_code,
    ),
    "pool's senders": (
        Fault(pool_entries.new_sender, "position = pool.senders_used\n", "position = pool.senders_used + 1\n"),
        "pool.senders",
        add_senders,
    ),
    "trie's leaves": (
        Fault(nodes.new_leaf, "copy(leaf.value, value, U64(32))", "copy(leaf.value, value, U64(33))"),
        "trie.leaves",
        add_leaves,
    ),
    "stored logs": (
        Fault(receipts.store_logs, "result.log_count > out.log_capacity", "result.log_count > out.log_capacity + 1"),
        "results.logs",
        store_receipt,
    ),
    "input": (
        Fault(_legacy, "tx.signed = cursor.at", "tx.signed = load8(cursor.end)"),
        "given",
        parse_cut_short,
    ),
    "table": (
        Fault(riscv_decode.register_operation, "return _PLAIN[funct3] if wide", "return _PLAIN[funct3 + 1] if wide"),
        None,
        decode_word,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def checked():
    """Arenas of this process are watched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOVAY_KERNEL", "checked")
        yield


@pytest.fixture(scope="module")
def sound(checked):
    return build_with(ENTRIES)


@pytest.fixture(scope="module")
def faulty(checked):
    """All faults at once: each scenario comes upon its own alone."""
    return build_with(ENTRIES, [fault for fault, _, _ in FAULTS.values()])


@pytest.mark.parametrize("where", FAULTS)
def test_sound_code_is_silent(sound, where):
    assert run_child(lambda: FAULTS[where][2](Bench(sound))) is None


@pytest.mark.parametrize("where", FAULTS)
def test_a_fault_is_found(faulty, where):
    fault, part, scenario = FAULTS[where]
    report = run_child(lambda: scenario(Bench(faulty)))
    assert report is not None, "not found"
    assert report.function == fault.function.symbol, report.text
    assert report.line in fault.lines(), report.text
    if part is not None:
        assert report.part == part, report.text
