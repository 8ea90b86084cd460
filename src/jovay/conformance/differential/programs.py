"""Random programs that run deep: operands are there when an instruction needs them, jumps land, calls find code.

A writer knows the height of the stack and keeps every block balanced, so that what goes wrong goes wrong because a
snippet meant it to: junk bytes, bad jumps, absurd offsets, too little gas.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from jovay.kernel.protocol.opcodes import OPCODES

from . import inputs
from .assembler import Label
from .operands import ALL_ONES, Operands, Surroundings

#: Sizes of input by which a program knows that it has called itself.
PARTS = (7, 11)
#: Instructions that a snippet of their own deals with.
_SPECIAL = frozenset(
    """STOP JUMP JUMPI JUMPDEST RETURN REVERT INVALID SELFDESTRUCT CREATE CREATE2 CALL CALLCODE DELEGATECALL STATICCALL
    SSTORE SLOAD TSTORE TLOAD MLOAD MSTORE MSTORE8 MCOPY KECCAK256 CALLDATACOPY CODECOPY EXTCODECOPY RETURNDATACOPY
    LOG0 LOG1 LOG2 LOG3 LOG4 BALANCE EXTCODESIZE EXTCODEHASH BLOCKHASH BLOBHASH CALLDATALOAD EXP""".split()
)
_PLAIN = tuple(
    o
    for o in OPCODES.values()
    if (o.name not in _SPECIAL and not o.name.startswith("PUSH")) or o.name == "PUSH0"
)


class Writer(Operands):
    """Writes one program. ``nesting`` is how many levels of creation may still go into it."""

    def __init__(self, dice: Random, around: Surroundings, nesting: int = 2) -> None:
        super().__init__(dice, around)
        self.nesting = nesting

    # ---- snippets --------------------------------------------------------------------------------------------

    def plain(self) -> None:
        """One to six instructions of the computing kind."""
        for _ in range(self.dice.randint(1, 6)):
            opcode = self.dice.choice(_PLAIN)
            if opcode.since > self.around.fork and self.dice.random() < 0.9:
                continue
            self.need(opcode.pops)
            self.asm.op(opcode.name)
            self.done(opcode.pops, opcode.pushes)
        if self.dice.random() < 0.25 and self.height > self.floor:
            self.keep()

    def query(self) -> None:
        """An instruction that asks for something outside the frame."""
        name = self.dice.choice(
            ["BALANCE", "EXTCODESIZE", "EXTCODEHASH", "BLOCKHASH", "BLOBHASH", "CALLDATALOAD", "EXP"]
        )
        if name in ("BALANCE", "EXTCODESIZE", "EXTCODEHASH"):
            self.address()
        elif name == "BLOCKHASH":
            self.push(self.dice.choice([0, 1, 255, 256, 257, 300, 743, 744, 999, 1000, 1001, 2**64]))
        elif name == "EXP":
            self.value()
            self.value()
            self.height -= 1
        else:
            self.push(self.dice.choice([0, 1, 2, 31, 40, 2**64, ALL_ONES]))
        self.asm.op(name)
        if self.dice.random() < 0.4:
            self.keep()

    def memory(self) -> None:
        """An instruction on memory."""
        name = self.dice.choice(
            ["MSTORE"] * 4
            + ["MLOAD", "MSTORE8", "KECCAK256", "CALLDATACOPY", "CODECOPY", "EXTCODECOPY", "MCOPY"]
        )
        if name in ("MSTORE", "MSTORE8"):
            self.need(1)
            self.offset()
            self.asm.op(name)
            self.done(2, 0)
        elif name == "MLOAD":
            self.offset()
            self.asm.op(name)
        elif name == "KECCAK256":
            self.size()
            self.offset()
            self.asm.op(name)
            self.done(2, 1)
        else:
            self.size()
            self.offset()
            self.offset()
            if name == "EXTCODECOPY":
                self.address()
            self.asm.op(name)
            self.done(4 if name == "EXTCODECOPY" else 3, 0)

    def returned(self) -> None:
        """RETURNDATACOPY, mostly within bounds."""
        if self.dice.random() < 0.8:
            self.asm.op("RETURNDATASIZE")
            self.push(0)
            self.height += 1
        else:
            self.size()
            self.offset()
        self.offset()
        self.asm.op("RETURNDATACOPY")
        self.done(3, 0)

    def storage(self) -> None:
        """SSTORE, SLOAD, TSTORE, TLOAD."""
        name = self.dice.choice(["SSTORE"] * 4 + ["SLOAD"] * 3 + ["TSTORE", "TLOAD"])
        if name.endswith("STORE"):
            if self.dice.random() < 0.6:
                self.push(self.dice.choice([0, 0, 1, 2]))
            else:
                self.value()
        self.key()
        self.asm.op(name)
        self.done(2, 0) if name.endswith("STORE") else self.done(1, 1)

    def observe(self) -> None:
        """Make something visible in storage: gas, memory, a slot, a balance, the top of the stack."""
        kind = self.dice.random()
        if kind < 0.2:
            self.asm.op(self.dice.choice(["GAS", "GAS", "RETURNDATASIZE", "SELFBALANCE", "MSIZE"]))
            self.height += 1
        elif kind < 0.35:
            self.push(self.dice.choice([32, 64, 256]))
            self.push(0)
            self.asm.op("KECCAK256")
            self.done(2, 1)
        elif kind < 0.6:
            self.push(self.dice.randrange(5))
            self.asm.op(self.dice.choice(["TLOAD", "TLOAD", "SLOAD"]))
        elif kind < 0.75:
            self.address()
            self.asm.op(self.dice.choice(["BALANCE", "EXTCODEHASH", "EXTCODESIZE"]))
        else:
            self.need(1)
        self.keep()

    def log(self) -> None:
        topics = self.dice.randrange(5)
        for _ in range(topics):
            self.value()
        self.size()
        self.offset()
        self.asm.op(f"LOG{topics}")
        self.done(topics + 2, 0)

    def call(self) -> None:
        name = self.call_name()
        self.call_operands(name)
        self.address()
        self.grant()
        self.asm.op(name)
        self.done(7 if name in ("CALL", "CALLCODE") else 6, 1)

    def call_self(self) -> None:
        """Call a part of this very program, and look at what it left behind."""
        if self.dice.random() < 0.6:
            self.write_shared()
        name = self.dice.choice(["CALL"] * 4 + ["DELEGATECALL", "DELEGATECALL", "CALLCODE", "STATICCALL"])
        self.push(0)
        self.push(0)
        self.push(self.dice.choice(PARTS))
        self.push(0)
        if name in ("CALL", "CALLCODE"):
            self.push(self.dice.choice([0, 0, 1]))
        self.asm.op("ADDRESS")
        self.height += 1
        self.grant()
        self.asm.op(name)
        self.done(7 if name in ("CALL", "CALLCODE") else 6, 1)
        self.push(self.dice.randrange(2))
        self.asm.op(self.dice.choice(["TLOAD", "SLOAD"]))
        self.keep()

    def part(self, size: int, label: Label) -> None:
        """What the program does when it is called with ``size`` bytes: mostly, changes that are then undone."""
        self.height = self.floor = 0
        self.asm.place(label)
        self.write_shared()
        for snippet in self.dice.choices(
            [Writer.storage, Writer.log, Writer.call, Writer.create], [4, 1, 2, 1], k=2
        ):
            snippet(self)
        kind = self.dice.random()
        if kind < 0.5:
            self.push(self.dice.choice([0, 0, 32]))
            self.push(0)
            self.asm.op("REVERT")
        elif kind < 0.7:
            self.asm.op("INVALID")
        else:
            self.finish()

    def forward(self) -> bytes:
        """A program that changes nothing itself: it calls others, and tells how that went."""
        for _ in range(self.dice.randint(1, 2)):
            self.call()
        self.push(0)
        self.asm.op("MSTORE")
        self.push(32)
        self.push(0)
        self.asm.op(self.dice.choice(["RETURN", "RETURN", "REVERT"]))
        return self.asm.assemble()

    def count_lives(self) -> bytes:
        """Initialisation code that counts in its storage, tells the count, and mostly goes at once.

        Always the same, so that CREATE2 makes it at one address again and again.
        """
        self.asm.push(0)
        self.asm.op("SLOAD")
        self.asm.push(1)
        self.asm.op("ADD", "DUP1")
        self.asm.push(0)
        self.asm.op("SSTORE")
        self.asm.push(0)
        self.asm.op("MSTORE")
        self.asm.push(32)
        self.asm.push(0)
        self.asm.op("LOG0")
        if self.dice.random() < 0.8:
            self.asm.op(self.dice.choice(["CALLER", "ADDRESS"]), "SELFDESTRUCT")
        return self.asm.assemble()

    def precompile(self) -> None:
        """Call a precompiled contract with input of the right kind, and look at its answer."""
        address = self.dice.choices(
            self.around.precompiles, [inputs.WEIGHTS[a] for a in self.around.precompiles]
        )[0]
        content = inputs.sample(self.dice, address)
        place = self.copy_in(content)
        name = self.call_name()
        self.push(self.dice.choice([0, 32, 64, 128, 256]))
        self.push(place)
        self.push(len(content))
        self.push(place)
        if name in ("CALL", "CALLCODE"):
            self.push(0 if self.dice.random() < 0.8 else 1)
        self.push(address)
        self.grant()
        self.asm.op(name)
        self.done(7 if name in ("CALL", "CALLCODE") else 6, 1)
        self.push(256)
        self.push(place)
        self.asm.op("KECCAK256", "ADD", "RETURNDATASIZE", "ADD")
        self.done(3, 1)

    def create(self) -> None:
        """Create a contract, and perhaps call it."""
        if self.nesting == 0:
            return self.call()
        initcode = write_initcode(self.dice, self.around, self.nesting - 1)
        place = self.copy_in(initcode)
        name = self.dice.choice(["CREATE", "CREATE2", "CREATE2"])
        if name == "CREATE2":
            self.push(self.dice.randrange(2))
        length = self.dice.random()
        if length < 0.94:
            self.push(len(initcode))
        elif length < 0.97:
            self.size()
        else:
            self.push(self.dice.choice([49_152, 49_153]))
        self.push(place)
        self.push(self.dice.choice([0, 0, 0, 1, 5, 10**30]))
        self.asm.op(name)
        self.done(4 if name == "CREATE2" else 3, 1)
        if self.dice.random() < 0.4:
            self.asm.op("RETURNDATASIZE")
            self.height += 1
            self.keep()
        for _ in range(self.dice.choice([0, 1, 1, 2])):
            kind = self.call_name()
            self.call_operands(kind)
            below = 6 if kind in ("CALL", "CALLCODE") else 5
            self.asm.op(f"DUP{below}")
            self.height += 1
            self.grant()
            self.asm.op(kind)
            self.done(below + 1, 1)
            self.asm.op("POP")
            self.height -= 1
        if self.dice.random() < 0.3:
            self.asm.op("DUP1", self.dice.choice(["BALANCE", "EXTCODESIZE", "EXTCODEHASH"]))
            self.height += 1
            self.keep()
        return None

    def block(self, snippets: int) -> None:
        """A balanced run of snippets."""
        floor, self.floor = self.floor, self.height
        self.snippets(snippets)
        while self.height > self.floor:
            self.asm.op("POP")
            self.height -= 1
        self.floor = floor

    def branch(self) -> None:
        """A block that is jumped over, or not."""
        label = Label()
        if self.dice.random() < 0.2:
            self.asm.push_label(label)
            self.asm.op("JUMP")
        else:
            self.need(1)
            self.asm.push_label(label)
            self.asm.op("JUMPI")
            self.height -= 1
        self.block(self.dice.randint(1, 3))
        self.asm.place(label)

    def loop(self) -> None:
        """A block that is run a few times, seldom very often."""
        label = Label()
        self.push(self.dice.choice([1, 2, 3, 3, 5, 8, 20, 2000]))
        self.asm.place(label)
        self.block(self.dice.randint(1, 3))
        self.push(1)
        self.asm.op("SWAP1", "SUB", "DUP1")
        self.asm.push_label(label)
        self.asm.op("JUMPI", "POP")
        self.height -= 2

    def junk(self) -> None:
        """Something that probably ends the frame."""
        kind = self.dice.random()
        if kind < 0.5:
            self.asm.byte(self.dice.randrange(256))
        elif kind < 0.7:
            self.need(1)
            self.asm.op("JUMP")
            self.height -= 1
        elif kind < 0.85:
            self.asm.op(*["CALLER"] * self.dice.choice([16, 400, 1025]), *["POP"] * 16)
        else:
            self.asm.byte(self.dice.choice([0x0C, 0x21, 0x4B, 0xA5, 0xB0, 0xEF, 0xFC, 0xFE]))

    _SNIPPETS: tuple[tuple[Callable[[Writer], None], int], ...] = (
        (plain, 28), (query, 7), (memory, 12), (returned, 3), (storage, 13), (observe, 8), (log, 3), (call, 10),
        (call_self, 4), (precompile, 4), (create, 3), (branch, 5), (loop, 2), (junk, 1),
    )  # fmt: skip

    def snippets(self, count: int) -> None:
        kinds, weights = zip(*self._SNIPPETS, strict=True)
        for snippet in self.dice.choices(kinds, weights, k=count):
            if len(self.asm.code) > 4000:
                return
            snippet(self)

    # ---- ends ------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """End the program somehow, or let it run out."""
        kind = self.dice.random()
        if kind < 0.55:
            self.size()
            self.offset()
            self.asm.op("RETURN" if kind < 0.43 else "REVERT")
        elif kind < 0.7:
            self.asm.op("STOP")
        elif kind < 0.8:
            if self.dice.random() < 0.3:
                self.asm.op("ADDRESS")
                self.height += 1
            else:
                self.address()
            self.asm.op("SELFDESTRUCT")
        elif kind < 0.83:
            self.asm.op("INVALID")
        elif kind < 0.85:
            self.asm.push(0, 1)
            self.asm.op("JUMP")


def write_program(dice: Random, around: Surroundings, nesting: int = 2) -> bytes:
    """Code of a contract."""
    if dice.random() < 0.02:
        return dice.randbytes(dice.randrange(1, 200))
    writer = Writer(dice, around, nesting)
    if dice.random() < 0.12:
        return writer.forward()
    parts = {size: Label() for size in PARTS} if dice.random() < 0.6 else {}
    for size, label in parts.items():
        writer.asm.op("CALLDATASIZE")
        writer.asm.push(size)
        writer.asm.op("EQ")
        writer.asm.push_label(label)
        writer.asm.op("JUMPI")
    writer.snippets(dice.choice([1, 3, 6, 10, 16, 30]))
    writer.finish()
    for size, label in parts.items():
        writer.part(size, label)
    return writer.asm.assemble()


def write_initcode(dice: Random, around: Surroundings, nesting: int = 1) -> bytes:
    """Initialisation code: some work, then mostly a contract as output."""
    writer = Writer(dice, around, nesting)
    if dice.random() < 0.08:
        return writer.count_lives()
    writer.snippets(dice.choice([0, 1, 3, 6]))
    kind = dice.random()
    if kind < 0.6:
        runtime = write_program(dice, around, min(nesting, 1))
        place = writer.copy_in(runtime)
        writer.push(len(runtime))
        writer.push(place)
        writer.asm.op("RETURN")
        return writer.asm.assemble()
    if kind < 0.7:
        odd = dice.choice([b"\xef", b"\xef\x00", b"\xef\x01\x00" + bytes(20), b"\x00", b"\xfe"])
        place = writer.copy_in(odd)
        writer.push(len(odd))
        writer.push(place)
        writer.asm.op("RETURN")
        return writer.asm.assemble()
    if kind < 0.73:
        writer.push(dice.choice([24_576, 24_577, 6000]))
        writer.push(0)
        writer.asm.op("RETURN")
        return writer.asm.assemble()
    writer.finish()
    return writer.asm.assemble()
