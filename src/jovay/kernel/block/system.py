"""What happens at the start of a block before its transactions: the system contracts of EIP-2935 and EIP-4788."""

from ..evm.frames import enter_call, leave, new_frame
from ..evm.interpreter import run
from ..evm.process import begin, finalise, give_up
from ..lang import U64, U256, Ptr, address_of, kernel, store256be
from ..machine import status
from ..machine.account import Account
from ..machine.journal import clear_journal
from ..machine.machine import Machine
from ..machine.view import account, slot
from ..machine.writing import set_slot
from ..protocol import forks
from ..protocol.opcodes import CALL

HISTORY_STORAGE = U256(0x0000F90827F1C53A10CB7A02335B175320002935)
HISTORY_CODE_HASH = U256(0x6E49E66782037C0555897870E29FA5E552DAF4719552131A0ABCE779DAEC0A5D)
BEACON_ROOTS = U256(0x000F3DF6D732807EF1319FB7B8BB8522D0BEAC02)
BEACON_CODE_HASH = U256(0xF57ACD40259872606D76197EF052F3D35588DADF919EE1F0E3CB9B62D3F4B02C)
HISTORY_WINDOW = 8191
SYSTEM_ADDRESS = U256(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFE)
SYSTEM_GAS = 30_000_000


@kernel
def begin_block(m: Machine, parent_hash: U256, beacon_root: U256) -> U64:
    """The system calls of block ``m.block`` in a serial view. 0, or an abort: after a MISS it can be called again."""
    block = m.block
    m.tx.ancestors = U64(0)
    how = U64(0)
    if block.fork >= forks.CANCUN and block.number > 0:
        how = tell(m, BEACON_ROOTS, BEACON_CODE_HASH, beacon_root)
    asked = m.tx.ancestors
    if how == 0 and block.fork >= forks.PRAGUE and block.number > 0:
        how = tell(m, HISTORY_STORAGE, HISTORY_CODE_HASH, parent_hash)
    if asked > m.tx.ancestors:
        m.tx.ancestors = asked
    clear_journal(m)
    return how


@kernel
def tell(m: Machine, address: U256, usual: U256, word: U256) -> U64:
    """Call a contract with a word, as the system. 0, or an abort.

    Contracts with the usual code only store what they are called with, so that is done directly.
    """
    begin(m, SYSTEM_ADDRESS)
    m.isolation.group, m.isolation.parallel, m.misses.guessing = U64(0), U64(0), U64(0)
    a = account(m, address)
    if address_of(a) == 0:
        return m.abort
    if address_of(a.code) == 0:
        return U64(0)
    if a.code_hash != usual:
        at = m.scratch.start + m.scratch.capacity - 32
        store256be(at, word)
        how = system_call(m, address, at, U64(32))
        return how if how >= status.ABORT else U64(0)
    if address == HISTORY_STORAGE:
        return store_word(m, a, (m.block.number - 1) % HISTORY_WINDOW, word)
    at = m.block.timestamp % HISTORY_WINDOW
    how = store_word(m, a, at, U256(m.block.timestamp))
    return store_word(m, a, at + HISTORY_WINDOW, word) if how == 0 else how


@kernel
def store_word(m: Machine, a: Account, key: U64, value: U256) -> U64:
    """0, or an abort."""
    s = slot(m, a, U256(key))
    if address_of(s) == 0:
        return m.abort
    if s.value != value and not set_slot(m, s, value):
        return m.abort
    return U64(0)


@kernel
def system_call(m: Machine, address: U256, input: Ptr, size: U64) -> U64:
    """Call a contract as the system, with gas of its own that nobody pays. How it ended; output as of a transaction.

    After an abort nothing has changed; a MISS can be called again. What comes of its logs, the host decides.
    """
    begin(m, SYSTEM_ADDRESS)
    m.isolation.group, m.isolation.parallel, m.misses.guessing = U64(0), U64(0), U64(0)
    first_log = m.logs.count
    m.tx.gas_price = m.block.base_fee
    m.tx.blob_count = U64(0)
    target = account(m, address)
    if address_of(target) == 0:
        return m.abort
    paced, patient, trace = m.preemption.on, m.misses.suspending, m.tracing.trace
    m.preemption.on, m.misses.suspending, m.tracing.trace = U64(0), U64(0), U64(0)
    how = run_system_call(m, target, input, size)
    m.preemption.on, m.misses.suspending, m.tracing.trace = paced, patient, trace
    if how < status.ABORT and not finalise(m):
        how = m.abort
    if how >= status.ABORT:
        give_up(m, first_log)
    clear_journal(m)
    return how


@kernel
def run_system_call(m: Machine, target: Account, input: Ptr, size: U64) -> U64:
    f = new_frame(m, U64(SYSTEM_GAS))
    f.input, f.input_size = input, size
    f.out_offset, f.out_size = U64(0), U64(0)
    f.static = U64(0)
    f.address, f.caller, f.value = target.address, SYSTEM_ADDRESS, U256(0)
    how = enter_call(m, U64(CALL), target, target, target, U256(0), False, f)
    if how == status.ENTER:
        return run(m)
    return leave(m, how) if how < status.ABORT and m.calls.depth != 0 else how
