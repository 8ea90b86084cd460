"""L1 messages come first in their block: they run one after the other in a machine of their own, before all others."""

from ..lang import U64, Ptr, kernel
from ..machine.machine import Machine
from .run import DEFERRED, DROPPED, run_at


@kernel
def defer_messages(runs: Ptr, count: U64) -> None:
    """The first ``count`` runs are L1 messages, to be executed by ``execute_deferred``."""
    for i in range(count):
        run_at(runs, U64(i)).state = U64(DEFERRED)


@kernel
def place_message(m: Machine, runs: Ptr, index: U64) -> None:
    """Run ``index``, just executed, stands in the block where it was given. Its records are listed apart."""
    r = run_at(runs, index)
    r.parent = index
    r.first_account = r.account_end = r.first_slot = r.slot_end = U64(0)
    r.first_dirty = r.dirty_end = m.dirty.count  # what the block's end need not commit again


@kernel
def leave_messages(runs: Ptr, first: U64, count: U64, why: U64) -> None:
    """The messages from ``first`` on are not in this block."""
    for i in range(first, count):
        r = run_at(runs, U64(i))
        r.parent = U64(i)
        r.state = U64(DROPPED)
        r.status = why
