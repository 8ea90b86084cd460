"""Runs of programs as tables: honest ones fit together, and no cell can be another."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from jovay.prover.zk import audit
from jovay.prover.zk.chip import Chip
from jovay.prover.zk.errors import ZkError
from jovay.prover.zk.machine.cpu import Accesses
from jovay.prover.zk.machine.memory import KINDS, MEMORY_CHIP
from jovay.prover.zk.machine.program import ASKED, CHIPS, Program, RunProof, shown
from jovay.prover.zk.machine.run import Run
from jovay.prover.zk.setup import Setup, development_setup
from jovay.prover.zk.tables import Table
from rigs import rv64
from rigs.chips import free_cells, kill_rates


@pytest.fixture(scope="module")
def setup() -> Setup:
    return development_setup(1 << 18, 0xFEDCBA9876543210)


def code() -> rv64.Program:
    """Sums in a loop, every comparison with its branches both ways, jumps, and the end with the sum."""
    p = rv64.Program()
    p("addi", rd=1, imm=5)("addi", rd=2, imm=0)
    p("add", rd=2, rs1=2, rs2=1)("addi", rd=1, rs1=1, imm=-1)("bne", rs1=1, rs2=0, imm=-8)
    p("sub", rd=3, rs1=0, rs2=2)("slt", rd=4, rs1=3, rs2=2)("sltu", rd=5, rs1=3, rs2=2)
    p("slti", rd=4, rs1=3, imm=-15)("sltiu", rd=5, rs1=3, imm=-14)("add", rd=0, rs1=2, rs2=2)
    for name in ("beq", "bne", "blt", "bge", "bltu", "bgeu"):
        for rs1, rs2 in ((2, 3), (3, 2), (2, 2)):
            p(name, rs1=rs1, rs2=rs2, imm=8)("addi", rd=7, rs1=7, imm=1)
    p("auipc", rd=6, imm=0)("jalr", rd=8, rs1=6, imm=13)("ebreak")("jal", rd=9, imm=8)("ebreak")
    p("lui", rd=10, imm=0x80000)("addi", rd=17, imm=93)("addi", rd=10, rs1=2)
    return p("ecall")


#: What chips are there for, by register and by immediate.
COMPUTING = (
    "add sub addw subw sll srl sra sllw srlw sraw and or xor slt sltu mul mulh mulhsu mulhu mulw".split()
)
COMPUTING += "div divu rem remu divw divuw remw remuw".split()
IMMEDIATE = "addi addiw slti sltiu andi ori xori".split()
SHIFTS = {"slli": 64, "srli": 64, "srai": 64, "slliw": 32, "srliw": 32, "sraiw": 32}


#: By 0, and what overflows, of 64 and of 32 bits.
DIVISIONS = [
    (1 << 63, rv64.WRAP - 1),
    (5, 0),
    (rv64.WRAP - (1 << 31), rv64.WRAP - 1),
    (rv64.WRAP - 7, 1 << 32),
]


def with_operands(seed: int, pairs: int) -> rv64.Program:
    """All of them on edge cases."""
    rng, p = random.Random(seed), code()
    p.words.pop()
    for pair in range(pairs):
        a, b = (rng.choice([rng.choice(rv64.EDGES), rng.randrange(1 << 64)]) for _ in range(2))
        a, b = dict(enumerate(DIVISIONS)).get(pair, (a, b))
        p.li(11, a).li(12, b)
        for name in COMPUTING:
            p(name, rd=13, rs1=11, rs2=12)
        for name in IMMEDIATE:
            p(name, rd=13, rs1=11, imm=rng.choice([-2048, -1, 0, 1, 2047]))
        for name, most in SHIFTS.items():
            p(name, rd=13, rs1=11, imm=rng.choice([0, 1, most // 2, most - 1]))
    return p("ecall")


@pytest.fixture(scope="module")
def program(setup: Setup) -> Program:
    return Program(with_operands(1, 3).elf(), setup)


@pytest.mark.parametrize("seed", range(3))
def test_all_operations_fit_together(setup: Setup, seed: int) -> None:
    program = Program(with_operands(seed, 12).elf(), setup)
    run = Run.of(program.emulator, b"")
    assert faults(program, run, program.tables(run)) == []


@pytest.fixture
def run(program: Program) -> Run:
    return Run.of(program.emulator, b"")


def faults(
    program: Program, run: Run, tables: list[Table], status: int = 15, output: bytes = b""
) -> list[object]:
    statement = program.statement(len(run), status, output)
    return [*audit.broken(tables), *audit.unbalanced(tables, statement.public)]


def test_an_honest_run_fits_together(program: Program, run: Run) -> None:
    tables = program.tables(run)
    assert [table.chip for table in tables] == [*CHIPS, *ASKED]
    assert faults(program, run, tables) == []
    assert faults(program, run, tables, status=14)


def with_memory(seed: int) -> rv64.Program:
    """Stores and loads of every length at every offset, of data and of constants."""
    rng, p = random.Random(seed), rv64.Program()
    p.li(14, rv64.DATA + 64).li(15, rv64.CONSTANTS + 8)
    for _ in range(5):
        p.li(11, rng.choice([rng.choice(rv64.EDGES), rng.randrange(1 << 64)]))
        for name in ("sb", "sh", "sw", "sd"):
            for offset in rng.sample(range(-16, 16), 3):
                p(name, rs1=14, rs2=11, imm=offset)
        for name in ("lb", "lh", "lw", "ld", "lbu", "lhu", "lwu"):
            for offset in rng.sample(range(-8, 16), 3):
                p(name, rd=12, rs1=rng.choice([14, 15]), imm=offset)
    return p("addi", rd=17, imm=93)("addi", rd=10, imm=15)("ecall")


@pytest.mark.parametrize("seed", range(3))
def test_memory_fits_together(setup: Setup, seed: int) -> None:
    elf = with_memory(seed).elf(data=bytes(range(1, 200)), constants=bytes(range(40, 90)))
    program = Program(elf, setup)
    run = Run.of(program.emulator, b"")
    output = shown(run.output)[:128]
    tables = program.tables(run, output)
    assert faults(program, run, tables, output=output) == []
    assert faults(program, run, tables, output=bytes([output[0] ^ 1]) + output[1:])
    assert (
        free_cells([table for table in tables if table.chip.name in ("access", "memory")], of_the_end) <= FREE
    )


def test_what_is_traced_is_what_is_run(program: Program, run: Run) -> None:
    execution = program.emulator.run(b"", 10_000)
    assert (len(run), int(Accesses(run).read[0, -1])) == (execution.cycles, execution.status)
    wanted = [name for chip in CHIPS for name in chip.columns if name in ("beq", "slt", "jalr", "exit")]
    assert len(wanted) == 4


#: Cells of used rows that may be another: what an instruction does not ask about. None can lead to another result.
FREE = {
    ("jump", "odd"),  # where no jalr drops the lowest bit
    ("equal", "inverse"),  # of a difference that is 0
    *(("compare", f"rest_{side}{i}") for side in "ay" for i in range(4)),  # signs are for signed comparisons
    ("shift", "rest"),  # and for what may be extended or filled up
    *(("shift", f"gap_{i}") for i in range(4)),  # remainders are to the right
    ("multiply_high", "rest_b"),  # the second factor of mulhsu has no sign
    *(("divide", name) for name in ("top", "top_a", "top_b", "inverse")),
    *(("divide", f"gap_{i}") for i in range(4)),  # nothing is less than 0
    *(("access", name) for name in ("writable1", "word1", "gap1_low", "gap1_high")),
    *(("access", f"second_{i}") for i in range(4)),  # there is no second word
    *(
        ("access", name) for name in ("rest", "low_byte", "high_byte")
    ),  # for signed loads, and stores of bytes
    ("system", "index"),  # at the end nobody asks for a block
    *(
        ("memory", f"{name}_{part}") for name in ("from", "to") for part in ("low", "high")
    ),  # image: no window
}
#: All that counts in the row that ends memory's chain.
END = ("end", "word", "step_low", "step_high")


def of_the_end(chip: Chip, row: Sequence[int], name: str) -> bool:
    """Whether a cell is one that the row which ends memory's chain has for nothing."""
    return chip is MEMORY_CHIP and bool(row[chip.columns.index("end")]) and name not in (*END, *KINDS)


def test_no_cell_can_be_another(program: Program, run: Run) -> None:
    assert free_cells(program.tables(run), of_the_end) <= FREE


@pytest.mark.slow
def test_how_many_changes_are_noticed(setup: Setup) -> None:
    """All but those of cells that may be free; run with -s to see the rates."""
    elf = with_memory(5).elf(data=bytes(range(1, 200)), constants=bytes(range(40, 90)))
    for program in (Program(with_operands(4, 12).elf(), setup), Program(elf, setup)):
        tables = program.tables(Run.of(program.emulator, b""))
        rates = kill_rates([table for table in tables if table.chip is not MEMORY_CHIP])
        killed, tried = (sum(rate[k] for rate in rates.values()) for k in (0, 1))
        print(f"{killed} of {tried} changes to {len(rates)} columns are noticed")
        for (chip, column), (noticed, count) in sorted(rates.items()):
            if noticed != count:
                print(f"{chip:16} {column:12} {noticed / count:7.1%}")
                assert (chip, column) in FREE


def test_rows_can_be_neither_left_out_nor_added(program: Program, run: Run) -> None:
    """A row that says anything is missed by others, and one too many as well."""
    for table in program.tables(run):
        chip, width = table.chip, len(table.own)
        for row in [row for row in audit.rows_of(table)[:4096] if any(row[:width])][:40]:
            assert audit.messages_of(chip.messages(chip.row(row))), (chip.name, row)


@pytest.fixture(scope="module")
def proof(program: Program) -> RunProof:
    return program.prove(b"")


def test_a_run_is_proven(program: Program, proof: RunProof) -> None:
    program.verify(proof)
    for other in (
        RunProof(proof.cycles, proof.status + 1, proof.output, proof.proof),
        RunProof(proof.cycles + 1, proof.status, proof.output, proof.proof),
        RunProof(proof.cycles, proof.status, proof.output[:-8] + bytes([1] * 8), proof.proof),
    ):
        with pytest.raises(ZkError):
            program.verify(other)


def test_another_programs_proof_is_refused(proof: RunProof, setup: Setup) -> None:
    words = with_operands(1, 3)
    words.words[0] += 1 << 20  # addi x1, x0, 6
    for elf in (
        words.elf(),
        with_operands(1, 3).elf(constants=b"other"),
        with_operands(1, 3).elf(data=b"other"),
    ):
        with pytest.raises(ZkError):
            Program(elf, setup).verify(proof)


def test_a_program_that_traps_has_no_run(setup: Setup) -> None:
    for p, why in (
        (rv64.Program()("ebreak"), "breakpoint"),
        (rv64.Program()("jal", rd=0, imm=-4), "jump outside"),
        (rv64.Program()("addi", rd=17, imm=92)("ecall"), "unknown system call"),
    ):
        with pytest.raises(ZkError, match=why):
            Run.of(Program(p.elf(), setup).emulator, b"")
