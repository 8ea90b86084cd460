"""After exodus everybody leaves by a follower's data alone, once, with what the last final state says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_abi.abi import encode

from jovay.bridge.follower.exits import Exits
from jovay.bridge.l1.following_errors import NoExitError
from jovay.bridge.l1.record import Kind
from jovay.native.library import Library
from jovay.storage.datadir import DataDirectory
from rigs.anvil import anvil
from rigs.paths import MissingToolError
from rigs.settled_story import ETHER, Copy, Story
from rigs.solidity import load

T2 = 7 * 86_400
CODE = bytes.fromhex("6460016000556000526005601bf3")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    try:
        with anvil() as node:
            yield node.url
    except MissingToolError as missing:
        pytest.skip(str(missing))


def test_everybody_leaves(url: str, tmp_path: Path, library: Library) -> None:
    story = Story(tmp_path, url)
    l1, client = story.l1, story.l1.client
    accounts = [bytes.fromhex(key.address[2:]) for key in story.keys]
    story.fund()
    token = deposit_token(story, accounts[0], 5_000)
    story.follow()
    story.block()
    story.block(story.transaction(1, None, CODE), story.transaction(0, b"\x55" * 20, value=7))
    story.commit()
    story.claim(1, [Kind.TEE, Kind.ZK])
    final = {account: balance(story, account) for account in accounts}
    story.block(story.transaction(0, b"\x55" * 20, value=ETHER))  # in no final batch
    story.commit(in_blobs=False)
    copy = Copy(story, tmp_path / "copy")
    copy.follow()
    assert copy.sequencer.visible.number == story.sequencer.visible.number
    copy.node.stop()
    story.stop()
    with DataDirectory(tmp_path / "copy" / "data") as data, pytest.raises(NoExitError, match="not open"):
        Exits(library, data, story.genesis, copy.record, client, 100_000)
    client.call("evm_increaseTime", T2 + 1)
    l1.mine()
    l1.call(l1.rollup, "openExodus")
    with DataDirectory(tmp_path / "copy" / "data") as data:
        exits = Exits(library, data, story.genesis, copy.record, client, 100_000)
        for account in accounts[:2]:
            way, before = exits.ether(account), client.balance(account)
            assert way.amount == final[account]
            l1.send(way.hatch, way.data)
            assert client.balance(account) == before + final[account]
            with pytest.raises(AssertionError, match="reverts"):
                l1.send(way.hatch, way.data)
        assert exits.ether(b"\x55" * 20).amount == 7
        way = exits.token(accounts[0], token)
        assert way.amount == 5_000
        l1.send(way.hatch, way.data)
        held = client.eth_call(token, holder_call(accounts[0]))
        assert int.from_bytes(held, "big") == 5_000
        for refused in (
            lambda: exits.ether(b"\x56" * 20),
            lambda: exits.token(accounts[1], token),
            lambda: exits.token(accounts[0], b"\x57" * 20),
            lambda: exits.ether(b"\x61" + bytes(19)),
        ):
            with pytest.raises(NoExitError):
                refused()


def balance(story: Story, account: bytes) -> int:
    return story.state.account(account, story.sequencer.visible.number).balance


def holder_call(account: bytes) -> bytes:
    return bytes.fromhex("70a08231") + account.rjust(32, b"\0")


def deposit_token(story: Story, to: bytes, amount: int) -> bytes:
    """A token on L1, of which an account gets so much on L2."""
    l1 = story.l1
    arguments = encode(("string", "string", "uint256"), ("Token", "T", 10**24))
    token = l1.create(bytes.fromhex(load("Token").bytecode[2:]) + arguments)
    bridge = l1.erc20_bridge
    l1.send(token, bytes.fromhex("095ea7b3") + bridge.address.rjust(32, b"\0") + (amount).to_bytes(32, "big"))
    gas = 3_000_000
    l1.call(bridge, "deposit", token, to, amount, gas, l1.me, value=gas * 10**6)
    return token
