"""Traces against anvil's, event by event, and the parts of them that anvil does not show."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from jovay.kernel.evm.trace import Trace
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import View
from jovay.rpc.dispatch import encode
from jovay.rpc.limits import Limits
from jovay.rpc.tracers import Place, parse_config
from jovay.simulation import session
from jovay.simulation.requests import Bundle, Call, ExecuteOptions
from jovay.simulation.session import Session
from jovay.simulation.simulate import Simulator
from rigs import anvil as anvil_rig
from rigs.assembly import asm, call
from rigs.contract_cases import ALICE, CASES, MAIN, accounts
from rigs.memory_chain import ETHER, MemoryChain, Pre
from rigs.paths import MissingToolError
from rigs.rpc import Rpc

GAS = 300_000


@pytest.fixture(scope="module")
def theirs() -> Iterator[Rpc]:
    try:
        with anvil_rig.anvil(extra=["--steps-tracing"]) as started:
            yield started.rpc()
    except MissingToolError as missing:
        pytest.skip(str(missing))


def trace_ours(library: Library, case: str, config: dict[str, Any]) -> Any:
    chain = MemoryChain(library, accounts(case))
    try:
        parsed = parse_config(config, Limits())
        options = ExecuteOptions(gas_cap=GAS, time_limit=5.0, trace=parsed.options)
        simulator = Simulator(library, chain.world, chain)
        ((result,),) = [
            one.calls for one in simulator.execute([Bundle((Call(sender=ALICE, to=MAIN),))], 0, options)
        ]
    finally:
        chain.close()
    place = Place(gas=GAS, precompiles=frozenset(), keccak=lambda data: keccak256(library, data))
    return msgspec.json.decode(encode(parsed.tracer.form(result, place)))


@pytest.mark.parametrize("case", CASES)
def test_a_trace_is_the_same_in_however_many_slices(
    library: Library, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    for config in ({"enableMemory": True, "enableReturnData": True}, {"tracer": "callTracer"}):
        whole = trace_ours(library, case, config)
        with monkeypatch.context() as patch:
            for name in ("FIRST_SLICE", "LEAST_SLICE", "MOST_SLICE"):
                patch.setattr(session, name, 1)
            assert trace_ours(library, case, config) == whole


FILL, MOST_ITEMS = asm("push0") * 1_000, 1_001
WIDE = asm("push0 pop") * 2_000
LOOP = asm("jumpdest push0 pop push0") + asm(len(FILL)) + asm("jump")
REFUSED = asm("jumpdest") + call(ALICE, 10**30, size=20_000) + asm("pop", len(FILL), "jump")


@pytest.mark.parametrize(
    ("code", "config", "largest"),
    [
        (FILL + WIDE, {}, 32 * MOST_ITEMS),
        (FILL + LOOP, {}, 32 * MOST_ITEMS),
        (FILL + asm("push0", 40_000, "mstore") + WIDE, {"enableMemory": True}, 32 * MOST_ITEMS + 40_032),
        (FILL + REFUSED, {"tracer": "callTracer"}, 20_032),
    ],
)
def test_a_slice_writes_no_more_than_it_is_long(
    library: Library, monkeypatch: pytest.MonkeyPatch, code: bytes, config: dict[str, Any], largest: int
) -> None:
    """Whatever runs: else the state is held for as long as the tape is."""
    size, head = 100_000, 512
    written = [0]

    def go_on(self: Session, *arguments: Any) -> int:
        how = usual(self, *arguments)
        written.append(View(Trace, self.view.tracing.trace).used)
        return how

    usual = Session._go_on
    monkeypatch.setattr(Session, "_go_on", go_on)
    for name in ("FIRST_SLICE", "LEAST_SLICE", "MOST_SLICE"):
        monkeypatch.setattr(session, name, size)
    chain = MemoryChain(library, {ALICE: Pre(ETHER), MAIN: Pre(0, 1, code)})
    options = parse_config(config, Limits()).options
    try:
        Simulator(library, chain.world, chain).execute(
            [Bundle((Call(sender=ALICE, to=MAIN),))],
            0,
            ExecuteOptions(gas_cap=GAS, time_limit=60.0, trace=options),
        )
    finally:
        chain.close()
    assert written[-1] > 5 * size
    assert max(after - before for before, after in pairwise(written)) <= size + largest + head


def trace_theirs(rpc: Rpc, case: str, config: dict[str, Any]) -> Any:
    for address, pre in accounts(case).items():
        name = "0x" + address.hex()
        rpc.call("anvil_setBalance", name, hex(pre.balance))
        rpc.call("anvil_setNonce", name, hex(pre.nonce))
        rpc.call("anvil_setCode", name, "0x" + pre.code.hex())
        for key, value in pre.storage.items():
            rpc.call("anvil_setStorageAt", name, f"0x{key:064x}", f"0x{value:064x}")
    call = {"from": "0x" + ALICE.hex(), "to": "0x" + MAIN.hex(), "gas": hex(GAS)}
    return rpc.call("debug_traceCall", call, "latest", config)


@pytest.mark.parametrize("case", CASES)
def test_steps(library: Library, theirs: Rpc, case: str) -> None:
    config = {"enableMemory": True, "enableReturnData": True}
    mine, other = trace_ours(library, case, config), trace_theirs(theirs, case, config)
    assert (mine["failed"], mine["gas"]) == (other["failed"], other["gas"])
    assert mine["returnValue"] == other["returnValue"]
    left, right = (list(map(_step, one["structLogs"])) for one in (mine, other))
    for ours, anvils, following in zip(left, right, [*right[1:], {}], strict=True):
        if ours["op"] in ("CREATE", "CREATE2"):
            # As with geth, the gas that the new frame gets is no part of the price.
            assert ours["gasCost"] < 33_000
            ours["gasCost"] = anvils["gasCost"]
        elif following.get("depth", 0) < ours["depth"] and ours["gasCost"] != anvils["gasCost"]:
            # The step that failed: anvil's price for it is what was taken, geth's what it would have been.
            assert ours["gasCost"] > anvils["gasCost"]
            ours["gasCost"] = anvils["gasCost"]
        assert ours == anvils


def _step(step: dict[str, Any]) -> dict[str, Any]:
    names = ("pc", "op", "gas", "gasCost", "depth", "stack", "memory")
    return {name: step.get(name) or [] for name in names} | {
        "returnData": step.get("returnData") if step.get("returnData") != "0x" else None
    }


@pytest.mark.parametrize("case", CASES)
def test_frames(library: Library, theirs: Rpc, case: str) -> None:
    config = {"tracer": "callTracer", "tracerConfig": {"withLog": True}}
    mine, other = trace_ours(library, case, config), trace_theirs(theirs, case, config)
    del mine["gas"], other["gas"]  # anvil's is without the intrinsic gas
    assert _frame(mine) == _frame(other)


#: revm's names for what geth has words for.
ERRORS = {
    "StateChangeDuringStaticCall": "write protection",
    "StackUnderflow": "stack underflow (0 <=> 2)",
    "CreateCollision": "contract address collision",
    "CreateContractStartingWithEF": "invalid code: must not begin with 0xef",
}


def _frame(frame: dict[str, Any]) -> dict[str, Any]:
    form = {name: value for name, value in frame.items() if name != "revertReason"}
    if form.get("output") == "0x":
        del form["output"]
    if "error" in form:
        form["error"] = ERRORS.get(form["error"], form["error"])
    if "logs" in form:
        form["logs"] = [
            {name: log[name] for name in ("address", "topics", "data")}
            | {"position": int(log["position"], 16)}
            for log in form["logs"]
        ]
    if "calls" in form:
        form["calls"] = [_frame(child) for child in form["calls"]]
    return form


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("diff", [False, True])
def test_state(library: Library, theirs: Rpc, case: str, diff: bool) -> None:
    config = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": diff}}
    mine, other = trace_ours(library, case, config), trace_theirs(theirs, case, config)
    for name in ("pre", "post") if diff else ("",):
        left, right = (_state(one[name] if name else one) for one in (mine, other))
        assert left == right


def _state(accounts: dict[str, Any]) -> dict[str, Any]:
    """Without code hashes, which anvil lacks, and accounts of which nothing is said."""
    forms = {}
    for address, account in accounts.items():
        form = {k: v for k, v in account.items() if k != "codeHash" and v not in ({}, 0, "0x0", "0x")}
        if form:
            forms[address] = form
    return forms
