"""The value of a blob's polynomial at a point, from the values at the 4,096 roots of unity that its words are.

They stand in bit-reversed order (EIP-4844), so two neighbours are f(x) and f(-x). The line through both, at x and
-x, has at z the value e(x²) + z·o(x²), where f(x) = e(x²) + x·o(x²). These 2,048 values at all x², again in that
order, are those of a polynomial whose value at z² is f(z). Twelve such foldings leave f(z) alone. Nothing is divided
by but roots, so z may be one of them; words behind the last that is not zero take no part. And 1/x of a folding's
pairs are the first half of those of the folding before.
"""

from ..lang import U64, U256, Ptr, Table, kernel, load256, store256
from ..words.arith import mulmod
from .bls12_381.curve import R

WORDS, WORD, LEVELS = 4096, 32, 12
#: A generator of the units of BLS12-381's scalar field (EIP-4844).
PRIMITIVE_ROOT = 7
_INVERSE = pow(PRIMITIVE_ROOT, -((R - 1) // WORDS), R)
#: 1/x where x is the word's root whose number has one bit alone: bit t of a pair's number stands for 2¹⁰⁻ᵗ.
INVERSE_ROOTS = Table(U256, (pow(_INVERSE, 1 << (LEVELS - 2 - bit), R) for bit in range(LEVELS - 1)))
MODULUS, HALF = U256(R), U256(pow(2, -1, R))


@kernel(inline=True)
def sum_of(a: U256, b: U256) -> U256:
    """a + b mod r, both below r."""
    found = a + b
    return found - MODULUS if found >= MODULUS else found


@kernel(inline=True)
def difference_of(a: U256, b: U256) -> U256:
    """a - b mod r, both below r."""
    return a - b if a >= b else a + MODULUS - b


@kernel
def fill_inverses(at: Ptr, count: U64) -> None:
    """1/2x of the first ``count`` (at least 1) pairs of words, 32 bytes each."""
    store256(at, HALF)
    done, bit = U64(1), U64(0)
    while done < count:
        more = done if count - done > done else count - done
        factor = INVERSE_ROOTS[bit]
        for i in range(more):
            store256(at + (done + U64(i)) * WORD, mulmod(load256(at + U64(i) * WORD), factor, MODULUS))
        done, bit = done + more, bit + 1


@kernel
def evaluate_blob(words: Ptr, count: U64, inverses: Ptr, z: U256) -> U256:
    """f(z) of the blob that begins with ``count`` (1 to 4,096) words below r at ``words``, 32 bytes little-endian each,
    which are folded in place; ``z`` below r. ``inverses`` has those of as many pairs.
    """
    for _ in range(LEVELS):
        half = (count + 1) // 2
        for i in range(half):
            at = words + U64(i) * (2 * WORD)
            a, b = load256(at), U256(0)
            if U64(i) * 2 + 1 < count:
                b = load256(at + WORD)
            share = HALF + mulmod(load256(inverses + U64(i) * WORD), z, MODULUS)  # (x + z)/2x, not reduced
            store256(words + U64(i) * WORD, sum_of(b, mulmod(difference_of(a, b), share, MODULUS)))
        count, z = half, mulmod(z, z, MODULUS)
    return load256(words)
