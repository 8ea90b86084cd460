"""What precompiled contracts cost: functions ``(m, input, size) -> gas``, asked before a contract runs.

MODEXP's, which needs its operands' sizes and the exponent's first bytes, is in ``modexp`` (``modexp_price``).

Input that a contract refuses costs what its size says, if anything.
"""

from collections.abc import Callable

from ..lang import U64, Ptr, Table, kernel, load64be
from ..machine.machine import Machine
from ..protocol import gas
from ..protocol.msm_discounts import G1, G2

BLAKE2F_INPUT = 213
#: Bytes of input for each point, pair or product.
BN254_PAIR = 192
BLS_PAIR = 384
G1_PRODUCT, G2_PRODUCT = 160, 288


def fixed(cost: int) -> Callable:
    """The same price whatever the input is."""

    @kernel(name=f"fixed_{cost}")
    def price(m: Machine, input: Ptr, size: U64) -> U64:
        return U64(cost)

    return price


def by_fork(name: str, costs: Table) -> Callable:
    """A price that depends on the fork alone."""

    @kernel(name=f"by_fork_{name}")
    def price(m: Machine, input: Ptr, size: U64) -> U64:
        return costs[m.block.fork]

    return price


def per_word(base: int, word: int) -> Callable:
    """``base``, and ``word`` for each 32 bytes begun."""

    @kernel(name=f"per_word_{base}_{word}")
    def price(m: Machine, input: Ptr, size: U64) -> U64:
        return U64(base) + ((size + 31) >> 5) * word

    return price


@kernel
def ecpairing_price(m: Machine, input: Ptr, size: U64) -> U64:
    """EIP-1108"""
    fork = m.block.fork
    return gas.ECPAIRING_BASE[fork] + size // BN254_PAIR * gas.ECPAIRING_PER_POINT[fork]


@kernel
def blake2f_price(m: Machine, input: Ptr, size: U64) -> U64:
    """EIP-152: the rounds are the first four bytes."""
    return (load64be(input) >> 32) * gas.BLAKE2_PER_ROUND if size == BLAKE2F_INPUT else U64(0)


def msm(name: str, product: int, one: int, discounts: Table) -> Callable:
    """A multi-scalar multiplication (EIP-2537): ``one`` for each product of ``product`` bytes, less the discount."""
    most = len(discounts)

    @kernel(name=f"msm_{name}")
    def price(m: Machine, input: Ptr, size: U64) -> U64:
        count = size // product
        if count == 0:
            return U64(0)
        return count * one * discounts[(count if count < most else U64(most)) - 1] // 1000

    return price


g1msm_price = msm("g1", G1_PRODUCT, gas.BLS_G1_MUL, G1)
g2msm_price = msm("g2", G2_PRODUCT, gas.BLS_G2_MUL, G2)


@kernel
def bls_pairing_price(m: Machine, input: Ptr, size: U64) -> U64:
    """EIP-2537"""
    return U64(gas.BLS_PAIRING_BASE) + size // BLS_PAIR * gas.BLS_PAIRING_PER_POINT
