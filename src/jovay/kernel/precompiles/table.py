"""Which precompiled contract stands at which address, since when."""

from ..lang import U64, U256, Ptr, Switch, kernel, load64, load256
from ..machine.machine import Machine
from ..machine.status import PRECOMPILE_FAILED
from ..protocol import forks
from . import curves, hashing, modexp

Answer = tuple[U64, U64]

#: address → (since fork, contract)
PRECOMPILES = {
    0x01: (forks.FRONTIER, hashing.ecrecover),
    0x02: (forks.FRONTIER, hashing.sha256_),
    0x03: (forks.FRONTIER, hashing.ripemd160_),
    0x04: (forks.FRONTIER, hashing.identity),
    0x05: (forks.BYZANTIUM, modexp.modexp_),
    0x06: (forks.BYZANTIUM, curves.ec_add),
    0x07: (forks.BYZANTIUM, curves.ec_mul),
    0x08: (forks.BYZANTIUM, curves.ec_pairing),
    0x09: (forks.ISTANBUL, hashing.blake2f_),
    0x0A: (forks.CANCUN, curves.point_evaluation_),
    0x0B: (forks.PRAGUE, curves.g1add),
    0x0C: (forks.PRAGUE, curves.g1msm),
    0x0D: (forks.PRAGUE, curves.g2add),
    0x0E: (forks.PRAGUE, curves.g2msm),
    0x0F: (forks.PRAGUE, curves.pairing),
    0x10: (forks.PRAGUE, curves.map_fp),
    0x11: (forks.PRAGUE, curves.map_fp2),
    0x100: (forks.OSAKA, curves.p256verify),
}


@kernel
def no_precompile(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    return U64(PRECOMPILE_FAILED), U64(0)


PRECOMPILE = Switch("precompile", {a: contract for a, (_, contract) in PRECOMPILES.items()}, no_precompile)


@kernel
def is_precompile(fork: U64, address: U256) -> bool:
    """Whether ``address`` is a precompiled contract at ``fork``."""
    if address > 0x100 or address == 0:
        return False
    if address == 0x100:
        return fork >= forks.OSAKA
    last = U256(4)
    if fork >= forks.PRAGUE:
        last = U256(0x11)
    elif fork >= forks.CANCUN:
        last = U256(0x0A)
    elif fork >= forks.ISTANBUL:
        last = U256(9)
    elif fork >= forks.BYZANTIUM:
        last = U256(8)
    return address <= last


#: Bytes of one entry of the machine's table of overridden precompiles.
MOVED_SIZE = 40


@kernel(inline=False)
def moved_precompile(m: Machine, address: U256) -> U64:
    for i in range(m.moved_count):
        entry = m.moved + U64(i) * MOVED_SIZE
        if load256(entry) == address:
            return load64(entry + 32)
    return U64(address) if is_precompile(m.block.fork, address) else U64(0)


@kernel
def precompile_at(m: Machine, address: U256) -> U64:
    """The number of the precompile that runs at ``address``, overrides considered; 0 for none."""
    if m.moved_count != 0:
        return moved_precompile(m, address)
    return U64(address) if is_precompile(m.block.fork, address) else U64(0)


@kernel
def is_slow(number: U64, size: U64, gas: U64) -> bool:
    """Whether a precompile may take more than some hundred microseconds: up to 40 ns for each gas that it is given."""
    return gas > 10_000 and (number > 4 or size > 65_536)
