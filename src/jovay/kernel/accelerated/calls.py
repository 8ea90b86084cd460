"""What functions for the guest make system calls with. ``riscv.calls`` says what calls do to their blocks.

A program is built with the machine's ``ecall`` in the place of ``system_call``, and zeroed writable memory in that of
``blocks``. Only CPython runs the functions as they stand here.
"""

from ..lang import U64, Ptr, Table, address_of, kernel
from ..riscv.calls import CARRY_OUT, KECCAK_F, MULMOD, POSEIDON2, SECP256K1_ADD, WORDS

#: Where the functions' blocks begin; points have one for additions and doublings.
POSEIDON2_AT = 0
KECCAK_AT = POSEIDON2_AT + 8 * WORDS[POSEIDON2]
MULMOD_AT = KECCAK_AT + 8 * WORDS[KECCAK_F]
POINTS_AT = MULMOD_AT + 8 * WORDS[MULMOD]
#: Room for 32 numbers of 256 bits.
NUMBERS_AT = POINTS_AT + 8 * WORDS[SECP256K1_ADD]
SIZE = NUMBERS_AT + 32 * 32

_BLOCKS = Table(U64, [0] * (SIZE // 8))


@kernel(inline=True)
def blocks() -> Ptr:
    """All blocks, one after the other, a multiple of 8: ``SIZE`` bytes that keep what is written to them."""
    return address_of(_BLOCKS)


@kernel(inline=True)
def system_call(number: U64, block: Ptr) -> None:
    """Have the machine do it; operands that it does not take end the program."""
    CARRY_OUT(number, block)
