"""0x54, 0x55, 0x5c, 0x5d: persistent and transient storage."""

from ...lang import U64, U256, Ptr, Table, address_of, kernel, load256, store256
from ...machine.account import Slot
from ...machine.frame import Frame
from ...machine.machine import Machine
from ...machine.marks import set_transient, transient
from ...machine.status import NEXT, OUT_OF_GAS, STATIC_VIOLATION
from ...machine.view import find_slot_record, slot_entry
from ...machine.writing import set_slot
from ...protocol import forks
from ...protocol import gas as price
from ..access import SLOAD, access_slot, is_cold_slot, is_warm_slot, sload_price
from ..opcodes import Control, instruction

COLD_SLOAD = price.COLD_SLOAD
SET, RESET, SENTRY = price.SSTORE_SET, price.SSTORE_RESET, price.SSTORE_SENTRY
CLEARS = Table(
    U64,
    price.by_fork(
        {
            forks.FRONTIER: price.SSTORE_CLEARS_REFUND_EIP2200,
            forks.LONDON: price.SSTORE_CLEARS_REFUND_EIP3529,
        }
    ),
)
#: Price of a write that changes nothing, or of a slot already changed, under net metering (EIP-1283, 2200, 2929).
DIRTY = Table(U64, price.by_fork({forks.CONSTANTINOPLE: 200, forks.ISTANBUL: 800, forks.BERLIN: 100}))
#: The least that a write costs where no sentry stands before it (EIP-2200).
LEAST = Table(U64, price.by_fork({forks.FRONTIER: 5_000, forks.CONSTANTINOPLE: 200, forks.PETERSBURG: 5_000}))
NET_METERED = Table(
    U64, price.by_fork({forks.FRONTIER: 0, forks.CONSTANTINOPLE: 1, forks.PETERSBURG: 0, forks.ISTANBUL: 1})
)


@instruction(0x54, "SLOAD", price.ZERO, pops=1, pushes=1)
def sload(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """read a storage slot (EIP-2929)"""
    key = load256(sp - 32)
    s, at = find_slot_record(m, f.account, key)
    if not is_warm_slot(m, s):
        return sload_first(m, f, pc, sp, gas, s, at)
    cost = SLOAD[m.block.fork]
    if gas < cost:
        m.wanted = cost
        return U64(OUT_OF_GAS), pc, sp, gas
    store256(sp - 32, s.value)
    return U64(NEXT), pc + 1, sp, gas - cost


@kernel(inline=False)
def sload_first(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64, s: Slot, at: U64) -> Control:
    """The same for a slot that is not warm; ``s`` and ``at`` are what ``find_slot_record`` gave."""
    cost = sload_price(m, s)
    if gas < cost:
        m.wanted = cost
        return U64(OUT_OF_GAS), pc, sp, gas
    s = access_slot(m, f.account, load256(sp - 32), s, at)
    if address_of(s) == 0:
        return m.abort, pc, sp, gas
    store256(sp - 32, s.value)
    return U64(NEXT), pc + 1, sp, gas - cost


@kernel
def sstore_price(m: Machine, fork: U64, s: Slot, value: U256, cold: U64) -> U64:
    """Gas of writing ``value``, and the change of the refund counter (EIP-2200 with later prices)."""
    clears = CLEARS[fork]
    if NET_METERED[fork] == 0:
        if s.value == 0 and value != 0:
            return U64(SET)
        if s.value != 0 and value == 0:
            m.refund += clears
        return U64(RESET)
    dirty = DIRTY[fork]
    reset = U64(RESET)
    if fork >= forks.BERLIN:
        reset -= COLD_SLOAD
    if value == s.value:
        return cold + dirty
    if s.value == s.original:
        if s.original == 0:
            return cold + SET
        if value == 0:
            m.refund += clears
        return cold + reset
    if s.original != 0:
        if s.value == 0:
            m.refund -= clears
        elif value == 0:
            m.refund += clears
    if value == s.original:
        m.refund += (SET if s.original == 0 else reset) - dirty
    return cold + dirty


@instruction(0x55, "SSTORE", price.ZERO, pops=2, pushes=0)
def sstore(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """write a storage slot (EIP-2200, EIP-2929, EIP-3529)"""
    fork = m.block.fork
    if f.static != 0:
        return U64(STATIC_VIOLATION), pc, sp, gas
    if fork >= forks.ISTANBUL and gas <= SENTRY:
        m.wanted = U64(0)
        return U64(OUT_OF_GAS), pc, sp, gas
    if fork < forks.ISTANBUL and gas < LEAST[fork]:
        m.wanted = LEAST[fork]
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
        m.wanted = cost
        return U64(OUT_OF_GAS), pc, sp, gas
    if value != s.value and not set_slot(m, s, value):
        return m.abort, pc, sp, gas
    return U64(NEXT), pc + 1, sp - 64, gas - cost


@instruction(0x5C, "TLOAD", price.WARM_ACCESS, pops=1, pushes=1, since=forks.CANCUN)
def tload(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """read transient storage (EIP-1153)"""
    s, _ = find_slot_record(m, f.account, load256(sp - 32))
    store256(sp - 32, transient(m, s) if address_of(s) != 0 else U256(0))
    return U64(NEXT), pc + 1, sp, gas


@instruction(0x5D, "TSTORE", price.WARM_ACCESS, pops=2, pushes=0, since=forks.CANCUN)
def tstore(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """write transient storage (EIP-1153)"""
    if f.static != 0:
        return U64(STATIC_VIOLATION), pc, sp, gas
    s = slot_entry(m, f.account, load256(sp - 32))
    if address_of(s) == 0:
        return m.abort, pc, sp, gas
    set_transient(m, s, load256(sp - 64))
    return U64(NEXT), pc + 1, sp - 64, gas
