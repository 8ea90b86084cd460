"""Processes of the transaction manager, killed at any moment while blocks come: all is mined once, in order."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.transactions import Mined, Policy, TxManager
from jovay.chain.hexadecimal import hexed
from rigs.anvil import anvil

SECRET = bytes(31) + b"\x31"
REQUESTS, KILLS = 60, 6
WORK = """
import sys, time
from pathlib import Path
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.transaction_store import Request
from jovay.bridge.l1.transactions import Policy, TxManager

url, path, key, count = sys.argv[1:]
manager = TxManager(L1Client(url), RawKey(bytes.fromhex(key)), Path(path), Policy(confirmations=2))
print("works", flush=True)
for number in range(int(count)):
    manager.send(Request(bytes(19) + b"\\1", number.to_bytes(4, "big"), str(number)))
    manager.step()
while True:
    manager.step()
"""


def test_killed_processes_leave_nothing_out_and_do_nothing_twice(tmp_path: Path) -> None:
    random, key, path = Random(5), RawKey(SECRET), tmp_path / "transactions.sqlite"
    words = [sys.executable, "-c", WORK, "", str(path), SECRET.hex(), str(REQUESTS)]
    with anvil(block_time=0.05) as node:
        client = L1Client(node.url)
        client.call("anvil_setBalance", hexed(key.address), hex(10**20))
        words[3] = node.url
        for _ in range(KILLS):
            with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ) as child:
                assert child.stdout is not None
                assert child.stdout.readline() == "works\n"
                time.sleep(random.uniform(0.0, 0.4))
                child.kill()
        manager = TxManager(client, key, path, Policy(confirmations=2))
        known = sum(manager.status(str(number)) is not None for number in range(REQUESTS))
        until = time.monotonic() + 30
        while not all(isinstance(manager.status(str(number)), Mined) for number in range(known)):
            assert time.monotonic() < until
            manager.step()
        manager.close()
        found = []
        for number in range(client.block_number() + 1):
            block = client.call("eth_getBlockByNumber", hex(number), True)
            found += [int(each["input"], 16) for each in block["transactions"]]
    assert found == list(range(known))
    assert known > 5
