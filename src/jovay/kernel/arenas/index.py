"""An index: open addressing over words of 32 bits of hash (high) and a position + 1 (low); 0 is free.

The hash bits in the word say where it belongs, so that deletion can close the gap without a look at what is indexed.
All walks end at a free slot: who makes an index gives it more words than it will ever have positions, and ``mask`` is
one less than a power of two.
"""

from ..lang import U64, Ptr, kernel, load64, store64


@kernel
def next_match(words: Ptr, mask: U64, at: U64, tag: U64) -> U64:
    """The first slot from ``at`` on that is free or has ``tag``."""
    while True:
        word = load64(words + at * 8)
        if word == 0 or word >> 32 == tag:
            return at
        at = (at + 1) & mask


@kernel
def put(words: Ptr, mask: U64, tag: U64, position: U64) -> None:
    """Enter a position, which is not in it."""
    at = tag & mask
    while load64(words + at * 8) != 0:
        at = (at + 1) & mask
    store64(words + at * 8, (tag << 32) | (position + 1))


@kernel
def erase(words: Ptr, mask: U64, tag: U64, position: U64) -> None:
    """Remove a position, if it is there; what probed past it moves up."""
    wanted = (tag << 32) | (position + 1)
    hole = tag & mask
    while load64(words + hole * 8) != wanted:
        if load64(words + hole * 8) == 0:
            return
        hole = (hole + 1) & mask
    at = hole
    while True:
        at = (at + 1) & mask
        word = load64(words + at * 8)
        if word == 0:
            break
        if (at - (word >> 32)) & mask >= (at - hole) & mask:
            store64(words + hole * 8, word)
            hole = at
    store64(words + hole * 8, U64(0))
