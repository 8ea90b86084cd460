"""Warm and cold (EIP-2929): what a transaction has touched costs less the second time."""

from ..lang import kernel
from ..precompiles import is_precompile
from ..state.view import warm_account
from . import forks
from .machine import Account, Machine


@kernel(inline=True)
def is_cold(m: Machine, a: Account) -> bool:
    """Mark ``a`` as accessed; true if this was the first time. Precompiles and the coinbase (EIP-3651) are warm."""
    return warm_account(m, a) and not warm_from_the_start(m, a)


@kernel(inline=False)
def warm_from_the_start(m: Machine, a: Account) -> bool:
    if is_precompile(m.block.fork, a.address):
        return True
    return m.block.fork >= forks.SHANGHAI and a.address == m.block.coinbase
