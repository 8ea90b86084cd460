"""Operands of generated programs: values worth computing with, places in memory, addresses, keys, gas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from jovay.kernel.protocol.forks import SHANGHAI

from .assembler import Assembler

ALL_ONES = 2**256 - 1
_GAS_GRANTS = (0, 1, 100, 700, 2300, 2301, 5000, 9000, 21_000, 40_000, 100_000)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What programs of a case may refer to."""

    addresses: Sequence[int]
    precompiles: Sequence[int]
    fork: int


class Operands:
    """Code under construction with the height of its stack. What lies below ``floor`` is not touched."""

    def __init__(self, dice: Random, around: Surroundings) -> None:
        self.dice, self.around = dice, around
        self.asm = Assembler()
        self.height = self.floor = 0

    def push(self, value: int) -> None:
        if value == 0 and self.around.fork >= SHANGHAI and self.dice.random() < 0.5:
            self.asm.op("PUSH0")
        else:
            size = max(1, (value.bit_length() + 7) // 8)
            wide = self.dice.random() < 0.05
            self.asm.push(value, self.dice.randint(size, 32) if wide else size)
        self.height += 1

    def value(self) -> None:
        """Push a word of some interest."""
        dice, kind = self.dice, self.dice.random()
        if kind < 0.35:
            self.push(dice.randrange(4))
        elif kind < 0.55:
            self.push(dice.randrange(300))
        elif kind < 0.65:
            self.push((1 << dice.randrange(257)) + dice.randrange(-1, 2) & ALL_ONES)
        elif kind < 0.72:
            self.push(ALL_ONES - dice.randrange(4))
        elif kind < 0.8:
            self.push(dice.choice(self.around.addresses))
        elif kind < 0.9:
            self.push(dice.getrandbits(8 * dice.randint(1, 32)))
        else:
            self.asm.op(
                dice.choice(
                    ["GAS", "MSIZE", "ADDRESS", "CALLER", "CALLVALUE", "PC", "SELFBALANCE", "GASPRICE"]
                )
            )
            self.height += 1

    def need(self, items: int) -> None:
        while self.height - self.floor < items:
            self.value()

    def done(self, pops: int, pushes: int) -> None:
        """Account for an instruction; keep the stack low."""
        self.height += pushes - pops
        while self.height - self.floor > 40:
            self.asm.op("POP")
            self.height -= 1

    def offset(self) -> None:
        """Push a place in memory."""
        dice, kind = self.dice, self.dice.random()
        if kind < 0.9:
            self.push(dice.choice([0, 0, 0, 1, 31, 32, 33, 64, dice.randrange(300)]))
        elif kind < 0.97:
            self.push(dice.randrange(5000))
        else:
            self.push(
                dice.choice([2**32 - 1, 2**32, 2**63, 2**64 - 1, 2**64, ALL_ONES, 1 << dice.randrange(256)])
            )

    def size(self) -> None:
        """Push a length."""
        dice, kind = self.dice, self.dice.random()
        if kind < 0.3:
            self.push(0)
        elif kind < 0.93:
            self.push(dice.choice([1, 4, 31, 32, 32, 33, 64, dice.randrange(200)]))
        elif kind < 0.98:
            self.push(dice.randrange(3000))
        else:
            self.push(dice.choice([2**32, 2**64 - 1, 2**64, ALL_ONES, 24_577, 49_153]))

    def address(self) -> None:
        """Push an account's address."""
        dice, kind = self.dice, self.dice.random()
        if kind < 0.85:
            self.push(dice.choice(self.around.addresses))
        elif kind < 0.95:
            self.asm.op(dice.choice(["ADDRESS", "CALLER", "ORIGIN", "COINBASE"]))
            self.height += 1
        else:
            self.push(dice.getrandbits(dice.choice([3, 9, 160, 256])))

    def key(self) -> None:
        """Push a storage key: few, so that they meet."""
        if self.dice.random() < 0.9:
            self.push(self.dice.randrange(5))
        else:
            self.value()

    def keep(self) -> None:
        """Store the top of the stack where nothing else happens."""
        self.push(self.dice.randrange(5, 12))
        self.asm.op("SSTORE")
        self.done(2, 0)

    def call_operands(self, name: str, value: bool = True) -> None:
        """Everything below the address: output and input ranges, and the value where there is one."""
        self.size()
        self.offset()
        self.size()
        self.offset()
        if name in ("CALL", "CALLCODE"):
            kind = self.dice.random()
            if kind < 0.65 or not value:
                self.push(0)
            elif kind < 0.9:
                self.push(self.dice.randrange(1, 10))
            elif kind < 0.97:
                self.asm.op("SELFBALANCE")
                self.height += 1
            else:
                self.value()

    def grant(self) -> None:
        """Push the gas of a call."""
        kind = self.dice.random()
        if kind < 0.6:
            self.asm.op("GAS")
            self.height += 1
        elif kind < 0.83:
            self.push(self.dice.choice(_GAS_GRANTS))
        elif kind < 0.9:
            self.push(2300 + self.dice.randrange(20))  # around what SSTORE wants left (EIP-2200)
        else:
            self.push(self.dice.choice([2**63, 2**64 - 1, 2**64, ALL_ONES]))

    def call_name(self) -> str:
        return self.dice.choice(
            ["CALL"] * 5 + ["CALLCODE", "DELEGATECALL", "DELEGATECALL", "STATICCALL", "STATICCALL"]
        )

    def copy_in(self, content: bytes) -> int:
        """Bring bytes into memory; where to."""
        place = self.dice.choice([0, 0, 32, 100])
        label = self.asm.data(content)
        self.push(len(content))
        self.asm.push_label(label)
        self.push(place)
        self.height += 1
        self.asm.op("CODECOPY")
        self.done(3, 0)
        return place

    def write_shared(self) -> None:
        """Write one of the two keys that a program and its parts have in common."""
        self.value()
        self.push(self.dice.randrange(2))
        self.asm.op(self.dice.choice(["SSTORE", "TSTORE"]))
        self.done(2, 0)
