"""Libraries: twins in place of kernel functions, builds side by side, the node's own kernel."""

from __future__ import annotations

import ctypes
import os
import random
import subprocess
import sys
import threading

import pytest

from compiler import samples
from jovay.compiler import kernel, native
from jovay.compiler.cache import cache_directory, digest, write_atomically
from jovay.compiler.errors import KernelCompileError
from jovay.compiler.simd.build import KERNELS, exported_symbols, host_features, ir_modules
from jovay.kernel.curves import secp256k1
from jovay.kernel.hashes import keccak, poseidon2
from jovay.kernel.lang import KERNEL_FUNCTIONS
from jovay.native.arena import Arena
from jovay.native.kernel import load
from jovay.native.library import Library, build
from rigs.transactions import keccak256

TWIN = """
define i64 @"twin_of_literals"(i64 %x) {
  %y = mul i64 %x, 1000
  ret i64 %y
}
"""


def test_a_twin_takes_the_place_of_its_function():
    twins = {samples.literals.symbol: "twin_of_literals"}
    library = Library(
        native.compile_object([samples.literals, samples.through_both], twins, [TWIN]), [samples.literals]
    )
    assert library[samples.literals](7) == 7000
    plain = build([samples.literals])
    assert plain[samples.literals](7) == 16


def test_twins_that_do_not_fit_are_refused():
    """A twin is called with 64-bit words; anything else would be called with the wrong arguments."""
    with pytest.raises(KernelCompileError, match="poly"):
        native.compile_object(
            [samples.poly], {samples.poly.symbol: "twin"}, [TWIN.replace("twin_of_literals", "twin")]
        )


@pytest.fixture(scope="module")
def scalar_and_simd():
    """The batch functions built without and with their twins for this CPU."""
    entries = [keccak.keccak256_batch, poseidon2.compress_batch, secp256k1.recover_batch]
    features = host_features()
    twins = {s: t for s, t in kernel.TWINS.items() if t in exported_symbols(features)}
    if not twins:
        pytest.skip("this CPU has no lanes that a twin is written for")
    simd = native.compile_object(entries, twins, ir_modules(features))
    return build(entries), Library(simd, entries)


def test_every_twin_stands_for_a_function_with_its_signature():
    for symbol, twin in kernel.TWINS.items():
        assert symbol in KERNEL_FUNCTIONS
        assert native.is_plain(KERNEL_FUNCTIONS[symbol])
        assert twin in exported_symbols({feature for each in KERNELS for feature in each.features})


def test_keccak_of_both_builds(scalar_and_simd):
    dice = random.Random(1)
    messages = [dice.randbytes(dice.choice((0, 1, 32, 135, 136, 137, 1000))) for _ in range(50)]
    buffers = [ctypes.create_string_buffer(m, len(m) + 8) for m in messages]
    pointers = (ctypes.c_uint64 * len(messages))(*(ctypes.addressof(b) for b in buffers))
    sizes = (ctypes.c_uint64 * len(messages))(*map(len, messages))
    for library in scalar_and_simd:
        out = ctypes.create_string_buffer(32 * len(messages))
        library[keccak.keccak256_batch](len(messages), *(ctypes.addressof(b) for b in (pointers, sizes, out)))
        assert out.raw == b"".join(map(keccak256, messages))


def test_poseidon2_of_both_builds(scalar_and_simd):
    dice = random.Random(2)
    elements = [dice.randrange(2**31 - 2**24 + 1) for _ in range(16 * 40)]
    inputs, found = (ctypes.c_uint32 * len(elements))(*elements), []
    for library in scalar_and_simd:
        out = ctypes.create_string_buffer(32 * 40)
        library[poseidon2.compress_batch](40, ctypes.addressof(inputs), ctypes.addressof(out))
        found.append(out.raw)
    assert found[0] == found[1]


# ---- caches --------------------------------------------------------------------------------------------------

BUILD = """
import sys
sys.path[:0] = {path!r}
from compiler import samples
from jovay.native.library import build
functions = [f for f in vars(samples).values() if hasattr(f, "symbol")]
print(build(functions)[samples.literals](20))
"""


def test_two_processes_build_at_once(tmp_path):
    """Both lower and link into one empty cache; neither sees half a file."""
    code = BUILD.format(path=[p for p in sys.path if p])
    environment = os.environ | {"JOVAY_CACHE": str(tmp_path)}
    running = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=240)[0].strip() for process in running] == ["42", "42"]
    assert [p for p in tmp_path.rglob("*") if p.name.startswith(".")] == []


def test_threads_write_one_file_at_once(tmp_path):
    path, parts = tmp_path / "shared", [bytes([k]) * 100_000 for k in range(8)]

    def write(part: bytes) -> None:
        for _ in range(20):
            write_atomically(path, part)

    threads = [threading.Thread(target=write, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in parts
    assert list(tmp_path.iterdir()) == [path]


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("JOVAY_CACHE", str(tmp_path / "a"))
    assert cache_directory() == tmp_path / "a"
    monkeypatch.delenv("JOVAY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "jovay"


def test_digests_tell_parts_apart():
    assert digest("ab", "c") != digest("a", "bc") != digest("abc")


# ---- the node's kernel ---------------------------------------------------------------------------------------


def test_the_kernel_is_loaded_once_and_finds_its_entries(library):
    assert load() is library
    for entry in kernel.ENTRIES:
        assert callable(library[entry])
    with pytest.raises(KeyError):
        library.address("nothing.there")


def test_entries_are_listed_once():
    assert len(set(kernel.ENTRIES)) == len(kernel.ENTRIES)


def test_arenas_read_zero_until_written_and_after_a_reset():
    arena = Arena(1 << 30)
    assert arena.read(8, arena.address + (1 << 29)) == bytes(8)
    ctypes.memset(arena.address + 100, 7, 4)
    assert arena.read(6, arena.address + 99) == b"\0\7\7\7\7\0"
    arena.reset()
    assert arena.read(6, arena.address + 99) == bytes(6)
