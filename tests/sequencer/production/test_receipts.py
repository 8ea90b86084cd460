"""Receipts of produced blocks against pycryptodome, rlp and py-trie: bloom filters, encodings, the two roots."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import rlp  # type: ignore[import-untyped]
from trie import HexaryTrie

from jovay.chain.environment import BlockEnvironment
from jovay.conformance import parallel
from jovay.conformance.parallel import COINBASE, Generator, Side
from jovay.kernel.block.receipts import StoredLog
from jovay.kernel.protocol.forks import OSAKA
from jovay.native.library import Library
from jovay.native.records import dtype_of
from jovay.sequencer.production.block import ProducedBlock
from jovay.sequencer.production.producer import BlockProducer
from rigs.transactions import keccak256

SENDERS = 400
#: Two logs: with three topics (the caller, both words of calldata) and eight bytes, and with one topic.
LOGGER, LOGGER_CODE = 0xC0DE11, "6020356000353360086000a3" + "3360006000a100"


@pytest.fixture(scope="module", params=[1, 130, 600])
def block(request: pytest.FixtureRequest, library: Library) -> Iterator[ProducedBlock]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(parallel.CONTRACTS, LOGGER, LOGGER_CODE)
        yield produce(library, request.param)


def produce(library: Library, size: int) -> ProducedBlock:
    side = Side(library, SENDERS)
    producer = BlockProducer(library, side.world, 2)
    transactions = Generator(library, 11, SENDERS, 0.3).block(size)
    produced = producer.produce(
        BlockEnvironment(1, 1_000, 10**12, 7, COINBASE, 1, OSAKA, bytes(32)), transactions.array()
    )
    producer.close()
    return produced


def logs_of(block: ProducedBlock, receipt: Any) -> list[list[Any]]:
    records = np.frombuffer(block.logs, dtype_of(StoredLog))
    found = []
    for log in records[int(receipt["first_log"]) : int(receipt["first_log"]) + int(receipt["log_count"])]:
        topics = log["topics"].tobytes()
        data = block.log_data[int(log["data_offset"]) : int(log["data_offset"]) + int(log["data_size"])]
        address = log["address"].tobytes()[:20][::-1]
        found.append([address, [topics[32 * k : 32 * k + 32] for k in range(int(log["topic_count"]))], data])
    return found


def bloom_of(logs: list[list[Any]]) -> bytes:
    bits = 0
    for address, topics, _ in logs:
        for item in (address, *topics):
            digest = keccak256(item)
            for at in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
    return bits.to_bytes(256, "big")


def root_of(values: list[bytes]) -> bytes:
    trie = HexaryTrie({})
    for index, value in enumerate(values):
        trie[rlp.encode(index)] = value
    return bytes(trie.root_hash)


def test_every_bloom_filter_is_that_of_its_logs(block: ProducedBlock) -> None:
    union = 0
    for receipt in block.receipts:
        logs = logs_of(block, receipt)
        assert receipt["bloom"].tobytes() == bloom_of(logs)
        union |= int.from_bytes(bloom_of(logs), "big")
    assert block.bloom == union.to_bytes(256, "big")


def test_some_receipts_have_logs_and_some_have_none(block: ProducedBlock) -> None:
    counts = block.receipts["log_count"]
    if len(counts) > 100:
        assert (counts == 0).any()
        assert (counts > 1).any()
        assert np.frombuffer(block.logs, dtype_of(StoredLog))["topic_count"].max() == 3


def test_receipts_root_is_that_of_the_encoded_receipts(block: ProducedBlock) -> None:
    encoded, cumulative = [], 0
    for receipt in block.receipts:
        cumulative += int(receipt["gas_used"])
        assert int(receipt["cumulative_gas"]) == cumulative
        logs = logs_of(block, receipt)
        fields = [int(receipt["status"]), cumulative, bloom_of(logs), logs]
        kind = int(receipt["kind"])
        encoded.append((bytes([kind]) if kind else b"") + rlp.encode(fields))
    assert block.receipts_root == root_of(encoded)


def test_transactions_root_is_that_of_the_raw_transactions(block: ProducedBlock) -> None:
    offsets = np.frombuffer(block.body.offsets, np.uint32).tolist()
    raws = [block.body.transactions[a:b] for a, b in itertools.pairwise(offsets)]
    assert len(raws) == len(block.order)
    assert block.transactions_root == root_of(raws)
