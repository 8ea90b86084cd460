"""Attacks by transactions that take half a second each: nobody else is to wait for them."""

from __future__ import annotations

from collections.abc import Sequence

from rigs import slow_contracts

from . import Step, Target
from .execution import stream


def openings(target: Target) -> Sequence[Step]:
    """KZG openings are verified until the gas is gone."""
    return _stream(target)


def counted_openings(target: Target) -> Sequence[Step]:
    """The same, and all of them count in one slot: each voids the others' results."""
    return _stream(target, b"\x5f\x54\x60\x01\x01\x5f\x55")


def timed_openings(target: Target) -> Sequence[Step]:
    """The same, and they keep number and time stamp of their block."""
    return _stream(target, b"\x43\x5f\x55\x42\x60\x01\x55")


def random_openings(target: Target) -> Sequence[Step]:
    """The same, and they keep the block's randomness, which nobody can know beforehand."""
    return _stream(target, b"\x44\x5f\x55")


def _stream(target: Target, before: bytes = b"") -> Sequence[Step]:
    return stream(target, slow_contracts.openings(before), data=slow_contracts.OPENING)
