"""The buses of the machine, and what a message on each consists of."""

from __future__ import annotations

#: pc, operation, rd, rs1, rs2, immediate (modulo 2^64): an instruction of the program.
PROGRAM = 1
#: clock, pc: where the machine is.
STATE = 2
#: register, value, time stamp: what a register holds since then.
REGISTER = 3
#: operation, clock, pc, a, b, immediate, c, next pc: what an instruction does.
EXECUTE = 4
#: a number below 2^16.
RANGE = 5
#: exit status: what a program ends with.
EXIT = 6

#: x, y, x & y: bytes.
BYTES = 7
#: 1 for words of 32 bits, shift, 2^shift, the bits that an arithmetic shift of a negative word fills up with.
POWER = 8

#: number of a word of 8 bytes, 1 where it may be written, value, time stamp: what memory holds since then.
MEMORY = 9
#: bytes, offset in a word, 2^(8·offset), 1 where it reaches into the next word, 2^(8·bytes).
OFFSET = 10
#: rank, number of a word: the words of memory in order.
ORDER = 11
#: number of a word, value, 1 where it may be written: what a program brings.
IMAGE = 12
#: number of a word, value: what it holds at the end.
OUTPUT = 13

#: numbers of the first and the last word, 1 where the input lies, 1 where they may be written: what else memory has.
WINDOW = 15

#: system call, clock, index of a word: a block of memory on which the call works.
CALL = 14

#: clock, number of a word, its two elements before, and numbers that those after are congruent to.
POSEIDON2_WORD = 20
#: v and what is congruent to v³, four times; v as a layer makes it, or as all the internal rounds do.
POSEIDON2_CUBE = 21
POSEIDON2_WIDE_CUBE = 22

#: digits of 16 bits in base 8: Σ bitⱼ·8ʲ (Keccak's, and so are the next).
SPARSE = 28
#: a number below 2^16, its digits in base 8.
SPREAD = 29
#: clock, place, the five lanes of a plane: a quarter of a state before θ, and of one after π (``keccak.place``).
PLANES, ROTATED = 30, 31
#: clock, round, quarter and part, bits of lanes: what goes from quarter to quarter.
EXCHANGE = 32
#: round, quarter, a constant's bits: what is added in a round.
ROUND = 33
#: clock, index of a word, whether it is the row that adds the last constant: a row of the words of a state.
STATE_WORDS = 34

#: Bits of the numbers on ``RANGE``, and the next number.
LIMB_BITS = 16
LIMB = 1 << LIMB_BITS
WORD = 1 << 64
#: The pc of a machine that has stopped. No instruction leads there: a target is a sum of two words, less 2^64 at most.
STOPPED = -(1 << 100)
