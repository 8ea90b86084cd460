"""Compiled contracts against revm (PyPI's pyrevm, which is of the Cancun fork), and calls of every transaction type."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from jovay.chain.reasons import Halt, Invalid
from jovay.chain.types import AccessEntry, Authorization
from jovay.kernel.protocol.forks import CANCUN, LONDON, OSAKA, PRAGUE
from jovay.native.library import Library
from jovay.simulation.requests import AccountOverride, Bundle, Call, CallResult, ExecuteOptions
from jovay.simulation.simulate import Simulator
from rigs.accounts import KEYS
from rigs.assembly import asm
from rigs.contract_cases import ALICE, MAIN, OTHER
from rigs.memory_chain import CHAIN_ID, ETHER, MemoryChain, Pre
from rigs.solidity import load
from rigs.transactions import address_of, authorize, keccak256

pyrevm: Any = import_module("pyrevm")
OPTIONS = ExecuteOptions(gas_cap=30_000_000, time_limit=10.0)
BOB = b"\xb0\xb0" * 10


def words(*values: int | bytes) -> bytes:
    return b"".join([v.to_bytes(32, "big") if isinstance(v, int) else v.rjust(32, b"\0") for v in values])


def call_data(signature: str, *arguments: int | bytes) -> bytes:
    return keccak256(signature.encode())[:4] + words(*arguments)


class Both:
    """The same calls on both, each with the effects of those before it."""

    def __init__(self, library: Library) -> None:
        self.chain = MemoryChain(library, {ALICE: Pre(100 * ETHER)}, fork=CANCUN)
        self.simulator = Simulator(library, self.chain.world, self.chain)
        self.calls: list[Call] = []
        self.revm = pyrevm.EVM(spec_id="CANCUN", gas_limit=2**63)
        self.revm.set_balance("0x" + ALICE.hex(), 100 * ETHER)

    def ours(self, call: Call) -> CallResult:
        self.calls.append(call)
        (result,) = self.simulator.execute(
            [Bundle(tuple(self.calls))], 0, ExecuteOptions(gas_cap=10**10, time_limit=20.0)
        )
        return result.calls[-1]

    def deploy(self, name: str, arguments: bytes = b"") -> bytes:
        code = bytes.fromhex(load(name).bytecode[2:]) + arguments
        mine = self.ours(Call(sender=ALICE, data=code, gas=5_000_000))
        theirs = self.revm.deploy("0x" + ALICE.hex(), code, gas=5_000_000)
        assert mine.created is not None
        assert "0x" + mine.created.hex() == theirs.lower()
        deployed = bytes(self.revm.get_code(theirs))  # with revm's padding
        assert deployed.rstrip(b"\0") == mine.output.rstrip(b"\0")
        return mine.created

    def call(self, to: bytes, data: bytes, value: int = 0) -> CallResult:
        mine = self.ours(Call(sender=ALICE, to=to, data=data, value=value, gas=5_000_000))
        call = ("0x" + ALICE.hex(), "0x" + to.hex(), data, value, 5_000_000)
        try:
            output, failed = self.revm.message_call(*call), False
        except RuntimeError as error:
            output, failed = str(error), True
        assert failed == (mine.halt is not None)
        if failed:
            assert mine.output.hex() in str(output)
        else:
            assert mine.output == output
            assert len(mine.logs) == len(self.revm.result.logs)
            for one, other in zip(mine.logs, self.revm.result.logs, strict=True):
                assert "0x" + one.address.hex() == other.address.lower()
                assert one.data == other.data[1]
        return mine


@pytest.fixture
def both(library: Library) -> Iterator[Both]:
    made = Both(library)
    yield made
    made.chain.close()


def test_a_token(both: Both) -> None:
    arguments = words(96, 128 + 32, 10**24, 4) + b"Gold".ljust(32, b"\0") + words(2) + b"AU".ljust(32, b"\0")
    token = both.deploy("Token", arguments)
    for data in (
        call_data("name()"),
        call_data("balanceOf(address)", ALICE),
        call_data("transfer(address,uint256)", BOB, 5),
        call_data("transfer(address,uint256)", BOB, 10**30),
        call_data("approve(address,uint256)", ALICE, 50),
        call_data("transferFrom(address,address,uint256)", ALICE, BOB, 20),
        call_data("transferFrom(address,address,uint256)", ALICE, BOB, 40),
        call_data("faucet(uint256)", 7),
        call_data("totalSupply()"),
        call_data("nothing()"),
    ):
        both.call(token, data)
    assert both.call(token, call_data("balanceOf(address)", BOB)).output == words(25)


def test_a_factory(both: Both) -> None:
    factory = both.deploy("Factory")
    made = both.call(factory, call_data("make(uint256)", 9), value=3)
    child = made.output[12:]
    assert both.call(child, call_data("number()")).output == words(9)
    both.call(child, call_data("set(uint256)", 10))
    both.call(child, call_data("retire()"))
    for name in ("make2(bytes32,uint256)", "makeAndRetire(bytes32,uint256)"):
        both.call(factory, call_data(name, 5, 6), value=2)
        both.call(factory, call_data(name, 5, 6), value=2)
    both.call(factory, call_data("addressOf(bytes32,uint256)", 5, 6))
    both.call(factory, b"", value=11)


def simulate(
    library: Library, call: Call, code: bytes = b"", fork: int = OSAKA, **accounts: Pre
) -> CallResult:
    chain = MemoryChain(
        library, {ALICE: Pre(100 * ETHER)} | {bytes.fromhex(k): v for k, v in accounts.items()}, fork
    )
    try:
        bundle = Bundle((call,), None, {MAIN: AccountOverride(code=code)})
        ((result,),) = [
            one.calls for one in Simulator(library, chain.world, chain).execute([bundle], 0, OPTIONS)
        ]
        return result
    finally:
        chain.close()


def test_access_lists_warm(library: Library) -> None:
    code = asm(5, "sload pop", OTHER, "balance pop")
    plain = simulate(library, Call(sender=ALICE, to=MAIN), code)
    listed = (AccessEntry(MAIN, (words(5),)), AccessEntry(OTHER))
    warm = simulate(library, Call(sender=ALICE, to=MAIN, access_list=listed), code)
    assert warm.gas_used - plain.gas_used == 2 * 2_400 + 1_900 - 2_000 - 2_500


def test_blobs(library: Library) -> None:
    hashes = (b"\1" + b"\xaa" * 31, b"\1" + b"\xbb" * 31)
    code = asm(1) + bytes.fromhex("49") + asm(0, "mstore", 32, 0, "return")
    result = simulate(library, Call(sender=ALICE, to=MAIN, blob_versioned_hashes=hashes), code)
    assert result.output == hashes[1]
    for wrong, reason in (
        (Call(to=MAIN, blob_versioned_hashes=()), Invalid.BLOB_MISSING),
        (Call(to=MAIN, blob_versioned_hashes=(bytes(32),)), Invalid.BLOB_VERSION),
        (Call(to=MAIN, blob_versioned_hashes=hashes * 4), Invalid.BLOB_TOO_MANY),
    ):
        result = simulate(library, wrong, code)
        assert (result.invalid, result.error) == (reason, reason.value)
    assert simulate(library, Call(blob_versioned_hashes=hashes), code).invalid is Invalid.BLOB_CREATE
    dear = Call(sender=ALICE, to=MAIN, blob_versioned_hashes=hashes, max_fee_per_blob_gas=10**18)
    assert simulate(library, dear, code).invalid is Invalid.INSUFFICIENT_FUNDS


def test_authorizations(library: Library) -> None:
    key = bytes.fromhex(KEYS[0][2:])
    authority = address_of(key)
    signed = Authorization(*authorize(CHAIN_ID, MAIN, 0, key))
    code = asm("address", 0, "mstore", 32, 0, "return")
    result = simulate(library, Call(sender=ALICE, to=authority, authorization_list=(signed,)), code)
    assert result.output == words(authority)
    spoilt = Authorization(*authorize(CHAIN_ID + 1, MAIN, 0, key))
    assert (
        simulate(library, Call(sender=ALICE, to=authority, authorization_list=(spoilt,)), code).output == b""
    )
    empty = simulate(library, Call(sender=ALICE, to=authority, authorization_list=()), code)
    assert empty.invalid is Invalid.AUTHORIZATIONS
    early = simulate(
        library, Call(sender=ALICE, to=authority, authorization_list=(signed,)), code, fork=CANCUN
    )
    assert early.invalid is Invalid.TYPE_NOT_SUPPORTED


@pytest.mark.parametrize("fork", [LONDON, CANCUN, PRAGUE, OSAKA])
def test_opcodes_of_later_forks_do_not_exist_before(library: Library, fork: int) -> None:
    result = simulate(library, Call(sender=ALICE, to=MAIN), asm(1, "tload"), fork)
    assert result.halt is (Halt.INVALID_OPCODE if fork < CANCUN else None)
