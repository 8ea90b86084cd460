"""0x30–0x3f: the frame's own environment and other accounts' code."""

from ...lang import U64, U256, Ptr, address_of, copy, fill, kernel, load8, load256, load256be, store256
from ...machine.account import Account, code_size, is_empty
from ...machine.environment import PRICE
from ...machine.frame import Frame
from ...machine.machine import Machine
from ...machine.preemption import pace
from ...machine.status import NEXT, OUT_OF_GAS, RETURN_DATA_OUT_OF_BOUNDS
from ...machine.view import find_record
from ...protocol import opcodes as op
from ...protocol.gas import BALANCE, CODE_HASH, COLD_ACCOUNT_ACCESS, COPY, EXTERNAL, WARM_ACCESS
from ...words.arith import saturated64
from ..access import access_account, is_cold, is_warm
from ..memory import at, expand, words_of
from ..templates import Control, instruction, source

ADDRESS_MASK = U256((1 << 160) - 1)
COLD_EXTRA = COLD_ACCOUNT_ACCESS - WARM_ACCESS


@kernel
def address(m: Machine, f: Frame) -> U256:
    """the account in execution"""
    return f.address


@kernel
def origin(m: Machine, f: Frame) -> U256:
    """the transaction's sender"""
    return m.tx.origin


@kernel
def caller(m: Machine, f: Frame) -> U256:
    """the caller"""
    return f.caller


@kernel
def callvalue(m: Machine, f: Frame) -> U256:
    """wei sent with the call"""
    return f.value


@kernel
def calldatasize(m: Machine, f: Frame) -> U256:
    """bytes of input"""
    return U256(f.input_size)


@kernel
def codesize(m: Machine, f: Frame) -> U256:
    """bytes of the running code"""
    return U256(f.code_size)


@kernel
def gasprice(m: Machine, f: Frame) -> U256:
    """the effective gas price"""
    m.tx.observed |= PRICE
    return m.tx.gas_price


@kernel
def returndatasize(m: Machine, f: Frame) -> U256:
    """bytes the last call returned (EIP-211)"""
    return U256(m.returned.size)


source(op.ADDRESS, address)
source(op.ORIGIN, origin)
source(op.CALLER, caller)
source(op.CALLVALUE, callvalue)
source(op.CALLDATASIZE, calldatasize)
source(op.CODESIZE, codesize)
source(op.GASPRICE, gasprice)
source(op.RETURNDATASIZE, returndatasize)


@kernel(inline=True)
def access(m: Machine, word: U256, base: U64, gas: U64) -> tuple[U64, U64, Account]:
    """Pay ``base``, and what a cold account costs on top (EIP-2929), for the account that ``word`` names.

    (cost, status, account): NEXT, OUT_OF_GAS with nothing loaded, or an abort.
    """
    named = word & ADDRESS_MASK
    a, at = find_record(m, named)
    if not is_warm(m, a):
        return first_access(m, a, named, at, base, gas)
    if gas < base:
        m.tracing.lacking = base
        return base, U64(OUT_OF_GAS), a
    return base, U64(NEXT), a


@kernel(inline=False)
def first_access(
    m: Machine, a: Account, named: U256, at: U64, base: U64, gas: U64
) -> tuple[U64, U64, Account]:
    """The same for an account that is not known to be warm."""
    cost = base + COLD_EXTRA if is_cold(m, a, named) else base
    if gas < cost:
        m.tracing.lacking = cost
        return cost, U64(OUT_OF_GAS), a
    a = access_account(m, a, named, at)
    return cost, U64(NEXT) if address_of(a) != 0 else m.abort, a


@instruction(op.BALANCE)
def balance(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    cost, how, a = access(m, load256(sp - 32), BALANCE[m.block.fork], gas)
    if how != NEXT:
        return how, pc, sp, gas
    if a.address == m.tx.origin:  # which has paid the price
        m.tx.observed |= PRICE
    store256(sp - 32, a.balance)
    return U64(NEXT), pc + 1, sp, gas - cost


@instruction(op.CALLDATALOAD)
def calldataload(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    offset = saturated64(load256(sp - 32))
    value, size = U256(0), f.input_size
    if offset < size:
        if size - offset >= 32:
            value = load256be(f.input + offset)
        else:
            i = offset
            while i < size:
                value = value << 8 | U256(load8(f.input + i))
                i += 1
            value = value << ((U64(32) - (size - offset)) << 3)
    store256(sp - 32, value)
    return U64(NEXT), pc + 1, sp, gas


@kernel
def copy_padded(target: Ptr, origin_: Ptr, length: U64, offset: U256, size: U64) -> None:
    """Copy ``size`` bytes from ``offset`` of data of ``length`` bytes; beyond its end there are zeros."""
    start = saturated64(offset)
    available = U64(0)
    if start < length:
        available = length - start if length - start < size else size
    if available != 0:
        copy(target, origin_ + start, available)
    if size != available:
        fill(target + available, U64(0), size - available)


@kernel
def pay_for_copy(m: Machine, f: Frame, sp: Ptr, gas: U64) -> tuple[bool, U64]:
    """Pay for words copied and memory to copy them to: operands (target, offset, size) below ``sp``."""
    target, size = load256(sp - 32), load256(sp - 96)
    cost = words_of(size) * COPY
    if gas < cost:
        m.tracing.lacking = cost
        return False, gas
    return expand(m, f, gas - cost, target, size)


@kernel
def copy_paid(m: Machine, f: Frame, sp: Ptr, gas: U64, data: Ptr, length: U64) -> U64:
    """Copy what is paid for; the status with ``gas`` left."""
    size = U64(load256(sp - 96))
    if size != 0:
        copy_padded(at(f, load256(sp - 32)), data, length, load256(sp - 64), size)
    return pace(m, gas)


@kernel
def copy_to_memory(m: Machine, f: Frame, sp: Ptr, gas: U64, data: Ptr, length: U64) -> tuple[U64, U64]:
    """The common part of copies from what is at hand. (status, gas)"""
    paid, gas = pay_for_copy(m, f, sp, gas)
    if not paid:
        return U64(OUT_OF_GAS), gas
    return copy_paid(m, f, sp, gas, data, length), gas


@instruction(op.CALLDATACOPY)
def calldatacopy(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    how, gas = copy_to_memory(m, f, sp, gas, f.input, f.input_size)
    return how, pc + 1, sp - 96, gas


@instruction(op.CODECOPY)
def codecopy(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    how, gas = copy_to_memory(m, f, sp, gas, f.code, f.code_size)
    return how, pc + 1, sp - 96, gas


@instruction(op.RETURNDATACOPY)
def returndatacopy(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    offset, size = saturated64(load256(sp - 64)), saturated64(load256(sp - 96))
    if offset > m.returned.size or size > m.returned.size - offset:
        return U64(RETURN_DATA_OUT_OF_BOUNDS), pc, sp, gas
    how, gas = copy_to_memory(m, f, sp, gas, m.returned.data, m.returned.size)
    return how, pc + 1, sp - 96, gas


@instruction(op.EXTCODESIZE)
def extcodesize(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    cost, how, a = access(m, load256(sp - 32), EXTERNAL[m.block.fork], gas)
    if how != NEXT:
        return how, pc, sp, gas
    store256(sp - 32, U256(code_size(a)))
    return U64(NEXT), pc + 1, sp, gas - cost


@instruction(op.EXTCODECOPY)
def extcodecopy(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    named = load256(sp - 32) & ADDRESS_MASK
    a, place = find_record(m, named)
    cost = EXTERNAL[m.block.fork] + (U64(COLD_EXTRA) if is_cold(m, a, named) else U64(0))
    if gas < cost:
        m.tracing.lacking = cost
        return U64(OUT_OF_GAS), pc, sp, gas
    paid, left = pay_for_copy(m, f, sp - 32, gas - cost)
    if not paid:
        return U64(OUT_OF_GAS), pc, sp, gas
    a = access_account(m, a, named, place)
    if address_of(a) == 0:  # done again, it pays all but the memory, which it has then
        return m.abort, pc, sp, left + cost + words_of(load256(sp - 128)) * COPY
    data = a.code.bytes if code_size(a) != 0 else U64(0)
    return copy_paid(m, f, sp - 32, left, data, code_size(a)), pc + 1, sp - 128, left


@instruction(op.EXTCODEHASH)
def extcodehash(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    cost, how, a = access(m, load256(sp - 32), CODE_HASH[m.block.fork], gas)
    if how != NEXT:
        return how, pc, sp, gas
    store256(sp - 32, U256(0) if is_empty(a) else a.code_hash)
    return U64(NEXT), pc + 1, sp, gas - cost
