"""Time, memory and other threads: executions in slices, bombs, and calls while blocks are made."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jovay.chain.reasons import Halt
from jovay.native.library import Library
from jovay.simulation import machine_pool, session
from jovay.simulation.errors import SimulationBusyError
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
from rigs.assembly import asm, call
from rigs.contract_cases import ALICE, CASES, IDENTITY, MAIN, OTHER, accounts
from rigs.memory_chain import ETHER, MemoryChain, Pre
from rigs.solidity import load
from rigs.transactions import keccak256

SPIN = bytes.fromhex("5b5f56")
PAIRING = (8).to_bytes(20, "big")
BOMB = bytes.fromhex(load("GasBomb").runtime[2:])


@pytest.fixture(scope="module")
def chain(library: Library) -> Iterator[MemoryChain]:
    made = MemoryChain(library, {ALICE: Pre(100 * ETHER)})
    yield made
    made.close()


@pytest.fixture(scope="module")
def simulator(library: Library, chain: MemoryChain) -> Simulator:
    return Simulator(library, chain.world, chain, machines=2)


def execute(
    simulator: Simulator, code: bytes, data: bytes = b"", gas: int = 50_000_000, seconds: float = 20.0
) -> CallResult:
    bundle = Bundle((Call(sender=ALICE, to=MAIN, data=data),), None, {MAIN: AccountOverride(code=code)})
    options = ExecuteOptions(gas_cap=gas, time_limit=seconds)
    ((result,),) = [one.calls for one in simulator.execute([bundle], 0, options)]
    return result


def test_an_endless_call_runs_out_of_time(simulator: Simulator) -> None:
    result = execute(simulator, SPIN, gas=10**18, seconds=0.1)
    assert result.halt is Halt.TIMEOUT
    assert execute(simulator, asm("stop")).error is None


def test_later_calls_have_no_time_left(simulator: Simulator) -> None:
    state = {MAIN: AccountOverride(code=SPIN), OTHER: AccountOverride(code=asm("stop"))}
    calls = (Call(to=OTHER), Call(to=MAIN), Call(to=OTHER))
    options = ExecuteOptions(gas_cap=10**18, time_limit=0.1)
    results = simulator.execute(
        [Bundle((Call(to=OTHER, gas=30_000), *calls[1:]), None, state)] * 2, 0, options
    )
    assert [[r.halt for r in one.calls] for one in results] == [[None, Halt.TIMEOUT]]


def method(signature: str, *words: int) -> bytes:
    return keccak256(signature.encode())[:4] + b"".join([word.to_bytes(32, "big") for word in words])


@pytest.mark.parametrize(
    ("data", "halt"),
    [
        (method("spin()"), Halt.OUT_OF_GAS),
        (method("hash()"), Halt.OUT_OF_GAS),
        (method("fill(uint256,uint256)", 0, 100_000), None),
        (method("memoryGrowth()"), Halt.OUT_OF_GAS),
        (method("logs(uint256)", 100_000), None),
        (method("recurse()"), None),
        (method("coldAccounts(uint256,uint256)", 0, 100_000), None),
    ],
    ids="spin hash fill memory logs recurse accounts".split(),
)
def test_bombs_fit_and_end(simulator: Simulator, data: bytes, halt: Halt | None) -> None:
    result = execute(simulator, BOMB, data)
    assert result.halt is halt
    assert result.gas_used > 1_000_000


def test_no_resource_is_cheap_enough_to_be_exhausted(simulator: Simulator) -> None:
    """What takes most table entries per gas: cold transient slots, logs without data, precompiles as frames."""
    loops = {
        "transient": bytes.fromhex("5f5b60010180805d600156"),
        "logs": bytes.fromhex("5b5f5fa05f56"),
        "frames": bytes.fromhex("5b5f5f5f5f60045afa505f56"),
        "writes": asm(1, 0, "sstore", 0) + bytes.fromhex("5b600101805f55600556"),
    }
    for name, code in loops.items():
        result = execute(simulator, code)
        assert result.halt is Halt.OUT_OF_GAS, name


@pytest.fixture
def tiny_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pause as often as possible."""
    for name in ("FIRST_SLICE", "LEAST_SLICE", "MOST_SLICE"):
        monkeypatch.setattr(session, name, 1)


@pytest.mark.parametrize("case", CASES)
def test_pauses_change_nothing(library: Library, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ExecuteOptions(
        gas_cap=300_000,
        time_limit=20.0,
        trace=TraceOptions(parts=TraceParts.STEPS | TraceParts.FRAMES | TraceParts.STATE, memory=True),
    )
    results = []
    for size in (1 << 40, 1, 1_000):
        for name in ("FIRST_SLICE", "LEAST_SLICE", "MOST_SLICE"):
            monkeypatch.setattr(session, name, size)
        chain = MemoryChain(library, accounts(case))
        simulator = Simulator(library, chain.world, chain)
        ((result,),) = [
            one.calls for one in simulator.execute([Bundle((Call(sender=ALICE, to=MAIN),))], 0, options)
        ]
        assert result.trace is not None
        trace = result.trace
        results.append(
            (result.gas_used, result.output, result.logs, list(trace.steps), trace.frames, trace.touched)
        )
        chain.close()
    assert results[0] == results[1] == results[2]


@pytest.mark.usefixtures("tiny_slices")
def test_slow_precompiles_run_between_slices(simulator: Simulator) -> None:
    # Twice an empty pairing (the answer is 1) in a frame of its own, then an answer in a loop.
    code = call(PAIRING) + call(PAIRING) + asm("add", 0, "mstore", 32, 0, "return")
    assert execute(simulator, code).output == (2).to_bytes(32, "big")
    direct = Bundle((Call(to=PAIRING, data=bytes(192)), Call(to=IDENTITY, data=bytes(70_000))))
    (results,) = simulator.execute([direct], 0, ExecuteOptions(gas_cap=10_000_000, time_limit=5.0))
    assert [r.output for r in results.calls] == [(1).to_bytes(32, "big"), bytes(70_000)]
    failing = simulator.execute(
        [Bundle((Call(to=PAIRING, data=b"\1"),))], 0, ExecuteOptions(gas_cap=10_000_000, time_limit=5.0)
    )
    assert failing[0].calls[0].halt is Halt.PRECOMPILE


def test_no_machine_is_free(library: Library, chain: MemoryChain) -> None:
    simulator = Simulator(library, chain.world, chain, machines=1)
    busy = threading.Thread(target=execute, args=(simulator, SPIN, b"", 10**18, 1.0))
    busy.start()
    try:
        with pytest.raises(SimulationBusyError):
            _ = [execute(simulator, asm("stop"), seconds=0.01) for _ in range(1_000)]
    finally:
        busy.join()


def test_calls_see_one_block_while_others_are_made(library: Library) -> None:
    """A contract keeps two slots equal; a call that reads them long apart must never see two blocks."""
    keep = asm(0, "sload", 1, "add dup1", 0, "sstore", 1, "sstore stop")
    # slot 0, then 60,000 rounds of nothing, then slot 1
    wait = asm(0, "sload", 0, "mstore", 60_000) + b""
    loop_at = len(wait)
    wait += bytes.fromhex("5b6001900380") + asm(
        loop_at, "jumpi pop", 1, "sload", 32, "mstore", 64, 0, "return"
    )
    chain = MemoryChain(library, {ALICE: Pre(100 * ETHER), MAIN: Pre(1, 1, keep)}, history=1 << 18, workers=2)
    simulator = Simulator(library, chain.world, chain, machines=2)
    seen: list[tuple[int, int, int]] = []
    failures: list[BaseException] = []
    stop = threading.Event()

    def simulate() -> None:
        options = ExecuteOptions(gas_cap=50_000_000, time_limit=20.0)
        bundle = Bundle((Call(to=MAIN),), None, {MAIN: AccountOverride(code=wait)})
        try:
            while not stop.is_set():
                number = chain.head
                output = simulator.execute([bundle], number, options)[0].calls[0].output
                seen.append((number, int.from_bytes(output[:32], "big"), int.from_bytes(output[32:], "big")))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=simulate) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(300):
            chain.block(*[chain.transaction(ALICE, MAIN) for _ in range(2)])
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        chain.close()
    assert not failures
    assert len({number for number, _, _ in seen}) > 3
    assert all(first == second == 2 * number for number, first, second in seen)


def test_bombs_leave_no_memory_behind(
    library: Library, chain: MemoryChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_pool, "LONG_SECONDS", 0.0)
    simulator = Simulator(library, chain.world, chain, machines=1)
    execute(simulator, asm("stop"))
    before = resident()
    # more than a hundred frames of 5,000 words each, one below the other: 25 MB
    deep = asm(1, 5_000 * 32, "mstore") + call(MAIN) + asm("stop")
    execute(simulator, deep)
    assert resident() - before < 8 << 20


def resident() -> int:
    """Bytes of memory that this process holds."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()
