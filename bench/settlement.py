"""What a batch of real blocks costs on L1: bytes and gas of a transaction, in blobs and as calldata.

The signatures are ECDSA's with secrets of their own (RFC 6979): those of other benchmarks share half of their bytes.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from coincurve import PrivateKey

from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.transactions import Policy
from jovay.bridge.relayer.blocks import Block, chunk_of
from jovay.bridge.relayer.committer import Timing
from jovay.bridge.relayer.relayer import Options, Relayer
from jovay.bridge.relayer.sealing import VERSION, Limits
from jovay.bridge.relayer.store import Batch
from jovay.bridge.wire import blobs
from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.payload import encode_chunks
from jovay.chain import rlp
from jovay.chain.header import encode_header
from jovay.storage.headers import read_header
from rigs.l2_blocks import fields
from rigs.relayed_l1 import CLAIMER, COMMITTER, RelayedL1, mined_by_hand

from .inprocess import Watcher, throughput
from .loads.accounts import CHAIN_ID, MAX_FEE, TIP, Accounts, Call, Signed, keccak
from .loads.accounts import accounts as all_accounts
from .loads.chain import genesis
from .loads.workloads import LOADS, TITLES, Senders
from .measuring.hardware import describe, load_average
from .measuring.pipeline import Pipeline, pipeline

LEVELS = (1, 3, 9, 15, 19, 22)
#: Turns of the relayer until L1 has a batch.
TURNS = 10


class RealBlocks:
    """Blocks that a sequencer made, as its node's RPC gives them."""

    def __init__(self, blocks: list[Block]) -> None:
        self.blocks = blocks

    def call(self, method: str, *params: Any) -> Any:
        first = int(params[0], 16)
        return {"blocks": list(map(fields, self.blocks[first:])), "head": hex(self.blocks[-1].number)}


def blocks_of(target: Pipeline) -> Iterator[Block]:
    """All blocks, genesis first."""
    stored = target.data.blocks
    for number in range(stored.latest + 1):
        header = read_header(stored, number)
        offsets, raw = stored.transactions(number)
        parts = [bytes(raw[int(a) : int(b)]) for a, b in pairwise(offsets)]
        fork = target.sequencer.rules.fork(number, header.timestamp)
        context = BlockContext(
            fork,
            number,
            header.timestamp * 1000,
            header.base_fee_per_gas or 0,
            header.gas_limit,
            len(parts),
            0,
        )
        carried = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        yield Block(header.hash, encode_header(header), context, carried, 0, bytes(32), header.gas_used)


def committed(chain: RealBlocks, limits: Limits, as_calldata: bool) -> tuple[Batch, int, int]:
    """The first batch as an L1 of anvil's takes it: gas and blob gas."""
    with mined_by_hand() as url, tempfile.TemporaryDirectory() as folder:
        l1 = RelayedL1(url, chain.blocks[0].hash)
        if as_calldata:
            l1.client.blob_base_fee = lambda: 10**18  # type: ignore[method-assign]
        options = Options(limits, Timing(age=0.0), Policy())
        keys = RawKey(COMMITTER), RawKey(CLAIMER)
        relayer = Relayer(l1.settlement, l1.client, chain, None, Path(folder), *keys, options)
        try:
            for _ in range(TURNS):
                for step in relayer.steps:
                    step.run()
                l1.mine()
                batch = relayer.store.batch(1)
                receipt = (
                    l1.client.receipt(batch.raw.l1_transaction)
                    if batch and batch.raw.l1_transaction
                    else None
                )
                if batch and receipt:
                    return batch, receipt.gas_used, receipt.blob_gas_used
        finally:
            relayer.close()
    raise RuntimeError("L1 did not take the batch")


def made(name: str, accounts: int, count: int, batch: int) -> list[Block]:
    """Blocks of a load."""
    owners = all_accounts(accounts)
    senders = Senders(owners, accounts, seed=1)
    raws = list(sign(owners, (LOADS[name](senders) for _ in range(count))))
    transactions = Signed(b"".join(raws), np.cumsum([len(raw) for raw in raws]))
    with pipeline(genesis(accounts), workers=2) as target:
        watcher = Watcher(target)
        throughput(target, watcher, transactions, 0, count, batch)
        return list(blocks_of(target))


def sign(owners: Accounts, calls: Iterable[Call]) -> Iterator[bytes]:
    """Raw type 2 transactions."""
    for call in calls:
        listed: list[rlp.Item] = [
            CHAIN_ID,
            call.nonce,
            TIP,
            MAX_FEE,
            call.gas,
            call.to,
            call.value,
            call.data,
            [],
        ]
        key = PrivateKey(owners.keys[call.sender].tobytes())
        signature = key.sign_recoverable(b"\2" + rlp.encode(listed), hasher=keccak)
        r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
        yield b"\2" + rlp.encode([*listed, signature[64], r, s])


def show_levels(blocks: list[Block], count: int) -> None:
    """Bytes as they are published, and what zstd would make of them."""
    payload = encode_chunks([chunk_of(blocks[1:])], VERSION)
    print(f"   raw: {len(payload) / count:.1f} bytes a transaction in {len(blocks) - 1} blocks", flush=True)
    for level in LEVELS:
        begun = time.perf_counter()
        size = len(zstandard.ZstdCompressor(level=level).compress(payload))
        seconds = time.perf_counter() - begun
        print(
            f"   zstd {level}: {size / count:.1f} bytes a transaction, {seconds * 1e3:.0f} ms",
            flush=True,
        )


def show_batch(chain: RealBlocks, count: int, limits: Limits, as_calldata: bool) -> None:
    """Gas of a batch that L1 has taken."""
    batch, gas, blob_gas = committed(chain, limits, as_calldata)
    held = [block for block in chain.blocks if batch.first_block <= block.number <= batch.last_block]
    carried = sum(block.context.transactions for block in held)
    words = len(batch.raw.versioned_hashes) * blobs.SIZE or len(batch.raw.da.calldata)
    way = "calldata" if as_calldata else f"{len(batch.raw.versioned_hashes)} blobs"
    print(
        f"   {way}: {carried} of {count} transactions, "
        f"{len(batch.raw.da.data) / carried:.1f} bytes of data and {words / carried:.1f} on L1 each; "
        f"{gas / carried:.1f} gas and {blob_gas / carried:.0f} blob gas each ({gas:,} and {blob_gas:,})",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="jovay bench settlement", description=__doc__)
    parser.add_argument("--loads", default="erc20,native,mixed", help="loads, separated by commas")
    parser.add_argument("--accounts", type=int, default=10_000, help="funded accounts")
    parser.add_argument("--count", type=int, default=6_000, help="transactions")
    parser.add_argument("--batch", type=int, default=500, help="transactions handed over at once")
    options = parser.parse_args()
    sys.setswitchinterval(0.0005)
    print(describe(), f"load average {load_average():.1f}", sep="\n", flush=True)
    for name in options.loads.split(","):
        print(f"{TITLES[name]}, {options.count} transactions", flush=True)
        chain = RealBlocks(made(name, options.accounts, options.count, options.batch))
        show_levels(chain.blocks, options.count)
        usual = Limits()
        show_batch(chain, options.count, dataclasses.replace(usual, blobs=6), as_calldata=False)
        show_batch(chain, options.count, dataclasses.replace(usual, batch_bytes=90_000), as_calldata=True)


if __name__ == "__main__":
    main()
