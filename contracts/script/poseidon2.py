"""Prints `src/lib/Poseidon2.sol`, with the constants of the kernel: `python contracts/script/poseidon2.py`.

Cheap on the EVM: full rounds work on four elements a word; elements of partial rounds stay unreduced for seven of them,
and the internal layer is unrolled with its diagonal as literals.
"""

from __future__ import annotations

from collections.abc import Sequence

from jovay.kernel.hashes.poseidon2_constants import DIAGONAL, EXTERNAL_FINAL, EXTERNAL_INITIAL, INTERNAL

#: Internal rounds after which all elements are reduced: the first makes 2**70 of 2**38, each further one 2**31 more.
REDUCE_EVERY = 7
#: Where partial rounds keep their elements: behind all that the contracts which use this allocate (checked).
SCRATCH = 0x1000

TEMPLATE = """\
// SPDX-License-Identifier: Apache-2.0
// Printed by script/poseidon2.py from the kernel's constants.
pragma solidity ^0.8.28;

/// Poseidon2 over KoalaBear, width 16, as the zkTrie uses it (docs/zktrie.md). A digest is eight 32-bit words, each
/// little-endian and below P.
library Poseidon2 {{
    uint256 internal constant P = 0x7f000001;

    error ElementOutOfRange(bytes32 digest);

    /// The 2-to-1 compression: the first half of the permutation of left ‖ right, plus left.
    function compress(bytes32 left, bytes32 right) internal pure returns (bytes32) {{
        uint256 a = _checked(left);
        uint256 b = _checked(right);
        uint256 packed;
        assembly ("memory-safe") {{
            // Full rounds work on four words, word j with the elements j, 4 + j, 8 + j, 12 + j in lanes of 64 bits, so
            // that M4 is a few additions of words; partial rounds on sixteen words of memory behind the free pointer.
            function lanes(x, y, shift) -> w {{
                w := shl(192, and(shr(add(shift, 128), x), 0xffffffff))
                w := or(w, shl(128, and(shr(shift, x), 0xffffffff)))
                w := or(w, shl(64, and(shr(add(shift, 128), y), 0xffffffff)))
                w := or(w, and(shr(shift, y), 0xffffffff))
            }}
            function cubes(w) -> y {{
                let x := shr(192, w)
                y := shl(192, mod(mul(mul(x, x), x), 0x7f000001))
                x := and(shr(128, w), 0xffffffffffffffff)
                y := or(y, shl(128, mod(mul(mul(x, x), x), 0x7f000001)))
                x := and(shr(64, w), 0xffffffffffffffff)
                y := or(y, shl(64, mod(mul(mul(x, x), x), 0x7f000001)))
                x := and(w, 0xffffffffffffffff)
                y := or(y, mod(mul(mul(x, x), x), 0x7f000001))
            }}
            // x + the sum of its lanes in every lane: multiplied by {ones}, the highest lane is that sum.
            function column(x) -> y {{
                y := add(x, mul(shr(192, mul(x, {ones})), {ones}))
            }}
            function external(w0, w1, w2, w3) -> y0, y1, y2, y3 {{
                let low := add(w0, w1)
                let high := add(w2, w3)
                let total := add(low, high)
                y0 := column(add(add(total, low), w1))
                y1 := column(add(add(total, w1), add(w2, w2)))
                y2 := column(add(add(total, high), w3))
                y3 := column(add(add(total, w3), add(w0, w0)))
            }}
            function unpack(s, w) {{
                mstore(s, mod(shr(192, w), 0x7f000001))
                mstore(add(s, 0x80), mod(and(shr(128, w), 0xffffffffffffffff), 0x7f000001))
                mstore(add(s, 0x100), mod(and(shr(64, w), 0xffffffffffffffff), 0x7f000001))
                mstore(add(s, 0x180), mod(and(w, 0xffffffffffffffff), 0x7f000001))
            }}
            function pack(s) -> w {{
                w := shl(192, mod(mload(s), 0x7f000001))
                w := or(w, shl(128, mod(mload(add(s, 0x80)), 0x7f000001)))
                w := or(w, shl(64, mod(mload(add(s, 0x100)), 0x7f000001)))
                w := or(w, mod(mload(add(s, 0x180)), 0x7f000001))
            }}
            function internal_(constant) {{
                let first := mod(add(mload({first}), constant), 0x7f000001)
                first := mod(mul(mul(first, first), first), 0x7f000001)
                let total := {total}
                mstore({first}, add(total, mul(first, {diagonal0})))
{internal}
            }}
            function reduce() {{
{reduce}
            }}
            function output(w, x, shift) -> y {{
                y := shl(add(shift, 128), mod(add(shr(192, w), and(shr(add(shift, 128), x), 0xffffffff)), 0x7f000001))
                let second := add(and(shr(128, w), 0xffffffffffffffff), and(shr(shift, x), 0xffffffff))
                y := or(y, shl(shift, mod(second, 0x7f000001)))
            }}
            let w0, w1, w2, w3 := external(lanes(a, b, 96), lanes(a, b, 64), lanes(a, b, 32), lanes(a, b, 0))
{initial}
            if gt(mload(0x40), {first}) {{ revert(0, 0) }}
            unpack({first}, w0)
            unpack({second}, w1)
            unpack({third}, w2)
            unpack({fourth}, w3)
{partial}
            w0 := pack({first})
            w1 := pack({second})
            w2 := pack({third})
            w3 := pack({fourth})
{final}
            packed := or(or(output(w0, a, 96), output(w1, a, 64)), or(output(w2, a, 32), output(w3, a, 0)))
        }}
        return pack(packed);
    }}

    /// The digest with `amount` added to its first element.
    function offset(bytes32 digest, uint256 amount) internal pure returns (bytes32) {{
        uint256 lanes = unpack(digest);
        uint256 first = ((lanes >> 224) + amount) % P;
        return pack((first << 224) | (lanes & (type(uint256).max >> 32)));
    }}

    /// A digest of elements in 32-bit lanes, the first in the highest.
    function pack(uint256 lanes) internal pure returns (bytes32) {{
        return bytes32(_swap(lanes));
    }}

    /// A digest's elements in 32-bit lanes, the first in the highest.
    function unpack(bytes32 digest) internal pure returns (uint256) {{
        return _swap(uint256(digest));
    }}

    /// The same, all below P: adding 2³² − P to a larger one would carry into the lane beside it.
    function _checked(bytes32 digest) private pure returns (uint256 lanes) {{
        lanes = unpack(digest);
        uint256 even = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
        uint256 excess = 0x0000000080ffffff0000000080ffffff0000000080ffffff0000000080ffffff;
        uint256 carries = (((lanes & even) + excess) | (((lanes >> 32) & even) + excess)) & ~even;
        if (carries != 0) revert ElementOutOfRange(digest);
    }}

    /// The bytes of every 32-bit lane turned round.
    function _swap(uint256 x) private pure returns (uint256) {{
        uint256 even = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
        x = ((x & even) << 8) | ((x >> 8) & even);
        uint256 halves = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
        return ((x & halves) << 16) | ((x >> 16) & halves);
    }}
}}
"""


def at(index: int) -> str:
    """Address of an element in partial rounds: fixed, since a sum costs as much as the access."""
    return f"{SCRATCH + 32 * index:#x}"


def total() -> str:
    """The sum of the cubed first element and the others, as a balanced tree."""
    terms = ["first", *(f"mload({at(i)})" for i in range(1, 16))]
    while len(terms) > 1:
        terms = [f"add({a}, {b})" for a, b in zip(terms[::2], terms[1::2], strict=True)]
    return terms[0]


def full(row: Sequence[int]) -> str:
    """A full round, its constants in the lanes of four words."""
    words = ["0x" + "".join(f"{c:016x}" for c in row[j::4]) for j in range(4)]
    lines = [f"w{j} := cubes(add(w{j}, {word}))" for j, word in enumerate(words)]
    lines.append("w0, w1, w2, w3 := external(w0, w1, w2, w3)")
    return "\n".join(f"            {line}" for line in lines)


def internal(index: int) -> str:
    """An element's line of the internal layer."""
    product = (
        f"mload({at(index)})" if DIAGONAL[index] == 1 else f"mul(mload({at(index)}), {DIAGONAL[index]:#x})"
    )
    return f"                mstore({at(index)}, add(total, {product}))"


def reduce(index: int) -> str:
    """An element's line of the reduction."""
    return f"                mstore({at(index)}, mod(mload({at(index)}), 0x7f000001))"


def partial() -> str:
    """All internal rounds."""
    lines = []
    for number, constant in enumerate(INTERNAL):
        if number and number % REDUCE_EVERY == 0:
            lines.append("            reduce()")
        lines.append(f"            internal_({constant:#010x})")
    return "\n".join(lines)


def source() -> str:
    """The Solidity file."""
    return TEMPLATE.format(
        total=total(),
        reduce="\n".join(map(reduce, range(16))),
        first=at(0),
        second=at(1),
        third=at(2),
        fourth=at(3),
        ones="0x" + f"{1:016x}" * 4,
        diagonal0=f"{DIAGONAL[0]:#x}",
        internal="\n".join(internal(i) for i in range(1, 16)),
        initial="\n".join(map(full, EXTERNAL_INITIAL)),
        partial=partial(),
        final="\n".join(map(full, EXTERNAL_FINAL)),
    )


if __name__ == "__main__":
    print(source(), end="")
