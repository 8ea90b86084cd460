"""The shadow of the checked build: which bytes of the address space the kernel may touch. It is not checked itself.

``bits`` has a bit for every byte that may be touched, ``pages`` one for every page of an arena, ``open`` one for every
page that may be touched as a whole: where a part is in use from the beginning, what lies far behind its begin is
opened by pages, since bits would take an eighth of its memory. ``parts`` has, for every address where a part begins,
the part's size: 8 bytes for each 64 bytes of the address space.
"""

from ..lang import U64, Ptr, Record, ctz, fill, kernel, load8, load64, store8, store64

#: Addresses of user space on x86-64 and AArch64 are below.
LIMIT = 1 << 47
#: No arena begins below: null records, and fields of theirs.
LOWEST = 1 << 16
PAGE_BITS = 12
#: Address space of the three maps; bits are read eight bytes at a time.
BITS_SIZE, PARTS_SIZE, PAGES_SIZE = (LIMIT >> 3) + 4096, LIMIT >> 3, LIMIT >> (PAGE_BITS + 3)


#: Bytes of a part that get bits in any case: look-ups are quicker there.
LEAD = 1 << 20
PAGE = 1 << PAGE_BITS


class Shadow(Record):
    bits: Ptr
    parts: Ptr
    pages: Ptr
    open: Ptr


@kernel
def first_denied(s: Shadow, at: U64, size: U64) -> U64:
    """Offset of the first byte that may not be touched, or ``size``."""
    if at >= LIMIT or size > LIMIT - at:
        return U64(0)
    done = U64(0)
    while done < size:
        byte = at + done
        if is_open(s, byte):
            done += PAGE - (byte & (PAGE - 1))
            continue
        if (
            byte & 7 == 0
            and byte & (PAGE - 1) <= PAGE - 64
            and size - done >= 64
            and ~load64(s.bits + (byte >> 3)) == 0
        ):
            done += 64
            continue
        wrong = ~load8(s.bits + (byte >> 3)) & 0xFF
        wrong = wrong >> (byte & 7)
        if wrong != 0:
            found = done + ctz(wrong)
            return found if found < size else size
        done += 8 - (byte & 7)
    return size


@kernel
def is_open(s: Shadow, at: U64) -> bool:
    page = at >> PAGE_BITS
    return (load8(s.open + (page >> 3)) >> (page & 7)) & 1 != 0


@kernel
def set_open(s: Shadow, at: U64, allowed: U64) -> None:
    page = at >> PAGE_BITS
    place, bit = s.open + (page >> 3), U64(1) << (page & 7)
    store8(place, (load8(place) & ~bit) | (bit * allowed))


@kernel
def open_pages(s: Shadow, at: U64, end: U64) -> U64:
    """Open the whole pages from ``at``, where one begins, to ``end``; the address behind them."""
    while end - at >= PAGE:
        page = at >> PAGE_BITS
        if page & 7 == 0 and end - at >= 8 * PAGE:
            store8(s.open + (page >> 3), U64(0xFF))
            at += 8 * PAGE
        else:
            set_open(s, at, U64(1))
            at += PAGE
    return at


@kernel
def close_pages(s: Shadow, at: U64, end: U64) -> None:
    """Let the pages of a range have bits again, all of them set."""
    at = at & ~U64(PAGE - 1)
    while at < end:
        if is_open(s, at):
            set_open(s, at, U64(0))
            fill(s.bits + (at >> 3), U64(0xFF), U64(PAGE >> 3))
        at += PAGE


@kernel
def set_bits(s: Shadow, at: U64, size: U64, allowed: U64) -> None:
    """Allow (1) or deny (0) ``size`` bytes, which lie below ``LIMIT``."""
    end = at + size
    if allowed == 0:
        close_pages(s, at, end)
    while at < end and (at & 7 != 0 or end - at < 8):
        place = s.bits + (at >> 3)
        bit = U64(1) << (at & 7)
        store8(place, (load8(place) & ~bit) | (bit * allowed))
        at += 1
    whole = (end - at) >> 3
    fill(s.bits + (at >> 3), 0 - allowed, whole)
    at += whole << 3
    while at < end:
        place = s.bits + (at >> 3)
        bit = U64(1) << (at & 7)
        store8(place, (load8(place) & ~bit) | (bit * allowed))
        at += 1


@kernel
def in_arena(s: Shadow, at: U64) -> bool:
    page = at >> PAGE_BITS
    return (load8(s.pages + (page >> 3)) >> (page & 7)) & 1 != 0


@kernel
def refused(s: Shadow, at: U64, size: U64) -> U64:
    """Offset of the byte for which an access of ``size`` bytes is a violation, or ``size``.

    Memory outside all arenas is the host's, which says nothing of it: it may be touched.
    """
    found = first_denied(s, at, size)
    if found == size or at < LOWEST or at >= LIMIT or size > LIMIT - at:
        return found
    byte = at + found
    while byte < at + size:
        if in_arena(s, byte):
            found = first_denied(s, byte, at + size - byte)
            return byte - at + found
        byte = ((byte >> PAGE_BITS) + 1) << PAGE_BITS
    return size


@kernel
def begin_part(s: Shadow, at: U64, size: U64, allowed: U64) -> bool:
    """Let a part begin at ``at``; false where it cannot: misaligned, or not wholly in arenas.

    A large part of which nothing is in use is the host's to clear: it gives memory back, where this would take some.
    """
    if at & 63 != 0 or at < LOWEST or at >= LIMIT or size > LIMIT - at:
        return False
    byte = at
    while byte < at + size:
        if not in_arena(s, byte):
            return False
        byte = ((byte >> PAGE_BITS) + 1) << PAGE_BITS
    store64(s.parts + (at >> 3), size)
    if size <= LEAD + 2 * PAGE:
        set_bits(s, at, size, allowed)
        return True
    if allowed == 0:
        return True
    middle = (at + LEAD + PAGE - 1) & ~U64(PAGE - 1)
    set_bits(s, at, middle - at, allowed)
    behind = open_pages(s, middle, at + size)
    set_bits(s, behind, at + size - behind, allowed)
    return True


@kernel
def unpoison(s: Shadow, part: U64, at: U64, size: U64) -> bool:
    """Allow bytes of the part at ``part``; false where they lie beyond it."""
    if part & 63 != 0 or part >= LIMIT:
        return False
    held = load64(s.parts + (part >> 3))
    if at < part or at - part > held or size > held - (at - part):
        return False
    set_bits(s, at, size, U64(1))
    return True


@kernel
def poison(s: Shadow, at: U64, size: U64) -> bool:
    """Deny bytes; false where they do not lie in an arena."""
    if at >= LIMIT or size > LIMIT - at:
        return False
    if size != 0:
        if not in_arena(s, at) or not in_arena(s, at + size - 1):
            return False
        set_bits(s, at, size, U64(0))
    return True


#: What the checks call.
FUNCTIONS = (
    begin_part,
    close_pages,
    first_denied,
    in_arena,
    is_open,
    open_pages,
    poison,
    refused,
    set_bits,
    set_open,
    unpoison,
)
