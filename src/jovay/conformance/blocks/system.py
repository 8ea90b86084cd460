"""The end of a block of Ethereum: withdrawals, and the requests that its contracts have for the consensus layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jovay.chain.environment import BlockEnvironment
from jovay.chain.reasons import ending
from jovay.conformance.state_tests import EngineError
from jovay.kernel.block.receipts import StoredLog
from jovay.kernel.block.system import system_call
from jovay.kernel.block.withdrawals import withdraw
from jovay.kernel.machine import commit, status, view
from jovay.kernel.machine.account import Account
from jovay.kernel.protocol.forks import PRAGUE
from jovay.native.library import Library
from jovay.native.records import dtype_of, int_of
from jovay.sequencer.production.block import ProducedBlock
from jovay.state.machine import NativeMachine
from jovay.state.world import NativeWorld

from .encoding import DecodedBlock
from .refusals import refused
from .requests import CONTRACTS, DEPOSIT, DEPOSIT_CONTRACT, DEPOSIT_TOPIC, deposit

WEI_PER_GWEI = 10**9


class SystemCalls:
    """Works in a machine of its own, after the producer's."""

    def __init__(self, library: Library, world: NativeWorld) -> None:
        self._library, self._world = library, world
        self._machine = NativeMachine(library, world)

    def finish(
        self, block: DecodedBlock, environment: BlockEnvironment, produced: ProducedBlock
    ) -> list[tuple[int, bytes]] | None:
        """Do what comes after the transactions; the requests by type, None before Prague.

        Raises ``RefusedBlockError`` where a contract of them does not answer.
        """
        machine, call = self._machine, self._library
        machine.reset()
        machine.attach()
        environment.write(machine.block)
        for paid in block.withdrawals or ():
            self._withdraw(int.from_bytes(paid.address, "big"), paid.amount * WEI_PER_GWEI)
        requests = None
        if block.fork.rules >= PRAGUE:
            requests = [(DEPOSIT, deposits(produced))]
            requests += [(kind, self._ask(contract)) for kind, contract in CONTRACTS.items()]
        with self._world.lock.write():
            if call[commit.commit_view](machine):
                raise EngineError("the world is full")
        return requests

    def _withdraw(self, address: int, wei: int) -> None:
        self._until_known(lambda: self._library[withdraw](self._machine, address, wei))

    def _ask(self, contract: int) -> bytes:
        """The answer of a contract to a system call."""
        machine, call = self._machine, self._library
        at = 0
        while not (at := call[view.account](machine, contract)):
            self._world.load(machine.take_misses())
        if not machine.arena.record(Account, at).code:
            raise refused("SYSTEM_CONTRACT_EMPTY", f"no code at 0x{contract:040x}")
        how = self._until_known(lambda: call[system_call](machine, contract, 0, 0))
        if how > status.RETURN:
            raise refused("SYSTEM_CONTRACT_CALL_FAILED", f"0x{contract:040x}: {ending(how)}")
        return machine.arena.read(machine.view.returned.size, machine.view.returned.data)

    def _until_known(self, attempt: Callable[[], int]) -> int:
        """Call the kernel until it misses nothing; the status."""
        while (how := attempt()) == status.MISS:
            self._world.load(self._machine.take_misses())
        if how >= status.ABORT:
            raise EngineError(ending(how))
        return how


def deposits(produced: ProducedBlock) -> bytes:
    """The deposit requests in the block's logs (EIP-6110)."""
    found = []
    for log in np.frombuffer(produced.logs, dtype_of(StoredLog)):
        if int_of(log["address"]) != DEPOSIT_CONTRACT or not log["topic_count"]:
            continue
        if log["topics"].tobytes()[:32] == DEPOSIT_TOPIC:
            start = int(log["data_offset"])
            found.append(deposit(produced.log_data[start : start + int(log["data_size"])]))
    return b"".join(found)
