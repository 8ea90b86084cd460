"""What several chips have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk.chip import Message, Row
from jovay.prover.zk.field import U64, R, inverse

from .buses import EXECUTE, LIMB, LIMB_BITS, RANGE, WORD
from .run import Run

#: The columns in which every executing chip has the message that it answers.
EXECUTED = ("clock", "pc", "a", "b", "imm", "c", "next")
LIMBS = 4


def boolean(value: Any) -> Any:
    """Zero for 0 and 1."""
    return value * (value - 1)


def flags(row: Row, names: Sequence[str]) -> list[Any]:
    """Each is 0 or 1, and so is their sum."""
    values = [getattr(row, name) for name in names]
    return [*map(boolean, values), boolean(total(values))]


def total(values: Sequence[Any]) -> Any:
    """Their sum."""
    first, *rest = values
    return sum(rest, first)


def executed(row: Row, names: Sequence[str]) -> Message:
    """Answer an instruction that is one of ``names``, each of which has a flag."""
    values = [getattr(row, name) for name in names]
    operation = total([CODE[name.rstrip("_")] * value for name, value in zip(names, values, strict=True)])
    return Message(EXECUTE, -total(values), (operation, *(getattr(row, name) for name in EXECUTED)))


def composed(limbs: Sequence[Any]) -> Any:
    """Σ 2^16i·limbᵢ."""
    return total([limb * (1 << LIMB_BITS * i) for i, limb in enumerate(limbs)])


def ranged(limbs: Sequence[Any], times: Any) -> list[Message]:
    """Each is below 2^16."""
    return [Message(RANGE, times, (limb,)) for limb in limbs]


def limbs_of(values: U64) -> list[U64]:
    """The four limbs of words."""
    return [(values >> np.uint64(LIMB_BITS * i)) % np.uint64(LIMB) for i in range(LIMBS)]


#: What a negative word of 32 bits gets to become one of 64.
EXTENSION = WORD - (1 << 32)
_TOP = 1 << LIMB_BITS - 1


def top_bit(limb: Any, bit: Any, rest: Any) -> Any:
    """Zero if ``bit`` is the highest of a limb; ``rest`` is to be ``half``."""
    return limb - bit * _TOP - rest


def half(rest: Any, times: Any) -> list[Message]:
    """It is below 2^15."""
    return ranged([rest, rest + _TOP], times)


def split_top(limb: U64) -> list[U64]:
    """The highest bit of a limb, and the rest."""
    return [limb >> np.uint64(LIMB_BITS - 1), limb % np.uint64(_TOP)]


def inverse_or_zero(value: int) -> int:
    """1/value, and 0 for 0: the hint that shows whether something is 0."""
    return inverse(value) if value % R else 0


def chosen(run: Run, names: Sequence[str]) -> tuple[Run, list[U64]]:
    """The instructions that are one of ``names``, and the flags."""
    codes = [CODE[name.rstrip("_")] for name in names]
    part = run.where(np.isin(run.operation, codes))
    return part, [(part.operation == code).astype(np.uint64) for code in codes]


def common(run: Run) -> list[U64]:
    """The columns ``EXECUTED``."""
    return [run.clock, run.pc, run.a, run.b, run.imm, run.c, run.next]
