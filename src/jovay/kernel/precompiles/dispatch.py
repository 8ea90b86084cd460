"""Which precompiled contract runs at an address, and running it."""

from ..lang import U8, U64, U256, Ptr, Switch, Table, kernel, load64, load256
from ..machine.machine import Machine
from ..machine.status import OUT_OF_GAS, RETURN
from .support import Answer, failed
from .table import ID, PRECOMPILES

LAST = max(PRECOMPILES)
NEVER = 0xFF
#: The fork since which there is a contract at each address up to the last one's.
SINCE = Table(U8, [PRECOMPILES[a].since if a in PRECOMPILES else NEVER for a in range(LAST + 1)])
#: Gas whose time the slowest contract's gas takes (``table.Precompile.weight``), by address.
WEIGHTS = Table(U8, [PRECOMPILES[a].weight if a in PRECOMPILES else 0 for a in range(LAST + 1)])


@kernel
def no_price(m: Machine, input: Ptr, size: U64) -> U64:
    return U64(0)


@kernel
def no_precompile(m: Machine, input: Ptr, size: U64) -> Answer:
    return failed()


PRICE = Switch("price", {a: row.price for a, row in PRECOMPILES.items()}, no_price)
RUN = Switch("precompile", {a: row.run for a, row in PRECOMPILES.items()}, no_precompile)


@kernel
def call_precompile(m: Machine, number: U64, input: Ptr, size: U64, gas: U64) -> tuple[U64, U64]:
    """Pay for and run a contract: (status, gas left). Its output, if it RETURNs, is in the return arena."""
    cost = PRICE(number, m, input, size)
    if gas < cost:
        return U64(OUT_OF_GAS), U64(0)
    how, written = RUN(number, m, input, size)
    if how != RETURN:
        return how, U64(0)
    m.returned.size = written
    return how, gas - cost


@kernel
def is_precompile(fork: U64, address: U256) -> bool:
    """Whether ``address`` is a precompiled contract at ``fork``."""
    return address <= LAST and fork >= SINCE[U64(address)]


#: Bytes of one entry of the machine's table of overridden precompiles.
MOVED_SIZE = 40


@kernel(inline=False)
def moved_precompile(m: Machine, address: U256) -> U64:
    for i in range(m.relocations.count):
        entry = m.relocations.entries + U64(i) * MOVED_SIZE
        if load256(entry) == address:
            return load64(entry + 32)
    return U64(address) if is_precompile(m.block.fork, address) else U64(0)


@kernel
def precompile_at(m: Machine, address: U256) -> U64:
    """The number of the precompile that runs at ``address``, overrides considered; 0 for none."""
    if m.relocations.count != 0:
        return moved_precompile(m, address)
    return U64(address) if is_precompile(m.block.fork, address) else U64(0)


@kernel
def is_slow(number: U64, size: U64, gas: U64) -> bool:
    """Whether a precompile may take more than some hundred microseconds: up to 40 ns for each gas that it is given."""
    return gas > 10_000 and (number > ID or size > 65_536)


@kernel
def most_work(m: Machine, number: U64, input: Ptr, size: U64, gas: U64) -> U64:
    """Gas of instructions that take as long as a call of precompile ``number`` with ``gas`` may."""
    cost = PRICE(number, m, input, size)
    return cost * WEIGHTS[number] if cost <= gas else U64(0)  # else it runs out of gas at once
