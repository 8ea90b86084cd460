"""The checked build: exact to the byte, with reports that say what was touched, by whom, and where it lies."""

from __future__ import annotations

import ctypes
import threading

import pytest

from jovay.compiler.checked import is_chosen
from jovay.compiler.errors import KernelCompileError
from jovay.compiler.frontend import lower_function
from jovay.compiler.generate import function_key
from jovay.compiler.references import reachable
from jovay.compiler.riscv.target import canonical
from jovay.kernel.lang import (
    CHECKED,
    U8,
    U64,
    U128,
    U256,
    U384,
    Ptr,
    Record,
    Table,
    address_of,
    copy,
    fill,
    kernel,
    load8,
    load64,
    load64be,
    load256,
    load384,
    part,
    poison,
    reserve,
    store16,
    store256be,
    unpoison,
)
from jovay.native.arena import Arena, Buffer
from rigs.checked import build_with, run_child

SQUARES = Table(U8, [n * n for n in range(10)])


class Widths(Record):
    small: U8
    word: U64
    wide: U256
    widest: U384
    pair: U128


@kernel
def lay_out(at: Ptr, size: U64, gap: U64) -> None:
    reserve(at, size, "first")
    part(at + ((size + gap + 63) & ~U64(63)), size, "second")


@kernel
def use(at: Ptr, offset: U64, size: U64) -> None:
    unpoison(at, at + offset, size)


@kernel
def give_up(at: Ptr, size: U64) -> None:
    poison(at, size)


@kernel
def put8(at: Ptr) -> U64:
    return load8(at)


@kernel
def put16(at: Ptr) -> None:
    store16(at, U64(7))


@kernel
def get64(at: Ptr) -> U64:
    return load64(at)


@kernel
def get64be(at: Ptr) -> U64:
    return load64be(at)


@kernel
def get256(at: Ptr) -> U64:
    return U64(load256(at))


@kernel
def get384(at: Ptr) -> U64:
    return U64(load384(at))


@kernel
def put256(at: Ptr) -> None:
    store256be(at, U256(5))


@kernel
def move(target: Ptr, source: Ptr, size: U64) -> None:
    copy(target, source, size)


@kernel
def clear(target: Ptr, size: U64) -> None:
    fill(target, U64(0), size)


@kernel
def widest_of(w: Widths) -> U64:
    return U64(w.widest)


@kernel
def set_pair(w: Widths, value: U64) -> None:
    w.pair = U128(value)


@kernel
def square(i: U64) -> U64:
    return SQUARES[i]


@kernel
def square_through_memory(i: U64) -> U64:
    return load8(address_of(SQUARES) + i)


@kernel
def only_here(x: U64) -> U64:
    return x + 1000


@kernel
def which(x: U64) -> U64:
    if CHECKED:
        x = only_here(x)
    return x


@kernel
def which_plain(x: U64) -> U64:
    return x


def _closure(step):
    @kernel(name="checked_closure")
    def closure(at: Ptr, n: U64) -> U64:
        unpoison(at, at, n)
        return n + step

    return closure


closure = _closure(5)
ENTRIES = (
    clear, closure, get64, get64be, get256, get384, give_up, lay_out, move, put8, put16, put256, set_pair, square,
    square_through_memory, use, which, widest_of,
)  # fmt: skip
WIDTHS = {put8: 1, put16: 2, get64: 8, get64be: 8, get256: 32, get384: 48, put256: 32}


@pytest.fixture(scope="module")
def library():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOVAY_KERNEL", "checked")
        yield build_with(ENTRIES)


def refused(call, *arguments):
    """The report of a call in a child process."""
    report = run_child(lambda: call(*arguments))
    assert report is not None, "nothing was reported"
    return report


@pytest.mark.parametrize("operation", WIDTHS, ids=lambda f: f.__name__)
def test_checks_are_exact_to_the_byte(library, operation):
    width, call = WIDTHS[operation], library[operation]
    for begin in (0, 1, 7, 8, 13):
        arena = Arena(4096)
        library[lay_out](arena.address, 512, 64)
        library[use](arena.address, 64 + begin, width)
        call(arena.address + 64 + begin)
        for off in (-1, 1, -width, width):
            report = refused(call, arena.address + 64 + begin + off)
            assert report.part == "first"
            first = width - off if off > 0 else 0
            assert f"byte {first} of them is poisoned" in report.text


def test_a_whole_part_may_be_touched_and_nothing_between_two(library):
    arena = Arena(4096)
    library[lay_out](arena.address, 500, 64)
    second = arena.address + 576
    library[clear](second, 500)
    library[get64](second + 492)
    assert "0 bytes behind the end of part «second»" in refused(library[get64], second + 500).text
    assert "4 bytes before part «second»" in refused(library[get64], second - 4).text
    assert "poisoned at offset 499 of part «first»" in refused(library[get64], second - 77).text


def test_ranges_are_checked_whole(library):
    arena = Arena(1 << 20)
    library[lay_out](arena.address, 1 << 17, 64)
    first, second = arena.address, arena.address + (1 << 17) + 64
    library[use](first, 0, 70_001)
    library[move](second, first, 70_001)
    library[move](second, first, 0)
    assert (
        "byte 70,001 of them is poisoned at offset 70,001"
        in refused(library[move], second, first, 70_002).text
    )
    assert "copy, target" in refused(library[move], first + 3, second, 70_000).text
    assert "behind the end of part «second»" in refused(library[clear], second, (1 << 17) + 1).text
    for size in (1 << 62, (1 << 64) - 1, 1 << 63):
        refused(library[clear], second, size)
    library[give_up](first + 40_000, 1)
    assert "offset 40,000 of part «first»" in refused(library[move], second, first, 70_001).text


def test_what_comes_into_use_must_lie_in_its_part(library):
    arena = Arena(4096)
    library[lay_out](arena.address, 512, 64)
    library[use](arena.address, 504, 8)
    report = refused(library[use], arena.address, 505, 8)
    assert (report.function, report.part) == (use.symbol, "first")
    assert "byte 7 of them lies 0 bytes behind the end" in report.text
    refused(library[use], arena.address, (1 << 64) - 8, 8)
    refused(library[use], arena.address, 8, (1 << 64) - 8)
    refused(library[use], arena.address + 64, 0, 8)  # no part begins there
    refused(library[lay_out], arena.address + 8, 64, 64)
    refused(library[lay_out], arena.address, 4096, 64)


def test_records_and_tables(library):
    arena = Arena(4096)
    library[lay_out](arena.address, Widths.size, 64)
    library[use](arena.address, 0, Widths.fields["pair"][1] + 15)
    library[widest_of](arena.address)
    report = refused(library[set_pair], arena.address, 1)
    assert "store to Widths.pair: 16 bytes" in report.text
    assert library[square](9) == library[square_through_memory](9) == 81
    assert "index of a table of 10 items: 10" in refused(library[square], 10).text
    refused(library[square], (1 << 64) - 1)


@pytest.mark.parametrize(
    "address", [0, 8, 40_000, 1 << 47, (1 << 47) - 3, 1 << 63, (1 << 64) - 8, (1 << 64) - 1]
)
def test_addresses_that_are_nobodys(library, address):
    report = refused(library[get64], address)
    assert "null record" in report.text if address < 1 << 16 else "no a" in report.text


def test_an_arena_that_is_reset_or_gone_begins_anew(library):
    arena = Arena(1 << 20)
    library[lay_out](arena.address, 512, 64)
    library[use](arena.address, 0, 512)
    library[get64](arena.address)
    arena.reset()
    assert "lies in no part" in refused(library[get64], arena.address).text
    named = Arena(100, name="named")
    library[clear](named.address, 100)
    named.reset()
    library[clear](named.address, 100)
    assert "0 bytes behind the end of part «named»" in refused(library[put8], named.address + 100).text


def test_given_bytes_end_where_they_end(library):
    given = Buffer(b"12345", 3)
    assert library[get64](given.address) == int.from_bytes(b"12345", "little")
    assert refused(library[get64], given.address + 1).part == "given"


def test_a_violation_on_another_thread_ends_the_process_too(library):
    arena = Arena(4096)

    def scenario():
        worker = threading.Thread(target=library[get64], args=(arena.address,), name="worker 7")
        worker.start()
        worker.join()

    report = refused(scenario)
    assert "on thread worker 7" in report.text
    assert report.function == get64.symbol


def test_large_parts_are_exact_too(library):
    """What lies far behind the begin of a part in use is opened by pages, and closed where it goes out of use."""
    arena = Arena(1 << 24)
    size = (1 << 22) + 12_345
    library[lay_out](arena.address, size, 64)
    second = (arena.address + size + 64 + 63) & ~63
    library[clear](second, size)
    for offset in range(0, size - 8, 40_961):
        library[get64](second + offset)
    assert "0 bytes behind the end of part «second»" in refused(library[clear], second, size + 1).text
    assert "byte 1 of them" in refused(library[get64], second + size - 1).text
    hole = second + (3 << 20) + 100
    library[give_up](hole, 3)
    library[get64](hole - 8)
    library[get64](hole + 3)
    assert "byte 7 of them is poisoned" in refused(library[get64], hole - 7).text
    assert f"byte {hole - second:,} of them is poisoned" in refused(library[clear], second, size).text
    library[clear](hole + 3, size - (hole + 3 - second))
    named = Arena(size, name="named")
    library[clear](named.address, size)
    assert "byte 1 of them" in refused(library[get64], named.address + size - 1).text
    arena.reset()
    assert "lies in no part" in refused(library[get64], second + (2 << 20)).text


# ---- what becomes of the sources -----------------------------------------------------------------------------


def test_layout_is_no_part_of_the_plain_build(library):
    """The plain variant compiles to what it was without its statements of layout."""
    plain = canonical(lower_function(which)).replace("which", "F")
    assert plain.count("\n") == canonical(lower_function(which_plain)).count("\n")
    assert "only_here" not in plain
    assert only_here in reachable([which], checked=True)
    assert only_here not in reachable([which])
    assert library[which](1) == 1001
    assert which(U64(1)) == 1
    assert "checked.unpoison" not in lower_function(use)
    assert library[closure](Arena(64, name="x").address, 8) == 13


def test_keys_of_the_two_builds_differ():
    assert function_key(use) != function_key(use, checked=True)
    assert function_key(which_plain) != function_key(which_plain, checked=True)


def test_layout_must_stand_by_itself():
    @kernel(name="layout_as_a_value")
    def value(at: Ptr) -> U64:
        x = poison(at, U64(8))
        return U64(0) if x is None else U64(1)

    with pytest.raises(KernelCompileError):
        lower_function(value)


def test_an_unknown_build_is_refused(monkeypatch):
    monkeypatch.setenv("JOVAY_KERNEL", "chekced")
    with pytest.raises(ValueError, match="chekced"):
        is_chosen()


def test_memory_of_the_host_may_be_touched(library):
    """Outside all arenas nothing is known; what comes from outside is therefore given in arenas."""
    memory = ctypes.create_string_buffer(8)
    assert library[get64](ctypes.addressof(memory)) == 0
