"""kill -9 while blocks are appended: nothing acknowledged is lost, and the store opens consistent."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import jovay
from jovay.storage.blocks import BlockStore

from .samples import block

CYCLES = 20
WRITER = """
import random, sys
from storage.samples import block
from jovay.storage.blocks import BlockStore
store = BlockStore(sys.argv[1], segment_bytes=60_000, index_entries=300, recent_bytes=100_000)
number, chance = store.latest + 1, random.Random(store.latest)
while True:
    size = chance.randrange(1, 6)
    store.append([block(n, n % 13) for n in range(number, number + size)])
    number += size
    print(number - 1, flush=True)
"""


def run_and_kill(folder: Path, delay: float) -> int:
    """Start a writer, kill it after ``delay`` seconds of writing; the last number it acknowledged."""
    paths = [str(Path(jovay.__file__).parents[1]), str(Path(__file__).parents[1])]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert writer.stdout is not None
    first = writer.stdout.readline()
    time.sleep(delay)
    writer.send_signal(signal.SIGKILL)
    lines = (first + writer.stdout.read()).split(b"\n")
    writer.wait(30)
    return int(lines[-2])


def test_kill_while_appending(tmp_path: Path) -> None:
    chance = random.Random(4)
    for _ in range(CYCLES):
        acknowledged = run_and_kill(tmp_path / "blocks", chance.random() * 0.15)
        store = BlockStore(tmp_path / "blocks", segment_bytes=60_000, index_entries=300)
        assert store.latest >= acknowledged
        assert store.oldest == 0
        store.verify()
        for number in {*range(0, store.latest, 37), *range(max(acknowledged - 30, 0), store.latest + 1)}:
            wanted = block(number, number % 13)
            assert store.block(number) == wanted
            assert store.number_of(wanted.hash) == number
            for index in range(wanted.tx_count):
                assert store.locate(wanted.tx_hashes[32 * index : 32 * index + 32]) == (number, index)
        store.close()
