"""The interpreter alone: nanoseconds per opcode and gas per second on loops, beside revm in the same run."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from jovay.chain.development import development_genesis
from jovay.chain.genesis import Genesis, GenesisAccount
from jovay.kernel.evm import validity
from jovay.kernel.evm.process import process_transaction
from jovay.kernel.machine import status
from jovay.kernel.machine.view import reset_view
from jovay.kernel.protocol.forks import NEWEST
from jovay.native import kernel
from jovay.native.library import Library
from jovay.simulation.standalone import Message, _transaction, _write_block
from jovay.state.machine import NativeMachine
from jovay.state.world import NativeWorld
from jovay.state.writes import StoredState
from jovay.storage.alloc import state_changes
from jovay.storage.kv import MemoryKV
from jovay.storage.state import TABLES, StateStore

from .loads.accounts import keccak
from .loads.chain import BALANCES, artefact, mapping, word
from .loads.workloads import selector
from .measuring.hardware import describe

SENDER, CODE, TOKEN = b"\x5e" * 20, b"\xc0" * 20, b"\x70" * 20
BALANCE = mapping(CODE, BALANCES)
RUNS = 5


@dataclass(frozen=True)
class Program:
    """A contract, and how many of what is counted one call of it does."""

    name: str
    code: bytes
    count: int
    unit: str = "opcode"


def loop(prefix: str, body: str, turns: int) -> bytes:
    """Code that does ``prefix``, then ``turns`` times ``body``, which leaves the counter on top of the stack."""
    start = len(prefix) // 2 + 5
    return bytes.fromhex(f"{prefix}63{turns:08x}5b{body}6001900380{0x61:02x}{start:04x}5700")


def programs() -> list[Program]:
    """What is measured. A turn of a loop has 7 opcodes beside its body."""
    move = (selector("transfer(address,uint256)") + (b"\x11" * 20).rjust(32, b"\0") + word(1)).ljust(
        96, b"\0"
    )
    store = "".join(f"7f{move[at : at + 32].hex()}60{at:02x}52" for at in (0, 32, 64))
    transfer = f"6020606060446000600073{TOKEN.hex()}5af150"
    return [
        # DUP1 DUP1 MUL DUP2 ADD PUSH1 ff XOR POP
        Program("arithmetic", loop("", "8080028101" + "60ff18" + "50", 1_000_000), 15_000_000),
        # DUP1 PUSH1 0 MSTORE PUSH1 0 MLOAD POP
        Program("memory", loop("", "80600052" + "600051" + "50", 1_000_000), 13_000_000),
        # DUP1 PUSH1 0 MSTORE PUSH1 20 PUSH1 0 KECCAK256 POP
        Program(
            "keccak256 of 32 bytes", loop("", "80600052" + "60206000" + "20" + "50", 200_000), 200_000, "loop"
        ),
        # DUP1 PUSH1 0 SSTORE PUSH1 0 SLOAD POP
        Program("storage, one warm slot", loop("", "80600055" + "600054" + "50", 200_000), 200_000, "loop"),
        Program("ERC-20 transfer", loop(store, transfer, 20_000), 20_000, "call"),
    ]


def genesis_of(program: Program) -> Genesis:
    """A state with the program's contract and a rich caller."""
    token = GenesisAccount(0, 1, bytes.fromhex(artefact("Token")["runtime"][2:]), {BALANCE: word(10**30)})
    accounts = {SENDER: GenesisAccount(10**24), CODE: GenesisAccount(0, 1, program.code), TOKEN: token}
    return replace(development_genesis(), alloc=accounts)


def ours(library: Library, program: Program) -> Callable[[], int]:
    """A function that makes the call once and answers its gas."""
    store = StateStore(MemoryKV(TABLES))
    genesis = genesis_of(program)
    store.write(0, state_changes(genesis, keccak), sync=False)
    world = NativeWorld(library, 1 << 12, 1 << 12, 1 << 24, 0, StoredState(store))
    machine = NativeMachine(library, world)
    _write_block(machine.block, genesis, NEWEST)
    machine.view.tx.skipped = validity.ANY_NONCE | validity.ANY_BALANCE | validity.SIMULATED
    record = _transaction(Message(SENDER, CODE, b"", 1 << 40), NEWEST)

    def call() -> int:
        result = machine.result
        while (how := library[process_transaction](machine, record, (1 << 64) - 1, result)) == status.MISS:
            world.load(machine.take_misses())
        if how or not result.status:
            raise RuntimeError(f"{program.name}: status {how}")
        used = int(result.gas_used) - 21_000
        library[reset_view](machine)
        return used

    return call


def revm(program: Program) -> Callable[[], int]:
    """The same in revm, through its Python binding."""
    from pyrevm import EVM, AccountInfo, BlockEnv

    evm = EVM(gas_limit=1 << 40)
    evm.set_block_env(BlockEnv(gas_limit=1 << 40))
    sender, to = "0x" + SENDER.hex(), "0x" + CODE.hex()
    for address, account in genesis_of(program).alloc.items():
        place = "0x" + address.hex()
        evm.insert_account_info(place, AccountInfo(balance=account.balance, code=account.code))
        for key, value in account.storage.items():
            evm.insert_account_storage(place, int.from_bytes(key, "big"), int.from_bytes(value, "big"))

    def call() -> int:
        evm.message_call(sender, to, b"", gas=1 << 40)
        return int(evm.result.gas_used) - 21_000

    return call


def measure(call: Callable[[], int], seconds: float = 0.3) -> tuple[float, int]:
    """Median processor seconds of one call, and its gas."""
    gas = call()
    begun = time.thread_time()
    call()
    repeat = max(1, int(seconds / max(1e-6, time.thread_time() - begun)))
    times = []
    for _ in range(RUNS):
        begun = time.thread_time()
        for _ in range(repeat):
            gas = call()
        times.append((time.thread_time() - begun) / repeat)
    return statistics.median(times), gas


@dataclass(frozen=True)
class Row:
    """One program's figures: seconds per opcode (or call) and gas per second, ours and revm's."""

    program: Program
    ours: float
    revm: float
    gas_rate: float
    revm_gas_rate: float

    def form(self) -> dict[str, str | float]:
        """The figures as they are kept."""
        return {
            "name": self.program.name,
            "unit": self.program.unit,
            "ours": self.ours,
            "revm": self.revm,
            "gas_rate": self.gas_rate,
            "revm_gas_rate": self.revm_gas_rate,
        }


def run() -> Iterator[Row]:
    """Measure all."""
    library = kernel.load()
    for program in programs():
        seconds, gas = measure(ours(library, program))
        other, other_gas = measure(revm(program))
        each = program.count
        yield Row(program, seconds / each, other / each, gas / seconds, other_gas / other)


def show(row: Row) -> None:
    """A line of text."""
    print(
        f"{row.program.name:26} {row.ours * 1e9:10.1f} ns per {row.program.unit:7} {row.gas_rate / 1e6:10,.0f} Mgas/s"
        f"   revm {row.revm * 1e9:10.1f} ns {row.revm_gas_rate / 1e6:10,.0f} Mgas/s   ×{row.revm / row.ours:.2f}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(prog="jovay bench evm_opcodes", description=__doc__).parse_args()
    print(describe())
    for row in run():
        show(row)


if __name__ == "__main__":
    main()
