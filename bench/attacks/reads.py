"""Attacks by reads as heavy as the node's limits let them be, and by transactions that it has to refuse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..loads.accounts import accounts
from ..loads.chain import token
from ..loads.workloads import load, selector
from ..measuring.client import binary_body, json_body
from . import Step, Target, ask

BATCH, SLOTS, CLIENTS, MADE, ATTACKERS = 5_000, 20_000, 4, 20_000, 100
SPINNER = "0x" + "5b" * 20
LOOP = "0x5b5f505f56"
"""Goes round until its gas is gone."""
CALLS = "0x5b5f5f5f5f60045afa505f56"
"""Calls a precompile over and over."""


def post(target: Target, body: bytes, path: str = "/", kind: str = "application/json") -> Sequence[Step]:
    """The same body again and again, from some clients at once."""

    def client() -> Step:
        connection = target.connect()
        request = connection.request(path, kind, body)
        return lambda: connection.send(request)

    return [client() for _ in range(CLIENTS)]


def single(target: Target, method: str, *parameters: Any) -> Sequence[Step]:
    """One call."""
    form = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return post(target, json.dumps(form).encode())


def batch(target: Target, method: str, parameters: Sequence[Sequence[Any]]) -> Sequence[Step]:
    """A batch of calls of one method."""
    calls = [{"jsonrpc": "2.0", "id": i, "method": method, "params": p} for i, p in enumerate(parameters)]
    return post(target, json.dumps(calls).encode())


def full_block(target: Target) -> str:
    """Number of the fullest block, once there are blocks of token transfers."""
    connection, raws = target.connect(), load("erc20", MADE, ATTACKERS).raws()
    for at in range(0, MADE, 1_000):
        connection.send(connection.request("/", "application/json", json_body(raws[at : at + 1_000])))
    while ask(connection, "txpool_status")["pending"] != "0x0":
        pass
    newest = int(ask(connection, "eth_blockNumber"), 16)
    numbers = [hex(number) for number in range(max(1, newest - 1_000), newest + 1)]
    counts = connection.call([("eth_getBlockTransactionCountByNumber", [number]) for number in numbers])
    return max(zip((int(count, 16) for count in counts), numbers, strict=True))[1]


def balances(target: Target) -> Sequence[Step]:
    """Batches of 5,000 eth_getBalance."""
    owners = accounts(target.count)
    wanted = [["0x" + owners.address(i % len(owners)).hex(), "latest"] for i in range(BATCH)]
    return batch(target, "eth_getBalance", wanted)


def small_calls(target: Target) -> Sequence[Step]:
    """Batches of 5,000 eth_call."""
    owners, data = accounts(target.count), "0x" + selector("balanceOf(address)").hex() + "00" * 12
    to = "0x" + token(0).hex()
    calls = [{"to": to, "data": data + owners.address(i % len(owners)).hex()} for i in range(BATCH)]
    return batch(target, "eth_call", [[call, "latest"] for call in calls])


def blocks(target: Target) -> Sequence[Step]:
    """Batches of the fullest block, with its transactions."""
    return batch(target, "eth_getBlockByNumber", [[full_block(target), True]] * 100)


def receipts(target: Target) -> Sequence[Step]:
    """Batches of 5,000 receipts."""
    hashes = ask(target.connect(), "eth_getBlockByNumber", full_block(target), False)["transactions"]
    return batch(target, "eth_getTransactionReceipt", [[hashes[i % len(hashes)]] for i in range(BATCH)])


def block_receipts(target: Target) -> Sequence[Step]:
    """Batches of eth_getBlockReceipts of the fullest block."""
    return batch(target, "eth_getBlockReceipts", [[full_block(target)]] * 20)


def logs(target: Target) -> Sequence[Step]:
    """eth_getLogs of the fullest block."""
    number = full_block(target)
    return single(target, "eth_getLogs", {"fromBlock": number, "toBlock": number})


def steps(target: Target) -> Sequence[Step]:
    """debug_traceCall of all steps of 2 million gas."""
    options = {"stateOverrides": {SPINNER: {"code": LOOP}}}
    return single(target, "debug_traceCall", {"to": SPINNER, "gas": hex(2_000_000)}, "latest", options)


def frames(target: Target) -> Sequence[Step]:
    """debug_traceCall of the calls of 20 million gas."""
    options = {"stateOverrides": {SPINNER: {"code": CALLS}}, "tracer": "callTracer"}
    return single(target, "debug_traceCall", {"to": SPINNER, "gas": hex(20_000_000)}, "latest", options)


def traced_block(target: Target) -> Sequence[Step]:
    """debug_traceBlockByNumber of the fullest block, all steps."""
    return single(target, "debug_traceBlockByNumber", full_block(target))


def spin(target: Target) -> Sequence[Step]:
    """eth_call that uses up all of its 50 million gas."""
    return single(target, "eth_call", {"to": SPINNER}, "latest", {SPINNER: {"code": LOOP}})


def overrides(target: Target) -> Sequence[Step]:
    """eth_call with 20,000 slots overridden."""
    words = {f"0x{i:064x}": f"0x{i + 1:064x}" for i in range(SLOTS)}
    return single(target, "eth_call", {"to": SPINNER}, "latest", {SPINNER: {"stateDiff": words}})


def simulated(target: Target) -> Sequence[Step]:
    """eth_simulateV1 of 5,000 calls."""
    one = {"from": SPINNER, "to": "0x" + token(0).hex()}
    return single(target, "eth_simulateV1", {"blockStateCalls": [{"calls": [one] * BATCH}]}, "latest")


def values(target: Target) -> Sequence[Step]:
    """A body of 100,000 values that no method wants."""
    head = b'{"jsonrpc":"2.0","id":1,"method":"eth_call","params":['
    return post(target, head + b"[]," * 99_990 + b"1]}")


def _refused(target: Target) -> Sequence[bytes]:
    full_block(target)
    return load("erc20", MADE, ATTACKERS).raws(0, BATCH)


def refused_frames(target: Target) -> Sequence[Step]:
    """5,000 transactions that are in blocks already, over the binary channel."""
    return post(target, binary_body(_refused(target)), "/batch", "application/octet-stream")


def refused_calls(target: Target) -> Sequence[Step]:
    """5,000 transactions that are in blocks already, as a JSON batch."""
    return post(target, json_body(_refused(target)))
