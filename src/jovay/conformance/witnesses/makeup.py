"""Witnesses that no block gave: keys, claims, code, proof and transactions chosen apart from each other."""

from __future__ import annotations

from random import Random

from jovay.chain import rlp
from jovay.kernel.block.changes import AccountChange
from jovay.state.writes import WriteSet

from .mutate import Mutator, edge
from .parts import ACCOUNT, HEAD, Parts, put, take_apart
from .proofs import Roots, made_up, unparse
from .source import Source


class Inventor:
    """Seeded witnesses over the state of a source, or over none."""

    def __init__(self, dice: Random, sources: list[Source], roots: Roots) -> None:
        self.dice, self.sources, self.roots = dice, sources, roots
        self.mutator = Mutator(dice, [source.witness for source in sources], roots)

    def invent(self) -> tuple[str, Source, bytes]:
        """(what it is, the source over whose state it may stand, the witness)."""
        dice = self.dice
        source = dice.choice(self.sources)
        parts = self.over_state(source) if dice.random() < 0.7 else self.over_nothing(source)
        what = "made up over a state" if parts.parent_root == source.parent_root else "made up"
        data = parts.encode()
        if dice.random() < 0.3:
            raw = bytearray(data)
            for alter in dice.choices(self.mutator.of_bytes, k=2):
                raw = alter(raw)
            data = bytes(raw)
        return what, source, data

    def over_state(self, source: Source) -> Parts:
        """Any of the state's keys, shown truly, and any transactions, with a proof that may be for other keys."""
        dice, genesis = self.dice, source.recorded.genesis
        parts = take_apart(source.witness)

        def some(rows: int, more: float) -> list[int]:
            return [i for i in range(rows) if dice.random() < more]

        share = dice.choice([0.5, 0.9, 1.0])
        shown = WriteSet(
            genesis.accounts[some(len(genesis.accounts), share)],
            genesis.slots[some(len(genesis.slots), share)],
        )
        parts.proof = source.trie.multiproof(shown)
        if dice.random() < 0.7:
            parts.accounts = [row.tobytes() for row in shown.accounts]
            parts.slots = [row.tobytes() for row in shown.slots]
            parts.accounts += [self.absent() for _ in range(dice.choice([0, 0, 1, 3]))]
        parts.codes = [code for code in genesis.codes if dice.random() < share + 0.2]
        self.transactions(parts)
        if dice.random() < 0.3:
            self.mutator.environment(parts)
        return parts

    def over_nothing(self, source: Source) -> Parts:
        """A trie that no state has."""
        dice = self.dice
        parts = take_apart(source.witness)
        size = dice.choice([1, 2, 3, 8, 40, 300])
        parts.proof = unparse(made_up(dice, size=size) if dice.random() < 0.95 else None)
        parts.parent_root = self.roots.root_of(parts.proof)
        if dice.random() < 0.8:
            parts.accounts = [self.absent() for _ in range(dice.choice([0, 1, 5, 40]))]
            parts.slots = [dice.randbytes(96) for _ in range(dice.choice([0, 0, 1, 5]))]
        if dice.random() < 0.5:
            parts.codes = [
                dice.randbytes(dice.choice([0, 1, 31, 32, 5000])) for _ in range(dice.randrange(4))
            ]
        self.transactions(parts)
        return parts

    def absent(self) -> bytes:
        """An account that does not exist, at an address that matters or at any."""
        dice = self.dice
        address = dice.choice([dice.getrandbits(160), dice.randrange(1, 20), 0x61 << 152, 0x51 << 152])
        record = bytearray(AccountChange.size)
        put(record, ACCOUNT["address"], address)
        put(record, ACCOUNT["code_hash"], EMPTY_CODE)
        if dice.random() < 0.1:
            name = dice.choice(list(ACCOUNT))
            put(record, ACCOUNT[name], edge(dice, 0))
        return bytes(record)

    def transactions(self, parts: Parts) -> None:
        dice = self.dice
        known = list(parts.transactions)
        parts.transactions = dice.sample(known, dice.randrange(len(known) + 1)) if dice.random() < 0.7 else []
        for _ in range(dice.choice([0, 1, 1, 3])):
            gas = dice.choice([0, 20_000, 100_000, 2**24, edge(dice, 50_000) % 2**64])
            message = b"\x7f" + rlp.encode([dice.randrange(3), gas, dice.randbytes(dice.randrange(80))])
            parts.transactions.append(message if dice.random() < 0.8 else dice.randbytes(dice.randrange(200)))
        if dice.random() < 0.05:
            put(parts.head, HEAD["block.gas_limit"], edge(dice, 2**24))


EMPTY_CODE = 0xC5D2460186F7233C927E7DB2DCC703C0E500B653CA82273B7BFAD8045D85A470
