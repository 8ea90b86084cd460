"""Warm and cold (EIP-2929): what a transaction has touched costs less the second time.

Whether an access is cold is known without a look into the world: what the view has no record of is cold. So its price
is known, and asked for, before anything is loaded.
"""

from ..lang import U64, U256, address_of, kernel
from ..machine.account import Account, Slot
from ..machine.loading import load_account
from ..machine.machine import Machine
from ..machine.marks import warm_account, warm_slot
from ..machine.view import add_slot, with_value
from ..precompiles import is_precompile
from ..protocol import forks
from ..protocol.gas import COLD_SLOAD, SLOAD


@kernel(inline=True)
def is_warm(m: Machine, a: Account) -> bool:
    """Whether an instruction, or the transaction itself, accessed ``a``, a record or null."""
    return address_of(a) != 0 and a.warm == m.stamp


@kernel
def is_cold(m: Machine, a: Account, address: U256) -> bool:
    """Whether the first access to ``address`` is still to be paid for; ``a`` is its record or null."""
    fork = m.block.fork
    if fork < forks.BERLIN or is_warm(m, a) or (address_of(a) != 0 and a.prepaid == m.stamp):
        return False
    if is_precompile(fork, address):
        return False
    return fork < forks.SHANGHAI or address != m.block.coinbase  # EIP-3651


@kernel
def access_account(m: Machine, a: Account, address: U256, at: U64) -> Account:
    """Access an account that is paid for: its record, or null (see ``m.abort``) with nothing changed.

    ``a`` and ``at`` are what ``find_record`` gave.
    """
    if address_of(a) == 0:
        a = load_account(m, address, at)
        if address_of(a) == 0:
            return a
    mark_account(m, a)
    return a


@kernel
def mark_account(m: Machine, a: Account) -> None:
    """Note that an instruction accessed ``a``."""
    warm_account(m, a)
    a.seen = m.stamp


@kernel(inline=True)
def is_warm_slot(m: Machine, s: Slot) -> bool:
    """Whether an instruction accessed a slot, whose record ``s`` is, or null: then it has its value."""
    return address_of(s) != 0 and s.warm == m.stamp


@kernel
def is_cold_slot(m: Machine, s: Slot) -> bool:
    """Whether the first access to a slot, whose record ``s`` is, or null, is still to be paid for."""
    if m.block.fork < forks.BERLIN or is_warm_slot(m, s):
        return False
    return address_of(s) == 0 or s.prepaid != m.stamp


@kernel
def sload_price(m: Machine, s: Slot) -> U64:
    """Gas of reading a slot, whose record ``s`` is, or null."""
    return U64(COLD_SLOAD) if is_cold_slot(m, s) else SLOAD[m.block.fork]


@kernel
def access_slot(m: Machine, a: Account, key: U256, s: Slot, at: U64) -> Slot:
    """Access a slot that is paid for: its record with its value, or null (see ``m.abort``) with nothing changed.

    ``s`` and ``at`` are what ``find_slot_record`` gave.
    """
    if address_of(s) == 0:
        s = add_slot(m, a, key, at)
        if address_of(s) == 0:
            return s
    s = with_value(m, a, s)
    if address_of(s) != 0:
        warm_slot(m, s)
    return s
