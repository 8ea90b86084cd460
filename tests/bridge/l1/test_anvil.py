"""Anvil as L1: its chain outlives it, also when it is killed; what stands in its way is named."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from jovay.bridge.errors import AnvilError
from jovay.bridge.l1 import anvil
from jovay.bridge.l1.anvil import Anvil, Settings, StateFile
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.transactions import Mined, Request, TxManager
from jovay.bridge.wire.blobs import to_blobs
from jovay.bridge.wire.da import DaData
from jovay.chain.development import DEVELOPMENT_KEYS
from jovay.chain.hexadecimal import hexed
from rigs.process import free_ports


@pytest.fixture(autouse=True)
def installed() -> None:
    try:
        anvil.binary()
    except AnvilError as missing:
        pytest.skip(str(missing))


def settings(block_time: float | None = 0.05) -> Settings:
    return Settings(free_ports(1)[0], block_time)


def grown(client: L1Client, number: int) -> None:
    deadline = time.monotonic() + 20
    while client.block_number() < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_chain_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    where = settings()
    with Anvil(where, tmp_path) as node:
        client = L1Client(node.url)
        client.call("anvil_setBalance", "0x" + "07" * 20, "0x123")
        grown(client, 5)
        fifth = client.block(5)
        assert fifth is not None
    assert node.process.returncode is not None
    with Anvil(where, tmp_path):
        assert client.block(5) == fifth
        assert client.balance(b"\7" * 20) == 0x123
        head = client.block_number()
        grown(client, head + 2)
        assert [client.block(n + 1).parent_hash == client.block(n).hash for n in range(head)] == [True] * head  # type: ignore[union-attr]
    client.close()


def test_a_kill_loses_what_was_not_kept_yet_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anvil, "KEEP_EVERY", 1)
    where, reached = settings(), 0
    for _ in range(3):
        node = Anvil(where, tmp_path)
        client = L1Client(node.url)
        assert client.block_number() >= reached
        block = client.block(reached)
        grown(client, client.block_number() + 30)  # longer than the state takes to be kept
        node.process.kill()
        node.process.wait()
        node.stop()
        reached += 5
    with Anvil(where, tmp_path):
        assert block is not None
        assert client.block(block.number) == block
    client.close()


@pytest.mark.slow
def test_blobs_are_kept(tmp_path: Path) -> None:
    where, blob = settings(None), to_blobs(DaData(0, b"payload"))[0]
    with Anvil(where, tmp_path) as node:
        client = L1Client(node.url)
        manager = TxManager(client, RawKey(bytes.fromhex(DEVELOPMENT_KEYS[0])), tmp_path / "store")
        manager.send(Request(bytes(19) + b"\7", b"", "blob", blobs=(blob,)))
        deadline = time.monotonic() + 60
        while not isinstance(sent := manager.status("blob"), Mined):
            assert time.monotonic() < deadline
            manager.step()
        manager.close()
    with Anvil(where, tmp_path):
        transaction = client.transaction(sent.hash)
        assert transaction is not None
        assert client.receipt(sent.hash) == sent.receipt
        (name,) = transaction.versioned_hashes
        assert bytes.fromhex(client.call("anvil_getBlobByHash", hexed(name))[2:]) == blob
    client.close()


def test_what_was_half_written_is_not_read(tmp_path: Path) -> None:
    """A kill while anvil writes, which nothing was kept before, or something."""
    state, kept = tmp_path / "anvil.json", tmp_path / "anvil.kept.json"
    where = settings(None)
    with Anvil(where, tmp_path) as node:
        client = L1Client(node.url)
        client.call("evm_mine")
    whole = state.read_bytes()
    for text in (whole[:100], whole[:-1], b""):
        state.write_bytes(text)
        kept.write_bytes(whole)
        with Anvil(where, tmp_path):
            assert client.block_number() == 1
        kept.unlink(missing_ok=True)
        state.write_bytes(text)
        with Anvil(where, tmp_path):
            assert client.block_number() == 0
    client.close()


def test_only_what_is_fresh_and_whole_is_put_aside(tmp_path: Path) -> None:
    file, path, kept = (
        StateFile(tmp_path / "anvil.json"),
        tmp_path / "anvil.json",
        tmp_path / "anvil.kept.json",
    )
    file.put_aside()
    path.write_text('{"historical_states":nul')
    file.put_aside()
    assert not kept.exists()
    whole = '{"block":1,"historical_states":null}'
    path.write_text(whole)
    then = time.time() - anvil.KEEP_EVERY
    os.utime(path, (then, then))
    file.put_aside()
    assert not kept.exists()
    os.utime(path)
    file.put_aside()
    assert (kept.read_text(), path.exists()) == (whole, False)


def test_a_spoilt_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "anvil.json").write_text('{"block":"historical_states":null}')
    with pytest.raises(AnvilError, match=r"anvil\.json"):
        Anvil(settings(), tmp_path)


def test_a_taken_port_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anvil, "PORT_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AnvilError, match=f"port {port} is taken"):
            Anvil(Settings(port), tmp_path)


def test_too_little_memory_is_told(tmp_path: Path) -> None:
    with pytest.raises(AnvilError, match="anvil ended with"):
        Anvil(Settings(free_ports(1)[0], memory_mb=20), tmp_path)


def test_without_anvil_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anvil.sys, "prefix", "/nowhere")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AnvilError, match="make setup"):
        anvil.binary()
