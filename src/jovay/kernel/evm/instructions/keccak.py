"""0x20: KECCAK256."""

from ...hashes.keccak import keccak256_word
from ...lang import U64, Ptr, load256, store256
from ...machine.frame import Frame
from ...machine.machine import Machine
from ...machine.preemption import pace
from ...machine.status import OUT_OF_GAS
from ...protocol import opcodes as op
from ...protocol.gas import KECCAK256_WORD
from ..memory import at, expand, words_of
from ..templates import Control, instruction


@instruction(op.KECCAK256)
def keccak256_(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    offset, size = load256(sp - 32), load256(sp - 64)
    paid, gas = expand(m, f, gas, offset, size)
    cost = words_of(size) * KECCAK256_WORD
    if not paid or gas < cost:
        m.tracing.lacking = cost if paid else m.tracing.lacking
        return U64(OUT_OF_GAS), pc, sp, gas
    store256(sp - 64, keccak256_word(at(f, offset), U64(size)))
    return pace(m, gas - cost), pc + 1, sp - 32, gas - cost
