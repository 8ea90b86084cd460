"""The kernel's language: a small typed subset of Python over words, memory, records, tables and switches.

==============  ====================================================================================
``U8 … U1024``  unsigned words that wrap; one class per width, operators as in the Yellow Paper
``load64(p)``   memory at an address (``Ptr`` is ``U64``); the caller owns every arena
``Record``      named fields at an address: ``Account(p).nonce += 1``
``Table``       constant array, ``TABLE[i]``; ``address_of(TABLE)`` is its address
``Switch``      dispatch over kernel functions of one signature
``@kernel``     marks a function as kernel code; its annotations are its compiled signature
``part``        and others say what may be touched of an arena: only the checked build heeds them (``layout``)
==============  ====================================================================================

Rules: total functions without exceptions, allocation, I/O, floats, strings, slices, lists or dicts; early
``return`` and ``while`` are fine, ``range`` takes plain integers or words. A plain ``int`` is a 64-bit signed
index. Words of different widths never mix: convert with the class, ``U256(x)``, ``U64(y)`` (truncates).
Conditions are explicit comparisons (``x != 0``). Shifts by the width or more give 0, and so does division
by 0; ``//`` and ``%`` exist up to 64 bits (``arith`` has the wider ones).
"""

from .function import KERNEL_FUNCTIONS, KernelFunction, Switch, kernel
from .layout import CHECKED, RED_ZONE, part, poison, reserve, unpoison
from .memory import (
    address_of,
    copy,
    fill,
    load8,
    load16,
    load32,
    load64,
    load64be,
    load128,
    load256,
    load256be,
    load384,
    store8,
    store16,
    store32,
    store64,
    store64be,
    store128,
    store256,
    store256be,
    store384,
)
from .record import Bytes, FieldKind, Nested, Record
from .table import Table
from .words import (
    U8,
    U16,
    U32,
    U64,
    U128,
    U256,
    U384,
    U512,
    U768,
    U1024,
    Ptr,
    Word,
    bswap,
    clz,
    ctz,
    popcount,
    rotl,
    rotr,
    sar,
    signed_lt,
)

__all__ = [
    "CHECKED",
    "KERNEL_FUNCTIONS",
    "RED_ZONE",
    "U8",
    "U16",
    "U32",
    "U64",
    "U128",
    "U256",
    "U384",
    "U512",
    "U768",
    "U1024",
    "Bytes",
    "FieldKind",
    "KernelFunction",
    "Nested",
    "Ptr",
    "Record",
    "Switch",
    "Table",
    "Word",
    "address_of",
    "bswap",
    "clz",
    "copy",
    "ctz",
    "fill",
    "kernel",
    "load8",
    "load16",
    "load32",
    "load64",
    "load64be",
    "load128",
    "load256",
    "load256be",
    "load384",
    "part",
    "poison",
    "popcount",
    "reserve",
    "rotl",
    "rotr",
    "sar",
    "signed_lt",
    "store8",
    "store16",
    "store32",
    "store64",
    "store64be",
    "store128",
    "store256",
    "store256be",
    "store384",
    "unpoison",
]
