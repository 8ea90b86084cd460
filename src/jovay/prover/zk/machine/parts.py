"""What several chips have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk.chip import Message, Row
from jovay.prover.zk.field import U64, Vector

from .buses import EXECUTE, LIMB, LIMB_BITS, RANGE, WORD
from .run import Run

#: What an executing chip is asked, behind the operation; the answer is ``c``, and ``next``.
OPERANDS = ("clock", "pc", "a", "b", "imm")
EXECUTED = (*OPERANDS, "c", "next")
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


def executed(row: Row, names: Sequence[str], **known: Any) -> Message:
    """Answer an instruction that is one of ``names``, each of which has a flag.

    Parts of the message that are no columns are ``known``; ``next`` is the instruction behind, unless it is told.
    """
    values = [getattr(row, name) for name in names]
    operation = total([CODE[name.rstrip("_")] * value for name, value in zip(names, values, strict=True)])
    known = {"next": row.pc + 4} | known
    parts = (known[name] if name in known else getattr(row, name) for name in EXECUTED)
    return Message(EXECUTE, -total(values), (operation, *parts))


def nothing(row: Row) -> Any:
    """Zero, as a formula in columns."""
    return 0 * row.clock


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


def inverses(differences: Vector, zero: U64) -> Vector:
    """1/x, and 0 for those that are 0, as ``zero`` says: hints that show what is not 0."""
    is_zero = Vector.of_words(np.pad(zero, (0, len(differences) - len(zero)), constant_values=1))
    return (differences + is_zero).inverted() - is_zero


def high_words(a: U64, b: U64) -> U64:
    """High words of products."""
    low, half_word = np.uint64((1 << 32) - 1), np.uint64(32)
    a0, a1, b0, b1 = a & low, a >> half_word, b & low, b >> half_word
    middle = a1 * b0 + (a0 * b0 >> half_word)
    other = a0 * b1 + (middle & low)
    high: U64 = a1 * b1 + (middle >> half_word) + (other >> half_word)
    return high


def is_one_of(operation: U64, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Whether operations are."""
    known = np.zeros(256, np.bool_)
    known[[CODE[name.rstrip("_")] for name in names]] = True
    return known[operation.astype(np.uint8)]


def chosen(
    run: Run, names: Sequence[str], where: npt.NDArray[np.bool_] | None = None
) -> tuple[Run, list[U64]]:
    """The instructions that are one of ``names``, and of those which are ``where``; and the flags."""
    mask = is_one_of(run.operation, names)
    part = run.where(mask if where is None else mask & where)
    codes = [CODE[name.rstrip("_")] for name in names]
    return part, [(part.operation == code).astype(np.uint64) for code in codes]


def common(run: Run, names: Sequence[str]) -> list[U64]:
    """Columns that are a run's."""
    return [getattr(run, name) for name in names]
