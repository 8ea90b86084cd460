"""Transactions executed again in their block, and reading older states."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jovay.chain.reasons import Halt
from jovay.native.library import Library
from jovay.simulation.errors import ReplayError
from jovay.simulation.requests import (
    AccountOverride,
    Bundle,
    Call,
    CallResult,
    ExecuteOptions,
    TraceOptions,
    TraceParts,
)
from jovay.simulation.simulate import Simulator
from jovay.simulation.source import StoredTransaction
from jovay.state.errors import HistoryUnavailableError, UnknownBlockError
from rigs.assembly import asm, call
from rigs.contract_cases import ALICE, LOG, MAIN, OTHER
from rigs.memory_chain import COINBASE, ETHER, MemoryChain, Pre

CAROL, SINK = b"\xca" * 20, b"\x51" * 20
FRAMES = TraceOptions(parts=TraceParts.FRAMES)
STATE = TraceOptions(parts=TraceParts.STATE)
OPTIONS = ExecuteOptions(gas_cap=10_000_000, time_limit=5.0)
#: slot 0 += 1, a log with it, and the coinbase's balance into slot 1
COUNT = (
    asm(0, "sload", 1, "add dup1", 0, "sstore", 0, "mstore", 32, 0, "log0")
    + bytes.fromhex("4131")
    + asm(1, "sstore stop")
)
READ = asm(0, "sload", 0, "mstore", 32, 0, "return")


@pytest.fixture
def chain(library: Library) -> Iterator[MemoryChain]:
    accounts = {
        ALICE: Pre(100 * ETHER),
        CAROL: Pre(100 * ETHER),
        MAIN: Pre(1, 1, COUNT),
        OTHER: Pre(1, 1, call(MAIN) + LOG + asm("stop")),
    }
    made = MemoryChain(library, accounts, history=1 << 12)
    yield made
    made.close()


def same(index: int, result: CallResult) -> CallResult:
    return result


def simulator_of(chain: MemoryChain) -> Simulator:
    return Simulator(chain.library, chain.world, chain)


def read(simulator: Simulator, number: int, code: bytes = READ, at: bytes = MAIN) -> int:
    bundle = Bundle((Call(to=at),), None, {at: AccountOverride(code=code)})
    ((result,),) = [one.calls for one in simulator.execute([bundle], number, OPTIONS)]
    assert result.error is None
    return int.from_bytes(result.output, "big")


def test_older_states(chain: MemoryChain) -> None:
    simulator = simulator_of(chain)
    for _ in range(5):
        chain.block(chain.transaction(ALICE, MAIN), chain.transaction(CAROL, MAIN))
    assert [read(simulator, number) for number in range(6)] == [0, 2, 4, 6, 8, 10]
    self_balance = asm(ALICE, "balance", 0, "mstore", 32, 0, "return")
    balances = [read(simulator, number, self_balance) for number in range(6)]
    assert balances[0] == 100 * ETHER
    assert balances == sorted(set(balances), reverse=True)
    with pytest.raises(UnknownBlockError):
        read(simulator, 6)


def test_a_state_that_is_no_longer_kept(library: Library) -> None:
    chain = MemoryChain(library, {ALICE: Pre(ETHER), MAIN: Pre(1, 1, COUNT)}, history=16)
    try:
        simulator = simulator_of(chain)
        for _ in range(20):
            chain.block(chain.transaction(ALICE, MAIN))
        assert read(simulator, 20) == 20
        with pytest.raises(HistoryUnavailableError):
            read(simulator, 3)
        assert read(simulator, 20) == 20
    finally:
        chain.close()


def test_replayed_transactions_use_the_gas_of_their_receipts(chain: MemoryChain) -> None:
    chain.block(chain.transaction(ALICE, MAIN))
    made = [
        chain.transaction(ALICE, MAIN),
        chain.transaction(CAROL, OTHER),
        chain.transaction(ALICE, SINK, value=5),
    ]
    produced = chain.block(*made)
    chain.block(chain.transaction(CAROL, MAIN))
    results = simulator_of(chain).trace_transactions(2, None, FRAMES, 5.0, same)
    receipts = produced.receipts
    assert [r.gas_used for r in results] == receipts["gas_used"].tolist()
    assert [r.halt is None for r in results] == [bool(s) for s in receipts["status"].tolist()]
    assert sum(len(r.logs) for r in results) == int(receipts["log_count"].sum())
    flat = [log for result in results for log in result.logs]
    assert [log.index for log in flat] == list(range(len(flat)))
    # The counter as the block left it, though the state has moved on.
    counts = sorted(int.from_bytes(log.data, "big") for log in flat if log.address == MAIN)
    assert counts == [2, 3]


def test_logs_of_frames_count_within_the_block(chain: MemoryChain) -> None:
    chain.block(chain.transaction(ALICE, MAIN), chain.transaction(CAROL, OTHER))
    results = simulator_of(chain).trace_transactions(1, None, FRAMES, 5.0, same)
    second = next(r for r in results if r.trace and len(r.trace.frames) == 2)
    assert second.trace is not None
    outer, inner = second.trace.frames
    base = min(log.index for log in second.logs)
    assert [(log.index - base, log.position) for log in inner.logs] == [(0, 0)]
    assert [(log.index - base, log.position) for log in outer.logs] == [(1, 1)]


def test_some_transactions_in_any_order(chain: MemoryChain) -> None:
    chain.block(*[chain.transaction(ALICE, MAIN) for _ in range(6)])
    simulator = simulator_of(chain)
    everything = simulator.trace_transactions(1, None, FRAMES, 5.0, same)
    some = simulator.trace_transactions(1, [4, 1, 4], FRAMES, 5.0, same)
    assert [r.logs for r in some] == [everything[i].logs for i in (4, 1, 4)]


def test_touched_state_of_one_transaction_among_others(chain: MemoryChain) -> None:
    chain.block(*[chain.transaction(ALICE, MAIN) for _ in range(3)])
    results = simulator_of(chain).trace_transactions(1, None, STATE, 5.0, same)
    before = []
    for k, result in enumerate(results):
        assert result.trace is not None
        touched = result.trace.touched
        assert set(touched) == {ALICE, MAIN, COINBASE}
        assert (touched[ALICE].nonce_before, touched[ALICE].nonce_after) == (k, k + 1)
        assert touched[MAIN].slots_before[0] == k
        assert touched[MAIN].slots_after[0] == k + 1
        # What the transaction stored is the coinbase's balance before it was paid for it.
        assert touched[MAIN].slots_after[1] == touched[COINBASE].balance_before
        before.append(touched[COINBASE].balance_before)
        paid = touched[COINBASE].balance_after - touched[COINBASE].balance_before
        assert paid == touched[ALICE].balance_before - touched[ALICE].balance_after > 0
    assert before == sorted(set(before))
    assert not results[0].trace.touched[COINBASE].existed if results[0].trace else False


def test_a_call_in_the_middle_of_a_block(chain: MemoryChain) -> None:
    chain.block(*[chain.transaction(ALICE, MAIN) for _ in range(4)])
    simulator = simulator_of(chain)

    def at(index: int) -> int:
        fields = {name: getattr(OPTIONS, name) for name in OPTIONS.__struct_fields__} | {"at_index": index}
        bundle = Bundle((Call(to=MAIN),), None, {MAIN: AccountOverride(code=READ)})
        ((result,),) = [one.calls for one in simulator.execute([bundle], 1, ExecuteOptions(**fields))]
        return int.from_bytes(result.output, "big")

    assert [at(index) for index in (0, 1, 3, 4, 9)] == [0, 1, 3, 4, 4]


def test_a_block_that_does_not_repeat_itself_is_an_error(chain: MemoryChain) -> None:
    chain.block(chain.transaction(ALICE, MAIN), chain.transaction(ALICE, MAIN))
    raw, sender, gas, fee = chain.bodies[1][1]
    chain.bodies[1][1] = StoredTransaction(raw, sender, gas + 1, fee)
    simulator = simulator_of(chain)
    assert simulator.trace_transactions(1, [0], FRAMES, 5.0, same)[0].error is None
    with pytest.raises(ReplayError, match="transaction 1 of block 1"):
        simulator.trace_transactions(1, None, FRAMES, 5.0, same)
    chain.bodies[1][0] = StoredTransaction(chain.bodies[1][1].raw, sender, gas, fee)
    with pytest.raises(ReplayError, match="nonce too high"):
        simulator.trace_transactions(1, None, FRAMES, 5.0, same)


def test_no_time_for_a_block(chain: MemoryChain) -> None:
    chain.block(*[chain.transaction(ALICE, MAIN) for _ in range(3)])
    results: list[CallResult] = simulator_of(chain).trace_transactions(1, [0, 2], FRAMES, 0.0, same)
    assert [r.halt for r in results] == [Halt.TIMEOUT, Halt.TIMEOUT]
