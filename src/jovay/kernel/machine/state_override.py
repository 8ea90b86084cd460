"""State overrides of simulated calls: changes to a view before anything is executed in it."""

from ..hashes.keccak import keccak256_word
from ..lang import U64, U256, Ptr, Record, address_of, kernel, load256, poison, unpoison
from ..state.code import code_footprint, place_code
from ..state.world import EMPTY_CODE_HASH, Code
from . import status
from .journal import clear_journal
from .machine import Machine
from .view import account, slot
from .writing import set_balance, set_code, set_nonce, set_slot

BALANCE, NONCE, CODE, WIPE = 1, 2, 4, 8
#: Bytes of one slot: key and value, little-endian.
SLOT_OVERRIDE = 64


class Override(Record):
    """Changes to one account: those whose bit is in ``parts``, then the slots."""

    address: U256
    balance: U256
    nonce: U64
    parts: U64
    code: Ptr
    code_size: U64
    slots: Ptr
    slot_count: U64


@kernel
def override_account(m: Machine, o: Override) -> U64:
    """Apply an override to a serial view. 0, or an abort status; after MISS it can be called again.

    All slots that are missing are listed at once, so that they can be read together.
    """
    m.stamp += 1
    m.abort = U64(0)
    clear_journal(m)
    poison(m.touched.accounts, m.touched.count * 8)
    m.touched.count = U64(0)
    a = account(m, o.address)
    if address_of(a) == 0:
        return m.abort
    if o.parts & BALANCE != 0 and not set_balance(m, a, o.balance):
        return m.abort
    if o.parts & NONCE != 0 and not set_nonce(m, a, o.nonce):
        return m.abort
    if o.parts & CODE != 0:
        how = override_code(m, o)
        if how != 0:
            return how
    if o.parts & WIPE != 0:
        a.storage_epoch += 1 << 32  # above any epoch that the account ever had
        o.parts &= ~U64(WIPE)
    missing = U64(0)
    for i in range(o.slot_count):
        at = o.slots + U64(i) * SLOT_OVERRIDE
        s = slot(m, a, load256(at))
        if address_of(s) == 0:
            if m.abort != status.MISS:
                return m.abort
            m.abort = U64(0)
            missing = U64(status.MISS)
            continue
        if not set_slot(m, s, load256(at + 32)):
            return m.abort
        clear_journal(m)
    clear_journal(m)
    return missing


@kernel
def override_code(m: Machine, o: Override) -> U64:
    a = account(m, o.address)
    code, code_hash = Code(U64(0)), EMPTY_CODE_HASH
    if o.code_size != 0:
        if m.code.used + code_footprint(o.code_size) > m.code.capacity:
            return U64(status.ARENA_FULL)
        code_hash = keccak256_word(o.code, o.code_size)
        unpoison(m.code.start, m.code.start + m.code.used, code_footprint(o.code_size))
        code = place_code(m.code.start + m.code.used, o.code, o.code_size, code_hash)
        m.code.used += code_footprint(o.code_size)
    return U64(0) if set_code(m, a, code, code_hash) else m.abort
