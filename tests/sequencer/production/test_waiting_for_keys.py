"""A patient machine that waits for each missing key where it stands does what one does that has everything."""

from __future__ import annotations

import ctypes
from operator import index

import pytest

from jovay.conformance.differential.cases import Case, Log, Ran
from jovay.conformance.differential.generate import make_case
from jovay.conformance.differential.native import NativeRunner, encode
from jovay.conformance.parallel import Transactions
from jovay.kernel.evm.process import process_transaction, resume_transaction
from jovay.kernel.machine import status
from jovay.kernel.machine.account import Account
from jovay.kernel.machine.environment import Block
from jovay.kernel.machine.log import LOG_SIZE
from jovay.kernel.machine.log import Log as KernelLog
from jovay.kernel.machine.view import account
from jovay.kernel.programs.transition import Replay
from jovay.native.library import Library
from jovay.native.records import View
from jovay.state.machine import NativeMachine
from jovay.state.world import NativeWorld
from rigs.memory_chain import Pre, PreState


class Patient:
    """Executes a case over a world that is empty at first."""

    def __init__(self, library: Library, case: Case) -> None:
        self.library, self.case = library, case
        accounts = {
            address.to_bytes(20, "big"): Pre(a.balance, a.nonce, a.code, a.storage)
            for address, a in case.accounts.items()
        }
        self.world = NativeWorld(library, 10_000, 50_000, 1 << 24, 0, PreState(library, accounts))
        self.world.view.height = 1
        self.machine = NativeMachine(library, self.world)
        self._head = ctypes.create_string_buffer(encode(case)[: Replay.size], Replay.size)
        at = ctypes.addressof(self._head)
        ctypes.memmove(index(self.machine.block), at + Replay.fields["block"][1], Block.size)
        self.machine.block.hashes = at + Replay.fields["hashes"][1]
        self.machine.block.hashes_known = min(case.environment.number, 256)
        self.waits = 0

    def run(self) -> list[Ran]:
        gas_left, ran = self.case.environment.gas_limit, []
        for transaction in self.case.transactions:
            try:
                record = Transactions(self.library, [transaction.raw()], [transaction.sender])
            except ValueError:  # it does not decode
                ran.append(Ran(False))
                continue
            ran.append(self._ran(self._execute(record.addresses[0], gas_left)))
            gas_left -= ran[-1].gas_used
        return ran

    def _execute(self, record: int, gas_left: int) -> int:
        machine, result = self.machine, self.machine.result
        self.machine.view.misses.suspending = 1
        how = status.MISS
        while how in (status.MISS, status.WAITING):
            if how == status.MISS:
                how = self.library[process_transaction](machine, record, gas_left, result)
            else:
                self.waits += 1
                how = self.library[resume_transaction](machine, record, result)
            if how in (status.MISS, status.WAITING):
                self.world.load(self.machine.take_misses())
        return int(how)

    def _ran(self, how: int) -> Ran:
        if how:
            return Ran(False)
        result, view = self.machine.result, self.machine.view
        logs = []
        for i in range(result.log_count):
            log = View(KernelLog, view.logs.records + (result.first_log + i) * LOG_SIZE)
            topics = tuple(log.topics[32 * k : 32 * k + 32] for k in range(log.topic_count))
            logs.append(Log(log.address, topics, ctypes.string_at(log.data, log.data_size)))
        output = ctypes.string_at(view.returned.data, result.output_size)
        return Ran(True, bool(result.status), result.gas_used, output, tuple(logs))

    def account(self, address: int) -> tuple[int, int, bytes]:
        while not (at := self.library[account](self.machine, address)):
            self.world.load(self.machine.take_misses())
        found = View(Account, at)
        return found.balance, found.nonce, found.code_hash.to_bytes(32, "big")


@pytest.mark.parametrize("fork", ["Cancun", "Prague", "Osaka"])
def test_generated_cases_end_as_with_all_state_in_memory(library: Library, fork: str) -> None:
    native, waits, valid = NativeRunner.load(), 0, 0
    for seed in range(250):
        case = make_case(fork, seed)
        expected, patient = native.run(case), Patient(library, case)
        ran = patient.run()
        for ours, theirs in zip(ran, expected.ran, strict=True):
            assert (ours.valid, ours.success, ours.gas_used) == (
                theirs.valid,
                theirs.success,
                theirs.gas_used,
            )
            assert (ours.output, ours.logs) == (theirs.output, theirs.logs)
        for address, post in expected.accounts.items():
            assert patient.account(address) == (post.balance, post.nonce, post.code_hash), (
                seed,
                hex(address),
            )
        waits, valid = waits + patient.waits, valid + sum(one.success for one in ran)
    assert waits > 500
    assert valid > 100
