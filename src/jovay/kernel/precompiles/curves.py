"""Elliptic curves (EIP-196, EIP-197, EIP-4844, EIP-2537, EIP-7951)."""

from ..curves.bls12_381.precompiles import (
    bls_g1add,
    bls_g1msm,
    bls_g2add,
    bls_g2msm,
    bls_map_fp2_to_g2,
    bls_map_fp_to_g1,
    bls_pairing,
)
from ..curves.bn254.precompiles import bn254_add, bn254_mul, bn254_pairing
from ..curves.kzg import point_evaluation
from ..curves.p256 import p256_verify
from ..lang import U64, U256, Ptr, kernel, load256be, store256be
from ..machine.machine import Machine
from .prices import BLS_PAIR, BN254_PAIR, G1_PRODUCT, G2_PRODUCT
from .support import Answer, answer, failed, padded_input

#: Padded input stands at the start of the scratch arena, the curves' own scratch behind it.
WORK = 1024


@kernel
def finish(bad: U64, size: U64) -> Answer:
    """Answer with ``size`` bytes, or fail the call where the curve code said that the input is invalid."""
    return failed() if bad != 0 else answer(size)


@kernel
def is_list(size: U64, item: U64) -> bool:
    """Whether input of ``size`` bytes is one or more whole items."""
    return size != 0 and size % item == 0


@kernel(inline=False)
def ec_add(m: Machine, input: Ptr, size: U64) -> Answer:
    """BN254 addition."""
    data = padded_input(m, input, size, U64(128))
    return finish(bn254_add(data, m.returned.data, m.scratch.start + WORK), U64(64))


@kernel(inline=False)
def ec_mul(m: Machine, input: Ptr, size: U64) -> Answer:
    """BN254 scalar multiplication."""
    data = padded_input(m, input, size, U64(96))
    return finish(bn254_mul(data, m.returned.data, m.scratch.start + WORK), U64(64))


@kernel(inline=False)
def ec_pairing(m: Machine, input: Ptr, size: U64) -> Answer:
    """BN254 pairing check; of nothing, it holds."""
    if size % BN254_PAIR != 0:
        return failed()
    return finish(bn254_pairing(input, size, m.returned.data, m.scratch.start + WORK), U64(32))


@kernel(inline=False)
def point_evaluation_(m: Machine, input: Ptr, size: U64) -> Answer:
    """KZG point evaluation."""
    if size != 192:
        return failed()
    return finish(point_evaluation(input, m.returned.data, m.scratch.start + WORK), U64(64))


@kernel(inline=False)
def g1add(m: Machine, input: Ptr, size: U64) -> Answer:
    return finish(bls_g1add(input, size, m.returned.data, m.scratch.start + WORK), U64(128))


@kernel(inline=False)
def g1msm(m: Machine, input: Ptr, size: U64) -> Answer:
    if not is_list(size, U64(G1_PRODUCT)):
        return failed()
    return finish(bls_g1msm(input, size, m.returned.data, m.scratch.start + WORK), U64(128))


@kernel(inline=False)
def g2add(m: Machine, input: Ptr, size: U64) -> Answer:
    return finish(bls_g2add(input, size, m.returned.data, m.scratch.start + WORK), U64(256))


@kernel(inline=False)
def g2msm(m: Machine, input: Ptr, size: U64) -> Answer:
    if not is_list(size, U64(G2_PRODUCT)):
        return failed()
    return finish(bls_g2msm(input, size, m.returned.data, m.scratch.start + WORK), U64(256))


@kernel(inline=False)
def pairing(m: Machine, input: Ptr, size: U64) -> Answer:
    """BLS12-381 pairing check."""
    if not is_list(size, U64(BLS_PAIR)):
        return failed()
    return finish(bls_pairing(input, size, m.returned.data, m.scratch.start + WORK), U64(32))


@kernel(inline=False)
def map_fp(m: Machine, input: Ptr, size: U64) -> Answer:
    return finish(bls_map_fp_to_g1(input, size, m.returned.data, m.scratch.start + WORK), U64(128))


@kernel(inline=False)
def map_fp2(m: Machine, input: Ptr, size: U64) -> Answer:
    return finish(bls_map_fp2_to_g2(input, size, m.returned.data, m.scratch.start + WORK), U64(256))


@kernel(inline=False)
def p256verify(m: Machine, input: Ptr, size: U64) -> Answer:
    """secp256r1 signature check; no output where it fails."""
    if size != 160:
        return answer(U64(0))
    r, s = load256be(input + 32), load256be(input + 64)
    if not p256_verify(load256be(input), r, s, load256be(input + 96), load256be(input + 128)):
        return answer(U64(0))
    store256be(m.returned.data, U256(1))
    return answer(U64(32))
