"""EIP-7610: no contract comes about where storage lies, also where the state was loaded as a node loads it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from jovay.chain.environment import BlockEnvironment
from jovay.conformance.blocks.state import state_of, write_state
from jovay.conformance.state_tests import encode_block, unhex
from jovay.kernel.machine.environment import Block
from jovay.kernel.programs.state_test import state_root
from jovay.kernel.protocol.forks import FORKS, PARIS
from jovay.native.arena import Arena
from jovay.native.records import read_record, values_of
from jovay.sequencer.portal import Portal
from jovay.sequencer.production.producer import BlockProducer
from jovay.state.world import NativeWorld
from rigs import fixtures

FIELDS = (
    "number timestamp gas_limit base_fee coinbase chain_id fork prevrandao blob_base_fee max_blobs difficulty"
).split()


def environment(case: dict[str, Any], fork: str) -> BlockEnvironment:
    block = values_of(read_record(Block, encode_block(case["env"], case["config"], fork)))
    return BlockEnvironment(
        **{name: block[name] for name in FIELDS}, parent_hash=bytes(32), fees_to_coinbase=False
    )


@pytest.fixture(scope="module")
def collisions(eest_spread) -> list[tuple[str, dict[str, Any]]]:
    """The archive's tests of EIP-7610."""
    return list(fixtures.cases("state_tests/paris/eip7610_create_collision"))


@pytest.mark.parametrize("serial", [True, False], ids=["serial", "parallel"])
def test_state_tests_of_collisions_as_blocks_of_the_node(library, collisions, serial: bool) -> None:
    world = NativeWorld(library, accounts=1 << 12, slots=1 << 12, code_bytes=1 << 20, history=1 << 10)
    producer, portal, scratch = (
        BlockProducer(library, world, 2),
        Portal(library),
        Arena(1 << 28, name="scratch"),
    )
    done = 0
    for name, case in collisions:
        for fork, posts in case["post"].items():
            if FORKS[fork] < PARIS:
                continue
            for post in posts:
                write_state(state_of(case["pre"], library), world, 0)
                raw = unhex(post["txbytes"])
                batch = portal.decode(raw, [len(raw)])
                produced = producer.produce(
                    environment(case, fork), np.array([batch.first_address], np.uint64), serial
                )
                out = ctypes.create_string_buffer(32)
                library[state_root](world, scratch.address, ctypes.addressof(out))
                assert not produced.dropped
                assert "0x" + out.raw.hex() == post["hash"], name
                done += 1
    producer.close()
    assert done > 40
