"""zkTrie on this machine: bulk build, batch updates, proofs.

Prints nanoseconds per hash (with all that is around it) and leaves per second in CPU time; medians of several
runs, with the SIMD compression where the CPU has it and with the scalar one.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np

from jovay.compiler.native import compile_object, host_key
from jovay.compiler.simd.build import exported_symbols, host_features, ir_modules
from jovay.kernel.hashes.poseidon2_constants import P
from jovay.kernel.lang import U64
from jovay.kernel.trie import multiproof, nodes, proofs, zktrie
from jovay.kernel.trie.nodes import Trie
from jovay.native.library import Library

ENTRIES = [nodes.trie_init, zktrie.update_batch, multiproof.prove_many, multiproof.partial_trie]
TWINS = {"hashes.poseidon2.compress_batch": "poseidon2_compress_batch"}
RUNS = 5


def address(array: Any) -> int:
    """Where an array's data is."""
    return int(array.ctypes.data)


class Bench:
    """A trie of ``n`` random leaves, timed."""

    def __init__(self, library: Library, n: int) -> None:
        self.library, self.n, self.random = library, n, np.random.default_rng(1)
        room = n + n // 4
        self.branches = np.zeros((room, nodes.BRANCH_SIZE), np.uint8)
        self.leaves = np.zeros((room, nodes.LEAF_SIZE), np.uint8)
        self.trie = np.zeros(Trie.size, np.uint8)
        self.keys = self.random_keys(n)

    def random_keys(self, n: int) -> Any:
        return self.random.integers(0, P, (n, 8), np.uint32)

    def start(self) -> None:
        arenas = (address(self.branches), len(self.branches), address(self.leaves), len(self.leaves))
        self.library[nodes.trie_init](address(self.trie), *arenas)

    def update(self, keys: Any) -> float:
        """Seconds to set keys to new values."""
        values = self.random.integers(1, 255, (len(keys), 32), np.uint8)
        scratch = np.zeros(int(zktrie.update_scratch(U64(len(keys)))), np.uint8)
        call = self.library[zktrie.update_batch]
        begin = time.thread_time()
        status = call(address(self.trie), len(keys), address(keys), address(values), address(scratch))
        seconds = time.thread_time() - begin
        assert status == 0
        return seconds

    def pick(self, count: int) -> Any:
        return np.ascontiguousarray(self.keys[self.random.choice(self.n, count, replace=False)])

    def proof(self, keys: Any) -> tuple[float, float, int]:
        """Seconds to build a multiproof and to make a partial trie of it, and its size."""
        out = np.zeros(len(keys) * 2000 + 10_000, np.uint8)
        scratch = np.zeros(int(multiproof.multiproof_scratch(U64(len(keys)))), np.uint8)
        root = self.trie[Trie.fields["digest"][1] :][:32].copy()
        begin = time.thread_time()
        size = self.library[multiproof.prove_many](
            address(self.trie), len(keys), address(keys), address(out), len(out), address(scratch)
        )
        built = time.thread_time() - begin
        assert size != proofs.NO_PROOF
        part = Bench(self.library, size // 33 + 8)
        part.start()
        scratch = np.zeros(int(multiproof.partial_scratch(U64(size))), np.uint8)
        begin = time.thread_time()
        status = self.library[multiproof.partial_trie](
            address(part.trie), address(out), size, address(root), address(scratch)
        )
        assert status == 0
        return built, time.thread_time() - begin, size


def report(name: str, library: Library, n: int) -> None:
    """Print one library's figures."""
    bench = Bench(library, n)
    builds = []
    for _ in range(RUNS):
        bench.start()
        builds.append(bench.update(bench.keys))
    seconds = statistics.median(builds)
    print(
        f"{name}: build of {n:,} leaves {seconds * 1e3:8.1f} ms {n / seconds:12,.0f} leaves/s "
        f"{seconds / (3 * n) * 1e9:6.1f} ns/hash"
    )
    for count in (1, 16, 256, 2_000, 20_000):
        if count > n:
            continue
        seconds = statistics.median(bench.update(bench.pick(count)) for _ in range(RUNS * 5))
        inserts = statistics.median(
            bench.update(bench.random_keys(count)) for _ in range(RUNS if count < n // 50 else 1)
        )
        built, read, size = bench.proof(bench.pick(count))
        print(
            f"  {count:6,} keys: set {seconds * 1e6:9.1f} µs ({count / seconds:10,.0f}/s), "
            f"insert {inserts * 1e6:9.1f} µs, prove {built * 1e6:9.1f} µs ({size / count:6.0f} B/key), "
            f"read back {read * 1e6:9.1f} µs"
        )


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(prog="jovay bench zktrie", description=__doc__)
    parser.add_argument("leaves", type=int, nargs="?", default=1_000_000)
    n = parser.parse_args().leaves
    print(host_key().split()[0], f"median of {RUNS}")
    features = host_features()
    twins = {k: v for k, v in TWINS.items() if v in exported_symbols(features)}
    if twins:
        report("SIMD", Library(compile_object(ENTRIES, twins, ir_modules(features)), ENTRIES), n)
    report("scalar", Library(compile_object(ENTRIES), ENTRIES), n)


if __name__ == "__main__":
    main()
