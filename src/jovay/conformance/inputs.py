"""Hostile bytes for whatever takes bytes from outside apart: transactions, batches in JSON and binary form, the pool.

Nothing here judges what comes of them: the checked build does, or a crash.
"""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import numpy as np

from jovay.chain import rlp
from jovay.chain.types import EMPTY_CODE_HASH
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.machine.environment import Block
from jovay.kernel.protocol.forks import NEWEST
from jovay.native.library import Library
from jovay.native.records import dtype_of, new_record
from jovay.rpc import fast_sends
from jovay.sequencer.pool.txpool import PoolLimits, TxPool
from jovay.sequencer.portal import Portal
from jovay.state.world import NativeWorld

BLOCK = {"number": 1, "timestamp": 1, "gas_limit": 10**9, "base_fee": 1, "chain_id": 1, "fork": NEWEST}
#: Accounts with ether.
SENDERS = [bytes([n]) * 20 for n in (0xA1, 0xA2, 0xA3, 0xA4)]
#: Bytes that mean something in an encoding.
TELLING = (0, 1, 2, 3, 4, 0x7F, 0x80, 0x81, 0xA0, 0xB7, 0xB8, 0xBF, 0xC0, 0xC1, 0xF7, 0xF8, 0xFB, 0xFF)
ENTRY = '{"jsonrpc":"2.0","id":%s,"method":"eth_sendRawTransaction","params":["0x%s"]}'


class InputFuzzer:
    """Cases by seed, over one pool and portal."""

    def __init__(self, library: Library) -> None:
        self._portal = Portal(library)
        world = NativeWorld(library, accounts=10_000, slots=1_000, code_bytes=1 << 16, history=16)
        funded = np.zeros(len(SENDERS), dtype_of(AccountChange))
        funded["address"] = [sender[::-1].ljust(32, b"\0") for sender in SENDERS]
        funded["balance"], funded["exists"] = np.void((10**24).to_bytes(32, "little")), 1
        funded["code_hash"] = np.void(EMPTY_CODE_HASH[::-1])
        world.insert(funded, np.zeros(0, dtype_of(SlotChange)), [])
        block = new_record(Block, BLOCK)
        limits = PoolLimits(transactions=64, per_sender=8, waiting_per_sender=4, waiting=16, memory=1 << 24)
        self._pool = TxPool(library, world, lambda: block, limits)
        self.seen: Counter[str] = Counter()

    def run(self, seed: int) -> None:
        """One case: raw transactions as they are decoded for the pool, and as texts and frames around them."""
        dice = Random(f"input {seed}")
        raws = [mutated(dice, transaction(dice)) for _ in range(dice.choice([1, 1, 2, 5]))]
        self._decode(dice, raws)
        self._scan(dice, raws)
        self._split(dice, raws)

    def _decode(self, dice: Random, raws: list[bytes]) -> None:
        batch = self._portal.decode(b"".join(raws), np.cumsum([len(raw) for raw in raws]).tolist())
        for status in batch.statuses.tolist():
            self.seen["transactions refused" if status else "transactions decoded"] += 1
        batch.records["sender"] = [dice.choice(SENDERS) for _ in raws]  # who can pay
        refusals = self._pool.add(batch, ready_only=dice.random() < 0.1)
        self.seen["transactions kept out of the pool"] += len(refusals)

    def _scan(self, dice: Random, raws: list[bytes]) -> None:
        ids = ["1", '"a"', "123456789012345678", '"' + "x" * 40 + '"', "0"]
        body = ("[" + ",".join(ENTRY % (dice.choice(ids), raw.hex()) for raw in raws) + "]").encode()
        if dice.random() < 0.3:
            body = json.dumps(json.loads(body), indent=dice.choice([None, 1])).encode()
        if dice.random() < 0.7:
            body = mutated(dice, body)
        found = fast_sends.scan(body)
        self.seen["texts refused" if found is None else "texts read"] += 1
        if found is not None:
            fast_sends.answers(found[0], dice.randbytes(32 * len(found[0])))

    def _split(self, dice: Random, raws: list[bytes]) -> None:
        body = b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws)
        if dice.random() < 0.7:
            body = mutated(dice, body)
        found = fast_sends.split(body, dice.choice([0, 1, 5, 100]))
        self.seen["frames refused" if isinstance(found, str) else "frames read"] += 1


def transaction(dice: Random) -> bytes:
    """A transaction of any type, signed by nobody in particular: any r that is on the curve recovers someone."""

    def word(bits: int) -> int:
        return dice.getrandbits(dice.choice([0, 1, 7, 8, bits])) if bits else 0

    data = dice.randbytes(dice.choice([0, 1, 31, 55, 56, 300]))
    to = dice.choice([b"", dice.randbytes(20), dice.randbytes(20)])
    access: list[rlp.Item] = [
        [dice.randbytes(20), [dice.randbytes(32) for _ in range(dice.randrange(3))]]
        for _ in range(dice.randrange(3))
    ]
    kind = dice.randrange(5)
    signature: list[rlp.Item] = [dice.randrange(2), dice.getrandbits(255), dice.getrandbits(254)]
    gas = 21_000 + dice.getrandbits(20)
    if kind == 0:
        return rlp.encode(
            [word(8), 100 + word(16), gas, to, word(64), data, 37 + dice.randrange(2), *signature[1:]]
        )
    fields: list[rlp.Item] = [1, word(8), *([100] if kind == 1 else [1, 100 + word(16)]), gas]
    fields += [to if kind < 3 else dice.randbytes(20), word(64), data, access]
    if kind == 3:
        fields += [1 + word(8), [b"\x01" + dice.randbytes(31) for _ in range(dice.randrange(1, 4))]]
    if kind == 4:
        tuples: list[rlp.Item] = [
            [dice.randrange(2), dice.randbytes(20), word(8), *signature] for _ in range(dice.randrange(1, 3))
        ]
        fields.append(tuples)
    return bytes([kind]) + rlp.encode([*fields, *signature])


def mutated(dice: Random, data: bytes) -> bytes:
    """``data`` with up to four changes, or none: bytes set, cut off, put in, repeated, swapped ends."""
    if dice.random() < 0.3:
        return data
    out = bytearray(data)
    for _ in range(dice.randrange(1, 5)):
        at = dice.randrange(len(out) + 1)
        change = dice.randrange(5)
        if change == 0 and at < len(out):
            out[at] = dice.choice(TELLING) if dice.random() < 0.7 else dice.randrange(256)
        elif change == 1:
            del out[at:]
        elif change == 2:
            out[at:at] = bytes(dice.choice(TELLING) for _ in range(dice.randrange(1, 9)))
        elif change == 3:
            out[at:at] = out[at : at + dice.randrange(40)]
        else:
            del out[at : at + dice.randrange(1, 9)]
    return bytes(out)
