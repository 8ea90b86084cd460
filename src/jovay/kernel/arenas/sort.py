"""Sorting in place: heapsort, so that no input is slow and no memory is needed."""

from ..lang import U64, Ptr, kernel, load64, load256be, store64


@kernel(inline=True)
def _before(a: Ptr, b: Ptr) -> bool:
    return load256be(a) < load256be(b)


@kernel
def _sink(pointers: Ptr, at: U64, n: U64) -> None:
    moving = load64(pointers + at * 8)
    while True:
        child = at * 2 + 1
        if child >= n:
            break
        if child + 1 < n and _before(load64(pointers + child * 8), load64(pointers + child * 8 + 8)):
            child += 1
        candidate = load64(pointers + child * 8)
        if not _before(moving, candidate):
            break
        store64(pointers + at * 8, candidate)
        at = child
    store64(pointers + at * 8, moving)


@kernel
def sort_by_key(n: U64, pointers: Ptr) -> None:
    """Sort ``n`` addresses by the 32 bytes they point to, ascending as big-endian numbers."""
    at = n >> 1
    while at > 0:
        at -= 1
        _sink(pointers, at, n)
    left = n
    while left > 1:
        left -= 1
        last = load64(pointers + left * 8)
        store64(pointers + left * 8, load64(pointers))
        store64(pointers, last)
        _sink(pointers, U64(0), left)
