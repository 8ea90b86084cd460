"""``jovay demo``: a walk through everything that a settled chain does, against one that runs, or one of its own."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jovay.chain.hexadecimal import hexed
from jovay.cli.stack import L1_URL, GenesisFile, Key, L1Url, Stack, StackError, told_errors

if TYPE_CHECKING:
    from jovay.bridge.wallet import Wallet

ETHER = 10**18
TRANSFERS = 50
#: A counter. Constructor: returns the 14 bytes behind it. Code: slot 0 = slot 0 + 1, and return it.
COUNTER = bytes.fromhex("600e600a5f39600e5ff35f54600101805f555f5260205ff3")
_DONE, _WAITS, _FAILED = "done", "waits", "failed"
_MARKS = {_DONE: "✓", _WAITS: "…", _FAILED: "✗"}


@dataclass
class Step:
    """One step: what came of it, how long it took, and what it left on the chains."""

    name: str
    status: str = _FAILED
    seconds: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


class Walk:
    """The steps so far; ``tell`` is given a line for each thing that happens."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.steps: list[Step] = []
        self.tell = tell
        self._begun = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A step, done when the block ends without an error unless it says that it waits."""
        step = Step(name)
        self.steps.append(step)
        begun = time.monotonic()
        try:
            yield step
            if step.status == _FAILED:
                step.status = _DONE
        finally:
            step.seconds = round(time.monotonic() - begun, 3)
            self.tell(f"{_MARKS[step.status]} {step.name}  ({step.seconds:.1f} s)")
            for key, value in step.facts.items():
                self.tell(f"    {key}: {value}")

    @property
    def succeeded(self) -> bool:
        """Whether every step was reached, but for those that wait for a proof that nobody makes yet."""
        return bool(self.steps) and all(step.status != _FAILED for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        steps = [
            {"name": step.name, "status": step.status, "seconds": step.seconds, **step.facts}
            for step in self.steps
        ]
        return {"ok": self.succeeded, "seconds": round(time.monotonic() - self._begun, 3), "steps": steps}


def demo(
    node: Annotated[
        str | None,
        typer.Option("--node", metavar="URL", help="JSON-RPC of a running L2; without it one is started"),
    ] = None,
    l1: L1Url = L1_URL,
    genesis: GenesisFile = None,
    key: Key = "dev:0",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object instead of lines")] = False,
    timeout: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="how long a step may take")] = 120,
) -> None:
    """Deposit, transfers, a contract, a batch on L1, its TEE proof, a withdrawal: with times and transactions.

    Status 0 only if every step was reached; what waits for the ZK proof is listed as that.
    """
    from jovay.cli.own_stack import own_stack
    from jovay.cli.stack import open_stack

    walk = Walk((lambda text: None) if as_json else typer.echo)
    with told_errors():
        try:
            if node is not None:
                run(walk, open_stack(node, l1, genesis), key, timeout)
            else:
                with own_stack() as urls:
                    run(walk, open_stack(*urls), key, timeout)
        finally:
            if as_json:
                typer.echo(json.dumps(walk.to_json()))
    raise typer.Exit(0 if walk.succeeded else 1)


def run(walk: Walk, stack: Stack, key: str, timeout: float) -> None:
    """All steps. What goes wrong is raised after its step has been noted."""
    from jovay.bridge.l1.keys import RawKey
    from jovay.bridge.wallet import Wallet

    payer, _ = stack.wallets(key)
    user = RawKey(secrets.token_bytes(32))
    l1_user, l2_user = Wallet(stack.l1, user), Wallet(stack.l2, user)
    _deposit(walk, stack, payer, user.address, timeout)
    _transfers(walk, l2_user, timeout)
    last = _contract(walk, l2_user)
    sent = _withdraw(walk, stack, l2_user, l1_user.address)
    _settle(walk, stack, last, timeout)
    _claim(walk, stack, payer, sent, l1_user.address, timeout)


def _deposit(walk: Walk, stack: Stack, payer: Wallet, to: bytes, timeout: float) -> None:
    from jovay.bridge.deposits import Deposits
    from jovay.cli import journeys

    with walk.step("deposit of 1 ETH from L1 is credited on L2") as step:
        transfer = Deposits(stack.l1, stack.settlement).eth(to, ETHER, payer.address)
        done = journeys.deposit(stack, payer, transfer, lambda text: None, timeout)
        balance = stack.l2.balance(to)
        step.facts |= {
            "account": hexed(to),
            "l1Transaction": hexed(done.l1.transaction_hash),
            "l2Transaction": hexed(done.l2.transaction_hash),
            "l2Block": done.l2.block_number,
        }
        if balance != ETHER or not done.succeeded:
            raise StackError(f"{hexed(to)} has {balance} wei after the deposit")


def _transfers(walk: Walk, user: Wallet, timeout: float) -> None:
    from jovay.bridge.wallet import wait_for

    with walk.step(f"{TRANSFERS} transfers on L2") as step:
        recipients = [secrets.token_bytes(20) for _ in range(TRANSFERS)]
        first = user.client.nonce(user.address)
        sent = [
            user.send(to, value=10**12, gas=21_000, nonce=first + place)
            for place, to in enumerate(recipients)
        ]
        receipts = [wait_for(user.client, one, timeout) for one in sent]
        if not all(receipt is not None and receipt.succeeded for receipt in receipts):
            raise StackError("not all transfers have succeeded")
        if any(user.client.balance(to) != 10**12 for to in recipients):
            raise StackError("not all transfers have arrived")
        step.facts |= {
            "lastTransaction": hexed(sent[-1]),
            "blocks": len({r.block_number for r in receipts if r}),
        }


def _contract(walk: Walk, user: Wallet) -> bytes:
    with walk.step("a contract is deployed and called twice") as step:
        created = user.transact(None, COUNTER)
        contract = created.contract_address
        assert contract is not None
        user.transact(contract)
        called = user.transact(contract)
        count = int.from_bytes(user.client.storage(contract, 0), "big")
        step.facts |= {
            "contract": hexed(contract),
            "deployment": hexed(created.transaction_hash),
            "call": hexed(called.transaction_hash),
            "gasOfCall": called.gas_used,
        }
        if count != 2:
            raise StackError(f"the contract counted {count} calls, and not 2")
    return called.transaction_hash


def _withdraw(walk: Walk, stack: Stack, user: Wallet, to: bytes) -> bytes:
    from jovay.bridge.l1.contracts import Contract
    from jovay.bridge.predeploys import L2_ETH_BRIDGE
    from jovay.cli import journeys

    with walk.step("withdrawal of 0.1 ETH is begun on L2") as step:
        amount = ETHER // 10
        data = Contract("L2ETHBridge", L2_ETH_BRIDGE).encode("withdraw", to, amount)
        receipt = user.transact(L2_ETH_BRIDGE, data, amount)
        message = journeys.withdrawal(stack, receipt.transaction_hash)
        step.facts |= {
            "l2Transaction": hexed(receipt.transaction_hash),
            "message": int(message["nonce"], 16),
            "leaf": message["hash"],
        }
    return receipt.transaction_hash


def _settle(walk: Walk, stack: Stack, transaction_hash: bytes, timeout: float) -> None:
    """The batch with a transaction on L1, attested, and its block ``safe``."""
    with walk.step("its batch is on L1") as step:
        found = _until(
            lambda: stack.l2.call("jovay_getFinality", hexed(transaction_hash)),
            lambda finality: bool(finality["commit"]),
            timeout,
        )
        commit = bytes.fromhex(found["commit"]["transactionHash"][2:])
        carried = stack.l1.transaction(commit)
        receipt = stack.l1.receipt(commit)
        if carried is None or receipt is None or not receipt.succeeded:
            raise StackError(f"L1 does not know the commit {hexed(commit)}")
        step.facts |= {
            "batch": int(found["batchIndex"], 16),
            "l1Transaction": hexed(commit),
            "l1Block": receipt.block_number,
            "gas": receipt.gas_used,
            "blobs": len(carried.versioned_hashes),
        }
    with walk.step("the TEE's proof of it is accepted on L1") as step:
        found = _until(
            lambda: stack.l2.call("jovay_getFinality", hexed(transaction_hash)),
            lambda finality: bool(finality["tee"]),
            timeout,
        )
        proof = bytes.fromhex(found["tee"]["transactionHash"][2:])
        receipt = stack.l1.receipt(proof)
        if receipt is None or not receipt.succeeded:
            raise StackError(f"L1 does not know the proof {hexed(proof)}")
        step.facts |= {
            "l1Transaction": hexed(proof),
            "l1Block": receipt.block_number,
            "gas": receipt.gas_used,
            "simulated": _is_simulated(stack),
        }
    with walk.step("its block is safe") as step:
        number = int(found["blockNumber"], 16)
        safe = stack.l2.block("safe")
        if safe is None or safe.number < number:
            raise StackError(f"block {number} is not safe")
        step.facts |= {"block": number, "safe": safe.number}


def _claim(walk: Walk, stack: Stack, payer: Wallet, sent: bytes, to: bytes, timeout: float) -> None:
    """The proof of the withdrawal, held against what L1 knows, and the payment where that can be reached."""
    from jovay.bridge.wire.message_tree import root_of
    from jovay.cli import journeys

    with walk.step("the withdrawal's proof leads to the root that the TEE attested on L1") as step:
        message = journeys.await_withdrawal(stack, sent, "attested", lambda text: None, timeout)
        if message["state"] not in ("attested", "claimable"):
            raise StackError(f"the withdrawal is {message['state']} after {timeout:.0f} s")
        siblings = [bytes.fromhex(node[2:]) for node in message["proof"]]
        index = int(message["batch"]["index"], 16)
        root = root_of(bytes.fromhex(message["hash"][2:]), int(message["nonce"], 16), siblings)
        attested = attested_root(stack, index)
        step.facts |= {"batch": index, "siblings": len(siblings), "root": hexed(root)}
        if root != attested:
            raise StackError(f"L1 has the message root {hexed(attested)} for batch {index}")
    with walk.step("the withdrawal is paid on L1") as step:
        if not stack.has_zk_verifier:
            step.status = _WAITS
            step.facts["waitsFor"] = "the second proof: without a ZK verifier nothing becomes final"
            return
        message = journeys.await_withdrawal(stack, sent, "claimable", lambda text: None, timeout)
        if message["state"] != "claimable":
            raise StackError(f"the withdrawal is {message['state']} after {timeout:.0f} s")
        before = stack.l1.balance(to)
        receipt = journeys.claim(payer, message)
        step.facts["l1Transaction"] = hexed(receipt.transaction_hash)
        if stack.l1.balance(to) - before != ETHER // 10:
            raise StackError("L1 has not paid what was withdrawn")


def attested_root(stack: Stack, batch: int) -> bytes:
    """The message root that the TEE's claim on L1 states for a batch."""
    from jovay.bridge.l1.contracts import Contract
    from jovay.bridge.l1.record import Kind

    _, output = Contract("Rollup", stack.settlement.rollup).read(stack.l1, "claim", int(Kind.TEE), batch)
    root: bytes = output[1]
    return root


def _is_simulated(stack: Stack) -> bool:
    from jovay.bridge.l1.contracts import Contract

    return bool(Contract("TEEVerifier", stack.settlement.tee_verifier).read(stack.l1, "ALLOW_SIMULATED"))


def _until(ask: Callable[[], Any], true: Callable[[Any], bool], timeout: float) -> Any:
    deadline = time.monotonic() + timeout
    while not ((found := ask()) and true(found)):
        if time.monotonic() > deadline:
            raise StackError(f"it has not come within {timeout:.0f} s")
        time.sleep(0.2)
    return found
