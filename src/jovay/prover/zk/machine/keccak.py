"""Keccak-f[1600]: a system call on 25 words.

A state goes through its 24 rounds in quarters of 16 bits of every lane. Bits are digits in base 8: digits of a sum of
up to seven bits say how many they are, and parities are what is left when twice something is taken away.

- ``keccak_words`` takes a plane's five words out of memory, or gives them back, and looks up their bits as digits.
- ``keccak_theta``, a row for a quarter of a round, takes this quarter of all lanes and sends θ, ρ and π of it. Columns
  of planes: Σ A = C + 2·two + 4·four. Lanes: A + C[x − 1] + rot C[x + 1] = A′ + 2·carry. By lookup, C and what is taken
  away are digits 0 and 1; A′ is, since who receives it shows its bits. So both sides agree digit by digit: they differ
  by less than 8 in each. By ρ a lane moves by quarters and by s more bits: its s top bits go to another quarter.
- ``keccak_chi``, a row for a quarter of a plane, has the bits of five lanes, and sends χ of them.
- ``keccak_rounds``, ``keccak_digits``: tables. A round's constant is added by θ of the next, the last one by
  ``keccak_words``.

A call has ten rows of words. Messages about states have the call's clock and a place that no other message of the call
has; what is received in one round is sent on in the next. So a call has as many rows of each kind and place as planes
went in and came out: one. ``docs/zk.md`` says what other layouts would cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jovay.kernel.hashes.keccak import ROUND_CONSTANTS
from jovay.kernel.riscv.calls import KECCAK_F, WORDS
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import EXCHANGE, LIMB_BITS, PLANES, ROTATED, ROUND, SPARSE, SPREAD, STATE_WORDS
from .calls import Calls, called, gap_names, given, taken
from .lookups import asked
from .parts import boolean, composed, flags, ranged, total

LANES, ROUNDS = 25, 24
#: A word has so many quarters, and a quarter so many bits.
QUARTERS, BITS = 4, LIMB_BITS
BASE = 8
#: A plane's number is below 2^16.
_PLACES = 1 << 18


def place(step: Any, plane: Any, quarter: Any) -> Any:
    """Before round ``step``, or in it: a plane's quarter."""
    return step * _PLACES + plane * QUARTERS + quarter


def _rotations() -> list[int]:
    """ρ: by how many bits each lane x + 5y is rotated to the left ("The Keccak reference", 1.2)."""
    found, x, y = [0] * LANES, 1, 0
    for t in range(ROUNDS):
        found[x + 5 * y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return found


ROTATIONS = _rotations()
#: π: the lane of each plane's five lanes.
SOURCES = [[(3 * plane + x) % 5 + 5 * x for x in range(5)] for plane in range(5)]
#: A row sends these quarters of the planes, counted from its own: those for which it has most itself.
_AHEAD = (2, 1, 1, 0, 3)


class Piece(NamedTuple):
    """The s ``top`` bits of a quarter of a lane, or the others."""

    lane: int
    top: bool

    @property
    def name(self) -> str:
        """The column in which a row has another quarter's."""
        return f"other_{'top' if self.top else 'low'}{self.lane}"


def _needed(plane: int, lane: int) -> list[tuple[int, Piece]]:
    """What a rotated quarter consists of, and how many quarters further it is found."""
    quarters, s = divmod(ROTATIONS[lane], BITS)
    low = ((_AHEAD[plane] - quarters) % QUARTERS, Piece(lane, False))
    top = ((_AHEAD[plane] - quarters - 1) % QUARTERS, Piece(lane, True))
    return [low, top] if s else [low]


#: What a row gets from the quarter so many further.
_RECEIVED = {
    distance: [
        piece
        for plane, lanes in enumerate(SOURCES)
        for lane in lanes
        for found, piece in _needed(plane, lane)
        if found == distance
    ]
    for distance in range(1, QUARTERS)
}
#: Of a message: it has one more value, and 12 are the most.
_MOST_PIECES = 11
_MOVED = [lane for lane in range(LANES) if ROTATIONS[lane] % BITS]
_QUARTER_FLAGS = tuple(f"quarter{q}" for q in range(QUARTERS))


def sparse(digits: Sequence[Any]) -> Any:
    """Σ digitⱼ·8ʲ."""
    *rest, found = digits
    for digit in reversed(rest):
        found = found * BASE + digit
    return found


# ---- θ, ρ, π ----------------------------------------------------------------------------------------------------

_THETA_COLUMNS = (
    *("clock", "round", *_QUARTER_FLAGS, "constant"),
    *(f"{name}{x}" for name in ("two", "four", "highest", "below") for x in range(5)),
    *(f"{name}{lane}" for name in ("lane", "carry") for lane in range(LANES)),
    *("more", *(f"top{lane}" for lane in _MOVED)),
    *(piece.name for distance in _RECEIVED for piece in _RECEIVED[distance]),
)


def _theta_constraints(row: Row) -> list[Any]:
    return [*flags(row, _QUARTER_FLAGS), *map(boolean, row.many("highest"))]


def _parities(row: Row) -> list[Any]:
    """C: of each column x of planes, with the constant; at most 6."""
    lanes, two, four = (list(row.many(name)) for name in ("lane", "two", "four"))
    sums = [total(lanes[x::5]) for x in range(5)]
    sums[0] = sums[0] + row.constant
    return [sums[x] - 2 * two[x] - 4 * four[x] for x in range(5)]


def _mixed(row: Row, parities: Sequence[Any]) -> list[Any]:
    """A′, the lanes after θ: it has no digit beyond the quarter, so ``highest`` is what C has as its highest."""
    highest, below = list(row.many("highest")), list(row.many("below"))
    turned = [BASE * (parities[x] - BASE ** (BITS - 1) * highest[x]) + below[x] for x in range(5)]
    effects = [parities[(x + 4) % 5] + turned[(x + 1) % 5] for x in range(5)]
    pairs = zip(row.many("lane"), row.many("carry"), strict=True)
    mixed = [lane + effects[at % 5] - 2 * carry for at, (lane, carry) in enumerate(pairs)]
    mixed[0] = mixed[0] + row.constant - 2 * row.more
    return mixed


def _pieces(row: Row, mixed: Sequence[Any]) -> dict[Piece, Any]:
    """What ρ cuts the lanes into.

    8^(16 − s)·top is looked up, so that top has s digits once it is known to be whole. That it is: in the four quarters
    of a lane, tops less 8^16 times the next are whole, so top is a fraction by 8^64 − 1; and 8 is prime to that.
    """
    found = {Piece(lane, False): mixed[lane] for lane in range(LANES)}
    for lane in _MOVED:
        top = getattr(row, f"top{lane}")
        found[Piece(lane, True)] = top
        found[Piece(lane, False)] = mixed[lane] - BASE ** (BITS - ROTATIONS[lane] % BITS) * top
    return found


def _quarter(row: Row, ahead: int) -> Any:
    """The number of the quarter so many further."""
    return total([flag * ((q + ahead) % QUARTERS) for q, flag in enumerate(row.many("quarter"))])


def _exchanged(row: Row, pieces: dict[Piece, Any], used: Any) -> Iterator[Message]:
    """A quarter gets pieces, and what was the highest bits of C, from those that are so many further."""
    moment = row.clock * (1 << 5) + row.round
    part = 0
    for distance, wanted in _RECEIVED.items():
        sent, got = [pieces[piece] for piece in wanted], [getattr(row, piece.name) for piece in wanted]
        if distance == QUARTERS - 1:
            sent, got = [*sent, *row.many("highest")], [*got, *row.many("below")]
        for at in range(0, len(sent), _MOST_PIECES):
            for times, where, values in ((used, 0, sent), (-used, distance, got)):
                key = (moment * QUARTERS + _quarter(row, where)) * QUARTERS + part
                yield Message(EXCHANGE, times, (key, *values[at : at + _MOST_PIECES]))
            part += 1


def _theta_messages(row: Row) -> list[Message]:
    used, own = total(list(row.many("quarter"))), _quarter(row, 0)
    lanes, parities = list(row.many("lane")), _parities(row)
    pieces = _pieces(row, _mixed(row, parities))
    digits = [*parities, *row.many("two"), *row.many("four"), *row.many("carry"), row.more]
    digits += [BASE ** (BITS - ROTATIONS[lane] % BITS) * pieces[Piece(lane, True)] for lane in _MOVED]
    found = [Message(ROUND, used, (row.round, own, row.constant))]
    for plane, sources in enumerate(SOURCES):
        before = lanes[5 * plane : 5 * plane + 5]
        found.append(Message(PLANES, -used, (row.clock, place(row.round, plane, own), *before)))
        where = place(row.round, plane, _quarter(row, _AHEAD[plane]))
        after = [_rotated(row, plane, lane, pieces) for lane in sources]
        found.append(Message(ROTATED, used, (row.clock, where, *after)))
    found += _exchanged(row, pieces, used)
    return found + [Message(SPARSE, used, (each,)) for each in digits]


def _rotated(row: Row, plane: int, lane: int, pieces: dict[Piece, Any]) -> Any:
    """A quarter of a lane after ρ: top bits of one quarter below the others of the next."""
    low, *top = (
        getattr(row, piece.name) if distance else pieces[piece] for distance, piece in _needed(plane, lane)
    )
    return total([BASE ** (ROTATIONS[lane] % BITS) * low, *top]) if top else low


THETA = Chip("keccak_theta", _THETA_COLUMNS, _theta_constraints, _theta_messages)

# ---- χ ----------------------------------------------------------------------------------------------------------

_CHI_COLUMNS = (
    *("used", "clock", "place"),
    *(f"after{x}" for x in range(5)),
    *(f"bit{BITS * x + j}" for x in range(5) for j in range(BITS)),
)


def _bits(row: Row) -> list[list[Any]]:
    bits = list(row.many("bit"))
    return [bits[BITS * x : BITS * x + BITS] for x in range(5)]


def _chi(a: Any, b: Any, c: Any) -> Any:
    """a xor (not b and c)."""
    both = (1 - b) * c
    return a + both - 2 * (a * both)


def _chi_constraints(row: Row) -> list[Any]:
    bits = _bits(row)
    found = [boolean(row.used), *map(boolean, row.many("bit"))]
    for x, after in enumerate(row.many("after")):
        three = zip(bits[x], bits[(x + 1) % 5], bits[(x + 2) % 5], strict=True)
        found.append(after - sparse([_chi(*each) for each in three]))
    return found


def _chi_messages(row: Row) -> list[Message]:
    before, after = [sparse(each) for each in _bits(row)], list(row.many("after"))
    return [
        Message(ROTATED, -row.used, (row.clock, row.place, *before)),
        Message(PLANES, row.used, (row.clock, row.place + _PLACES, *after)),
    ]


CHI = Chip("keccak_chi", _CHI_COLUMNS, _chi_constraints, _chi_messages)

# ---- words and their digits ------------------------------------------------------------------------------------

_LAST = ROUND_CONSTANTS.values[ROUNDS - 1]
_FLIPPED = [bit for bit in range(64) if _LAST >> bit & 1]
_WORDS_COLUMNS = (
    *("take", "give", "first", "last", "clock", "index", "plane", *gap_names(5)),
    *(f"{name}{QUARTERS * x + q}" for name in ("limb", "digits") for x in range(5) for q in range(QUARTERS)),
    *(f"flip{i}" for i in range(len(_FLIPPED))),
)


def _words_constraints(row: Row) -> list[Any]:
    """The first row takes plane 0, the last gives it, and there the last constant is added."""
    flips = list(row.many("flip"))
    return [
        *flags(row, ("take", "give")),
        *map(boolean, (row.first, row.last, *flips)),
        row.first * (1 - row.take),
        row.last * (1 - row.give),
        (row.first + row.last) * row.plane,
        *(flip * (1 - row.last) for flip in flips),
    ]


def _words_messages(row: Row) -> list[Message]:
    """A digit before the constant is the one after it, less 1 where the constant is, and 2 if that makes it −1."""
    used, digits, limbs = row.take + row.give, list(row.many("digits")), list(row.many("limb"))
    start = row.index - 5 * row.plane
    found = [
        called(row, KECCAK_F, row.first),
        Message(STATE_WORDS, -used, (row.clock, start, row.last)),
        Message(STATE_WORDS, 9 * row.first, (row.clock, start, 0 * row.first)),
        Message(STATE_WORDS, row.first, (row.clock, start, row.first)),
        *ranged([row.plane], used),
        *(Message(SPREAD, used, pair) for pair in zip(limbs, digits, strict=True)),
    ]
    for x in range(5):
        word = composed(limbs[QUARTERS * x : QUARTERS * x + QUARTERS])
        found += [*taken(row, x, word, row.take), given(row, x, word, row.give)]
    for bit, flip in zip(_FLIPPED, row.many("flip"), strict=True):
        at = bit // BITS
        digits[at] = digits[at] + BASE ** (bit % BITS) * (2 * flip - row.last)
    for q in range(QUARTERS):
        where = place(ROUNDS * row.give, row.plane, q * used)
        found.append(Message(PLANES, row.take - row.give, (row.clock, where, *digits[q::QUARTERS])))
    return found


WORDS_CHIP = Chip("keccak_words", _WORDS_COLUMNS, _words_constraints, _words_messages)

# ---- tables -----------------------------------------------------------------------------------------------------

_CONSTANT = ("round", "quarter", "constant")
ROUND_TABLE = Chip(
    "keccak_rounds",
    ("times",),
    lambda row: [],
    lambda row: [Message(ROUND, -row.times, tuple(getattr(row, name) for name in _CONSTANT))],
    fixed=_CONSTANT,
)
DIGIT_TABLE = Chip(
    "keccak_digits",
    ("times", "pairs"),
    lambda row: [],
    lambda row: [
        Message(SPARSE, -row.times, (row.digits,)),
        Message(SPREAD, -row.pairs, (row.index, row.digits)),
    ],
    fixed=("digits",),
    computed=("index",),
)

CALLS: Mapping[int, int] = {KECCAK_F: WORDS[KECCAK_F]}
CHIPS: tuple[Chip, ...] = (WORDS_CHIP, THETA, CHI, ROUND_TABLE, DIGIT_TABLE)


def fixed() -> list[Table]:
    """For the verification key."""
    none = np.zeros(1, np.uint64)
    return [
        Table.of_words(ROUND_TABLE, [none], _round_columns()),
        Table.of_words(DIGIT_TABLE, [none, none], [DIGITS]),
    ]


def tables(calls: Calls) -> list[Table]:
    """Those of a run."""
    rounds, last = _rounds(calls.before.T)
    theta, chi = _theta_columns(calls.clock, rounds), _chi_columns(calls.clock, rounds, last)
    words = _words_columns(calls)
    made = [
        Table.of_words(WORDS_CHIP, [words[name] for name in _WORDS_COLUMNS]),
        Table.of_words(THETA, [theta[name] for name in _THETA_COLUMNS]),
        Table.of_words(CHI, [chi[name] for name in _CHI_COLUMNS]),
    ]
    each = np.full(ROUNDS * QUARTERS, len(calls), np.uint64)
    times = [_counted(asked(made, bus)) for bus in (SPARSE, SPREAD)]
    return [
        *made,
        Table.of_words(ROUND_TABLE, [each], _round_columns()),
        Table.of_words(DIGIT_TABLE, times, [DIGITS]),
    ]


def _counted(questions: Iterator[list[U64]]) -> U64:
    """How often each number's digits, the last value of a message, are asked for; what has others is not there."""
    times = np.zeros(1 << BITS, np.int64)
    for *_, digits in questions:
        numbers = np.minimum(np.searchsorted(DIGITS, digits), (1 << BITS) - 1)
        times += np.bincount(numbers[DIGITS[numbers] == digits], minlength=1 << BITS)
    return times.astype(np.uint64)


#: Σ digitⱼ·8ʲ of all numbers of 16 bits.
DIGITS: U64 = sparse(
    [np.arange(1 << BITS, dtype=np.uint64) >> np.uint64(j) & np.uint64(1) for j in range(BITS)]
)
#: What is added in θ of each round.
_ADDED = np.array([0, *ROUND_CONSTANTS.values[: ROUNDS - 1]], np.uint64)


def _quarters(words: U64) -> U64:
    """One axis more."""
    return np.ascontiguousarray(words)[..., None].view("<u2").astype(np.uint64)


def _round_columns() -> list[U64]:
    steps, quarters = np.indices((ROUNDS, QUARTERS)).astype(np.uint64)
    return [steps.ravel(), quarters.ravel(), DIGITS[_quarters(_ADDED).ravel()]]


def _rotated_left(words: U64, by: int) -> U64:
    return words << np.uint64(by) | words >> np.uint64(64 - by) if by else words


def _majority(a: U64, b: U64, c: U64) -> U64:
    return a & b | c & (a | b)


Words = dict[str, U64]


def _rounds(states: U64) -> tuple[list[Words], list[U64]]:
    """Of states, shape (lanes, calls): what each round has, and the lanes after the last, without its constant."""
    lanes, found = list(states), list[Words]()
    for constant in _ADDED:
        words = _one_round(lanes, constant)
        found.append(words)
        planes = [[words[f"rotated{lane}"] for lane in sources] for sources in SOURCES]
        lanes = [b[x] ^ ~b[(x + 1) % 5] & b[(x + 2) % 5] for b in planes for x in range(5)]
    return found, lanes


def _one_round(lanes: list[U64], constant: U64) -> Words:
    """The columns of ``THETA`` as whole words, and C, A′, and that rotated."""
    found: Words = {f"lane{at}": lane for at, lane in enumerate(lanes)}
    parities, added = list[U64](), np.broadcast_to(constant, lanes[0].shape)
    for x in range(5):
        a, b, c, d, e = lanes[x::5]
        f = added if x == 0 else np.zeros_like(added)
        left, right = a ^ b ^ c, d ^ e ^ f
        carries = _majority(a, b, c), _majority(d, e, f), left & right
        found[f"two{x}"] = carries[0] ^ carries[1] ^ carries[2]
        found[f"four{x}"] = _majority(*carries)
        parities.append(left ^ right)
        found[f"parity{x}"] = parities[x]
    for at, lane in enumerate(lanes):
        left, right = parities[(at + 4) % 5], _rotated_left(parities[(at + 1) % 5], 1)
        mixed = lane ^ left ^ right
        found[f"carry{at}"] = _majority(lane, left, right)
        if at == 0:
            found["more"], found["constant"], mixed = mixed & added, added, mixed ^ added
        found[f"mixed{at}"], found[f"rotated{at}"] = mixed, _rotated_left(mixed, ROTATIONS[at])
    return found


def _theta_columns(clock: U64, rounds: list[Words]) -> Words:
    quarters = {name: _quarters(np.stack([words[name] for words in rounds], 1)) for name in rounds[0]}
    found: Words = {name: DIGITS[quarter] for name, quarter in quarters.items() if name in _THETA_COLUMNS}
    for x in range(5):
        found[f"highest{x}"] = quarters[f"parity{x}"] >> np.uint64(BITS - 1)
        found[f"below{x}"] = np.roll(found[f"highest{x}"], 1, -1)
    pieces = dict[Piece, U64]()
    for lane in range(LANES):
        mixed, rest = quarters[f"mixed{lane}"], np.uint64(BITS - ROTATIONS[lane] % BITS)
        top = mixed >> rest
        pieces[Piece(lane, False)], pieces[Piece(lane, True)] = DIGITS[mixed - (top << rest)], DIGITS[top]
    found |= {f"top{lane}": pieces[Piece(lane, True)] for lane in _MOVED}
    for distance, wanted in _RECEIVED.items():
        found |= {piece.name: np.roll(pieces[piece], -distance, -1) for piece in wanted}
    _, steps, numbers = np.indices((len(clock), ROUNDS, QUARTERS)).astype(np.uint64)
    found["clock"], found["round"] = np.broadcast_to(clock[:, None, None], steps.shape), steps
    found |= {f"quarter{q}": (numbers == q).astype(np.uint64) for q in range(QUARTERS)}
    return {name: column.ravel() for name, column in found.items()}


def _chi_columns(clock: U64, rounds: list[Words], last: list[U64]) -> Words:
    states = [[words[f"lane{lane}"] for lane in range(LANES)] for words in rounds[1:]] + [last]
    _, steps, planes, quarters = np.indices((len(clock), ROUNDS, 5, QUARTERS)).astype(np.uint64)
    found: Words = {
        "used": np.ones_like(steps),
        "clock": np.broadcast_to(clock[:, None, None, None], steps.shape),
        "place": place(steps, planes, quarters),
    }
    for x in range(5):
        before = [[words[f"rotated{sources[x]}"] for sources in SOURCES] for words in rounds]
        after = [[lanes[5 * plane + x] for plane in range(5)] for lanes in states]
        found[f"after{x}"] = DIGITS[_quarters(np.array(after).transpose(2, 0, 1))]
        bits = _quarters(np.array(before).transpose(2, 0, 1))
        found |= {f"bit{BITS * x + j}": bits >> np.uint64(j) & np.uint64(1) for j in range(BITS)}
    return {name: column.ravel() for name, column in found.items()}


def _words_columns(calls: Calls) -> Words:
    words = np.stack([calls.before, calls.after], 1).reshape(len(calls), 2, 5, 5)
    gaps = np.stack([calls.gaps, np.zeros_like(calls.gaps)], 1).reshape(words.shape)
    _, given_back, planes = np.indices(words.shape[:3]).astype(np.uint64)
    one, last = np.uint64(1), (given_back == 1) & (planes == 0)
    found: Words = {
        "take": one - given_back,
        "give": given_back,
        "first": ((given_back == 0) & (planes == 0)).astype(np.uint64),
        "last": last.astype(np.uint64),
        "clock": np.broadcast_to(calls.clock[:, None, None], planes.shape),
        "index": calls.index[:, None, None] + 5 * planes,
        "plane": planes,
    }
    limbs = _quarters(words)
    for x in range(5):
        found[f"gap{x}"] = gaps[..., x]
        for q in range(QUARTERS):
            found[f"limb{QUARTERS * x + q}"] = limbs[..., x, q]
            found[f"digits{QUARTERS * x + q}"] = DIGITS[limbs[..., x, q]]
    for i, bit in enumerate(_FLIPPED):
        found[f"flip{i}"] = last & (words[..., 0] >> np.uint64(bit) & one == 0)
    return {name: column.ravel().astype(np.uint64) for name, column in found.items()}
