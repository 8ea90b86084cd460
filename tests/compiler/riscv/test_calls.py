"""System calls in the emulator: what they do to their blocks, what stops the machine, and what a trace says of them."""

import hashlib
import math
import random
import struct

import numpy as np
import pytest

from jovay.kernel.curves.secp256k1 import GENERATOR, ORDER_VALUE
from jovay.kernel.curves.secp256k1 import MODULUS as FIELD
from jovay.kernel.hashes.poseidon2_constants import P
from jovay.kernel.riscv.calls import (
    INVERSE_MODULO,
    KECCAK_F,
    MULMOD,
    POSEIDON2,
    ROOT_MODULO,
    SECP256K1_ADD,
    SECP256K1_DOUBLE,
    SECP256K1_SUBTRACT,
    WORDS,
)
from jovay.native.emulator import Emulator
from rigs.poseidon2_model import permutation
from rigs.rv64 import CONSTANTS, DATA, DATA_SIZE, TEXT, Program

LIMIT, BLOCK = 1000, DATA + 8
Point = tuple[int, int]
POINTS = (SECP256K1_ADD, SECP256K1_SUBTRACT, SECP256K1_DOUBLE)


def calling(number: int, address: int = BLOCK, times: int = 1) -> Program:
    p = Program().li(10, address).li(17, number)
    for _ in range(times):
        p("ecall")
    return p.li(17, 93).li(10, 0)("ecall")


def words(*values: int) -> bytes:
    """256-bit numbers."""
    return b"".join(value.to_bytes(32, "little") for value in values)


def called(number: int, block: bytes) -> bytes | None:
    """The block after a call; None if the operands are not taken, and nothing is written then."""
    run = Emulator(calling(number).elf(block)).run(b"", LIMIT)
    after = run.output[: len(block)]
    if run.exited:
        return after
    assert (run.reason, run.fault) == ("operands that a system call does not take", number)
    assert after == block
    return None


def test_poseidon2():
    dice = random.Random(1)
    states = [[dice.randrange(P) for _ in range(16)] for _ in range(5)]
    for state in [*states, [0] * 16, [P - 1] * 16]:
        assert called(POSEIDON2, struct.pack("<16I", *state)) == struct.pack("<16I", *permutation(state))
    for at in range(16):
        for element in (P, 2**32 - 1):
            assert (
                called(POSEIDON2, struct.pack("<16I", *[element if k == at else 1 for k in range(16)]))
                is None
            )


def test_keccak_f():
    """SHA-3 has the same permutation, and another padding."""
    for message in (b"", b"abc", bytes(range(135))):
        block = bytearray(message.ljust(200, b"\0"))
        block[len(message)] ^= 6
        block[135] ^= 0x80
        after = called(KECCAK_F, bytes(block))
        assert after
        assert after[:32] == hashlib.sha3_256(message).digest()


def test_mulmod():
    dice = random.Random(2)
    edges = [0, 1, 2, 3, 2**64, 2**128 - 1, 2**255, 2**256 - 2, 2**256 - 1]
    some = [dice.getrandbits(dice.choice((1, 64, 65, 200, 256))) for _ in range(30)]
    for _ in range(200):
        a, b, m = (dice.choice(edges + some) for _ in range(3))
        expected = words(a * b % m, b, m) if a * b < m << 256 else None
        assert called(MULMOD, words(a, b, m)) == expected, (a, b, m)
    assert called(MULMOD, words(2**256 - 1, 1, 1)) == words(0, 1, 1)
    assert called(MULMOD, words(2**128, 2**128, 1)) is None


def test_inverses():
    dice = random.Random(4)
    some = [
        1,
        2,
        3,
        2**64,
        2**255 + 1,
        2**256 - 1,
        FIELD,
        ORDER_VALUE,
        *(dice.getrandbits(256) for _ in range(20)),
    ]
    for _ in range(100):
        a, m = dice.choice(some), dice.choice(some)
        takes = a < m and m % 2 and math.gcd(a, m) == 1 and m > 1
        assert called(INVERSE_MODULO, words(a, 9, m)) == (words(pow(a, -1, m), 9, m) if takes else None), (
            a,
            m,
        )
    for a, m in ((0, 1), (0, 7), (1, 1), (3, 9), (3, 0), (0, 0), (8, 7), (3, 8)):
        assert called(INVERSE_MODULO, words(a, 9, m)) is None


def test_roots():
    dice = random.Random(5)
    for _ in range(40):
        m = dice.choice([3, 7, 19, FIELD, 2**127 - 1, 2**256 - 2**224 + 2**192 + 2**96 - 1])
        a = dice.choice([0, 1, m - 1, dice.randrange(m), dice.randrange(m) ** 2 % m])
        after = called(ROOT_MODULO, words(a, 9, m))
        assert after, (a, m)
        root = int.from_bytes(after[:32], "little")
        assert root < m
        assert root * root % m in (a, (m - a) % m)
        assert after[32:] == words(9, m)
    for a, m in ((1, 0), (0, 0), (1, 5), (3, 15), (7, 7), (8, 7), (2**256 - 1, 2**256 - 1)):
        assert called(ROOT_MODULO, words(a, 9, m)) is None


def multiple(k: int) -> Point:
    """``k`` times the generator, by the textbook's formulas."""
    result = GENERATOR
    for bit in bin(k)[3:]:
        result = doubled(result)
        if bit == "1":
            result = added(result, GENERATOR)
    return result


def third(slope: int, p: Point, q: Point) -> Point:
    x = (slope * slope - p[0] - q[0]) % FIELD
    return x, (slope * (p[0] - x) - p[1]) % FIELD


def added(p: Point, q: Point) -> Point:
    return third((q[1] - p[1]) * pow(q[0] - p[0], -1, FIELD) % FIELD, p, q)


def doubled(p: Point) -> Point:
    return third(3 * p[0] * p[0] * pow(2 * p[1], -1, FIELD) % FIELD, p, p)


def test_points():
    dice = random.Random(3)
    for k in (2, 3, 2**255, *(dice.getrandbits(256) for _ in range(5))):
        p, q = multiple(k), multiple(k + 1 + dice.getrandbits(100))
        assert called(SECP256K1_ADD, words(*p, *q)) == words(*added(p, q), *q)
        assert called(SECP256K1_DOUBLE, words(*p)) == words(*doubled(p))
        minus = (p[0], FIELD - p[1])
        assert called(SECP256K1_SUBTRACT, words(*p, *q)) == words(*added(p, (q[0], FIELD - q[1])), *q)
        assert called(SECP256K1_ADD, words(*p, *q)) == words(*added(p, q), *q)
        for wrong in (
            (p, p),
            (p, minus),
            (p, (0, 0)),
            ((0, 0), q),
            (p, (q[0], q[1] ^ 1)),
            ((p[0] + 1, p[1]), q),
        ):
            for number in (SECP256K1_ADD, SECP256K1_SUBTRACT):
                assert called(number, words(*wrong[0], *wrong[1])) is None
    for x, y in ((0, 0), (1, 1), (GENERATOR[0], 0), (FIELD, 1)):
        assert called(SECP256K1_DOUBLE, words(x, y)) is None
    # a point with a small x, and the same coordinates not reduced
    x = next(x for x in range(1, 100) if pow(x**3 + 7, (FIELD - 1) // 2, FIELD) == 1)
    y = pow(x**3 + 7, (FIELD + 1) // 4, FIELD)
    assert called(SECP256K1_DOUBLE, words(x, y)) == words(*doubled((x, y)))
    assert called(SECP256K1_DOUBLE, words(x + FIELD, y)) is None
    assert called(SECP256K1_ADD, words(x + FIELD, y, *GENERATOR)) is None
    assert called(SECP256K1_ADD, words(*GENERATOR, x + FIELD, y)) is None


@pytest.mark.parametrize("number", WORDS)
def test_blocks_lie_in_writable_memory(number):
    size, end = 8 * WORDS[number], DATA + DATA_SIZE
    block = words(*GENERATOR, *multiple(5)) if number in POINTS else bytes(256)
    block = (words(4, 5, 7) if number in (MULMOD, INVERSE_MODULO, ROOT_MODULO) else block).ljust(2048, b"\0")
    program = calling(number, end - size)
    data = bytes(DATA_SIZE - 8 - size) + block[:size]
    assert Emulator(program.elf(data)).run(b"", LIMIT).exited
    far = [2**32 + DATA, 2**63 + DATA, 2**64 - 8, 2**64 - size, DATA - size, DATA - 8, TEXT, CONSTANTS, 0]
    for address in [*range(end - size + 8, end + 16, 8), *(DATA + 8 + k for k in range(1, 8)), *far]:
        elf = calling(number, address).elf(block, constants=block)
        for result in (Emulator(elf).run(b"", LIMIT), Emulator(elf).trace(b"", LIMIT).execution):
            reason = "block of a system call that is not aligned or not in writable memory"
            assert (result.reason, result.fault) == (reason, address)
            assert result.output[:2048] == block


@pytest.mark.parametrize("number", [0, 92, 94, 0xFF, 0x108, 2**32 + 0x100, 2**63 + 0x100, 2**64 - 1])
def test_other_numbers_are_no_calls(number):
    elf = calling(number).elf(bytes(range(200)))
    for result in (Emulator(elf).run(b"", LIMIT), Emulator(elf).trace(b"", LIMIT).execution):
        assert (result.reason, result.fault) == ("unknown system call", number)
        assert result.output[:200] == bytes(range(200))


def test_a_trace_has_the_calls(monkeypatch):
    """Across slices too: instructions and calls run out of room in the middle."""
    monkeypatch.setattr("jovay.native.emulator._CALLED", 2)
    p = calling(MULMOD, times=5)
    p.words[-1:] = Program().li(10, BLOCK + 8).li(17, KECCAK_F)("ecall").li(17, 93)("ecall").words
    emulator = Emulator(p.elf(words(3, 5, 97)))
    trace, run = emulator.trace(b"", LIMIT), emulator.run(b"", LIMIT)
    assert trace.execution == run
    assert len(trace.steps) == run.cycles
    assert set(trace.calls) == {MULMOD, KECCAK_F}
    calls = trace.calls[MULMOD]
    assert calls.clock.tolist() == [23, 24, 25, 26, 27]
    assert calls.address.tolist() == [BLOCK] * 5
    assert calls.before[:, 0].tolist() == [3 * 5**k % 97 for k in range(5)]
    assert calls.after[:, 0].tolist() == [3 * 5**k % 97 for k in range(1, 6)]
    assert calls.before.shape == (5, 12)
    assert np.array_equal(calls.before[:, 1:], calls.after[:, 1:])
    (clock,) = trace.calls[KECCAK_F].clock.tolist()
    assert trace.steps["decoded"][clock - 1] == trace.steps["decoded"][22]
    assert trace.calls[KECCAK_F].address.tolist() == [BLOCK + 8]
    assert trace.calls[KECCAK_F].before.shape == (1, 25)


def test_operands_that_are_refused_are_no_call():
    trace = Emulator(calling(MULMOD).elf(words(1, 2, 0))).trace(b"", LIMIT)
    assert trace.execution.reason == "operands that a system call does not take"
    assert trace.calls == {}
    assert trace.steps["next_pc"][-1] == 1


def test_doublings_and_additions_walk_the_curve():
    p = Program().li(10, BLOCK).li(17, SECP256K1_DOUBLE)("ecall").li(17, SECP256K1_ADD)
    p("ecall")("ecall")("ecall").li(17, 93)("ecall")
    run = Emulator(p.elf(words(*GENERATOR, *GENERATOR))).run(b"", LIMIT)
    assert run.output[:128] == words(*multiple(5), *GENERATOR)
