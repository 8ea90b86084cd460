"""0xa0–0xa4: logs."""

from ...lang import U64, Ptr, address_of, copy, load256, store256be, unpoison
from ...machine.frame import Frame
from ...machine.log import LOG_SIZE, Log
from ...machine.machine import Machine
from ...machine.status import ARENA_FULL, NEXT, OUT_OF_GAS
from ...protocol.gas import LOG_DATA
from ...protocol.opcodes import LOG0
from ..memory import at, expand, words_of
from ..templates import Control, instruction
from ..trace import trace_log


def _log(topics: int) -> None:
    def body(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
        offset, size = load256(sp - 32), load256(sp - 64)
        paid, gas = expand(m, f, gas, offset, size)
        cost = words_of(size) * (32 * LOG_DATA)  # an upper bound that cannot wrap, exact below
        if paid:
            cost = U64(size) * LOG_DATA
        if not paid or gas < cost:
            m.tracing.lacking = cost if paid else m.tracing.lacking
            return U64(OUT_OF_GAS), pc, sp, gas
        data_size = U64(size)
        if m.logs.count == m.logs.capacity or m.logs.data_used + data_size > m.logs.data_capacity:
            return U64(ARENA_FULL), pc, sp, gas
        entry = Log(m.logs.records + m.logs.count * LOG_SIZE)
        unpoison(m.logs.records, address_of(entry), U64(LOG_SIZE))
        unpoison(m.logs.data, m.logs.data + m.logs.data_used, data_size)
        entry.address = f.address
        entry.topic_count = U64(topics)
        for k in range(topics):
            store256be(entry.topics + k * 32, load256(sp - 96 - k * 32))
        entry.data = m.logs.data + m.logs.data_used
        entry.data_size = data_size
        entry.transaction = m.tx.index
        if data_size != 0:
            copy(entry.data, at(f, offset), data_size)
        m.logs.data_used += data_size
        m.logs.count += 1
        if m.tracing.trace != 0:
            trace_log(m, entry, gas - cost)
        return U64(NEXT), pc + 1, sp - (64 + 32 * topics), gas - cost

    body.__qualname__ = f"log{topics}"
    instruction(LOG0 + topics)(body)


for _n in range(5):
    _log(_n)
