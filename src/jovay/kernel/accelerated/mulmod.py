"""Products modulo 256-bit numbers by the machine."""

from ..lang import U256, Ptr, kernel, load256, store256
from ..riscv.calls import MULMOD
from .calls import MULMOD_AT, blocks, system_call


@kernel(inline=True)
def modulo(m: U256) -> Ptr:
    """The block of multiplications modulo ``m``: they are made in its first number, until the next ``modulo``."""
    block = blocks() + MULMOD_AT
    store256(block + 64, m)
    return block


@kernel(inline=True)
def multiply(block: Ptr, x: U256) -> None:
    store256(block + 32, x)
    system_call(MULMOD, block)


@kernel(inline=True)
def product(block: Ptr, x: U256, y: U256) -> U256:
    store256(block, x)
    multiply(block, y)
    return load256(block)


@kernel(inline=False)
def mulmod(a: U256, b: U256, m: U256) -> U256:
    """``words.arith.mulmod``."""
    if m == 0:
        return U256(0)
    block = modulo(m)
    store256(block, a)
    if a >= m:  # the quotient has to be below 2**256
        multiply(block, U256(1))
    multiply(block, b)
    return load256(block)


@kernel(inline=False)
def addmod(a: U256, b: U256, m: U256) -> U256:
    """``words.arith.addmod``."""
    if m == 0:
        return U256(0)
    block = modulo(m)
    x, y = product(block, a, U256(1)), product(block, b, U256(1))
    total = x + y
    return total - m if total < x or total >= m else total
