"""Changes of a real witness: its bytes, its fields, its parts, the nodes of its multiproof."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from jovay.chain import rlp
from jovay.kernel.programs.stateless import Witness
from jovay.kernel.trie.multiproof_writer import BRANCH_TAG, LEAF_TAG, OPAQUE_TAG

from .parts import ACCOUNT, HEAD, SLOT, Field, Parts, get, put, take_apart
from .proofs import Node, Roots, digest, parse, unparse

EDGES = (0, 1, 2**8, 2**16, 2**31, 2**32, 2**40, 2**62, 2**63, 2**64)
SIZES = "account_count slot_count code_count multiproof_size hash_count transaction_count size scale".split()


def edge(dice: Random, value: int) -> int:
    """An absurd number, one beside it, or one near ``value``."""
    kind = dice.random()
    if kind < 0.5:
        return dice.choice(EDGES) + dice.choice([-8, -1, 0, 0, 1, 8])
    if kind < 0.8:
        return value + dice.choice([-8, -1, 1, 8, value, 2**32, 2**63])
    return value ^ 1 << dice.randrange(64) if kind < 0.9 else dice.getrandbits(dice.choice([8, 64, 256]))


class Mutator:
    """Seeded changes; ``others`` are witnesses that parts may come from."""

    def __init__(self, dice: Random, others: Sequence[bytes], roots: Roots) -> None:
        self.dice, self.others, self.roots = dice, others, roots
        self.of_parts: list[Callable[[Parts], None]] = [
            self.accounts, self.slots, self.codes, self.hashes, self.transactions, self.environment,
            self.record_field, self.proof, self.proof, self.withhold, self.forge, self.splice, self.tail,
        ]  # fmt: skip
        self.of_bytes: list[Callable[[bytearray], bytearray]] = [
            self.flip, self.count, self.count, self.word, self.cut, self.lengthen, self.blank, self.repeat,
        ]  # fmt: skip

    def mutate(self, data: bytes) -> tuple[str, bytes]:
        """(what was done, the witness)."""
        dice, done = self.dice, []
        if dice.random() < 0.65:
            parts = take_apart(data)
            for change in dice.choices(self.of_parts, k=dice.choice([1, 1, 1, 2, 3])):
                change(parts)
                done.append(change.__name__)
            data = parts.encode()
        if not done or dice.random() < 0.15:
            raw = bytearray(data)
            for alter in dice.choices(self.of_bytes, k=dice.choice([1, 1, 1, 2])):
                raw = alter(raw)
                done.append(alter.__name__)
            data = bytes(raw)
        return "+".join(done), data

    # ---- parts ---------------------------------------------------------------------------------------------

    def items(self, items: list[bytes], foreign: Callable[[Parts], list[bytes]]) -> None:
        """Drop, double, swap, turn round, damage, or take from elsewhere."""
        dice = self.dice
        kind = dice.randrange(6)
        if not items or kind == 5:
            others = foreign(self.other())
            if others:
                items.insert(dice.randrange(len(items) + 1), dice.choice(others))
            return
        i, j = dice.randrange(len(items)), dice.randrange(len(items))
        if kind == 0:
            del items[i]
        elif kind == 1:
            items.insert(j, items[i])
        elif kind == 2:
            items[i], items[j] = items[j], items[i]
        elif kind == 3:
            items.reverse()
        else:
            items[i] = bytes(self.flip(bytearray(items[i])))

    def other(self) -> Parts:
        return take_apart(self.dice.choice(self.others))

    def accounts(self, parts: Parts) -> None:
        self.items(parts.accounts, lambda other: other.accounts)

    def slots(self, parts: Parts) -> None:
        self.items(parts.slots, lambda other: other.slots)

    def codes(self, parts: Parts) -> None:
        self.items(parts.codes, lambda other: other.codes)
        if parts.codes and self.dice.random() < 0.2:
            i = self.dice.randrange(len(parts.codes))
            parts.codes[i] = parts.codes[i][: self.dice.randrange(len(parts.codes[i]) + 1)]

    def hashes(self, parts: Parts) -> None:
        self.items(parts.hashes, lambda other: other.hashes)
        if self.dice.random() < 0.2:
            del parts.hashes[: self.dice.randrange(len(parts.hashes) + 1)]

    def transactions(self, parts: Parts) -> None:
        dice, kind = self.dice, self.dice.random()
        if parts.transactions and kind < 0.2:
            i = dice.randrange(len(parts.transactions))
            parts.transactions[i] = self.prefix(parts.transactions[i])
        elif kind < 0.45:
            gas = edge(dice, 100_000) % 2**64
            message = b"\x7f" + rlp.encode([edge(dice, 0) % 2**64, gas, dice.randbytes(dice.randrange(40))])
            parts.transactions.insert(dice.randrange(len(parts.transactions) + 1), message)
        else:
            self.items(parts.transactions, lambda other: other.transactions)

    def prefix(self, raw: bytes) -> bytes:
        """A length prefix of eight bytes somewhere in the RLP."""
        at = self.dice.randrange(len(raw) + 1)
        first = bytes([self.dice.choice([0xBF, 0xFF, 0xB8, 0xF8])])
        length = (edge(self.dice, len(raw)) % 2**64).to_bytes(8)
        return raw[:at] + first + length + raw[at + self.dice.choice([0, 9]) :]

    def environment(self, parts: Parts) -> None:
        name = self.dice.choice([name for name in HEAD if name.startswith("block.") or name == "parent_hash"])
        put(parts.head, HEAD[name], edge(self.dice, get(parts.head, HEAD[name])))

    def record_field(self, parts: Parts) -> None:
        """A word of an account's or a slot's record."""
        for items, fields in ((parts.accounts, ACCOUNT), (parts.slots, SLOT)):
            if items and self.dice.random() < 0.7:
                i, at = self.dice.randrange(len(items)), self.dice.choice(list(fields.values()))
                raw = bytearray(items[i])
                put(raw, at, edge(self.dice, get(raw, at)))
                items[i] = bytes(raw)

    def proof(self, parts: Parts) -> None:
        """Move, drop, double or change nodes; sometimes the parent's root follows."""
        tree = parse(parts.proof)
        if tree is not None:
            self.node(tree)
        parts.proof = unparse(tree)
        if self.dice.random() < 0.5:
            parts.parent_root = self.roots.root_of(parts.proof)

    def node(self, tree: Node) -> None:
        dice = self.dice
        nodes = list(tree.walk())
        one, two = dice.choice(nodes), dice.choice(nodes)
        kind = dice.randrange(7)
        if kind == 0:
            one.become(two.copy())
        elif kind == 1:
            a, b = one.copy(), two.copy()
            one.become(b)
            two.become(a)
        elif kind == 2 and one.tag == BRANCH_TAG and one.left and one.right:
            one.become(dice.choice([one.left, one.right]))
        elif kind == 3 and one.tag == BRANCH_TAG:
            one.depth = edge(dice, one.depth) & 0xFF
            one.left, one.right = dice.choice([(one.left, one.right), (one.right, one.left)])
        elif kind == 4:
            one.become(Node(OPAQUE_TAG, digest(dice)))
        elif kind == 5 and one.content:
            one.content = bytes(self.flip(bytearray(one.content)))
        else:
            leaf = Node(LEAF_TAG, digest(dice) + dice.randbytes(32))
            one.become(Node(BRANCH_TAG, b"", dice.randrange(256), one.copy(), leaf))

    def withhold(self, parts: Parts) -> None:
        """Put a subtree's true digest in its place: the root stays, the witness knows less."""
        tree = parse(parts.proof)
        if tree is None:
            return
        node = self.dice.choice(list(tree.walk()))
        if node.tag != OPAQUE_TAG:
            node.become(Node(OPAQUE_TAG, self.roots.root_of(unparse(node))))
            parts.proof = unparse(tree)

    def forge(self, parts: Parts) -> None:
        """Another value in the trie, with a root that fits."""
        tree = parse(parts.proof)
        leaves = [node for node in tree.walk() if node.tag == LEAF_TAG] if tree else []
        if leaves:
            leaf = self.dice.choice(leaves)
            leaf.content = leaf.content[:32] + bytes(self.flip(bytearray(leaf.content[32:])))
            parts.proof = unparse(tree)
            parts.parent_root = self.roots.root_of(parts.proof)

    def splice(self, parts: Parts) -> None:
        """A whole part of another witness."""
        other, names = self.other(), ["accounts", "slots", "codes", "proof", "hashes", "transactions", "head"]
        for name in self.dice.sample(names, self.dice.choice([1, 1, 2])):
            setattr(parts, name, getattr(other, name))

    def tail(self, parts: Parts) -> None:
        parts.tail = self.dice.randbytes(self.dice.choice([1, 8, 32, 200]))

    # ---- bytes ---------------------------------------------------------------------------------------------

    def flip(self, data: bytearray) -> bytearray:
        for _ in range(self.dice.choice([1, 1, 1, 2, 8])):
            if data:
                data[self.dice.randrange(len(data))] ^= 1 << self.dice.randrange(8)
        return data

    def count(self, data: bytearray) -> bytearray:
        """A count or size in the head."""
        at: Field = HEAD[self.dice.choice(SIZES)]
        put(data, at, edge(self.dice, get(data, at)))
        return data

    def word(self, data: bytearray) -> bytearray:
        """Any word: sizes of code and transactions are among them."""
        at = self.dice.randrange(max(1, len(data) // 8)) * 8, 8
        if at[0] + 8 <= len(data):
            put(data, at, edge(self.dice, get(data, at)))
        return data

    def cut(self, data: bytearray) -> bytearray:
        return self.sized(data[: self.dice.randrange(len(data) + 1)])

    def lengthen(self, data: bytearray) -> bytearray:
        return self.sized(data + self.dice.randbytes(self.dice.choice([1, 8, 1000])))

    def blank(self, data: bytearray) -> bytearray:
        """A run of equal bytes."""
        at, size = self.dice.randrange(len(data) + 1), self.dice.choice([8, 32, 65, 1000])
        data[at : at + size] = bytes([self.dice.choice([0, 255])]) * len(data[at : at + size])
        return data

    def repeat(self, data: bytearray) -> bytearray:
        """A run of bytes from elsewhere in it."""
        at, size = self.dice.randrange(len(data) + 1), self.dice.choice([8, 32, 65, 136, 1000])
        data[at:at] = data[(start := self.dice.randrange(len(data) + 1)) : start + size]
        return self.sized(data)

    def sized(self, data: bytearray) -> bytearray:
        """Mostly the size in the head follows."""
        if self.dice.random() < 0.8 and len(data) >= Witness.size:
            put(data, HEAD["size"], len(data))
        return data
