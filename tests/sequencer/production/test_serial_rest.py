"""The serial rest of a block runs as if missing keys were absent, and it stands if they are."""

from __future__ import annotations

import pytest

from jovay.native.library import Library
from rigs.assembly import asm
from rigs.contract_cases import MAIN
from rigs.memory_chain import ETHER, MemoryChain, Pre

COUNT, FIRST = 200, 1000
SENDERS = [bytes([0xA0]) + i.to_bytes(19, "big") for i in range(COUNT)]
#: n = slot 0; slot n + 1000 = the caller; slot 0 = n + 1
WRITE = asm(0, "sload dup1", FIRST, "add caller swap1 sstore", 1, "add", 0, "sstore")
#: n = slot 0; slot 1 += slot n + 1000; slot 0 = n + 1
READ = asm(0, "sload dup1", FIRST, "add sload", 1, "sload add", 1, "sstore", 1, "add", 0, "sstore")
#: n = slot 0; slot 0 = slot n + 1000: each says where the next one looks
FOLLOW = asm(0, "sload", FIRST, "add sload", 0, "sstore")


@pytest.fixture
def open_chain(library: Library):
    chains: list[MemoryChain] = []

    def make(code: bytes, storage: dict[int, int]) -> MemoryChain:
        accounts = {sender: Pre(ETHER) for sender in SENDERS} | {MAIN: Pre(1, 1, code, storage)}
        chains.append(MemoryChain(library, accounts))
        return chains[-1]

    yield make
    for chain in chains:
        chain.close()


def run(chain: MemoryChain) -> dict[int, int]:
    """Slots of MAIN that a block changed in which each sender calls it."""
    block = chain.block(*(chain.transaction(sender, MAIN) for sender in SENDERS))
    assert block.receipts["status"].tolist() == [1] * COUNT
    slots = block.writes.slots
    keys, values = (
        [int.from_bytes(word, "little") for word in slots[name].tolist()] for name in ("key", "value")
    )
    return dict(zip(keys, values, strict=True))


def test_slots_that_a_counter_tells_are_looked_up_together(open_chain) -> None:
    chain = open_chain(WRITE, {0: 5})
    chain.block()
    before = chain.source.reads
    changed = run(chain)
    assert chain.source.reads - before < 12
    assert changed.pop(0) == 5 + COUNT
    assert sorted(changed) == [FIRST + 5 + i for i in range(COUNT)]
    assert sorted(changed.values()) == sorted(int.from_bytes(sender, "big") for sender in SENDERS)


def test_where_they_are_there_after_all_the_rest_runs_once_more(open_chain) -> None:
    chain = open_chain(READ, {FIRST + i: 3**i % 2**64 for i in range(COUNT)})
    chain.block()
    before = chain.source.reads
    changed = run(chain)
    assert chain.source.reads - before < 12
    assert changed == {0: COUNT, 1: sum(3**i % 2**64 for i in range(COUNT))}


def test_what_each_one_tells_the_next_is_waited_for(open_chain) -> None:
    """Nothing is known before it is read: every guess would lead elsewhere."""
    order = [(7 * i + 3) % 211 for i in range(211)]
    storage = dict(zip([FIRST + n for n in [0, *order]], [*order, 0], strict=True)) | {0: 0}
    expected = 0
    for _ in range(COUNT):
        expected = storage.get(FIRST + expected, 0)
    chain = open_chain(FOLLOW, storage)
    chain.block()
    before = chain.source.reads
    assert run(chain).get(0, 0) == expected
    assert chain.source.reads - before > COUNT // 2


def test_a_receiver_that_is_there_after_all_keeps_its_ether(open_chain) -> None:
    """An account is guessed to be absent, and has ether: what it gets is added to that."""
    # slot 0 is one more; 1 wei goes to the address 0xfff and slot 0
    code = asm(0, "sload", 1, "add", 0, "sstore", 0, 0, 0, 0, 1, 0, "sload", 0x0FFF, "add gas call stop")
    chain = open_chain(code, {})
    rich = {(0x1000 + n).to_bytes(20, "big"): Pre(10**6 + n) for n in range(0, COUNT, 3)}
    chain.source._accounts.update(rich)
    chain.source._accounts[MAIN].balance = ETHER
    chain.block()
    before = chain.source.reads
    block = chain.block(*(chain.transaction(sender, MAIN) for sender in SENDERS))
    assert chain.source.reads - before < 12
    accounts = {
        int.from_bytes(row["address"].tobytes(), "little"): int.from_bytes(row["balance"].tobytes(), "little")
        for row in block.writes.accounts
    }
    for n in range(COUNT):
        assert accounts[0x1000 + n] == (10**6 + n + 1 if n % 3 == 0 else 1)
