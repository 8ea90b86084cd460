"""Programs that use up one resource as fast as gas allows, and arenas of the size that the node gives."""

from jovay.conformance.differential.assembler import Assembler, Label
from jovay.conformance.differential.cases import Account, Case, Environment, Transaction, address_of_key
from jovay.conformance.differential.inputs import bls_g1, bn_g1, bn_g2
from jovay.kernel.evm.capacities import machine_sizes
from jovay.kernel.machine.layout import MachineSizes
from jovay.native import kernel
from jovay.native.records import new_record, values_of
from jovay.state.machine import SHARED

BOMB, HELPER, REVERTER, DESTROYER, SENDER = 0xB0B, 0x4E1, 0x4E2, 0x4E3, address_of_key(0)
MEGABYTE = 1 << 20


def node_sizes(gas: int = 1 << 24, shared: int = SHARED) -> tuple[dict[str, int], dict[str, int]]:
    """A world, and a machine as ``execution.machine.NativeMachine`` lays its own out."""
    world = {
        "accounts": 1 << 20,
        "account_index": 1 << 22,
        "slots": 1 << 20,
        "slot_index": 1 << 22,
        "code_bytes": 512 * MEGABYTE,
        "code_index": 1 << 16,
        "history": 0,
        "changed": 1 << 22,
    }
    return world, machine_sizes_for(gas, shared)


def machine_sizes_for(gas: int, shared: int) -> dict[str, int]:
    """The fields of ``MachineSizes`` for transactions of so much gas."""
    record = new_record(MachineSizes)
    kernel.load()[machine_sizes](gas, shared, record)
    return values_of(record)


def _push_all(asm: Assembler, *values: int | str) -> None:
    """Numbers are pushed, names are instructions."""
    for value in values:
        if isinstance(value, str):
            asm.op(*value.split())
        else:
            asm.push(value)


def _straight(*values: int | str) -> bytes:
    asm = Assembler()
    _push_all(asm, *values)
    return asm.assemble()


def _forever(*values: int | str, first: tuple[int | str, ...] = (0,)) -> bytes:
    """``first`` once (mostly a counter), then the rest until the gas is gone."""
    asm, top = Assembler(), Label()
    _push_all(asm, *first)
    asm.place(top)
    _push_all(asm, *values)
    asm.push_label(top)
    asm.op("JUMP")
    return asm.assemble()


def _with_data(data: bytes, precompile: int) -> bytes:
    """Call a precompiled contract with ``data`` until the gas is gone."""
    asm, top = Assembler(), Label()
    asm.push(len(data))
    asm.push_label(asm.data(data))
    _push_all(asm, 0, "CODECOPY")
    asm.place(top)
    _push_all(asm, 128, 4000, len(data), 0, precompile, "GAS STATICCALL POP")
    asm.push_label(top)
    asm.op("JUMP")
    return asm.assemble()


def _lengths(*lengths: int) -> bytes:
    return b"".join(n.to_bytes(32) for n in lengths)


_COUNT = (1, "ADD")
_CALL_SELF = (0, 0, 0, 0, 0, "ADDRESS GAS CALL")
BOMBS: dict[str, bytes] = {
    "jumps": _forever(),
    "calls": _straight(*_CALL_SELF),
    "calls that call twice": _straight(*_CALL_SELF, *_CALL_SELF),
    "creates in creates": _straight("CODESIZE", 0, 0, "CODECOPY CODESIZE", 0, 0, "CREATE"),
    "memory": _forever(0, "MSIZE MSTORE"),
    "memory at once": _forever(0, "DUP2 MSTORE", 1, "SHL", first=(32,)),
    "memory in every frame": _straight(1, 100_000, "MSTORE", *_CALL_SELF),
    "memory returned from every frame": _straight(1, 60_000, "MSTORE", *_CALL_SELF, 60_000, 0, "RETURN"),
    "log data": _forever(32_768, 0, "LOG0"),
    "logs": _forever(0, 0, 0, 0, 0, 0, "LOG4"),
    "slots": _forever("DUP1 DUP1 SSTORE", *_COUNT, first=(1,)),
    "one slot": _forever("GAS", 0, "SSTORE"),
    "slots read": _forever("DUP1 SLOAD POP", *_COUNT),
    "transient slots": _forever("DUP1 DUP1 TSTORE", *_COUNT),
    "accounts": _forever("DUP1 BALANCE POP", *_COUNT, first=(10_000,)),
    "new accounts": _forever(0, 0, 0, 0, 1, "DUP6", 0, "CALL POP", *_COUNT, first=(10_000,)),
    "touches undone": _forever(0, 0, 0, 0, 0, REVERTER, "GAS CALL POP"),
    "nested touches undone": _forever(0, 0, 0, 0, 0, HELPER, "GAS CALL POP"),
    "identity": _forever(0, 0, 1_000_000, 0, 4, "GAS STATICCALL POP"),
    "hashes": _forever(300_000, 0, "KECCAK256 POP"),
    "copies": _forever(300_000, 0, 1, "MCOPY"),
    "code copies": _forever(300_000, 0, 0, HELPER, "EXTCODECOPY"),
    "initialisation codes": _forever(49_152, 0, 0, "CREATE POP"),
    "deployed codes": _forever(5, 0, 0, "CREATE POP", first=(0x61_6000_5F_F3 << 216, 0, "MSTORE")),
    "created and gone": _forever("DUP1", 2, 0, 0, "CREATE2 POP", *_COUNT, first=(0x33FF << 240, 0, "MSTORE", 0)),
    "destroyed again": _forever(0, 0, 0, 0, 0, DESTROYER, "GAS CALL POP"),
    "heirs not paid for": _forever(0, 0, 0, 0, 0, DESTROYER, 6, "CALL POP"),
    "exponents": _forever(2**256 - 1, 2**256 - 1, "EXP POP"),
    "signatures": _with_data(bytes(63) + b"\x1b" + bytes(31) + b"\x01" + bytes(31) + b"\x01", 0x01),
    "modular powers": _with_data(_lengths(300, 40, 300) + b"\xfd" * 640, 0x05),
    "pairings": _with_data(bn_g1(1) + bn_g2(1) + bn_g1(-1) + bn_g2(1), 0x08),
    "multiplications": _with_data(bls_g1(2) + b"\xff" * 32 + bls_g1(3) + b"\xfe" * 32, 0x0C),
    "blake rounds": _with_data((200_000).to_bytes(4) + bytes(208) + b"\1", 0x09),
    "stack": _forever("ADDRESS", first=()),
}  # fmt: skip


def bomb(name: str, gas: int, fork: str) -> Case:
    """A transaction that sets the bomb off, and a plain one behind it."""
    accounts = {
        SENDER: Account(balance=10**18),
        BOMB: Account(balance=10**18, nonce=1, code=BOMBS[name]),
        HELPER: Account(
            balance=10**18, nonce=1, code=_straight(0, 0, 0, 0, 1, REVERTER, "GAS CALL", 0, 0, "REVERT")
        ),
        REVERTER: Account(nonce=1, code=_straight(0, 0, "REVERT")),
        DESTROYER: Account(nonce=1, code=_straight("ADDRESS SELFDESTRUCT")),
    }
    environment = Environment(fork, 1, 1, 2 * gas, 0, 0, 0, 0xFEE)
    transactions = [Transaction(0, 0, 0, gas, BOMB, 0, b"", 1), plain_transaction(1)]
    return Case(0, environment, accounts, transactions)


def plain_transaction(nonce: int) -> Transaction:
    """A transfer with a call: it has nothing to do with the bombs."""
    return Transaction(0, 0, nonce, 60_000, HELPER, 5, b"", 1)
