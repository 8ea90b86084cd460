"""The opcode table against execution-specs, and nobody else who numbers opcodes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from jovay.cli.opcodes import markdown
from jovay.kernel.evm.interpreter import STEP, undefined
from jovay.kernel.protocol import opcodes as table
from jovay.kernel.protocol.forks import BERLIN, BYZANTIUM, CANCUN, OSAKA
from jovay.kernel.protocol.opcodes import FORBIDDEN, INVALID, OPCODES, WITHOUT_VALUE, Opcode, Range
from rigs.paths import ROOT
from rigs.specs import FORKS, GAS, NOBODY, SELF, specs

pytest.importorskip("ethereum.forks.osaka")
#: Operands that are unlike any other, and where a range of memory begins and how long it is.
STRANGE, OFFSET, SIZE = 0xABCDEF, 96, 40
CODES = {row.name: code for code, row in OPCODES.items()}


def rows(fork: int) -> Iterator[Opcode]:
    """Those that the specification has at a fork; the designated invalid instruction (EIP-141) is none to it."""
    return (row for row in OPCODES.values() if row.since <= fork and row.code != INVALID)


@pytest.mark.parametrize("fork", FORKS)
def test_numbers_since_the_fork(fork: int) -> None:
    assert {row.code for row in rows(fork)} == set(specs(fork).numbers)


def test_names() -> None:
    renamed = {"KECCAK": "KECCAK256"}
    theirs = {code: renamed.get(name, name) for code, name in specs(OSAKA).numbers.items()}
    assert {row.code: row.name for row in rows(OSAKA)} == theirs
    for row in OPCODES.values():  # families have constants for some of their members
        assert getattr(table, row.name, row.code) == row.code


@pytest.mark.parametrize("fork", FORKS)
def test_gas_stack_and_control(fork: int) -> None:
    for row in rows(fork):
        frame = specs(fork).run(row.code, [0] * row.pops, memory=256)
        assert GAS - int(frame.gas_left) == row.base(fork), row
        assert len(frame.stack) == row.pushes, row
        assert frame.running is not row.ends, row
        if not row.ends:
            stays = row.jumps and row.name == "JUMP"  # to 0, where it stands
            assert int(frame.pc) == (0 if stays else 1 + row.immediate), row
        if row.pops:
            with pytest.raises(specs(fork).module("vm.exceptions").StackUnderflowError):
                specs(fork).run(row.code, [0] * (row.pops - 1), memory=256)


def test_jumps() -> None:
    for row in rows(OSAKA):
        if row.jumps:
            assert int(specs(OSAKA).run(row.code, [0, 1][: row.pops]).pc) == 0, row


@pytest.mark.parametrize("fork", [fork for fork in FORKS if fork >= BYZANTIUM])
def test_static_calls(fork: int) -> None:
    def refused(row: Opcode, value: int) -> bool:
        try:
            specs(fork).run(
                row.code, [0, NOBODY, value, 0, 0, 0, 0][: row.pops] + [0] * (row.pops - 7), static=True
            )
        except Exception as error:
            return type(error).__name__ == "WriteInStaticContext"
        return False

    for row in rows(fork):
        assert refused(row, 0) == (row.static == FORBIDDEN), row
        assert refused(row, 1) == (row.static in (FORBIDDEN, WITHOUT_VALUE)), row


@pytest.mark.parametrize("fork", [fork for fork in FORKS if fork >= BERLIN])
def test_what_names_accounts_and_slots(fork: int) -> None:
    from ethereum_types.bytes import Bytes32

    runner = specs(fork)
    types = runner.module("fork_types")
    for row in rows(fork):
        for at in range(row.pops):
            values = [0] * row.pops
            values[at] = STRANGE
            try:
                frame = runner.run(row.code, values, memory=256)
            except runner.module("vm.exceptions").ExceptionalHalt:  # too far, or a jump to nowhere
                assert at not in (row.account, row.slot), row
                continue
            account, key = types.Address(STRANGE.to_bytes(20)), Bytes32(STRANGE.to_bytes(32))
            assert (account in frame.accessed_addresses) == (at == row.account), row
            own = types.Address(SELF.to_bytes(20))
            assert ((own, key) in frame.accessed_storage_keys) == (at == row.slot), row


@pytest.mark.parametrize("fork", [fork for fork in FORKS if fork >= CANCUN])
def test_what_names_transient_slots(fork: int) -> None:
    from ethereum_types.bytes import Bytes32

    runner = specs(fork)
    named = [row for row in rows(fork) if row.transient is not None]
    assert [row.name for row in named] == ["TLOAD", "TSTORE"]
    load, store = named
    values = [1, 1]
    values[store.transient] = STRANGE
    tries = runner.run(store.code, values).message.tx_env.transient_storage._tries
    (trie,) = tries.values()
    assert list(trie._data) == [Bytes32(STRANGE.to_bytes(32))]
    assert (load.pops, load.transient) == (1, 0)


def _memory(row: Opcode, memory: Range) -> tuple[list[int], int]:
    """Operands that name ``SIZE`` bytes from ``OFFSET`` on, and the memory in use then."""
    values = [0] * row.pops
    values[memory.offset] = OFFSET
    if memory.size is not None:
        values[memory.size] = SIZE
    return values, -(-(OFFSET + (SIZE if memory.size is not None else memory.fixed)) // 32) * 32


@pytest.mark.parametrize("fork", FORKS)
def test_memory(fork: int) -> None:
    for row in rows(fork):
        ranges = [memory for memory in (row.reads, row.writes) if memory is not None]
        for memory in ranges:
            values, used = _memory(row, memory)
            assert len(specs(fork).run(row.code, values).memory) == used, row
        if not ranges and not row.jumps:
            values = [OFFSET] * row.pops
            assert len(specs(fork).run(row.code, values).memory) == 0, row
        if row.writes is None:
            frame = specs(fork).run(row.code, [0] * row.pops, memory=256)
            assert frame.memory == bytes(256), row


def test_each_instruction_is_implemented() -> None:
    assert {code for code, step in STEP.cases.items() if step is not undefined} == set(OPCODES)
    assert set(STEP.cases) == set(range(256))


def test_the_page_is_what_the_table_prints() -> None:
    assert (ROOT / "docs" / "opcodes.md").read_text() == markdown()


def _literals(tree: ast.AST) -> Iterator[int]:
    """Lines where an opcode's constant is defined, or something called an opcode is compared with or is a number."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                for name, value in zip(names, values, strict=False):
                    code = CODES.get(getattr(name, "id", ""))
                    if code and isinstance(value, ast.Constant) and value.value in (code, bytes([code])):
                        yield node.lineno
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            names = {getattr(side, "attr", getattr(side, "id", "")) for side in sides}
            numbers = [side for side in sides if isinstance(side, ast.Constant) and type(side.value) is int]
            if names & {"op", "opcode"} and numbers:
                yield node.lineno
        elif isinstance(node, ast.keyword) and node.arg in ("op", "opcode"):
            yield from [node.value.lineno] if type(getattr(node.value, "value", None)) is int else []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SSTORE = 0x55", True),
        ("JUMPDEST, SIZE = b'\\x5b', 32", True),
        ("CREATE = 32_000", False),
        ("step.op == 0x54", True),
        ("0x60 <= opcode <= 0x7F", True),
        ("op == SLOAD", False),
        ("Step(pc=0, op=0x60)", True),
    ],
)
def test_a_literal_is_seen(text: str, found: bool) -> None:
    assert bool(list(_literals(ast.parse(text)))) is found


def test_only_the_table_numbers_opcodes() -> None:
    own, found = ROOT / "src/jovay/kernel/protocol/opcodes.py", []
    for folder in ("src", "bench", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path == own or "riscv" in path.parts:  # the opcodes of another machine
                continue
            found += [f"{path.relative_to(ROOT)}:{line}" for line in _literals(ast.parse(path.read_text()))]
    assert found == []
