"""A node whose tables hold less than its state: what leaves memory comes back as it was, and reads wait for room."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from random import Random

import pytest

from jovay.config import ConfigError, NodeConfig
from jovay.node import Node
from rigs.assembly import asm
from rigs.rpc import RpcError

from .conftest import SETTINGS, SMALL_TABLES, Client, hexed, unhexed

RESULT = 1 << 255
JUMPDEST = asm("jumpdest")
COUNT_ON = asm("swap1", 1, "add swap1", 1, "swap1 sub dup1")
SMALL = SMALL_TABLES | {"checkpoint_interval": 0.2}


def sheet() -> bytes:
    """Code for input (first slot, count, value): write the value to all of them; for value 0 store their sum."""
    arguments = asm(0, "calldataload", 32, "calldataload")
    entry = len(asm(64, "calldataload", 0xFF, "jumpi") + arguments)
    total = JUMPDEST + asm("dup2 sload", 0, "mload add", 0, "mstore") + COUNT_ON + asm(entry, "jumpi")
    total += asm(0, "mload", RESULT, "sstore stop")
    second = entry + len(total)
    write = JUMPDEST + arguments
    loop = second + len(write)
    write += JUMPDEST + asm(64, "calldataload dup3 sstore") + COUNT_ON + asm(loop, "jumpi stop")
    return asm(64, "calldataload", second, "jumpi") + arguments + total + write


def words(*values: int) -> bytes:
    return b"".join([value.to_bytes(32, "big") for value in values])


class Sheet:
    """The contract on a node, beside what it must hold."""

    def __init__(self, client: Client) -> None:
        self.client, self.model = client, dict[int, int]()
        code = sheet()
        init = bytes.fromhex("61") + len(code).to_bytes(2, "big") + bytes.fromhex("80600a5f395ff3")
        self.address = unhexed(client.send(b"", data=init + code)["contractAddress"])

    def write(self, first: int, count: int, value: int) -> None:
        receipt = self.client.send(self.address, data=words(first, count, value), gas=16_700_000)
        assert receipt["status"] == "0x1"
        self.model |= dict.fromkeys(range(first, first + count), value)

    def sum(self, first: int, count: int) -> None:
        """Let the contract add slots up, and compare."""
        receipt = self.client.send(self.address, data=words(first, count, 0), gas=16_700_000)
        assert receipt["status"] == "0x1"
        assert self.slot(RESULT, receipt["blockNumber"]) == self.expected(first, count)

    def expected(self, first: int, count: int) -> int:
        return sum(self.model.get(key, 0) for key in range(first, first + count))

    def slot(self, key: int, block: str = "latest") -> int:
        return int(self.client("eth_getStorageAt", hexed(self.address), hex(key), block), 16)


def start(folder: Path, **changes: object) -> Node:
    node = Node(NodeConfig(datadir=folder, **(SETTINGS | changes)))
    node.start()
    return node


def test_evicted_state_comes_back_as_it_was(folder: Path) -> None:
    dice = Random(7)
    node = start(folder, **SMALL)
    try:
        sheet_of_node = Sheet(Client(node))
        for turn in range(24):
            sheet_of_node.write(dice.randrange(30) * 500, 600, 1 + turn)
            sheet_of_node.sum(10**6 * (1 + turn), 6_000)  # absent keys, which fill the tables
            sheet_of_node.sum(dice.randrange(30) * 500, 2_000)
        assert node.sequencer.housekeeping.evictions >= 3
        assert node.sequencer.world.view.slot_count < SMALL["slots"]
        for key in dice.sample(sorted(sheet_of_node.model), 100):
            assert sheet_of_node.slot(key) == sheet_of_node.model[key]
        head = sheet_of_node.client("eth_getBlockByNumber", "latest", False)
    finally:
        node.stop()
    node = start(folder)  # compares the root; then all of it from the flat state
    try:
        sheet_of_node.client = client = Client(node)
        assert client("eth_getBlockByNumber", "latest", False) == head
        for first in range(0, 15_000, 2_500):
            sheet_of_node.sum(first, 2_500)
    finally:
        node.stop()


def test_history_of_what_stays_in_memory_stays(folder: Path) -> None:
    node = start(folder, **SMALL)
    try:
        sheet_of_node = Sheet(Client(node))
        sheet_of_node.write(0, 10, 5)
        before = hex(node.sequencer.visible.number)
        filler = 10**6
        while not node.sequencer.housekeeping.evictions:
            filler += 6_000
            sheet_of_node.write(0, 10, filler)  # in use all the time
            sheet_of_node.sum(filler, 6_000)
        assert sheet_of_node.slot(3, before) == 5
        assert sheet_of_node.slot(3) == filler
        assert sheet_of_node.client("eth_getCode", hexed(sheet_of_node.address), before) == hexed(sheet())
    finally:
        node.stop()


def test_reads_cannot_fill_the_tables(folder: Path) -> None:
    """Calls may load more keys than fit: room is made between blocks, even where none are made."""
    node = start(folder, **SMALL)
    try:
        client = Client(node)
        sheet_of_node = Sheet(client)
        sheet_of_node.write(0, 10, 5)
        call = {"to": hexed(sheet_of_node.address), "gas": hex(50_000_000)}
        refusals = []
        for turn in range(30):
            try:
                client("eth_call", call | {"data": hexed(words(10**6 * (1 + turn), 6_000, 0))}, "latest")
            except RpcError as error:
                refusals.append(error.message)
        assert all("try again" in message for message in refusals)
        assert len(refusals) < 15
        assert node.sequencer.housekeeping.evictions >= 2
        sheet_of_node.sum(0, 20)
    finally:
        node.stop()


def test_calls_go_on_while_records_move(folder: Path) -> None:
    # With fewer slots, readers' keys and a block's are too many, and its transaction is postponed while they go on.
    node = start(folder, **(SMALL | {"slots": 72_000}))
    wrong: list[object] = []
    done = threading.Event()

    def ask() -> None:
        """Calls over slots that never change, and over such as nobody has seen."""
        client, turn = Client(node), 0
        call = {"to": hexed(sheet_of_node.address), "gas": hex(50_000_000)}
        while not done.is_set():
            turn += 1
            strange = hexed(words(threading.get_ident() % 2**40 * 2**40 + 5_000 * turn, 5_000, 0))
            for data in (hexed(words(0, 300, 0)), strange):
                try:
                    client("eth_call", call | {"data": data}, "latest")
                    slots = {
                        key: client("eth_getStorageAt", call["to"], hex(key), "latest") for key in (0, 299)
                    }
                    wrong.extend(value for value in slots.values() if int(value, 16) != 5)
                except RpcError as error:
                    if "try again" not in error.message:
                        wrong.append(error)

    try:
        sheet_of_node = Sheet(Client(node))
        sheet_of_node.write(0, 300, 5)
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for turn in range(40):
            sheet_of_node.sum(10**6 * (1 + turn), 6_000)
            sheet_of_node.sum(0, 300)
        done.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert node.sequencer.housekeeping.evictions >= 4
    finally:
        done.set()
        node.stop()


def test_tables_that_no_block_fits_into_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="--slots: 36000 slots are too few for blocks of 1000000000 gas"):
        start(folder, **(SMALL | {"accounts": 4_000_000, "block_gas_limit": 1_000_000_000}))


def test_a_crash_between_checkpoints_leaves_a_node_that_starts(folder: Path, tmp_path: Path) -> None:
    """The state at the checkpoint and what changed since do not fit into the tables side by side."""
    tables = SMALL | {"checkpoint_interval": 1e6}
    node = start(folder, **tables)
    try:
        sheet_of_node = Sheet(Client(node))
        for turn in range(29):
            sheet_of_node.write(600 * turn, 600, 1)
    finally:
        node.stop()  # writes a checkpoint
    node = start(folder, **(tables | {"slots": 100_000}))
    try:
        sheet_of_node.client = Client(node)
        for turn in range(36):
            sheet_of_node.write(10**6 + 600 * turn, 600, 2)
        assert node.sequencer.data.state.height < node.sequencer.visible.number - 30
        shutil.copytree(folder, tmp_path / "crashed", ignore=shutil.ignore_patterns("LOCK", "*.lock"))
        head = sheet_of_node.client("eth_getBlockByNumber", "latest", False)
    finally:
        node.stop()
    node = start(tmp_path / "crashed", **tables)
    try:
        sheet_of_node.client = client = Client(node)
        assert client("eth_getBlockByNumber", "latest", False) == head
        assert sheet_of_node.slot(5) == 1
        assert sheet_of_node.slot(10**6 + 5) == 2
        sheet_of_node.sum(0, 6_000)
    finally:
        node.stop()
