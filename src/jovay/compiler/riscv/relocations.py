"""RISC-V relocations (psABI, "Relocations"), as far as static LP64 objects without relaxation need them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .encoding import branch_bits, jump_bits


class Relocation(NamedTuple):
    """One entry of a RELA section; ``symbol`` is an index into the object's symbol table."""

    offset: int
    kind: int
    symbol: int
    addend: int


ABS32, ABS64 = 1, 2
BRANCH, JAL, CALL, CALL_PLT = 16, 17, 18, 19
PCREL_HI20, PCREL_LO12_I, PCREL_LO12_S = 23, 24, 25
HI20, LO12_I, LO12_S = 26, 27, 28
ADD8, ADD16, ADD32, ADD64 = 33, 34, 35, 36
SUB8, SUB16, SUB32, SUB64 = 37, 38, 39, 40
ALIGN, RELAX = 43, 51
SET8, SET16, SET32, PCREL32 = 54, 55, 56, 57

_PLAIN = {ABS32: 4, ABS64: 8, SET8: 1, SET16: 2, SET32: 4}
_ADD = {ADD8: 1, ADD16: 2, ADD32: 4, ADD64: 8}
_SUB = {SUB8: 1, SUB16: 2, SUB32: 4, SUB64: 8}
_U_MASK, _I_MASK, _S_MASK = 0x0000_0FFF, 0x000F_FFFF, 0x01FF_F07F
_B_MASK = _S_MASK
_J_MASK = 0x0000_0FFF


def apply(
    data: bytearray, base: int, relocations: Sequence[Relocation], address: Callable[[int], int]
) -> None:
    """Patch one section that lies at ``base``. ``address`` resolves symbol indexes.

    ``ValueError`` for an unknown relocation or a value that does not fit, with its name or number and place.
    """
    high: dict[int, int] = {}  # place of an auipc → the full distance it is the upper part of
    for r in relocations:
        if r.kind == PCREL_HI20:
            high[base + r.offset] = address(r.symbol) + r.addend - (base + r.offset)
    for r in relocations:
        try:
            _apply_one(data, base, r, address, high)
        except (ValueError, struct.error, IndexError) as error:
            raise ValueError(f"relocation {r.kind} at {base + r.offset:#x}: {error}") from error


def _apply_one(
    data: bytearray, base: int, r: Relocation, address: Callable[[int], int], high: dict[int, int]
) -> None:
    place = base + r.offset
    if r.kind == RELAX:
        return
    if r.kind == ALIGN:
        raise ValueError("alignment by relaxation: compile without it")
    if r.kind in (PCREL_LO12_I, PCREL_LO12_S):
        label = address(r.symbol) + r.addend
        if label not in high:
            raise ValueError(f"no PCREL_HI20 at {label:#x}")
        _low(data, r.offset, high[label], stores=r.kind == PCREL_LO12_S)
        return
    value = address(r.symbol) + r.addend
    if r.kind in (CALL, CALL_PLT):
        _high(data, r.offset, value - place)
        _low(data, r.offset + 4, value - place, stores=False)
    elif r.kind == PCREL_HI20:
        _high(data, r.offset, value - place)
    elif r.kind == HI20:
        _high(data, r.offset, value)
    elif r.kind in (LO12_I, LO12_S):
        _low(data, r.offset, value, stores=r.kind == LO12_S)
    elif r.kind == BRANCH:
        _patch(data, r.offset, _B_MASK, branch_bits(value - place))
    elif r.kind == JAL:
        _patch(data, r.offset, _J_MASK, jump_bits(value - place))
    elif not _data_relocation(data, r, value, place):
        raise ValueError("not supported")


def _data_relocation(data: bytearray, r: Relocation, value: int, place: int) -> bool:
    """Relocations of plain numbers. Additions and subtractions wrap, as the psABI has it."""
    if r.kind == PCREL32:
        data[r.offset : r.offset + 4] = struct.pack("<i", value - place)
        return True
    size = {**_PLAIN, **_ADD, **_SUB}.get(r.kind)
    if size is None:
        return False
    old = int.from_bytes(data[r.offset : r.offset + size], "little")
    if r.kind in _ADD:
        value = old + value
    elif r.kind in _SUB:
        value = old - value
    elif not 0 <= value < 1 << 8 * size:
        raise ValueError(f"{value:#x} does not fit {size} bytes")
    if r.offset + size > len(data):
        raise ValueError("outside its section")
    data[r.offset : r.offset + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    return True


def _patch(data: bytearray, offset: int, keep: int, bits: int) -> None:
    (word,) = struct.unpack_from("<I", data, offset)
    struct.pack_into("<I", data, offset, word & keep | bits)


def _high(data: bytearray, offset: int, value: int) -> None:
    """Upper 20 bits, rounded so that the sign-extended lower 12 bits reach ``value``."""
    if not -(1 << 31) <= value + 0x800 < 1 << 31:
        raise ValueError(f"{value:#x} is out of reach")
    _patch(data, offset, _U_MASK, value + 0x800 & 0xFFFF_F000)


def _low(data: bytearray, offset: int, value: int, stores: bool) -> None:
    low = value & 0xFFF
    if stores:
        _patch(data, offset, _S_MASK, (low & 31) << 7 | low >> 5 << 25)
    else:
        _patch(data, offset, _I_MASK, low << 20)
