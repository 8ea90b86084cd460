"""kill -9 while storage works: nothing acknowledged is lost, blocks and state open consistent."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import jovay
from jovay.storage.block_parts import BlockParts
from jovay.storage.blocks import BlockStore
from jovay.storage.datadir import DataDirectory
from jovay.storage.state import StateChanges, StateStore

from .samples import block

CYCLES = 20
SLOTS = 40
SETTINGS = {"segment_bytes": 60_000, "index_entries": 300, "recent_bytes": 100_000}
BLOCKS_WRITER = """
import random, sys
from storage.test_crash import SETTINGS, block
from jovay.storage.block_parts import BlockParts
from jovay.storage.blocks import BlockStore
store = BlockStore(sys.argv[1], **SETTINGS)
number, chance = store.latest + 1, random.Random(store.latest)
while True:
    size = chance.randrange(1, 6)
    store.append([block(n, n % 13) for n in range(number, number + size)])
    number += size
    print(number - 1, flush=True)
"""
NODE_WRITER = """
import random, sys
from storage.test_crash import changes, node_block
from jovay.storage.datadir import DataDirectory
directory = DataDirectory(sys.argv[1])
blocks, state = directory.blocks, directory.state
for number, writes in state.recover(blocks):
    state.write(number, changes([writes]))
chance = random.Random(blocks.latest)
while True:
    blocks.append([node_block(blocks.latest + 1)])
    print(blocks.latest, flush=True)
    if chance.random() < 0.3:
        sets = [blocks.writes(n) for n in range(state.height + 1, blocks.latest + 1)]
        state.write(blocks.latest, changes(sets), piece=7)
"""


def run_and_kill(program: str, folder: Path, delay: float) -> int:
    """Start a writer, kill it after ``delay`` seconds of writing; the last number it acknowledged."""
    paths = [str(Path(jovay.__file__).parents[1]), str(Path(__file__).parents[1])]
    writer = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert writer.stdout is not None
    first = writer.stdout.readline()
    assert first, "the writer started"
    time.sleep(delay)
    writer.send_signal(signal.SIGKILL)
    lines = (first + writer.stdout.read()).split(b"\n")
    writer.wait(30)
    return int(lines[-2])


def test_kill_while_appending(tmp_path: Path) -> None:
    chance = random.Random(4)
    for _ in range(CYCLES):
        acknowledged = run_and_kill(BLOCKS_WRITER, tmp_path / "blocks", chance.random() * 0.15)
        store = BlockStore(tmp_path / "blocks", **SETTINGS)
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


def write_set(number: int) -> bytes:
    """Five (slot key, value) of block ``number``; some values are zero."""
    chance = random.Random(number)
    keys = [bytes(51) + bytes((chance.randrange(SLOTS),)) for _ in range(5)]
    return b"".join(key + chance.choice([bytes(32), chance.randbytes(32)]) for key in keys)


def node_block(number: int) -> BlockParts:
    """A block with its write set."""
    return replace(block(number, 2), writes=write_set(number))


def apply(model: dict[bytes, bytes], writes: bytes) -> None:
    """Apply a write set to a dictionary."""
    for at in range(0, len(writes), 84):
        model[writes[at : at + 52]] = writes[at + 52 : at + 84]


def changes(sets: list[bytes]) -> StateChanges:
    """Net change of several write sets."""
    model: dict[bytes, bytes] = {}
    for writes in sets:
        apply(model, writes)
    return StateChanges(slots=b"".join(model), slot_values=b"".join(model.values()))


def slots_of(state: StateStore) -> dict[bytes, bytes]:
    pairs: dict[bytes, bytes] = {}
    for keys, values in state.slots():
        pairs |= {key.tobytes(): value.tobytes() for key, value in zip(keys, values, strict=True)}
    return pairs


def test_kill_while_blocks_and_checkpoints_are_written(tmp_path: Path) -> None:
    chance = random.Random(5)
    behind = 0
    for _ in range(8):
        acknowledged = run_and_kill(NODE_WRITER, tmp_path / "node", chance.random() * 0.2)
        with DataDirectory(tmp_path / "node") as directory:
            blocks, state = directory.blocks, directory.state
            assert blocks.latest >= acknowledged
            behind += state.height < blocks.latest
            for number, writes in state.recover(blocks):
                assert writes == write_set(number)
                state.write(number, changes([writes]))
            model: dict[bytes, bytes] = {}
            for number in range(blocks.latest + 1):
                apply(model, write_set(number))
            assert slots_of(state) == {key: value for key, value in model.items() if any(value)}
    assert behind, "at least once the kill came between a block and its checkpoint"
