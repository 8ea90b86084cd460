"""Gas pays before state is read: what a transaction cannot pay for is not looked for in the world."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jovay.chain.environment import BlockEnvironment
from jovay.conformance.parallel import COINBASE, Generator, Serial
from jovay.kernel.protocol.forks import OSAKA
from jovay.kernel.state.world import find_account, find_slot
from jovay.native.library import Library

PARENT, CHILD, KEY, DELEGATE = 0xC0FE01, 0xC0FE02, 0xC0FE03, 0xC0FE04
GAS = 1 << 24
LOADED = bytes.fromhex("5f35")  # PUSH0 CALLDATALOAD, 5 gas
CALL_PRICE = 7 * 2 + 3 + 2_600
#: By instruction: a program that accesses what calldata names, and the least gas with which the access is paid for.
PROGRAMS: dict[str, tuple[bytes, int]] = {
    "SLOAD": (LOADED + b"\x54", 5 + 2_100),
    "SSTORE": (b"\x5f" + LOADED + b"\x55", 7 + 2_301),  # EIP-2200's sentry comes first
    "BALANCE": (LOADED + b"\x31", 5 + 2_600),
    "EXTCODESIZE": (LOADED + b"\x3b", 5 + 2_600),
    "EXTCODECOPY": (bytes.fromhex("60205f5f") + LOADED + b"\x3c", 12 + 2_600 + 3 + 3),
    "EXTCODEHASH": (LOADED + b"\x3f", 5 + 2_600),
    "CALL": (bytes.fromhex("5f5f5f5f5f") + LOADED + bytes.fromhex("5ff1"), CALL_PRICE),
    "CALL with memory": (bytes.fromhex("60205f5f5f5f") + LOADED + bytes.fromhex("5ff1"), CALL_PRICE + 1 + 3),
    "CALL with value": (bytes.fromhex("5f5f5f5f6001") + LOADED + bytes.fromhex("5ff1"), CALL_PRICE + 9_001),
    "CALLCODE": (bytes.fromhex("5f5f5f5f5f") + LOADED + bytes.fromhex("5ff2"), CALL_PRICE),
    "DELEGATECALL": (bytes.fromhex("5f5f5f5f") + LOADED + bytes.fromhex("5ff4"), CALL_PRICE - 2),
    "STATICCALL": (bytes.fromhex("5f5f5f5f") + LOADED + bytes.fromhex("5ffa"), CALL_PRICE - 2),
    "SELFDESTRUCT": (LOADED + b"\xff", 5 + 5_000 + 2_600),
}


def _push(value: int) -> bytes:
    size = max(1, (value.bit_length() + 7) // 8)
    return bytes([0x5F + size]) + value.to_bytes(size, "big")


def _call(gas: int, to: int) -> bytes:
    """Call with the word at memory 0."""
    return bytes.fromhex("5f5f60205f5f") + _push(to) + _push(gas) + b"\xf1\x50"


def _run(library: Library, codes: dict[int, bytes], gas: int = GAS) -> Serial:
    """The world and the machine after a call of PARENT; what was looked for is in the world."""
    side = Serial(library, 1)
    for address, code in codes.items():
        side.add_contract(address, code)
    environment = BlockEnvironment(1, 1_000, 10**12, 7, COINBASE, 1, OSAKA, bytes(32))
    results, _, _ = side.execute(environment, Generator(library, 1, 1, 0.0).calls(0, PARENT, gas).addresses)
    assert results[0][0] != 2  # the transaction was valid
    return side


def _is_looked_for(side: Serial, address: int) -> bool:
    """Whether an account, or a slot of CHILD with the same number, was looked for."""
    library, world = side.library, side.world
    child = library[find_account](world, CHILD)
    return bool(library[find_account](world, address) or library[find_slot](world, child, address))


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_a_frame_cannot_pay_for_is_not_looked_for(library: Library, name: str) -> None:
    program, price = PROGRAMS[name]

    def looked_for(gas: int) -> bool:
        parent = _push(KEY) + bytes.fromhex("5f52") + _call(gas, CHILD)
        return _is_looked_for(_run(library, {PARENT: parent, CHILD: program}), KEY)

    assert (looked_for(price - 1), looked_for(price)) == (False, True)


@pytest.mark.parametrize("name", ["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"])
def test_a_delegate_is_not_looked_for_before_it_is_paid_for(library: Library, name: str) -> None:
    program, price = PROGRAMS[name]
    delegating = bytes.fromhex("ef0100") + DELEGATE.to_bytes(20, "big")

    def looked_for(gas: int) -> bool:
        parent = _push(KEY) + bytes.fromhex("5f52") + _call(gas, CHILD)
        return _is_looked_for(_run(library, {PARENT: parent, CHILD: program, KEY: delegating}), DELEGATE)

    assert (looked_for(price + 2_599), looked_for(price + 2_600)) == (False, True)


def _count_slots(side: Serial) -> int:
    return int(side.world.view.slot_count)


def _count_accounts(side: Serial) -> int:
    return int(side.world.view.account_count)


@pytest.mark.parametrize("child_gas", [5, 2_104, 2_604, 2_605])
@pytest.mark.parametrize(
    ("name", "cold", "count"), [("SLOAD", 2_100, _count_slots), ("BALANCE", 2_600, _count_accounts)]
)
def test_a_transaction_loads_no_more_than_its_gas_pays_for(
    library: Library, name: str, cold: int, count: Callable[[Serial], int], child_gas: int
) -> None:
    """Children that name another key each time: with 5 gas they were as good as free."""
    # for (i = 1 << 64;; i++) { mstore(0, i); call(child_gas, CHILD, 0, 0, 32, 0, 0); }
    loop = (
        _push(1 << 64) + bytes.fromhex("5b805f52") + _call(child_gas, CHILD) + bytes.fromhex("600101600a56")
    )
    program, price = PROGRAMS[name]
    found = count(_run(library, {PARENT: loop, CHILD: program}))
    assert found <= GAS // cold + 20
    assert (found > GAS // 4_000) == (child_gas >= price)
