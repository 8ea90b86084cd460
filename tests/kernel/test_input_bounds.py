"""State tests and replays read nothing behind their input, and ask their arena before they write."""

import ctypes

import pytest

from jovay.conformance.differential.generate import make_case
from jovay.conformance.differential.native import OUTPUT_BYTES
from jovay.conformance.differential.native import encode as encode_replay
from jovay.conformance.state_tests import encode as encode_state_test
from jovay.kernel.machine.layout import MachineSizes
from jovay.kernel.programs.state_test import Outcome, PreAccount, StateTest, run_state_test
from jovay.kernel.programs.transition import Replay, replay_transactions
from jovay.kernel.state.layout import WorldSizes
from jovay.native.arena import Arena
from jovay.native.records import read_record, values_of
from rigs.bombs import node_sizes

ARENA = 8 << 30
EDGES = (2**31, 2**32, 2**57, 2**60, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 8, 2**64 - 1)
NO_ROOM = {"status": 1, "stage": 3}


@pytest.fixture(scope="module")
def arena():
    return Arena(ARENA, huge_pages=False)


@pytest.fixture(scope="module")
def output():
    return Arena(OUTPUT_BYTES, huge_pages=False)


def offset(record, name):
    return record.fields[name][1]


def put(data, at, value):
    changed = bytearray(data)
    changed[at : at + 8] = value.to_bytes(8, "little")
    return bytes(changed)


def state_test(library, arena, data, size=None, arena_size=ARENA):
    source, out = ctypes.create_string_buffer(data, len(data)), ctypes.create_string_buffer(Outcome.size)
    places = (len(data) if size is None else size, ctypes.addressof(out), arena.address, arena_size)
    library[run_state_test](ctypes.addressof(source), *places)
    arena.reset()
    found = values_of(read_record(Outcome, out.raw))
    return {name: found[name] for name in NO_ROOM}


def replay(library, arena, output, data, size=None, arena_size=ARENA):
    source = ctypes.create_string_buffer(data, len(data))
    places = (len(data) if size is None else size, output.address, arena.address, arena_size)
    written = library[replay_transactions](ctypes.addressof(source), *places)
    arena.reset()
    return written


@pytest.fixture(scope="module")
def test_bytes():
    """A transfer from an account with code and storage beside it; the account comes first."""
    case = make_case("Osaka", 1)
    raw = "0x" + case.transactions[0].raw().hex()
    env = {
        "currentCoinbase": "0x0",
        "currentGasLimit": "0x1000000",
        "currentNumber": "0x1",
        "currentTimestamp": "0x1",
        "currentBaseFee": "0x0",
    }
    account = {"balance": "0x1", "nonce": "0x1", "code": "0x" + "00" * 40, "storage": {"0x1": "0x2"}}
    test = {"env": env, "pre": {"0x" + "11" * 20: account}, "config": {}}
    return encode_state_test(test, "Osaka", {"txbytes": raw}, 0)


def test_state_tests_with_absurd_sizes(library, arena, test_bytes):
    first = StateTest.size
    assert state_test(library, arena, test_bytes)["stage"] != NO_ROOM["stage"]
    places = [offset(StateTest, name) for name in ("account_count", "transaction_size")]
    places += [first + offset(PreAccount, name) for name in ("code_size", "slot_count")]
    places.append(offset(StateTest, "block") + 160)  # the fork
    for at in places:
        for value in EDGES:
            assert state_test(library, arena, put(test_bytes, at, value)) == NO_ROOM, (at, value)


def test_state_tests_cut_short(library, arena, test_bytes):
    for size in (0, 8, StateTest.size - 1, StateTest.size, StateTest.size + 100, len(test_bytes) - 100):
        assert state_test(library, arena, test_bytes, size) == NO_ROOM


def test_state_tests_in_small_arenas(library, arena, test_bytes):
    for size in (0, 1023, 1024, 1 << 20, 1 << 28):
        assert state_test(library, arena, test_bytes, arena_size=size) == NO_ROOM


def test_replays_with_absurd_sizes(library, arena, output):
    data = encode_replay(make_case("Osaka", 1))
    assert replay(library, arena, output, data) != 0
    account = Replay.size
    places = [offset(Replay, name) for name in ("account_count", "transaction_count")]
    places += [account + offset(PreAccount, name) for name in ("code_size", "slot_count")]
    for at in places:
        for value in EDGES:
            assert replay(library, arena, output, put(data, at, value)) == 0, (at, value)
    for size in (0, Replay.size - 1, Replay.size, len(data) // 2):
        assert replay(library, arena, output, data, size) == 0
    for size in (0, 1023, 1 << 20, 1 << 28):
        assert replay(library, arena, output, data, arena_size=size) == 0


@pytest.mark.parametrize("kind", ["world_sizes", "machine_sizes"])
def test_replays_with_absurd_capacities(library, arena, output, kind):
    """Capacities that stand in the input: none too large for the arena, indexes that probing ends in."""
    record = WorldSizes if kind == "world_sizes" else MachineSizes
    data = encode_replay(make_case("Osaka", 1), sizes=node_sizes(shared=4096))
    assert replay(library, arena, output, data) != 0
    for name in record.fields:
        for value in EDGES[2:]:  # less than that many bytes the arena has
            changed = put(data, offset(Replay, kind) + offset(record, name), value)
            assert replay(library, arena, output, changed) == 0, (name, value)
        if name.endswith("_index"):
            for value in (0, 1, 3, (1 << 20) - 1):
                changed = put(data, offset(Replay, kind) + offset(record, name), value)
                assert replay(library, arena, output, changed) == 0, (name, value)
