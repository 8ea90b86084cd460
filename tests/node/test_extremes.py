"""Extreme numbers for every numeric parameter of every method: a result or a plain refusal, and a node that goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import jovay.rpc.methods  # noqa: F401  (fills the method table)
from jovay.config import NodeConfig
from jovay.node import Node
from jovay.rpc.limits import Limits
from jovay.rpc.table import METHODS, Method
from rigs.accounts import KEYS
from rigs.load import address_of
from rigs.rpc import RpcError

from .conftest import SETTINGS, Client, hexed

INTERNAL, INVALID_PARAMS = -32603, -32602
NUMBERS = (0, 1, 2**31, 2**32, 2**53, 2**63, 2**64 - 1, 2**64, 2**256 - 1)
HEX: tuple[Any, ...] = (*map(hex, NUMBERS), hex(2**256), "-0x1", 7, "", "0x", [])
PLAIN: tuple[Any, ...] = (*NUMBERS, -1, -(2**63), 0.5, 1e308, True, "18446744073709551616", {})
ALICE = hexed(address_of(KEYS[0]))
HASH = "0x" + "11" * 32
Make = Callable[[Any], Any]


def fields(base: dict[str, Any], *names: str) -> list[Make]:
    """The object with a value in each of these fields."""
    return [lambda value, name=name: base | {name: value} for name in names]  # type: ignore[misc]


TRANSACTION = fields(
    {"from": ALICE, "to": "0x" + "77" * 20},
    *"gas gasPrice maxFeePerGas maxPriorityFeePerGas value nonce chainId maxFeePerBlobGas".split(),
)
AUTHORIZATION = fields(
    {"address": ALICE, "chainId": "0x0", "nonce": "0x0", "yParity": "0x0", "r": "0x1", "s": "0x1"},
    *"chainId nonce yParity v r s".split(),
)
TRANSACTION += [
    lambda value, make=make: {"from": ALICE, "to": ALICE, "authorizationList": [make(value)]}  # type: ignore[misc]
    for make in AUTHORIZATION
]
BLOCK = fields({}, *"number difficulty time gasLimit baseFeePerGas blobBaseFee".split())
WITHDRAWAL = fields({"address": ALICE}, "index", "validatorIndex", "amount")
STATE: list[Make] = [lambda value, make=make: {ALICE: make(value)} for make in fields({}, "nonce", "balance")]  # type: ignore[misc]


def simulations() -> Iterator[Make]:
    """Two blocks, of which the first has the value somewhere; with and without validation."""
    call = {"from": ALICE, "to": "0x" + "77" * 20, "maxFeePerGas": hex(10**12)}
    first: list[Make] = [
        *(lambda value, make=make: {"blockOverrides": make(value)} for make in BLOCK),  # type: ignore[misc]
        *(lambda value, make=make: {"blockOverrides": {"withdrawals": [make(value)]}} for make in WITHDRAWAL),  # type: ignore[misc]
        *(lambda value, make=make: {"calls": [make(value), call]} for make in TRANSACTION),  # type: ignore[misc]
        *(lambda value, make=make: {"stateOverrides": make(value), "calls": [call, call]} for make in STATE),  # type: ignore[misc]
    ]
    for make in first:
        for validation in (False, True):
            yield lambda value, make=make, validation=validation: {  # type: ignore[misc]
                "blockStateCalls": [make(value), {"calls": [{"from": ALICE, "to": ALICE}]}],
                "validation": validation,
            }


def nested(name: str, makes: list[Make]) -> list[Make]:
    return [lambda value, make=make: {name: make(value)} for make in makes]  # type: ignore[misc]


SAME: list[Make] = [lambda value: value]
#: Of each kind: what it is elsewhere, where a number can stand in it, and which.
KINDS: dict[str, tuple[Any, list[Make], tuple[Any, ...]]] = {
    "ADDRESS": (ALICE, [], ()),
    "HASH": (HASH, [], ()),
    "DATA": ("0x00", [], ()),
    "BOOL": (False, SAME, (0, 2**64)),
    "STRING": ("0x1", SAME, (0, hex(2**64), "-1")),
    "QUANTITY": ("0x0", SAME, HEX),
    "INTEGER": (1, SAME, (*PLAIN, *HEX)),
    "ANY": ("0x1", SAME, (*PLAIN, *HEX)),
    "BLOCK NUMBER": ("latest", SAME, (*HEX, *PLAIN)),
    "BLOCK": ("latest", [*SAME, *fields({}, "blockNumber")], (*HEX, *PLAIN)),
    "STORAGE KEY": ("0x0", SAME, HEX),
    "ARRAY of STORAGE KEY": ([], [lambda value: [value]], HEX),
    "ARRAY of numbers": ([], [lambda value: [value], lambda value: [1, value]], PLAIN),
    "ARRAY of INTEGER": ([], [lambda value: [value]], PLAIN),
    "ARRAY of TRACE TYPE": (["trace"], [], ()),
    "TRANSACTION OBJECT": ({"from": ALICE, "to": ALICE}, TRANSACTION, HEX),
    "ARRAY of [TRANSACTION OBJECT, ARRAY of TRACE TYPE]": (
        [],
        [lambda value, make=make: [[make(value), ["trace"]]] for make in TRANSACTION],  # type: ignore[misc]
        HEX,
    ),
    "STATE OVERRIDES": ({}, STATE, HEX),
    "BLOCK OVERRIDES": ({}, BLOCK, HEX),
    "SIMULATION": ({"blockStateCalls": [{}]}, list(simulations()), HEX),
    "LOG FILTER": ({}, fields({}, "fromBlock", "toBlock"), (*HEX, *PLAIN)),
    "TRACE FILTER": ({}, fields({}, "fromBlock", "toBlock", "after", "count"), (*HEX, *PLAIN)),
    "OPTIONS": ({}, [*fields({}, "txIndex", "limit", "timeout"), *nested("blockOverrides", BLOCK)], HEX),
    "TRACE OPTIONS": ({}, fields({}, "limit", "timeout"), (*HEX, *PLAIN)),
    "OBJECT from ADDRESS to ARRAY of HASH": ({ALICE: [HASH]}, [], ()),
}
#: Methods whose work takes as long as the number says, within a bound of theirs.
LONG = {"anvil_mine": (0, 1, 2, *HEX[2:], *PLAIN[2:])}


def calls_of(method: Method) -> Iterator[list[Any]]:
    """Parameters of the method, an extreme in one of them."""
    usual = [KINDS.get(param.kind.name, ("0x1", SAME, PLAIN)) for param in method.params]
    for position, (_, makes, values) in enumerate(usual):
        for make in makes:
            for value in LONG.get(method.name, values) if position == 0 else values:
                made = [base for base, _, _ in usual]
                made[position] = make(value)
                yield made


def distinct(dev: bool) -> list[str]:
    """One name for each handler."""
    names: dict[Any, str] = {}
    for method in METHODS.values():
        if method.dev is dev:
            names.setdefault(method.handler, method.name)
    return sorted(names.values())


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder: Path = tmp_path_factory.mktemp("extremes")
    limits = Limits(sync_time=0.02, sync_time_max=0.02)
    running = Node(NodeConfig(datadir=folder, rpc=limits, **SETTINGS))
    running.start()
    yield running
    running.stop()


def refused(answer: Any, name: str, parameters: list[Any]) -> bool:
    """Whether an answer is a refusal; an internal error is a failure."""
    if not isinstance(answer, RpcError):
        return False
    assert answer.code != INTERNAL, f"{name}{parameters}: {answer}"
    return True


@pytest.mark.parametrize("name", distinct(dev=False))
def test_of_any_method(node: Node, name: str) -> None:
    client = Client(node)
    calls = list(calls_of(METHODS[name]))
    for at in range(0, len(calls), 100):
        part = calls[at : at + 100]
        answers = client.rpc.batch([(name, parameters) for parameters in part])
        for parameters, answer in zip(part, answers, strict=True):
            refused(answer, name, parameters)
    before = client.number("eth_blockNumber")
    client("evm_mine")
    assert client.number("eth_blockNumber") > before


@pytest.mark.parametrize("name", distinct(dev=True))
def test_of_development_methods(node: Node, name: str) -> None:
    client = Client(node)
    snapshot = client("evm_snapshot")
    for parameters in calls_of(METHODS[name]):
        try:
            client(name, *parameters)
        except RpcError as error:
            refused(error, name, parameters)
            continue
        before = client.number("eth_blockNumber")
        client("evm_mine")
        assert client.number("eth_blockNumber") > before, f"{name}{parameters}"
    for undo in ("evm_setIntervalMining", "anvil_setBlockTimestampInterval"):
        client(undo, 0)
    client("anvil_removeBlockTimestampInterval")
    client("evm_setBlockGasLimit", 10**9)
    client("evm_revert", snapshot)


@pytest.mark.parametrize(
    ("method", "parameters", "text"),
    [
        ("anvil_setBlockGasLimit", [1], "gas limit 1 is out of range: 5000 to 9223372036854775807"),
        (
            "anvil_setBlockTimestampInterval",
            [2**64 - 1],
            "interval 18446744073709551615 is out of range: 0 to 4294967295",
        ),
        (
            "anvil_setIntervalMining",
            [2**64 - 1],
            "interval 18446744073709551615 is out of range: 0 to 4294967295",
        ),
        ("anvil_mine", [9, 2**64 - 1], "interval 18446744073709551615 is out of range: 0 to 4294967295"),
        ("anvil_mine", [1_000, 2**32 - 1], "timestamp .* is out of range: 0 to 1099511627776"),
        ("evm_increaseTime", [2**64 - 1], "timestamp .* is out of range: 0 to 1099511627776"),
        ("anvil_setNonce", [ALICE, hex(2**64 - 1)], "nonce 18446744073709551615 is out of range"),
        ("anvil_setNextBlockBaseFeePerGas", [hex(2**64)], "base fee 18446744073709551616 is out of range"),
        ("anvil_rollback", [10**6], "depth 1000000 is out of range: 0 to "),
    ],
)
def test_refusals_name_value_and_bounds(node: Node, method: str, parameters: list[Any], text: str) -> None:
    client = Client(node)
    with pytest.raises(RpcError, match=text) as error:
        client(method, *parameters)
    assert error.value.code == INVALID_PARAMS
    before = client.number("eth_blockNumber")
    client("evm_mine")
    assert client.number("eth_blockNumber") > before


@pytest.mark.parametrize(
    ("overrides", "answered"),
    [({"time": hex(2**64 - 1)}, False), ({"gasLimit": "0x0"}, True), ({"gasLimit": "0x1"}, True)],
)
@pytest.mark.parametrize("validation", [False, True])
def test_another_simulated_block_after_an_extreme_one(
    node: Node, overrides: dict[str, str], answered: bool, validation: bool
) -> None:
    blocks = {"blockStateCalls": [{"blockOverrides": overrides}, {}], "validation": validation}
    client = Client(node)
    if answered:
        assert len(client("eth_simulateV1", blocks)) == 2
        return
    with pytest.raises(RpcError, match="timestamp 18446744073709551627 does not fit 64 bits") as error:
        client("eth_simulateV1", blocks)
    assert error.value.code == INVALID_PARAMS
