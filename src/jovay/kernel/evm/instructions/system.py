"""0xf0–0xf2, 0xf4, 0xf5, 0xfa, 0xff: creates, calls and SELFDESTRUCT."""

from ...lang import U64, U256, Ptr, address_of, kernel, load256, store256, unpoison
from ...machine import status
from ...machine.account import Account, is_empty
from ...machine.frame import Frame
from ...machine.loading import load_account
from ...machine.machine import Machine
from ...machine.marks import mark_created, touch, warm_account
from ...machine.view import account, find_record
from ...machine.writing import mark_destructed, set_balance, set_nonce
from ...protocol import forks
from ...protocol import gas as price
from ...protocol import opcodes as op
from ...protocol.limits import CALL_DEPTH_LIMIT, MAX_INIT_CODE_SIZE
from ...state.code import code_footprint, place_code
from ...state.world import is_bare
from ...words.arith import saturated64
from ..access import access_account, is_cold, is_warm, mark_account
from ..addresses import create2_address, create_address
from ..frames import delegate_of, enter_call, new_frame, set_code_of, start, transfer
from ..memory import at, expand
from ..templates import Control, instruction
from ..trace import trace_refused, trace_selfdestruct
from .environment import ADDRESS_MASK

NONCE_LIMIT = 0xFFFFFFFFFFFFFFFF


@kernel
def alive(m: Machine, a: Account) -> bool:
    """Whether value sent to ``a`` founds no new account (EIP-161; before it, whether it exists)."""
    return not is_empty(a) if m.block.fork >= forks.SPURIOUS else a.exists != 0


@kernel(inline=False)
def call(m: Machine, f: Frame, kind: U64, pc: U64, sp: Ptr, gas: U64, has_value: bool) -> Control:
    """CALL and its three kin; operands: gas, address[, value], input range, output range."""
    requested, to = load256(sp - 32), load256(sp - 64) & ADDRESS_MASK
    value = load256(sp - 96) if has_value else U256(0)
    rest = sp - 96 if has_value else sp - 64
    in_offset, in_size = load256(rest - 32), load256(rest - 64)
    out_offset, out_size = load256(rest - 96), load256(rest - 128)
    if kind == op.CALL and f.static != 0 and value != 0:
        return U64(status.STATIC_VIOLATION), pc, sp, gas
    paid, gas = expand(m, f, gas, in_offset, in_size)
    if not paid:
        return U64(status.OUT_OF_GAS), pc, sp, gas
    paid, gas = expand(m, f, gas, out_offset, out_size)
    if not paid:
        return U64(status.OUT_OF_GAS), pc, sp, gas
    how, cost, code_at = access_callee(m, kind, to, value, gas)
    if how != status.NEXT:
        return how, pc, sp, gas
    gas -= cost
    granted = saturated64(requested)
    if m.block.fork >= forks.TANGERINE:
        most = gas - (gas >> 6)
        if granted > most:
            granted = most
    elif granted > gas:
        return U64(status.OUT_OF_GAS), pc, sp, gas
    gas -= granted
    if value != 0:
        granted += price.CALL_STIPEND
    after = rest - 128
    f.gas, f.pc, f.sp = gas, pc + 1, after
    if m.calls.depth > CALL_DEPTH_LIMIT or (value != 0 and f.account.balance < value):
        m.returned.size = U64(0)
        if m.tracing.trace != 0:
            how = (
                U64(status.CALL_DEPTH)
                if m.calls.depth > CALL_DEPTH_LIMIT
                else U64(status.INSUFFICIENT_BALANCE)
            )
            passed = f.value if kind == op.DELEGATECALL else value
            trace_refused(
                m,
                kind,
                how,
                f.address,
                to,
                passed,
                granted,
                granted,
                gas,
                at(f, in_offset),
                U64(in_size),
            )
        store256(after, U256(0))
        return U64(status.NEXT), pc + 1, after + 32, gas + granted
    child = new_frame(m, granted)
    child.input = at(f, in_offset)
    child.input_size = U64(in_size)
    child.out_offset = U64(out_offset)
    child.out_size = U64(out_size)
    child.static = U64(1) if kind == op.STATICCALL else f.static
    target = code_at if kind == op.CALL or kind == op.STATICCALL else f.account
    child.address = target.address
    child.caller = f.caller if kind == op.DELEGATECALL else f.address
    child.value = f.value if kind == op.DELEGATECALL else value
    how = enter_call(
        m, kind, target, code_at, f.account, value, kind == op.CALL or kind == op.STATICCALL, child
    )
    return how | ENTERED, pc, sp, gas


#: Set beside the answer of a child that has been started: the interpreter switches frames.
ENTERED = 1 << 32


@kernel
def access_callee(m: Machine, kind: U64, to: U256, value: U256, gas: U64) -> tuple[U64, U64, Account]:
    """(status, gas, account) of a call, apart from memory and the gas it passes on (EIP-2929, EIP-7702).

    NEXT, OUT_OF_GAS or an abort. Neither the account nor its delegate is loaded before ``gas`` pays for it.
    """
    fork = m.block.fork
    code_at, place = find_record(m, to)
    cost = price.CALL[fork]
    if not is_warm(m, code_at) and is_cold(m, code_at, to):
        cost += price.COLD_ACCOUNT_ACCESS - price.WARM_ACCESS
    if value != 0:
        cost += price.CALL_VALUE
    if gas < cost:
        m.tracing.lacking = cost
        return U64(status.OUT_OF_GAS), cost, code_at
    if address_of(code_at) == 0:
        code_at = load_account(m, to, place)
        if address_of(code_at) == 0:
            return m.abort, cost, code_at
    delegate = delegate_of(code_at.code) if fork >= forks.PRAGUE else U256(0)
    if delegate != 0:
        delegate = delegate & ADDRESS_MASK
        other, place = find_record(m, delegate)
        cost += (
            price.COLD_ACCOUNT_ACCESS if delegate != to and is_cold(m, other, delegate) else price.WARM_ACCESS
        )
        if gas < cost:
            m.tracing.lacking = cost
            return U64(status.OUT_OF_GAS), cost, code_at
        if address_of(access_account(m, other, delegate, place)) == 0:
            return m.abort, cost, code_at
    mark_account(m, code_at)
    if kind == op.CALL and not alive(m, code_at) and (value != 0 or fork < forks.SPURIOUS):
        cost += price.NEW_ACCOUNT
    if gas < cost:
        m.tracing.lacking = cost
        return U64(status.OUT_OF_GAS), cost, code_at
    return U64(status.NEXT), cost, code_at


@instruction(op.CALL)
def call_(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return call(m, f, U64(op.CALL), pc, sp, gas, True)


@instruction(op.CALLCODE)
def callcode(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return call(m, f, U64(op.CALLCODE), pc, sp, gas, True)


@instruction(op.DELEGATECALL)
def delegatecall(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return call(m, f, U64(op.DELEGATECALL), pc, sp, gas, False)


@instruction(op.STATICCALL)
def staticcall(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return call(m, f, U64(op.STATICCALL), pc, sp, gas, False)


@kernel(inline=False)
def create(m: Machine, f: Frame, kind: U64, pc: U64, sp: Ptr, gas: U64) -> Control:
    """CREATE and op.CREATE2; operands: value, initialisation code range[, salt]."""
    value, offset, size = load256(sp - 32), load256(sp - 64), load256(sp - 96)
    fork = m.block.fork
    paid, gas = expand(m, f, gas, offset, size)
    if not paid:
        return U64(status.OUT_OF_GAS), pc, sp, gas
    length = U64(size)
    if fork >= forks.SHANGHAI and length > MAX_INIT_CODE_SIZE:
        return U64(status.INITCODE_TOO_LARGE), pc, sp, gas
    words = (length + 31) >> 5
    cost = words * price.INIT_CODE_WORD_COST[fork]
    if kind == op.CREATE2:
        cost += words * price.KECCAK256_WORD
    if gas < cost:
        m.tracing.lacking = cost
        return U64(status.OUT_OF_GAS), pc, sp, gas
    gas -= cost
    after = sp - 128 if kind == op.CREATE2 else sp - 96
    m.returned.size = U64(0)
    creator = f.account
    granted = gas - (gas >> 6) if fork >= forks.TANGERINE else gas
    code = at(f, offset)
    if m.calls.depth > CALL_DEPTH_LIMIT or creator.balance < value or creator.nonce == NONCE_LIMIT:
        if m.tracing.trace != 0:
            how = why_not_created(m, creator, value)
            trace_refused(
                m, kind, how, f.address, U256(0), value, granted, granted, gas - granted, code, length
            )
        store256(after, U256(0))
        return U64(status.NEXT), pc + 1, after + 32, gas
    if kind == op.CREATE2:
        address = create2_address(m, creator.address, load256(sp - 128), code, length)
    else:
        address = create_address(m, creator.address, creator.nonce)
    created = account(m, address)
    if address_of(created) == 0:
        return (
            m.abort,
            pc,
            sp,
            gas + cost + price.CREATE,
        )  # as before the instruction, which may be done again
    if not set_nonce(m, creator, creator.nonce + 1):
        return m.abort, pc, sp, gas
    f.gas, f.pc, f.sp = gas - granted, pc + 1, after
    how = enter_create(m, kind, created, creator, value, code, length, granted)
    if how == status.ADDRESS_COLLISION:
        store256(after, U256(0))
        return U64(status.NEXT), pc + 1, after + 32, gas - granted
    return how | ENTERED if how < status.ABORT else how, pc, sp, gas


@kernel
def why_not_created(m: Machine, creator: Account, value: U256) -> U64:
    if m.calls.depth > CALL_DEPTH_LIMIT:
        return U64(status.CALL_DEPTH)
    return U64(status.INSUFFICIENT_BALANCE) if creator.balance < value else U64(status.NONCE_OVERFLOW)


@kernel
def enter_create(
    m: Machine, kind: U64, created: Account, creator: Account, value: U256, code: Ptr, size: U64, gas: U64
) -> U64:
    """Start the initialisation of ``created``. ENTER, ADDRESS_COLLISION (nothing entered) or an abort."""
    fork = m.block.fork
    if fork >= forks.BERLIN:
        warm_account(m, created)
    created.seen = m.stamp
    if collides(created):
        if m.tracing.trace != 0:
            left = m.calls.current.gas if m.calls.depth != 0 else U64(0)
            how = U64(status.ADDRESS_COLLISION)
            trace_refused(
                m, kind, how, creator.address, created.address, value, gas, U64(0), left, code, size
            )
        return U64(status.ADDRESS_COLLISION)
    if m.code.used + code_footprint(size) > m.code.capacity:
        return U64(status.ARENA_FULL)
    child = new_frame(m, gas)
    unpoison(m.code.start, m.code.start + m.code.used, code_footprint(size))
    initcode = place_code(m.code.start + m.code.used, code, size, U256(0))
    m.code.used += code_footprint(size)
    set_code_of(child, initcode)
    child.kind = kind
    child.input = initcode.bytes
    child.input_size = U64(0)
    child.out_offset = U64(0)
    child.out_size = U64(0)
    child.static = U64(0)
    child.account = created
    child.address = created.address
    child.caller = creator.address
    child.value = value
    mark_created(m, created)
    if not transfer(m, creator, created, value):
        return m.abort
    if not set_nonce(m, created, U64(1) if fork >= forks.SPURIOUS else U64(0)):
        return m.abort
    start(m, child, created.address)
    return U64(status.ENTER)


@kernel
def collides(a: Account) -> bool:
    """Whether an account is in the way of a create (EIP-684, EIP-7610).

    The world knows only of now whether there is storage. Under an account that has code or a nonce by now, but none in
    the view, it came with the creation: the view is one of an older block.
    """
    if not is_bare(a.nonce, a.code_hash):
        return True
    base = a.base
    if address_of(base) == 0 or base.has_storage == 0 or not is_bare(base.nonce, base.code_hash):
        return False
    return base.storage_epoch == a.storage_epoch


@instruction(op.CREATE)
def create_(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return create(m, f, U64(op.CREATE), pc, sp, gas)


@instruction(op.CREATE2)
def create2(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return create(m, f, U64(op.CREATE2), pc, sp, gas)


@instruction(op.SELFDESTRUCT)
def selfdestruct(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return destruct(m, f, load256(sp - 32) & ADDRESS_MASK, pc, sp, gas)


@kernel(inline=False)
def destruct(m: Machine, f: Frame, to: U256, pc: U64, sp: Ptr, gas: U64) -> Control:
    fork = m.block.fork
    a = f.account
    heir, place = find_record(m, to)
    cost = price.SELF_DESTRUCT[fork]
    if is_cold(m, heir, to):
        cost += price.COLD_ACCOUNT_ACCESS
    if gas < cost:
        m.tracing.lacking = cost
        return U64(status.OUT_OF_GAS), pc, sp, gas
    heir = access_account(m, heir, to, place)
    if address_of(heir) == 0:
        return m.abort, pc, sp, gas
    amount = a.balance
    if not alive(m, heir) and (amount != 0 or fork < forks.SPURIOUS):
        cost += price.SELF_DESTRUCT_NEW_ACCOUNT[fork]
    if gas < cost:
        m.tracing.lacking = cost
        return U64(status.OUT_OF_GAS), pc, sp, gas
    if a.destructed != m.stamp:
        m.tx.refund += price.REFUND_SELF_DESTRUCT[fork]
    if m.tracing.trace != 0:
        trace_selfdestruct(m, f, to, amount)
    goes = fork < forks.CANCUN or a.created == m.stamp
    done = True
    if not (heir == a):
        done = set_balance(m, heir, heir.balance + amount) and set_balance(m, a, U256(0))
    elif goes:
        done = set_balance(m, a, U256(0))
    touch(m, heir)
    if done and goes:
        done = mark_destructed(m, a)
    f.input_size = U64(0)
    return U64(status.STOP) if done else m.abort, pc, sp - 32, gas - cost
