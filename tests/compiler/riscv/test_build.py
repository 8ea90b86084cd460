"""Kernel code as a RISC-V program: the same results as natively, and the same bytes from every build."""

import ctypes
import hashlib
import os
import random
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from compiler.riscv import guest
from jovay.compiler.errors import KernelCompileError
from jovay.compiler.riscv.build import build_elf
from jovay.compiler.riscv.elf import program_digest, read_elf, read_functions, write_elf
from jovay.compiler.riscv.layout import ARENA_BASE, INPUT_BASE, STACK_BASE, MemorySizes
from jovay.kernel.lang import U64, U256, kernel
from jovay.native.emulator import Emulator, InputTooLargeError
from jovay.native.library import build

LIMIT = 50_000_000
ARENA = 1 << 20


@pytest.fixture(scope="module")
def emulator():
    return Emulator(build_elf(guest.main))


@pytest.fixture(scope="module")
def native():
    return build([guest.main])[guest.main]


def run_native(function, data):
    """Status and output of ``guest.main`` called as the program calls it."""
    source = ctypes.create_string_buffer(data, len(data) + 64)
    output, arena = ctypes.create_string_buffer(1 << 16), ctypes.create_string_buffer(ARENA)
    status = function(
        *(U64(ctypes.addressof(x)) if x else U64(len(data)) for x in (source, None, output, arena))
    )
    (size,) = struct.unpack_from("<Q", output)
    return int(status), output[8 : 8 + size]


def inputs(task, count):
    rng = random.Random(task)
    edges = [0, 1, 2**64 - 1, 2**64, 2**128, 2**255, 2**256 - 1]
    for _ in range(count):
        if task == 1:
            words = [rng.choice((rng.choice(edges), rng.getrandbits(rng.randint(1, 256)))) for _ in range(3)]
            yield b"".join(w.to_bytes(32, "big") for w in words)
        else:
            yield rng.randbytes(rng.choice((0, 1, 31, 64, 135, 136, 137, rng.randrange(600))))


@pytest.mark.parametrize("task", range(guest.TASKS))
def test_guest_equals_native(emulator, native, task):
    for body in inputs(task, 60):
        data = struct.pack("<Q", task) + body
        result = emulator.run(data, LIMIT)
        assert result.exited, result
        assert (result.status, result.output) == run_native(native, data), body.hex()


@pytest.mark.parametrize("task", range(guest.TASKS))
def test_guest_equals_plain_python(emulator, task):
    *_, body = inputs(task, 3)
    data = struct.pack("<Q", task) + body[:96]
    result = emulator.run(data, LIMIT)
    assert (result.status, result.output) == run_native(guest.main, data)


def test_bad_input_is_a_status(emulator):
    assert emulator.run(b"", LIMIT).status == guest.TOO_SHORT
    assert emulator.run(struct.pack("<Q", 99), LIMIT).status == guest.BAD_TASK


def test_runs_are_independent_and_deterministic(emulator):
    data = struct.pack("<Q", 5) + bytes(range(200))
    first = emulator.run(data, LIMIT)
    emulator.run(struct.pack("<Q", 3) + bytes(range(100)), LIMIT)
    assert emulator.run(data, LIMIT) == first


def test_cycle_limit_and_input_window(emulator):
    data = struct.pack("<Q", 0) + bytes(1000)
    whole = emulator.run(data, LIMIT)
    stopped = emulator.run(data, whole.cycles - 1)
    assert (stopped.reason, stopped.cycles, stopped.exited) == ("cycle limit", whole.cycles - 1, False)
    assert emulator.run(data, whole.cycles) == whole
    with pytest.raises(InputTooLargeError):
        Emulator(build_elf(guest.main, MemorySizes(input=4096))).run(bytes(4089), LIMIT)


def test_an_input_that_claims_more_than_its_window():
    """A machine whose window is larger than the program was built for stands for a prover who lies about the length."""
    image = read_elf(build_elf(guest.main, MemorySizes(input=4096)))
    wider = [replace(s, size=2 * s.size) if s.address == INPUT_BASE else s for s in image.segments]
    emulator = Emulator(write_elf(replace(image, segments=tuple(wider))))
    assert emulator.run(bytes(4088), LIMIT).exited
    assert emulator.run(bytes(4089), LIMIT).reason == "breakpoint"


def test_running_out_of_stack_is_a_store_fault():
    sizes = MemorySizes(stack=8192)
    result = Emulator(build_elf(guest.overflow, sizes)).run(b"", LIMIT)
    assert result.reason == "store outside writable memory"
    assert STACK_BASE - 256 < result.fault < STACK_BASE


def test_windows_have_the_sizes_asked_for():
    sizes = MemorySizes(arena=3 * 4096, output=2 * 4096)
    elf = build_elf(guest.windows, sizes)
    result = Emulator(elf).run(b"", LIMIT)
    assert (result.reason, result.status) == ("exit", 1)
    assert struct.unpack("<2Q", result.output) == (3 * 4096, 2 * 4096)
    assert read_elf(elf).segments[-1].end == ARENA_BASE + 3 * 4096


def test_sizes_out_of_bounds_are_refused():
    for sizes in ({"stack": 0}, {"arena": 100}, {"input": 1 << 40}):
        with pytest.raises(ValueError, match="window"):
            MemorySizes(**sizes)


@kernel
def wide_entry(x: U256) -> U64:
    return U64(x)


@kernel
def silent_entry(x: U64) -> None:
    return


def test_unfit_entries_are_refused():
    for entry in (wide_entry, silent_entry):
        with pytest.raises(KernelCompileError, match="an entry takes"):
            build_elf(entry)


BUILD = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
{first}
import guest
from jovay.compiler.references import reachable
from jovay.compiler.generate import function_key, generate
from jovay.compiler.riscv.build import build_elf
from jovay.compiler.riscv.target import canonical
print(hashlib.sha256(build_elf(guest.main)).hexdigest())
for function in reachable([guest.main]):
    text = canonical(generate([function])[function.symbol])
    print(function.symbol, function_key(function), hashlib.sha256(text.encode()).hexdigest())
"""
#: Moves Numba's counters before the guest is lowered.
UNRELATED = """
from jovay.compiler.generate import generate
from jovay.kernel.hashes import keccak
generate([keccak.padded_lane])
"""


def test_builds_are_identical(tmp_path):
    """Other directory, cache, hash seed, process, host CPU and order of compilation: the same bytes.

    The same IR and cache keys, too: what LLVM evens out in one program it may not in another.
    """
    digests = []
    for k, first in enumerate(("", UNRELATED)):
        place = tmp_path / f"place{k}"
        place.mkdir()
        shutil.copy(Path(guest.__file__), place)
        environment = os.environ | {"PYTHONHASHSEED": str(k + 1), "JOVAY_CACHE": str(place / "cache")}
        if k:
            environment |= {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_OPT": "0"}
        environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
        command = [sys.executable, "-c", BUILD.format(first=first), str(place)]
        done = subprocess.run(
            command, env=environment, cwd=place, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        digests.append(done.stdout)
    assert digests[0] == digests[1]


def test_functions_are_named(emulator):
    """For profiles; the names are not loaded, so the digest does not know of them."""
    elf = build_elf(guest.main)
    functions = read_functions(elf)
    assert "compiler.riscv.guest.main" in [f.name for f in functions]
    assert functions == sorted(functions, key=lambda f: f.address)
    bare = write_elf(read_elf(elf))
    assert read_functions(bare) == []
    assert program_digest(bare) == program_digest(elf)
    profile, run = emulator.profile(bytes(8), LIMIT), emulator.run(bytes(8), LIMIT)
    assert profile.execution == run
    assert profile.cycles.sum() == run.cycles
    spent = profile.by_function(functions, emulator.image.text.address)
    assert sum(spent.values()) == run.cycles
    assert spent["_start"] > 5


def test_nothing_of_the_host_leaks(emulator):
    elf = build_elf(guest.main)
    assert not any(b"guest" in segment.data for segment in read_elf(elf).segments)
    for text in (b"numba", b"/work", b"/home", b"x86", str(Path.cwd()).encode()):
        assert text not in elf


def test_digest_names_what_is_loaded():
    elf = build_elf(guest.main)
    assert program_digest(elf) == program_digest(elf + b"tail")
    assert program_digest(elf) != program_digest(build_elf(guest.main, MemorySizes(stack=8192)))
    changed = bytearray(elf)
    changed[4096 + 40] ^= 1
    assert program_digest(bytes(changed)) != program_digest(elf)
    assert len(program_digest(elf)) == len(hashlib.sha256().digest())


@pytest.mark.parametrize("tool", [("readelf", "-hlSAW"), ("llvm-objdump", "-d")])
def test_tools_read_the_program(tmp_path, tool):
    if not shutil.which(tool[0]):
        pytest.skip(f"{tool[0]} is not installed")
    path = tmp_path / "guest.elf"
    path.write_bytes(build_elf(guest.main))
    done = subprocess.run([*tool, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert not done.stderr
    assert "RISC-V" in done.stdout or "ecall" in done.stdout
    assert "<unknown>" not in done.stdout
