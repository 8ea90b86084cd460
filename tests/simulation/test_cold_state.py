"""Keys that are not in memory are loaded together, and an absent key is not asked for again."""

from __future__ import annotations

from jovay.native.library import Library
from jovay.simulation.requests import AccountOverride, Bundle, Call, ExecuteOptions
from jovay.simulation.simulate import Simulator
from rigs.assembly import asm
from rigs.contract_cases import ALICE, MAIN
from rigs.memory_chain import MemoryChain, Pre

OPTIONS = ExecuteOptions(gas_cap=50_000_000, time_limit=10.0)
#: sum of the slots 1 to 3,000
SUM = (
    asm(0, 3_000)
    + bytes.fromhex("5b")
    + asm("dup1 sload swap1 swap2 add swap1", 1, "swap1 sub dup1")
    + asm(4)
    + bytes.fromhex("57")
)
SUM += asm("pop", 0, "mstore", 32, 0, "return")


def test_many_cold_slots_take_few_reads(library: Library) -> None:
    storage = {key: key for key in range(1, 3_001)}
    chain = MemoryChain(library, {ALICE: Pre(1), MAIN: Pre(1, 1, SUM, storage)})
    try:
        simulator = Simulator(library, chain.world, chain)
        before = chain.source.reads
        (result,) = simulator.execute([Bundle((Call(to=MAIN),))], 0, OPTIONS)
        assert int.from_bytes(result.calls[0].output, "big") == 3_000 * 3_001 // 2
        assert chain.source.reads - before < 10
        before = chain.source.reads
        simulator.execute([Bundle((Call(to=MAIN),))], 0, OPTIONS)
        assert chain.source.reads == before
    finally:
        chain.close()


def test_overrides_of_cold_accounts(library: Library) -> None:
    chain = MemoryChain(library, {MAIN: Pre(1, 1, b"", {k: k for k in range(9)})})
    try:
        code = asm(3, "sload", 4, "sload add", 0, "mstore", 32, 0, "return")
        state = {MAIN: AccountOverride(code=code, state_diff={3: 100})}
        simulator = Simulator(library, chain.world, chain)
        (result,) = simulator.execute([Bundle((Call(to=MAIN),), None, state)], 0, OPTIONS)
        assert int.from_bytes(result.calls[0].output, "big") == 104
        (result,) = simulator.execute([Bundle((Call(to=MAIN),))], 0, OPTIONS)
        assert result.calls[0].output == b""
    finally:
        chain.close()


def test_keys_that_lead_to_each_other_take_one_read_each(library: Library) -> None:
    """After a few guesses a call waits for each key where it stands, rather than starting again."""
    links = 2_000
    storage = {1 + key: 2 + key for key in range(links)}
    follow = asm(1) + b"\x5b" + asm("sload dup1", 2, "jumpi", 0, "mstore", 32, 0, "return")
    chain = MemoryChain(library, {MAIN: Pre(1, 1, follow, storage)})
    try:
        simulator = Simulator(library, chain.world, chain)
        before = chain.source.reads
        (result,) = simulator.execute([Bundle((Call(to=MAIN, gas=links * 2_200 + 50_000),))], 0, OPTIONS)
        assert result.calls[0].error is None
        assert links < chain.source.reads - before < links + 20
    finally:
        chain.close()
