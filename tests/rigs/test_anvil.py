"""The anvil rig: it answers, keeps its options, and is gone afterwards."""

from __future__ import annotations

import subprocess
import time

import pytest

from jovay.bridge.errors import AnvilError
from rigs.anvil import CHAIN_ID, anvil
from rigs.paths import foundry_binary
from rigs.rpc import RpcError


def test_answers_with_its_options_and_ends() -> None:
    with anvil(gas_limit=123_000_000, accounts=3) as node:
        rpc = node.rpc()
        assert rpc.call("eth_chainId") == hex(CHAIN_ID)
        assert rpc.call("eth_getBlockByNumber", "latest", False)["gasLimit"] == hex(123_000_000)
        accounts = rpc.call("eth_accounts")
        assert len(accounts) == 3
        rpc.close()
    assert node.process.returncode is not None


def test_block_time_makes_blocks_without_transactions() -> None:
    with anvil(block_time=0.05) as node:
        rpc = node.rpc()
        for _ in range(200):
            if int(rpc.call("eth_blockNumber"), 16) >= 3:
                break
            time.sleep(0.02)
        else:
            pytest.fail("no three blocks")
        rpc.close()


def test_batch_keeps_order_and_errors() -> None:
    with anvil() as node:
        rpc = node.rpc()
        chain, unknown, number = rpc.batch([("eth_chainId", []), ("no_such", []), ("eth_blockNumber", [])])
        assert (chain, number) == (hex(CHAIN_ID), "0x0")
        assert isinstance(unknown, RpcError)
        assert unknown.code == -32601
        rpc.close()


def test_a_wrong_option_is_reported_with_the_log() -> None:
    with pytest.raises(AnvilError, match="no-such-option"), anvil(extra=["--no-such-option"]):
        pass


def test_cast_runs() -> None:
    done = subprocess.run([foundry_binary("cast"), "--version"], capture_output=True, check=True, text=True)
    assert "1.7.1" in done.stdout
