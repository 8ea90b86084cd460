"""The table of precompiled contracts. Each line names an address and enters its row in ``PRECOMPILES``."""

from collections.abc import Callable
from typing import NamedTuple

from ..protocol import gas
from ..protocol.forks import BYZANTIUM, CANCUN, FRONTIER, ISTANBUL, OSAKA, PRAGUE
from . import curves, hashing, modexp, prices
from .prices import by_fork, fixed, per_word


class Precompile(NamedTuple):
    """One row: a contract with the name of EIP-7910.

    ``price`` is a kernel function (m, input, size) → gas, and ``run`` one (m, input, size) → ``support.Answer``. A gas
    of it takes at most as long as ``weight`` gas of instructions (about 4 ns each).
    """

    address: int
    name: str
    since: int
    price: Callable
    run: Callable
    weight: int


PRECOMPILES: dict[int, Precompile] = {}


def _enter(address, name, since, price, run, weight) -> int:
    PRECOMPILES[address] = Precompile(address, name, since, price, run, weight)
    return address


# fmt: off
ECREC = _enter(0x01, "ECREC", FRONTIER, fixed(gas.ECRECOVER), hashing.ecrecover, 10)
SHA256 = _enter(0x02, "SHA256", FRONTIER, per_word(gas.SHA256, gas.SHA256_WORD), hashing.sha256_, 3)
RIPEMD160 = _enter(0x03, "RIPEMD160", FRONTIER, per_word(gas.RIPEMD160, gas.RIPEMD160_WORD), hashing.ripemd160_, 3)
ID = _enter(0x04, "ID", FRONTIER, per_word(gas.IDENTITY, gas.IDENTITY_WORD), hashing.identity, 1)
MODEXP = _enter(0x05, "MODEXP", BYZANTIUM, modexp.modexp_price, modexp.modexp_, 4)
BN254_ADD = _enter(0x06, "BN254_ADD", BYZANTIUM, by_fork("ECADD", gas.ECADD), curves.ec_add, 4)
BN254_MUL = _enter(0x07, "BN254_MUL", BYZANTIUM, by_fork("ECMUL", gas.ECMUL), curves.ec_mul, 4)
BN254_PAIRING = _enter(0x08, "BN254_PAIRING", BYZANTIUM, prices.ecpairing_price, curves.ec_pairing, 3)
BLAKE2F = _enter(0x09, "BLAKE2F", ISTANBUL, prices.blake2f_price, hashing.blake2f_, 1)
KZG_POINT_EVALUATION = _enter(0x0A, "KZG_POINT_EVALUATION", CANCUN, fixed(gas.POINT_EVALUATION),
                              curves.point_evaluation_, 7)
BLS12_G1ADD = _enter(0x0B, "BLS12_G1ADD", PRAGUE, fixed(gas.BLS_G1_ADD), curves.g1add, 4)
BLS12_G1MSM = _enter(0x0C, "BLS12_G1MSM", PRAGUE, prices.g1msm_price, curves.g1msm, 8)
BLS12_G2ADD = _enter(0x0D, "BLS12_G2ADD", PRAGUE, fixed(gas.BLS_G2_ADD), curves.g2add, 4)
BLS12_G2MSM = _enter(0x0E, "BLS12_G2MSM", PRAGUE, prices.g2msm_price, curves.g2msm, 8)
BLS12_PAIRING_CHECK = _enter(0x0F, "BLS12_PAIRING_CHECK", PRAGUE, prices.bls_pairing_price, curves.pairing, 4)
BLS12_MAP_FP_TO_G1 = _enter(0x10, "BLS12_MAP_FP_TO_G1", PRAGUE, fixed(gas.BLS_G1_MAP), curves.map_fp, 4)
BLS12_MAP_FP2_TO_G2 = _enter(0x11, "BLS12_MAP_FP2_TO_G2", PRAGUE, fixed(gas.BLS_G2_MAP), curves.map_fp2, 4)
P256VERIFY = _enter(0x100, "P256VERIFY", OSAKA, fixed(gas.P256VERIFY), curves.p256verify, 4)
# fmt: on
