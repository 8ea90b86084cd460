"""Keys of the zkTrie as paths: 8 KoalaBear elements of 31 bits, most significant bit of the first one first.

A key is 32 bytes, eight little-endian 32-bit words below the modulus. Bit b of its path, b from 0 to 247, is
bit 30 − b mod 31 of element b div 31, so that paths sort as their elements do. ``prefix`` is the first 62
bits as a number.
"""

from jovay.kernel.hashes.poseidon2_constants import P as MODULUS
from jovay.kernel.lang import U64, Ptr, Record, clz, copy, kernel, load32, load64, store32

#: Bits of a path.
KEY_BITS = 248
#: Bits of a path that ``prefix`` holds.
PREFIX_BITS = 62


class Item(Record):
    """A key of a batch: its prefix and its number."""

    prefix: U64
    index: U64


ITEM_SIZE = Item.size


@kernel
def prefix_of(key: Ptr) -> U64:
    """The first 62 bits of the path."""
    return load32(key) << 31 | load32(key + 4)


@kernel
def bit_of(key: Ptr, depth: U64) -> U64:
    """Bit ``depth`` < 248 of the path."""
    element = depth // 31
    return load32(key + element * 4) >> (30 - (depth - element * 31)) & 1


@kernel
def bit_at(key: Ptr, prefix: U64, depth: U64) -> U64:
    """``bit_of`` a key whose prefix is at hand, which almost always holds the bit."""
    if depth < PREFIX_BITS:
        return prefix >> (PREFIX_BITS - 1 - depth) & 1
    return bit_of(key, depth)


@kernel
def flip_bit(key: Ptr, depth: U64) -> None:
    """Change bit ``depth`` < 248 of the path."""
    element = depth // 31
    at = key + element * 4
    store32(at, load32(at) ^ U64(1) << (30 - (depth - element * 31)))


@kernel(inline=False)
def shared_bits(a: Ptr, b: Ptr) -> U64:
    """Leading path bits that two keys share, at most 248."""
    for i in range(8):
        difference = load32(a + i * 4) ^ load32(b + i * 4)
        if difference != 0:
            return U64(i) * 31 + clz(difference) - 33
    return U64(KEY_BITS)


@kernel
def shared_prefix(a: U64, b: U64) -> U64:
    """Leading path bits that two prefixes share, at most 62."""
    return clz((a ^ b) << 2 | 2)


@kernel
def is_canonical(digest: Ptr) -> bool:
    """Whether all eight words are below the modulus."""
    for i in range(8):
        if load32(digest + i * 4) >= MODULUS:
            return False
    return True


@kernel
def is_zero(at: Ptr) -> bool:
    """Whether 32 bytes are all zero."""
    return load64(at) | load64(at + 8) | load64(at + 16) | load64(at + 24) == 0


@kernel
def is_same(a: Ptr, b: Ptr) -> bool:
    """Whether two runs of 32 bytes are equal."""
    low = (load64(a) ^ load64(b)) | (load64(a + 8) ^ load64(b + 8))
    return low | (load64(a + 16) ^ load64(b + 16)) | (load64(a + 24) ^ load64(b + 24)) == 0


# ---- batches of keys, sorted --------------------------------------------------------------------


@kernel
def item_at(items: Ptr, i: U64) -> Item:
    return Item(items + i * ITEM_SIZE)


@kernel
def split(keys: Ptr, items: Ptr, lo: U64, hi: U64, depth: U64) -> U64:
    """First of items ``lo`` to ``hi``, which share ``depth`` bits, whose next bit is 1; else ``hi``."""
    while lo < hi:
        middle = (lo + hi) >> 1
        item = item_at(items, middle)
        if bit_at(keys + item.index * 32, item.prefix, depth) != 0:
            hi = middle
        else:
            lo = middle + 1
    return lo


@kernel
def _is_less(keys: Ptr, a: Item, b: Item) -> bool:
    if a.prefix != b.prefix:
        return a.prefix < b.prefix
    x, y = keys + a.index * 32, keys + b.index * 32
    for i in range(2, 8):
        p, q = load32(x + i * 4), load32(y + i * 4)
        if p != q:
            return p < q
    return False


@kernel(inline=False)
def sort_keys(n: U64, keys: Ptr, items: Ptr, spare: Ptr) -> U64:
    """Fill ``items`` with the distinct of ``n`` keys in path order (of equal ones the last); their number.

    ``items`` and ``spare`` have room for ``n`` items each.
    """
    in_order = True
    for i in range(n):
        item = item_at(items, U64(i))
        item.prefix, item.index = prefix_of(keys + i * 32), U64(i)
        if i > 0 and in_order:
            in_order = _is_less(keys, item_at(items, U64(i - 1)), item)
    if in_order:
        return n
    run = U64(1)
    source, target = items, spare
    while run < n:
        start = U64(0)
        while start < n:
            middle = start + run if start + run < n else n
            end = middle + run if middle + run < n else n
            _merge_runs(keys, source, target, start, middle, end)
            start = end
        source, target = target, source
        run <<= 1
    return _distinct(n, keys, source, items)


@kernel(inline=False)
def _merge_runs(keys: Ptr, source: Ptr, target: Ptr, start: U64, middle: U64, end: U64) -> None:
    """Merge two sorted runs; of equal items the first run's come first."""
    left, right = start, middle
    for out in range(start, end):
        take_right = left == middle
        if not take_right and right != end:
            take_right = _is_less(keys, item_at(source, right), item_at(source, left))
        chosen = item_at(source, right if take_right else left)
        if take_right:
            right += 1
        else:
            left += 1
        item = item_at(target, U64(out))
        item.prefix, item.index = chosen.prefix, chosen.index


@kernel(inline=False)
def _distinct(n: U64, keys: Ptr, source: Ptr, items: Ptr) -> U64:
    """Copy sorted items, keeping the last of equal keys (``source`` may be ``items``)."""
    count = U64(0)
    for i in range(n):
        if U64(i) + 1 == n or _is_less(keys, item_at(source, U64(i)), item_at(source, U64(i) + 1)):
            copy(items + count * ITEM_SIZE, source + U64(i) * ITEM_SIZE, U64(ITEM_SIZE))
            count += 1
    return count
