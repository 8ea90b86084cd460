"""eth_call and its kin over the native state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jovay.chain.reasons import Halt, Invalid
from jovay.native.library import Library
from jovay.simulation.requests import (
    AccountOverride,
    BlockOverrides,
    Bundle,
    Call,
    CallResult,
    ExecuteOptions,
)
from jovay.simulation.simulate import Simulator
from rigs.memory_chain import CHAIN_ID, COINBASE, ETHER, MemoryChain, Pre

ALICE, BOB, CODE = b"\xa1" * 20, b"\xb0" * 20, b"\xc0" * 20
OPTIONS = ExecuteOptions(gas_cap=50_000_000, time_limit=5.0)


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def push(value: int | bytes) -> bytes:
    content = (
        value if isinstance(value, bytes) else value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
    )
    return bytes([0x5F + len(content)]) + content


def returning(code: bytes) -> bytes:
    """Return the word that ``code`` leaves on the stack."""
    return code + bytes.fromhex("5f5260205ff3")


@pytest.fixture(scope="module")
def chain(library: Library) -> Iterator[MemoryChain]:
    made = MemoryChain(
        library,
        {ALICE: Pre(100 * ETHER), CODE: Pre(1, code=returning(bytes.fromhex("5f54")), storage={0: 7, 9: 3})},
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def simulator(library: Library, chain: MemoryChain) -> Simulator:
    return Simulator(library, chain.world, chain)


def one(simulator: Simulator, call: Call, number: int = 0, **more: object) -> CallResult:
    block, state = more.pop("block", None), more.pop("state", None)
    fields = {name: getattr(OPTIONS, name) for name in OPTIONS.__struct_fields__} | more
    (result,) = simulator.execute([Bundle((call,), block, state)], number, ExecuteOptions(**fields))  # type: ignore[arg-type]
    (outcome,) = result.calls
    return outcome


def run_code(simulator: Simulator, code: bytes, call: Call | None = None, **more: object) -> CallResult:
    state = {BOB: AccountOverride(code=code)} | more.pop("state", {})  # type: ignore[operator]
    return one(simulator, call or Call(to=BOB), state=state, **more)


def test_a_call_reads_the_state(simulator: Simulator) -> None:
    result = one(simulator, Call(to=CODE))
    assert result.output == word(7)
    assert (result.halt, result.invalid, result.error) == (None, None, None)
    # 21000, then PUSH0 SLOAD PUSH0 MSTORE PUSH1 PUSH0 RETURN: 2 + 2100 + 2 + 6 + 3 + 2
    assert result.gas_used == result.max_used_gas == 21_000 + 2_115


def test_gas_is_free_without_a_price_and_paid_with_one(simulator: Simulator) -> None:
    code = returning(bytes.fromhex("3331"))  # BALANCE of CALLER
    poor = run_code(simulator, code, Call(sender=BOB[::-1], to=BOB))
    assert int.from_bytes(poor.output, "big") == 0
    paying = run_code(simulator, code, Call(sender=ALICE, to=BOB, gas=100_000, gas_price=2 * 10**9))
    assert int.from_bytes(paying.output, "big") == 100 * ETHER - 100_000 * 2 * 10**9
    cannot = run_code(simulator, code, Call(sender=b"\1" * 20, to=BOB, gas=100_000, gas_price=2 * 10**9))
    assert cannot.invalid is Invalid.INSUFFICIENT_FUNDS
    assert cannot.error == (
        "insufficient funds for gas * price + value: address 0x0101010101010101010101010101010101010101"
        f" have 0 want {100_000 * 2 * 10**9}"
    )


def test_value_needs_a_balance(simulator: Simulator) -> None:
    result = one(simulator, Call(sender=b"\xab" * 20, to=BOB, value=5))
    assert result.error == (
        "insufficient funds for gas * price + value: address 0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB have 0 want 5"
    )


def test_base_fee_is_seen_only_by_what_pays(simulator: Simulator, chain: MemoryChain) -> None:
    code = returning(b"\x48")
    assert run_code(simulator, code).output == word(0)
    paid = run_code(simulator, code, Call(sender=ALICE, to=BOB, max_fee_per_gas=10**10))
    assert paid.output == word(chain.base_fee)
    low = run_code(simulator, code, Call(sender=ALICE, to=BOB, max_fee_per_gas=10))
    assert low.invalid is Invalid.FEE_CAP_TOO_LOW
    assert low.error is not None
    assert low.error.endswith(f", maxFeePerGas: 10, baseFee: {chain.base_fee}")
    assert run_code(simulator, code, validation=True).invalid is Invalid.FEE_CAP_TOO_LOW


def test_validation_checks_nonces(simulator: Simulator) -> None:
    call = Call(sender=ALICE, to=BOB, nonce=5, max_fee_per_gas=10**10, gas=21_000)
    assert one(simulator, call).error is None
    high = one(simulator, call, validation=True)
    assert high.invalid is Invalid.NONCE_TOO_HIGH
    assert high.error is not None
    assert high.error.endswith(", tx: 5 state: 0")
    low = one(
        simulator,
        Call(sender=ALICE, to=BOB, nonce=0, max_fee_per_gas=10**10, gas=21_000),
        validation=True,
        state={ALICE: AccountOverride(nonce=7)},
    )
    assert low.invalid is Invalid.NONCE_TOO_LOW


def test_intrinsic_and_floor_gas(simulator: Simulator) -> None:
    assert one(simulator, Call(to=BOB, gas=0)).error == "intrinsic gas too low: have 0, want 21000"
    text = one(simulator, Call(to=BOB, gas=22_600, data=b"\1" * 100)).error
    assert text == "insufficient gas for floor data gas cost: have 22600, want 25000"
    assert one(simulator, Call(to=BOB, gas=25_000, data=b"\1" * 100)).gas_used == 25_000


@pytest.mark.parametrize(
    ("code", "halt", "text"),
    [
        ("5f5ffd", Halt.REVERT, "execution reverted"),
        ("fe", Halt.INVALID_OPCODE, "invalid opcode: INVALID"),
        ("0c", Halt.INVALID_OPCODE, "invalid opcode: opcode 0xc not defined"),
        ("6001", None, None),
        ("01", Halt.STACK_UNDERFLOW, "stack underflow (0 <=> 2)"),
        ("5b5f5f565b", Halt.STACK_OVERFLOW, "stack limit reached 1024 (1023)"),
        ("600556", Halt.BAD_JUMP, "invalid jump destination"),
        ("60ff5f5f3e", Halt.RETURN_DATA, "return data out of bounds"),
        ("5b5f56", Halt.OUT_OF_GAS, "out of gas"),
    ],
)
def test_halts(simulator: Simulator, code: str, halt: Halt | None, text: str | None) -> None:
    result = run_code(simulator, bytes.fromhex(code))
    assert (result.halt, result.error) == (halt, text)
    if halt not in (None, Halt.REVERT):
        assert result.gas_used == 50_000_000


def test_a_creation(simulator: Simulator) -> None:
    init = bytes.fromhex("60fe5f5360015ff3")  # deploys the single byte 0xfe
    result = one(simulator, Call(sender=ALICE, data=init))
    assert result.output == b"\xfe"
    assert result.created is not None
    assert len(result.created) == 20
    assert (
        one(simulator, Call(sender=ALICE, data=bytes.fromhex("60ef5f5360015ff3"))).halt is Halt.INVALID_CODE
    )
    big = one(simulator, Call(sender=ALICE, data=bytes.fromhex("6160015ff3")))
    assert big.halt is Halt.CODE_SIZE
    dear = one(simulator, Call(sender=ALICE, data=bytes.fromhex("6160005ff3"), gas=100_000))
    assert dear.halt is Halt.CODE_STORE_OUT_OF_GAS


def test_overrides(simulator: Simulator) -> None:
    load9 = returning(bytes.fromhex("600954"))
    assert one(simulator, Call(to=CODE), state={CODE: AccountOverride(state_diff={0: 8})}).output == word(8)
    both = {CODE: AccountOverride(state_diff={0: 8}, code=load9)}
    assert one(simulator, Call(to=CODE), state=both).output == word(3)
    replaced = {CODE: AccountOverride(state={0: 8}, code=load9)}
    assert one(simulator, Call(to=CODE), state=replaced).output == word(0)
    rich = run_code(
        simulator, returning(b"\x47"), state={BOB: AccountOverride(balance=77, code=returning(b"\x47"))}
    )
    assert rich.output == word(77)
    assert one(simulator, Call(to=CODE)).output == word(7)


def test_precompiles_move(simulator: Simulator) -> None:
    identity, target = (4).to_bytes(20, "big"), b"\x99" * 20
    moved = {identity: AccountOverride(move_precompile_to=target)}
    assert one(simulator, Call(to=target, data=b"echo"), state=moved).output == b"echo"
    assert one(simulator, Call(to=identity, data=b"echo"), state=moved).output == b""
    replaced = {identity: AccountOverride(code=returning(b"\x36"))}
    assert one(simulator, Call(to=identity, data=b"echo"), state=replaced).output == word(4)
    assert one(simulator, Call(to=identity, data=b"echo")).output == b"echo"


def test_block_overrides(simulator: Simulator, chain: MemoryChain) -> None:
    header = chain.headers[0]
    for opcode, plain, overrides, changed in (
        (
            0x41,
            int.from_bytes(COINBASE, "big"),
            BlockOverrides(coinbase=b"\5" * 20),
            int.from_bytes(b"\5" * 20, "big"),
        ),
        (0x42, header.timestamp, BlockOverrides(timestamp=99), 99),
        (0x43, 0, BlockOverrides(number=1234), 1234),
        (0x44, int.from_bytes(header.mix_hash, "big"), BlockOverrides(prev_randao=5), 5),
        (0x45, header.gas_limit, BlockOverrides(gas_limit=6), 6),
        (0x46, CHAIN_ID, BlockOverrides(), CHAIN_ID),
    ):
        code = returning(bytes([opcode]))
        assert run_code(simulator, code).output == word(plain), hex(opcode)
        assert run_code(simulator, code, block=overrides).output == word(changed), hex(opcode)


def test_calls_of_a_request_see_each_other(simulator: Simulator) -> None:
    count = bytes.fromhex("5f546001015f555f545f5260205ff3")
    state = {BOB: AccountOverride(code=count)}
    bundles = [Bundle((Call(to=BOB), Call(to=BOB)), None, state), Bundle((Call(to=BOB),))]
    results = simulator.execute(bundles, 0, OPTIONS)
    assert [[call.output for call in result.calls] for result in results] == [[word(1), word(2)], [word(3)]]
    assert run_code(simulator, count).output == word(1)


def test_an_invalid_call_ends_the_request(simulator: Simulator) -> None:
    calls = (Call(to=BOB), Call(to=BOB, gas=1), Call(to=BOB))
    results = simulator.execute([Bundle(calls), Bundle(calls)], 0, OPTIONS)
    assert len(results) == 1
    assert [call.invalid for call in results[0].calls] == [None, Invalid.INTRINSIC_GAS]


def test_the_cap_holds_for_the_whole_request(simulator: Simulator) -> None:
    burn = Call(to=BOB, gas=900_000)
    state = {BOB: AccountOverride(code=b"\xfe")}
    options = ExecuteOptions(gas_cap=1_000_000, time_limit=5.0)
    (result,) = simulator.execute([Bundle((burn, burn, burn), None, state)], 0, options)
    assert [call.gas_used for call in result.calls] == [900_000, 100_000, 0]
    assert result.calls[2].invalid is Invalid.INTRINSIC_GAS


def test_logs(simulator: Simulator) -> None:
    code = bytes.fromhex("60aa5f526001600260206000a2600360206000a1")
    result = run_code(simulator, code)
    assert [(log.address, log.topics, log.data, log.index) for log in result.logs] == [
        (BOB, (word(2), word(1)), word(0xAA), 0),
        (BOB, (word(3),), word(0xAA), 1),
    ]
    assert run_code(simulator, code + bytes.fromhex("5f5ffd")).logs == ()


def test_access_lists(simulator: Simulator) -> None:
    # SLOAD 5, BALANCE of CODE, call the identity precompile, call CODE, then revert
    code = bytes.fromhex("60055450") + b"\x73" + CODE + bytes.fromhex("3150")
    code += bytes.fromhex("5f5f5f5f5f60045af150")
    code += bytes.fromhex("5f5f5f5f5f73") + CODE + bytes.fromhex("5af1505f5ffd")
    result = run_code(simulator, code, Call(sender=ALICE, to=BOB), access_list=True)
    assert result.halt is Halt.REVERT
    found = {entry.address: entry.storage_keys for entry in result.access_list}
    assert found == {ALICE: (), BOB: (word(5),), CODE: (word(0),), (4).to_bytes(20, "big"): ()}


def test_refunds(simulator: Simulator) -> None:
    clear = {BOB: AccountOverride(code=bytes.fromhex("5f5f5500"), state_diff={0: 1})}
    result = one(simulator, Call(to=BOB), state=clear)
    assert result.max_used_gas == 21_000 + 4 + 5_000
    assert result.gas_refund == 4_800
    assert result.gas_used == result.max_used_gas - 4_800
