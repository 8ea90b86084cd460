"""What compiled code expects from a C library: the block operations, written in the kernel language.

Arguments and results are C's: sizes in bytes, each function returns its target. Misaligned words are fine.
"""

from ..lang import U64, Ptr, kernel, load8, load64, store8, store64


@kernel
def memset(target: Ptr, byte: U64, size: U64) -> Ptr:
    """Set ``size`` bytes to the low eight bits of ``byte``."""
    at = target
    end = target + size
    if size < 8:
        while at != end:
            store8(at, byte)
            at = at + 1
        return target
    word = (byte & 0xFF) * 0x0101010101010101
    while end - at >= 32:
        store64(at, word)
        store64(at + 8, word)
        store64(at + 16, word)
        store64(at + 24, word)
        at = at + 32
    while end - at >= 8:
        store64(at, word)
        at = at + 8
    store64(end - 8, word)
    return target


@kernel
def memcpy(target: Ptr, source: Ptr, size: U64) -> Ptr:
    """Copy ``size`` bytes upwards; the ranges may overlap if ``target`` lies below ``source``."""
    to = target
    at = source
    end = source + size
    if size < 8:
        while at != end:
            store8(to, load8(at))
            to = to + 1
            at = at + 1
        return target
    tail = load64(end - 8)  # before the loop can overwrite it
    while end - at >= 32:
        a = load64(at)
        b = load64(at + 8)
        c = load64(at + 16)
        d = load64(at + 24)
        store64(to, a)
        store64(to + 8, b)
        store64(to + 16, c)
        store64(to + 24, d)
        to = to + 32
        at = at + 32
    while end - at >= 8:
        store64(to, load64(at))
        to = to + 8
        at = at + 8
    store64(target + size - 8, tail)
    return target


@kernel
def memmove(target: Ptr, source: Ptr, size: U64) -> Ptr:
    """Copy ``size`` bytes; the ranges may overlap."""
    if target - source >= size:
        return memcpy(target, source, size)
    to = target + size
    at = source + size
    if size < 8:
        while at != source:
            to = to - 1
            at = at - 1
            store8(to, load8(at))
        return target
    head = load64(source)
    while at - source >= 32:
        to = to - 32
        at = at - 32
        a = load64(at)
        b = load64(at + 8)
        c = load64(at + 16)
        d = load64(at + 24)
        store64(to, a)
        store64(to + 8, b)
        store64(to + 16, c)
        store64(to + 24, d)
    while at - source >= 8:
        to = to - 8
        at = at - 8
        store64(to, load64(at))
    store64(target, head)
    return target
