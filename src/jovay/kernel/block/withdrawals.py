"""EIP-4895. Blocks of the L2 have no withdrawals: this serves the tests of Ethereum's blocks."""

from ..evm.process import begin, finalise
from ..lang import U64, U256, address_of, kernel
from ..machine.journal import clear_journal
from ..machine.machine import Machine
from ..machine.marks import touch
from ..machine.view import account
from ..machine.writing import set_balance


@kernel
def withdraw(m: Machine, address: U256, wei: U256) -> U64:
    """Credit an account in a serial view. 0, or an abort: after a MISS it can be called again."""
    begin(m, address)
    m.isolation.group, m.isolation.parallel, m.misses.guessing = U64(0), U64(0), U64(0)
    a = account(m, address)
    if address_of(a) == 0:
        return m.abort
    touch(m, a)  # an account that is there and stays empty goes (EIP-161)
    if wei != 0 and not set_balance(m, a, a.balance + wei):
        return m.abort
    if not finalise(m):
        return m.abort
    clear_journal(m)
    return U64(0)
