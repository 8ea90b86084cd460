"""The kernel language, feature by feature: native code does what CPython does with the same source."""

from __future__ import annotations

import ctypes
import itertools

import pytest

from compiler import samples
from jovay.compiler.native import is_plain
from jovay.kernel.lang import U8, U16, U64, U256, Record, Table, address_of, kernel
from jovay.native.library import build

M64, M256 = 2**64 - 1, 2**256 - 1


@pytest.fixture(scope="module")
def library():
    return build([f for f in vars(samples).values() if hasattr(f, "symbol")])


def both(library, function, *arguments):
    """The result of native code, after a check that CPython agrees."""
    words = [hint(value) for hint, value in zip(function.__annotations__.values(), arguments, strict=False)]
    expected, found = function(*words), library[function](*map(int, arguments))
    assert found == expected
    return found


def test_words_wrap(library):
    assert both(library, samples.poly, M256, 3) == ((M256 * M256 + 3) & M256)
    assert both(library, samples.narrow, 250, 10) == 4
    assert both(library, samples.minus_one) == M256


@pytest.mark.parametrize("value", [0, 1, 5, 2**63, M64])
def test_plain_integers_and_literals_adapt(library, value):
    assert both(library, samples.literals, value) == (value + 1) * 2 % 2**64
    assert both(library, samples.below, value) == (value < 10)
    assert both(library, samples.from_the_left, value) == (100 - value) % 2**64
    assert both(library, samples.divided_literal, value) == (100 // value if value else 0)


def test_constants_above_64_bits(library):
    assert both(library, samples.reduce, samples.MODULUS + 5) == 5


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 2**32, 2**63, M64])
def test_shifts_by_any_count(library, count):
    value = (1 << 255) | 5
    assert both(library, samples.shifts, value, count) == (
        (value << count) & M256 if count < 256 else 0,
        value >> count if count < 256 else 0,
        ((value - 2**256) >> min(count, 256)) & M256,
    )


@pytest.mark.parametrize("count", [0, 1, 100, 383, 384, 1000, M64])
def test_rotations_of_words_that_are_no_power_of_two_wide(library, count):
    value, turn = (1 << 383) | 7, count % 384
    left = (value << turn | value >> (384 - turn)) & (2**384 - 1)
    right = (value >> turn | value << (384 - turn)) & (2**384 - 1)
    assert both(library, samples.rotations, value, count) == (left, right)


@pytest.mark.parametrize(("x", "y"), [*itertools.product([0, 1, 7, M64], repeat=2)])
def test_division_by_zero_is_zero(library, x, y):
    assert both(library, samples.division, x, y) == ((x // y, x % y) if y else (0, 0))


@pytest.mark.parametrize(("x", "y"), [(0, M256), (M256, 0), (5, 6), (2**255, 2**255 - 1)])
def test_signed_comparison(library, x, y):
    signed = [v - 2**256 if v >> 255 else v for v in (x, y)]
    assert both(library, samples.signed, x, y) == (signed[0] < signed[1])


@pytest.mark.parametrize("n", [0, 1, 2, 10, 20])
def test_loops_and_recursion(library, n):
    fibonacci = [0, 1]
    while len(fibonacci) <= n:
        fibonacci.append(sum(fibonacci[-2:]))
    assert both(library, samples.fibonacci, n) == fibonacci[n]
    assert both(library, samples.fibonacci_slowly, n) == fibonacci[n]
    assert both(library, samples.odd_numbers, n) == sum(range(1, n, 2))
    assert both(library, samples.triangle, n) == n * (n + 1) // 2
    assert both(library, samples.is_even, n) == (n % 2 == 0)


def test_tuples_go_in_and_out(library):
    assert both(library, samples.swap, 5, M256) == (M256, 5)
    assert both(library, samples.twice_swapped, 5, 6) == 5 * 1000 + 6
    assert both(library, samples.of_one_kind, 1, 2, 3) == (3, 1, 2)


@pytest.mark.parametrize("key", [0, 1, 2, 3, 200, 2**64 - 1])
def test_switches(library, key):
    expected = {1: 12, 2: 32, 200: 8}.get(key, 0)
    assert both(library, samples.choose, key, 10, 2 if key != 2 else 22) == expected


def test_closures_are_templates(library):
    assert [both(library, f, 10) for f in (samples.times_3, samples.times_5)] == [30, 50]
    assert both(library, samples.through_both, 2) == 30


def test_tables(library):
    assert [both(library, samples.square_of, i) for i in range(8)] == [i * i for i in range(8)]
    assert [both(library, samples.wide_entry, i) for i in range(3)] == [1, 1 << 200, M256]
    buffer = ctypes.create_string_buffer(8)
    library[samples.copy_table](ctypes.addressof(buffer))
    assert buffer.raw == bytes(i * i for i in range(8))


def test_records_are_the_same_memory_in_both_worlds(library):
    memory = ctypes.create_string_buffer(samples.Account.size + samples.Owner.size + 8)
    at = (ctypes.addressof(memory) + 7) & ~7
    owner, account = samples.Owner(at), samples.Account(at + samples.Owner.size)
    owner.account, owner.size = account, U64(9)
    account.flag, account.kind, account.nonce, account.balance = U8(3), U16(7), U64(41), U256(M256)
    assert library[samples.use_account](int(address_of(owner)), 5) == 41 + 9 + 3 + 7
    assert (account.nonce, account.balance, account.flag, owner.size) == (42, 4, 255, 10)
    assert ctypes.string_at(int(account.name), 4) == b"\x2a\0\0\0"
    assert samples.use_account(owner, U256(1)) == 42 + 10 + 255 + 7
    assert library[samples.same_account](int(address_of(owner)), int(address_of(account))) == 1


def test_layout_is_in_declaration_order_with_natural_alignment():
    fields = {name: at for name, (_, at) in samples.Account.fields.items()}
    assert fields == {"flag": 0, "kind": 2, "nonce": 8, "balance": 16, "name": 48, "address": 64}
    assert samples.Account.size == 96

    class Longer(samples.Account):
        more: U64

    assert (Longer.fields["more"][1], Longer.fields["nonce"][1], Longer.size) == (96, 8, 104)


def test_memory_operations(library):
    memory = ctypes.create_string_buffer(bytes(range(64)) + bytes(192), 256)
    twin = ctypes.create_string_buffer(memory.raw, 256)
    library[samples.move_about](ctypes.addressof(memory))
    samples.move_about(U64(ctypes.addressof(twin)))
    assert memory.raw == twin.raw
    assert memory.raw[100:104] == b"\xee" * 4


def test_symbols_tell_closures_apart():
    def factory(n):
        @kernel
        def scaled(x: U64) -> U64:
            return x * n

        return scaled

    factory(3)
    with pytest.raises(NameError, match="give the closure a name"):
        factory(4)


def test_a_field_cannot_hide_the_list_of_fields():
    with pytest.raises(TypeError, match="fields"):

        class Wrong(Record):
            fields: U64


def test_which_entries_go_straight_through_the_abi():
    assert is_plain(samples.literals)
    assert is_plain(samples.copy_table)
    assert not is_plain(samples.poly)
    assert not is_plain(samples.swap)


@pytest.mark.parametrize("native", [True, False])
def test_a_record_inside_another_is_its_memory(library, native):
    assert samples.Pair.size == 2 * samples.Account.size + samples.Owner.size
    memory = ctypes.create_string_buffer(samples.Pair.size + 8)
    pair = samples.Pair(ctypes.addressof(memory) + 7 & ~7)
    second = samples.Account(address_of(pair) + samples.Account.size)
    pair.first.nonce, pair.first.balance, second.nonce = U64(4), U256(1 << 200), U64(30)
    if native:
        assert library[samples.use_nested](int(address_of(pair)), 5) == 35
    else:
        assert samples.use_nested(pair, U256(5)) == 35
    assert (pair.first.nonce, second.balance) == (5, (1 << 200) + 5)
    assert pair.owner.account == pair.second == second
    with pytest.raises(AttributeError, match="lies in the record"):
        pair.first = second


def test_tables_hold_words():
    assert Table(U8, [256, -1]).values == (0, 255)
    assert len(Table(U64, range(3))) == 3
