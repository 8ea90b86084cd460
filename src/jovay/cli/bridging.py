"""``jovay deposit``, ``jovay withdraw`` and ``jovay finality``: value and calls between L1 and L2."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from jovay.cli.stack import L1_URL, NODE_URL, GenesisFile, Key, L1Url, NodeUrl, told_errors
from jovay.cli.values import address, octets, units

#: Status of a withdrawal that waits for something which this command cannot bring about.
WAITS = 3
_DEVELOPER = "dev:0"

Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="in ether, or in a token's whole units")]
Timeout = Annotated[float, typer.Option("--timeout", min=0, metavar="SECONDS", help="how long to wait")]


class Clock:
    """Says what happens, with the seconds since the beginning."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def __call__(self, text: str) -> None:
        typer.echo(f"{time.monotonic() - self._begun:7.1f} s  {text}")


def deposit(
    amount: Amount = "0",
    to: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="who gets it on L2; default the sender")
    ] = None,
    token: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="an ERC-20 on L1 instead of ether")
    ] = None,
    call: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="call --to on L2 with these bytes and the amount, in hex"),
    ] = None,
    refund: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="who may take it back; default the sender")
    ] = None,
    key: Key = _DEVELOPER,
    node: NodeUrl = NODE_URL,
    l1: L1Url = L1_URL,
    genesis: GenesisFile = None,
    timeout: Timeout = 300,
) -> None:
    """Bring ether, an ERC-20 or a call from L1 to L2, and wait until L2 has executed it."""
    from jovay.bridge.deposits import Deposits
    from jovay.cli import journeys, tokens
    from jovay.cli.stack import StackError, open_stack

    with told_errors():
        tell, stack = Clock(), open_stack(node, l1, genesis)
        wallet, _ = stack.wallets(key)
        back = wallet.address if refund is None else address(refund)
        recipient = wallet.address if to is None else address(to)
        deposits = Deposits(stack.l1, stack.settlement)
        if call is not None:
            if token is not None or to is None:
                raise StackError("--call goes with --to, and without --token")
            transfer = deposits.message(recipient, units(amount, 18), octets(call), back)
        elif token is None:
            transfer = deposits.eth(recipient, units(amount, 18), back)
        else:
            contract = address(token)
            value = units(amount, tokens.decimals(stack.l1, contract))
            tokens.approve(wallet, contract, deposits.token_spender, value)
            transfer = deposits.token(contract, recipient, value, back)
        done = journeys.deposit(stack, wallet, transfer, tell, timeout)
    if not done.succeeded:
        raise typer.Exit(1)


def withdraw(
    amount: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="in ether, or in a token's whole units")
    ] = "",
    to: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="who gets it on L1; default the sender")
    ] = None,
    token: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="the token on L2 instead of ether")
    ] = None,
    claim: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="go on with a withdrawal that this L2 transaction began"),
    ] = None,
    key: Key = _DEVELOPER,
    node: NodeUrl = NODE_URL,
    l1: L1Url = L1_URL,
    genesis: GenesisFile = None,
    timeout: Timeout = 300,
) -> None:
    """Take ether or a token from L2 to L1: send it, wait for the proof, claim it on L1 once its batch is final.

    Ends with status 0 when L1 has paid, with 3 while that waits for a proof.
    """
    from jovay.cli import journeys
    from jovay.cli.stack import StackError, open_stack

    with told_errors():
        if (claim is None) == (amount == ""):
            raise StackError("give an AMOUNT, or --claim with the hash of a withdrawal")
        tell, stack = Clock(), open_stack(node, l1, genesis)
        payer, wallet = stack.wallets(key)
        if claim is None:
            sent = _send(wallet, amount, to, token)
            tell(f"L2 transaction 0x{sent.hex()}")
        else:
            sent = octets(claim)
        message = journeys.await_withdrawal(stack, sent, "claimable", tell, timeout)
        if journeys.is_paid(stack, message):
            tell("L1 has paid it already")
            return
        if message["state"] == "claimable":
            receipt = journeys.claim(payer, message)
            tell(f"L1 paid in block {receipt.block_number}, transaction 0x{receipt.transaction_hash.hex()}")
            return
        tell(_why_not(message["state"], stack.has_zk_verifier))
        typer.echo(f"           later: jovay withdraw --claim 0x{sent.hex()}")
    raise typer.Exit(WAITS)


def finality(
    transaction: Annotated[str, typer.Argument(metavar="HASH", help="an L2 transaction")],
    until: Annotated[
        int, typer.Option(min=1, max=3, help="wait for a stage: 1 executed, 2 attested (safe), 3 proven")
    ] = 1,
    node: NodeUrl = NODE_URL,
    timeout: Timeout = 300,
) -> None:
    """How final a transaction is: executed, attested on L1, proven on L1. Status 3 if the stage has not come."""
    from jovay.bridge.l1.client import L1Client

    with told_errors():
        client, deadline = L1Client(node), time.monotonic() + timeout
        found = client.call("jovay_getFinality", transaction)
        while (found is None or found["stage"] < until) and time.monotonic() < deadline:
            time.sleep(0.2)
            found = client.call("jovay_getFinality", transaction)
    if found is None:
        typer.echo("no block has this transaction")
        raise typer.Exit(WAITS)
    for line in finality_lines(found):
        typer.echo(line)
    if found["stage"] < until:
        raise typer.Exit(WAITS)


def finality_lines(found: dict[str, Any]) -> list[str]:
    """What ``jovay_getFinality`` says, for people."""
    lines = [f"stage     {found['stage']} {found['status']}", f"block     {int(found['blockNumber'], 16)}"]
    if found["batchIndex"] is not None:
        lines.append(f"batch     {int(found['batchIndex'], 16)}")
    for step, name in (("commit", "committed"), ("tee", "attested"), ("zk", "proven")):
        if (known := found[step]) is None:
            lines.append(f"{name:<10}not yet")
            continue
        when = int(known["timestamp"] or "0x0", 16)
        shown = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(when)) + " UTC"
        lines.append(f"{name:<10}{shown}  L1 transaction {known['transactionHash']}")
    return lines


def _send(wallet: Any, amount: str, to: str | None, token: str | None) -> bytes:
    from jovay.bridge.l1.contracts import Contract
    from jovay.bridge.predeploys import L2_ERC20_BRIDGE, L2_ETH_BRIDGE
    from jovay.cli import tokens

    recipient = wallet.address if to is None else address(to)
    if token is None:
        value = units(amount, 18)
        data = Contract("L2ETHBridge", L2_ETH_BRIDGE).encode("withdraw", recipient, value)
        receipt = wallet.transact(L2_ETH_BRIDGE, data, value)
    else:
        contract = address(token)
        value = units(amount, tokens.decimals(wallet.client, contract))
        data = Contract("L2ERC20Bridge", L2_ERC20_BRIDGE).encode("withdraw", contract, recipient, value)
        receipt = wallet.transact(L2_ERC20_BRIDGE, data)
    found: bytes = receipt.transaction_hash
    return found


def _why_not(state: str, has_zk_verifier: bool) -> str:
    if not has_zk_verifier:
        return f"it is {state}, and stays so: without a ZK verifier, which this chain lacks, nothing becomes final"
    return f"it is {state}; L1 pays once both proofs of its batch stand"
