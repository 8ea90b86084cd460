"""Kernel functions that use each feature of the language, for ``test_language``."""

from jovay.kernel.lang import (
    U8,
    U16,
    U64,
    U256,
    U384,
    Bytes,
    Nested,
    Ptr,
    Record,
    Switch,
    Table,
    address_of,
    copy,
    fill,
    kernel,
    load8,
    load16,
    load32,
    load64be,
    load256be,
    rotl,
    rotr,
    sar,
    signed_lt,
    store8,
    store32,
    store64,
    store64be,
    store256be,
)

MODULUS = U256(2**255 - 19)
SQUARES = Table(U8, [i * i for i in range(8)])
WIDE = Table(U256, [1, 1 << 200, -1])


class Account(Record):
    flag: U8
    kind: U16
    nonce: U64
    balance: U256
    name: Bytes(12)
    address: U256


class Owner(Record):
    account: Account
    size: U64


class Pair(Record):
    first: Nested(Account)
    second: Nested(Account)
    owner: Nested(Owner)


@kernel
def poly(x: U256, y: U64) -> U256:
    return x * x + U256(y)


@kernel
def narrow(x: U8, y: U8) -> U8:
    return x + y


@kernel
def minus_one() -> U256:
    return U256(0) - 1


@kernel
def literals(x: U64) -> U64:
    return (x + 1) * 2


@kernel
def below(x: U64) -> bool:
    return x < 10


@kernel
def from_the_left(x: U64) -> U64:
    return 100 - x


@kernel
def divided_literal(x: U64) -> U64:
    return 100 // x


@kernel
def reduce(x: U256) -> U256:
    return x - MODULUS if x >= MODULUS else x


@kernel
def shifts(x: U256, n: U64) -> tuple[U256, U256, U256]:
    return x << n, x >> n, sar(x, n)


@kernel
def rotations(x: U384, n: U64) -> tuple[U384, U384]:
    return rotl(x, n), rotr(x, n)


@kernel
def division(x: U64, y: U64) -> tuple[U64, U64]:
    return x // y, x % y


@kernel
def signed(x: U256, y: U256) -> bool:
    return signed_lt(x, y)


@kernel
def fibonacci(n: U64) -> U64:
    a, b = U64(0), U64(1)
    for _ in range(n):
        a, b = b, a + b
    return a


@kernel
def fibonacci_slowly(n: U64) -> U64:
    if n < 2:
        return n
    return fibonacci_slowly(n - 1) + fibonacci_slowly(n - 2)


@kernel
def odd_numbers(n: U64) -> U64:
    total, i = U64(0), U64(0)
    while True:
        if i >= n:
            break
        i += 1
        if i & 1 != 0 or i > n:
            continue
        total += i - 1
    return total


@kernel
def triangle(n: U64) -> U64:
    total = U64(0)
    for i in range(n, 0, -1):
        total += i
    return total


@kernel
def is_even(n: U64) -> bool:
    return True if n == 0 else is_odd(n - 1)


@kernel
def is_odd(n: U64) -> bool:
    return False if n == 0 else is_even(n - 1)


@kernel
def swap(x: U64, y: U256) -> tuple[U256, U64]:
    return y, x


@kernel
def twice_swapped(x: U64, y: U64) -> U64:
    wide, narrow_ = swap(y, U256(x))
    return U64(wide) * 1000 + narrow_


@kernel
def of_one_kind(x: U64, y: U64, z: U64) -> tuple[U64, U64, U64]:
    triple = (x, y, z)
    a, b, c = triple
    return c, a, b


@kernel
def added(x: U64, y: U64) -> U64:
    return x + y


@kernel
def subtracted(x: U64, y: U64) -> U64:
    return x - y


@kernel
def neither(x: U64, y: U64) -> U64:
    return U64(0)


OPERATIONS = Switch("operations", {1: added, 2: added, 200: subtracted}, neither)


@kernel
def choose(key: U64, x: U64, y: U64) -> U64:
    return OPERATIONS(key, x, y)


def _times(n):
    @kernel(name=f"times_{n}")
    def times(x: U64) -> U64:
        return x * n

    return times


times_3, times_5 = _times(3), _times(5)


@kernel
def through_both(x: U64) -> U64:
    return times_3(times_5(x))


@kernel
def square_of(i: U64) -> U64:
    return SQUARES[i]


@kernel
def wide_entry(i: U64) -> U256:
    return WIDE[i]


@kernel
def copy_table(out: Ptr) -> None:
    copy(out, address_of(SQUARES), U64(8))


@kernel
def use_account(owner: Owner, amount: U256) -> U64:
    """Reads and writes through a nested record; narrow fields read as U64 and truncate."""
    account = owner.account
    before = account.nonce + owner.size + account.flag + account.kind
    account.nonce += 1
    account.balance += amount
    account.flag = U64(0xFFF)
    owner.size += 1
    store32(account.name, account.nonce)
    return before


@kernel
def use_nested(pair: Pair, amount: U256) -> U64:
    """Records inside a record are its memory, not what an address leads to."""
    pair.first.nonce += 1
    pair.second.balance = pair.first.balance + amount
    pair.owner.account = pair.second
    return pair.owner.account.nonce + pair.first.nonce


@kernel
def same_account(owner: Owner, account: Account) -> bool:
    return owner.account == account and account != Account(U64(0))


@kernel
def move_about(p: Ptr) -> None:
    """Overlapping copies, a fill, and each width and byte order."""
    copy(p + 3, p, U64(40))
    copy(p, p + 5, U64(40))
    fill(p + 100, U64(0x1EE), U64(4))
    store64be(p + 64, load64be(p + 1))
    store256be(p + 128, load256be(p + 7) + 1)
    store64(p + 168, load8(p + 9) + load16(p + 10) + load32(p + 11))
    store8(p + 200, U64(0x1FF))
