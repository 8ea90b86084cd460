"""Batch kernels on one core beside their scalar peers.

Prints medians (and the best run) per item; peers are called one item at a time, as their Python bindings
allow.
"""

from __future__ import annotations

import argparse
import platform
import random
import statistics
import time
from collections.abc import Callable

import coincurve
import numpy as np
from Crypto.Hash import keccak

from jovay.compiler.simd import build, host
from jovay.kernel.hashes.poseidon2_constants import P


def cpu_model() -> str:
    with open("/proc/cpuinfo") as lines:
        return next(
            (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
            platform.machine(),
        )


def timed(run: Callable[[], object], items: int, rounds: int) -> tuple[float, float]:
    """Median and best seconds per item."""
    run()
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        taken.append((time.perf_counter() - start) / items)
    return statistics.median(taken), min(taken)


def line(name: str, figures: tuple[float, float]) -> None:
    median, best = figures
    print(f"{name:58} {median * 1e9:10,.1f} ns  best {best * 1e9:10,.1f} ns  {1 / median:12,.0f} /s")


def recovery(kernels: build.Kernels, rounds: int) -> None:
    rng, most = random.Random(1), 4096
    digests = [rng.randbytes(32) for _ in range(most)]
    keys = [coincurve.PrivateKey(rng.randbytes(32)) for _ in range(64)]
    signatures = [keys[i % 64].sign_recoverable(d, hasher=None) for i, d in enumerate(digests)]
    for n in (16, 64, 256, 1024, most):
        data = [np.frombuffer(b"".join(rows[:n]), np.uint8) for rows in (digests, signatures)]
        arrays = [*data, np.zeros((n, 64), np.uint8), np.zeros(n, np.uint8), host.aligned(host.SCRATCH_BYTES)]
        addresses = [a.ctypes.data for a in arrays]
        figures = timed(lambda n=n, a=addresses: kernels["secp256k1_recover_batch"](n, *a), n, rounds)
        assert (arrays[3] == 1).all()
        line(f"public-key recovery, batch of {n}", figures)

    def peer() -> None:
        for digest, signature in zip(digests[:200], signatures[:200], strict=True):
            coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)

    line("  peer: libsecp256k1 through coincurve", timed(peer, 200, rounds))


def hashing(kernels: build.Kernels, rounds: int) -> None:
    rng, n = random.Random(2), 2048
    sizes = {"64 bytes": [64] * n, "110 bytes": [110] * n, "1,000 bytes": [1000] * n}
    sizes["1 to 600 bytes"] = [rng.randrange(1, 601) for _ in range(n)]
    for name, lengths in sizes.items():
        messages = [rng.randbytes(size) for size in lengths]
        data, counts = np.frombuffer(b"".join(messages), np.uint8), np.array(lengths, np.uint64)
        starts = np.cumsum(counts, dtype=np.uint64) - counts + np.uint64(data.ctypes.data)
        arrays = [starts, counts, np.zeros((n, 32), np.uint8)]
        addresses = [a.ctypes.data for a in arrays]
        blocks = sum(size // 136 + 1 for size in lengths)
        figures = timed(lambda a=addresses: kernels["keccak256_batch"](n, *a), blocks, rounds)
        line(f"Keccak-256 of {name}, per permutation", figures)

        def peer(messages: list[bytes] = messages[:200]) -> None:
            for message in messages:
                keccak.new(digest_bits=256, data=message).digest()

        few = sum(size // 136 + 1 for size in lengths[:200])
        line("  peer: pycryptodome, per permutation", timed(peer, few, rounds))


def compression(kernels: build.Kernels, rounds: int) -> None:
    for n in (16, 4096):
        pairs = np.random.default_rng(3).integers(0, P, (n, 16)).astype(np.uint32)
        arrays = [pairs, np.zeros((n, 8), np.uint32)]
        addresses = [a.ctypes.data for a in arrays]
        figures = timed(lambda n=n, a=addresses: kernels["poseidon2_compress_batch"](n, *a), n, rounds)
        line(f"Poseidon2 compression, batch of {n}", figures)
    print("  peer: none in Python")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="jovay bench simd_kernels", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="runs of which the median is told")
    rounds = parser.parse_args().rounds
    print(f"{cpu_model()}, one core, {platform.platform()}, Python {platform.python_version()}")
    if "secp256k1_recover_batch" not in build.exported_symbols(build.host_features()):
        raise SystemExit("this CPU has no AVX-512 IFMA: no batch kernels")
    start = time.perf_counter()
    kernels = build.load()
    print(f"IR and machine code made in {time.perf_counter() - start:.1f} s; medians of {rounds} runs")
    for part in (recovery, hashing, compression):
        part(kernels, rounds)


if __name__ == "__main__":
    main()
