"""0x54, 0x55, 0x5c, 0x5d: persistent and transient storage."""

from ...lang import U64, U256, Ptr, address_of, kernel, load256, store256
from ...machine.account import Slot
from ...machine.frame import Frame
from ...machine.machine import Machine
from ...machine.marks import set_transient, transient
from ...machine.status import NEXT, OUT_OF_GAS
from ...machine.view import find_slot_record, slot_entry
from ...machine.writing import set_slot
from ...protocol import forks
from ...protocol import opcodes as op
from ...protocol.gas import (
    CALL_STIPEND,
    COLD_SLOAD,
    SLOAD,
    STORAGE_CLEAR_REFUND,
    STORAGE_LEAST,
    STORAGE_SET,
    STORAGE_UPDATE,
    by_fork,
)
from ..access import access_slot, is_cold_slot, is_warm_slot, sload_price
from ..templates import Control, instruction

#: Whether a write that changes nothing, or a slot already changed, costs the least (EIP-1283, EIP-2200).
NET_METERED = by_fork({forks.CONSTANTINOPLE: 1, forks.PETERSBURG: 0, forks.ISTANBUL: 1})


@instruction(op.SLOAD)
def sload(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    key = load256(sp - 32)
    s, at = find_slot_record(m, f.account, key)
    if not is_warm_slot(m, s):
        return sload_first(m, f, pc, sp, gas, s, at)
    cost = SLOAD[m.block.fork]
    if gas < cost:
        m.tracing.lacking = cost
        return U64(OUT_OF_GAS), pc, sp, gas
    store256(sp - 32, s.value)
    return U64(NEXT), pc + 1, sp, gas - cost


@kernel(inline=False)
def sload_first(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64, s: Slot, at: U64) -> Control:
    """The same for a slot that is not warm; ``s`` and ``at`` are what ``find_slot_record`` gave."""
    cost = sload_price(m, s)
    if gas < cost:
        m.tracing.lacking = cost
        return U64(OUT_OF_GAS), pc, sp, gas
    s = access_slot(m, f.account, load256(sp - 32), s, at)
    if address_of(s) == 0:
        return m.abort, pc, sp, gas
    store256(sp - 32, s.value)
    return U64(NEXT), pc + 1, sp, gas - cost


@kernel
def sstore_price(m: Machine, fork: U64, s: Slot, value: U256, cold: U64) -> U64:
    """Gas of writing ``value``, and the change of the refund counter (EIP-2200 with later prices)."""
    clears = STORAGE_CLEAR_REFUND[fork]
    if NET_METERED[fork] == 0:
        if s.value == 0 and value != 0:
            return U64(STORAGE_SET)
        if s.value != 0 and value == 0:
            m.tx.refund += clears
        return U64(STORAGE_UPDATE)
    dirty = STORAGE_LEAST[fork]
    reset = U64(STORAGE_UPDATE)
    if fork >= forks.BERLIN:
        reset -= COLD_SLOAD
    if value == s.value:
        return cold + dirty
    if s.value == s.original:
        if s.original == 0:
            return cold + STORAGE_SET
        if value == 0:
            m.tx.refund += clears
        return cold + reset
    if s.original != 0:
        if s.value == 0:
            m.tx.refund -= clears
        elif value == 0:
            m.tx.refund += clears
    if value == s.original:
        m.tx.refund += (STORAGE_SET if s.original == 0 else reset) - dirty
    return cold + dirty


@instruction(op.SSTORE)
def sstore(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    fork = m.block.fork
    if fork >= forks.ISTANBUL and gas <= CALL_STIPEND:  # EIP-2200
        m.tracing.lacking = U64(0)
        return U64(OUT_OF_GAS), pc, sp, gas
    if fork < forks.ISTANBUL and gas < STORAGE_LEAST[fork]:
        m.tracing.lacking = STORAGE_LEAST[fork]
        return U64(OUT_OF_GAS), pc, sp, gas
    key, value = load256(sp - 32), load256(sp - 64)
    s, at = find_slot_record(m, f.account, key)
    cold = U64(0)
    if not is_warm_slot(m, s):
        cold = U64(COLD_SLOAD) if is_cold_slot(m, s) else U64(0)  # less than what the sentry has let through
        s = access_slot(m, f.account, key, s, at)
        if address_of(s) == 0:
            return m.abort, pc, sp, gas
    cost = sstore_price(m, fork, s, value, cold)
    if gas < cost:
        m.tracing.lacking = cost
        return U64(OUT_OF_GAS), pc, sp, gas
    if value != s.value and not set_slot(m, s, value):
        return m.abort, pc, sp, gas
    return U64(NEXT), pc + 1, sp - 64, gas - cost


@instruction(op.TLOAD)
def tload(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    s, _ = find_slot_record(m, f.account, load256(sp - 32))
    store256(sp - 32, transient(m, s) if address_of(s) != 0 else U256(0))
    return U64(NEXT), pc + 1, sp, gas


@instruction(op.TSTORE)
def tstore(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    s = slot_entry(m, f.account, load256(sp - 32))
    if address_of(s) == 0:
        return m.abort, pc, sp, gas
    set_transient(m, s, load256(sp - 64))
    return U64(NEXT), pc + 1, sp - 64, gas
