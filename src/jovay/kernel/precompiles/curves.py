"""0x06–0x08, 0x0a–0x11, 0x100: elliptic curves (EIP-1108, EIP-4844, EIP-2537, EIP-7951)."""

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
from ..machine.status import PRECOMPILE_FAILED
from ..protocol.gas import ECADD, ECMUL, ECPAIRING_BASE, ECPAIRING_PER_POINT
from ..protocol.msm_discounts import G1, G2
from .support import Answer, answer, out_of_gas, padded_input

EC_ADD, EC_MUL, EC_PAIRING_BASE, EC_PAIRING_PAIR = ECADD, ECMUL, ECPAIRING_BASE, ECPAIRING_PER_POINT
#: Padded input stands at the start of the scratch arena, the curves' own scratch behind it.
WORK = 1024


@kernel
def finish(m: Machine, bad: U64, size: U64, gas: U64) -> Answer:
    """Answer with ``size`` bytes, or fail the call where the curve code said that the input is invalid."""
    if bad != 0:
        return U64(PRECOMPILE_FAILED), U64(0)
    return answer(m, size, gas)


@kernel(inline=False)
def ec_add(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x06: BN254 addition"""
    cost = EC_ADD[m.block.fork]
    if gas < cost:
        return out_of_gas()
    data = padded_input(m, input, size, U64(128))
    return finish(m, bn254_add(data, m.return_arena, m.scratch + WORK), U64(64), gas - cost)


@kernel(inline=False)
def ec_mul(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x07: BN254 scalar multiplication"""
    cost = EC_MUL[m.block.fork]
    if gas < cost:
        return out_of_gas()
    data = padded_input(m, input, size, U64(96))
    return finish(m, bn254_mul(data, m.return_arena, m.scratch + WORK), U64(64), gas - cost)


@kernel(inline=False)
def ec_pairing(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x08: BN254 pairing check"""
    pairs = size // 192
    cost = EC_PAIRING_BASE[m.block.fork] + pairs * EC_PAIRING_PAIR[m.block.fork]
    if gas < cost:
        return out_of_gas()
    if size != pairs * 192:
        return U64(PRECOMPILE_FAILED), U64(0)
    return finish(m, bn254_pairing(input, size, m.return_arena, m.scratch + WORK), U64(32), gas - cost)


@kernel(inline=False)
def point_evaluation_(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x0a: KZG point evaluation"""
    if gas < 50_000:
        return out_of_gas()
    if size != 192:
        return U64(PRECOMPILE_FAILED), U64(0)
    return finish(m, point_evaluation(input, m.return_arena, m.scratch + WORK), U64(64), gas - 50_000)


@kernel
def msm_price(table: U64, pairs: U64, one: U64) -> U64:
    """Gas of a multi-scalar multiplication; ``table`` 1 or 2 is the group."""
    at = (pairs if pairs < 128 else U64(128)) - 1
    discount = G1[at] if table == 1 else G2[at]
    return pairs * one * discount // 1000


@kernel(inline=False)
def g1add(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x0b"""
    if gas < 375:
        return out_of_gas()
    return finish(m, bls_g1add(input, size, m.return_arena, m.scratch + WORK), U64(128), gas - 375)


@kernel(inline=False)
def g1msm(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x0c"""
    pairs = size // 160
    if pairs == 0 or size != pairs * 160:
        return U64(PRECOMPILE_FAILED), U64(0)
    cost = msm_price(U64(1), pairs, U64(12_000))
    if gas < cost:
        return out_of_gas()
    return finish(m, bls_g1msm(input, size, m.return_arena, m.scratch + WORK), U64(128), gas - cost)


@kernel(inline=False)
def g2add(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x0d"""
    if gas < 600:
        return out_of_gas()
    return finish(m, bls_g2add(input, size, m.return_arena, m.scratch + WORK), U64(256), gas - 600)


@kernel(inline=False)
def g2msm(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x0e"""
    pairs = size // 288
    if pairs == 0 or size != pairs * 288:
        return U64(PRECOMPILE_FAILED), U64(0)
    cost = msm_price(U64(2), pairs, U64(22_500))
    if gas < cost:
        return out_of_gas()
    return finish(m, bls_g2msm(input, size, m.return_arena, m.scratch + WORK), U64(256), gas - cost)


@kernel(inline=False)
def pairing(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x0f"""
    pairs = size // 384
    if pairs == 0 or size != pairs * 384:
        return U64(PRECOMPILE_FAILED), U64(0)
    cost = U64(37_700) + pairs * 32_600
    if gas < cost:
        return out_of_gas()
    return finish(m, bls_pairing(input, size, m.return_arena, m.scratch + WORK), U64(32), gas - cost)


@kernel(inline=False)
def map_fp(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x10"""
    if gas < 5_500:
        return out_of_gas()
    return finish(m, bls_map_fp_to_g1(input, size, m.return_arena, m.scratch + WORK), U64(128), gas - 5_500)


@kernel(inline=False)
def map_fp2(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x11"""
    if gas < 23_800:
        return out_of_gas()
    return finish(m, bls_map_fp2_to_g2(input, size, m.return_arena, m.scratch + WORK), U64(256), gas - 23_800)


@kernel(inline=False)
def p256verify(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x100: secp256r1 signature check; no output where it fails"""
    if gas < 6_900:
        return out_of_gas()
    if size != 160:
        return answer(m, U64(0), gas - 6_900)
    r, s = load256be(input + 32), load256be(input + 64)
    if not p256_verify(load256be(input), r, s, load256be(input + 96), load256be(input + 128)):
        return answer(m, U64(0), gas - 6_900)
    store256be(m.return_arena, U256(1))
    return answer(m, U64(32), gas - 6_900)
