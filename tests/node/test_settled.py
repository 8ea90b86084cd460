"""A node on a settled chain: what it makes is what provers derive, message by message and byte by byte."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jovay.bridge.wire.l1_message import NO_MESSAGES, rolling_hash
from jovay.chain.settled import EIP1559
from jovay.chain.transactions import L2_MAILBOX
from jovay.config import ConfigError, NodeConfig
from jovay.kernel.block.receipts import Receipt
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import dtype_of, int_of
from jovay.node import Node
from jovay.sequencer.errors import InboxError, RewindError
from jovay.sequencer.finality import Confirmation, Step
from jovay.sequencer.reexecution import Reexecution
from jovay.storage.datadir import DataDirectory
from jovay.storage.standing import read_standing
from jovay.tracer.chunk import ChunkExecutor
from rigs import process
from rigs.paths import ROOT
from rigs.rpc import RpcError
from rigs.settled_chain import CONFIG, COUNTER, HASHER, L1_FEE, MAILBOX, ORACLE
from rigs.settled_node import OFFERING, SettledNode, genesis_file, message, settled_genesis

from .conftest import Client, hexed


@pytest.fixture(scope="module")
def executor(library: Library) -> ChunkExecutor:
    return ChunkExecutor(library, 8 << 30)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[SettledNode]:
    node = SettledNode(tmp_path)
    yield node
    node.stop()


def at(number: int) -> bytes:
    return number.to_bytes(20, "big")


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def agrees(chain: SettledNode, executor: ChunkExecutor, first: int = 1) -> bool:
    """Whether the chunk program makes the visible blocks from ``first`` on out of what is published and recorded."""
    visible, inbox = chain.sequencer.visible, chain.sequencer.inbox
    found = executor.execute(chain.chunk(first, visible.number).encode())
    return (
        (found.error, found.last_block_hash, found.post_state_root) == ("", visible.hash, visible.state_root)
        and found.last_timestamp == chain.sequencer.block_time_ms(visible.number)
        and (found.first_l1_message, found.rolling_hash_before) == inbox.position(first - 1)
        and (found.next_l1_message, found.rolling_hash_after) == inbox.position(visible.number)
    )


def use(chain: SettledNode) -> None:
    """Blocks with messages and transactions, which ask for what a block gives them, and another L1 fee."""
    clients = [Client(chain.node, account) for account in range(3)]
    inbox = chain.sequencer.inbox
    clients[0].send(b"\xde\xad" * 10, 5)
    first = inbox.next
    inbox.offer(first, [message(first), message(first + 1)])
    clients[1].send(at(COUNTER), data=word(7) + word(3))
    clients[0].send(at(ORACLE), data=word(11))
    inbox.offer(first + 2, [message(number) for number in range(first + 2, first + 7)])
    clients[2].send(at(HASHER), data=word(1))
    clients[1].send(at(COUNTER), data=word(7) + word(2**255))
    chain.wait_for_messages(first + 7)


def test_provers_agree(chain: SettledNode, executor: ChunkExecutor) -> None:
    use(chain)
    assert agrees(chain, executor)
    assert agrees(chain, executor, first=3)


def test_provers_agree_with_eip_1559_and_fees_that_burn(tmp_path: Path, executor: ChunkExecutor) -> None:
    config = replace(CONFIG, base_fee_rule=EIP1559, fees_to_coinbase=False)
    chain = SettledNode(tmp_path, settled_genesis(config))
    try:
        use(chain)
        assert agrees(chain, executor)
    finally:
        chain.stop()


def test_the_fee_of_a_byte_is_the_oracles_at_the_blocks_start(chain: SettledNode) -> None:
    client = Client(chain.node)
    receipts = [client.send(at(ORACLE), data=word(fee)) for fee in (11, 0, 5)]
    for receipt, fee in zip(receipts, (L1_FEE, 11, 0), strict=True):
        number, raw = (
            int(receipt["blockNumber"], 16),
            client("eth_getRawTransactionByHash", receipt["transactionHash"]),
        )
        stored = np.frombuffer(chain.sequencer.data.blocks.receipts(number), dtype_of(Receipt))
        assert [int_of(paid) for paid in stored["l1_fee"]] == [fee * (len(raw) // 2 - 1)]


def test_messages_come_first_and_at_once(chain: SettledNode) -> None:
    """A block of messages alone is made of them; one that fails moves the queue on."""
    failing = message(0, gas=21_000)  # not enough for its calldata
    chain.sequencer.inbox.offer(0, [failing, message(1)])
    chain.wait_for_messages(2)
    client = Client(chain.node)
    block = client("eth_getBlockByNumber", "0x1", True)
    forms, gas = block["transactions"], int(block["gasUsed"], 16)
    assert [(form["type"], form["nonce"], form["to"]) for form in forms] == [
        ("0x7f", hex(n), hexed(L2_MAILBOX)) for n in range(2)
    ]
    receipts = client("eth_getBlockReceipts", "0x1")
    assert [(r["status"], r["type"], r["effectiveGasPrice"]) for r in receipts] == [
        ("0x0", "0x7f", "0x0"),
        ("0x1", "0x7f", "0x0"),
    ]
    assert int(receipts[0]["gasUsed"], 16) == 21_000
    assert gas == sum(int(receipt["gasUsed"], 16) for receipt in receipts)


def test_messages_take_half_of_a_blocks_gas(chain: SettledNode, executor: ChunkExecutor) -> None:
    with chain.sequencer.still():
        client = Client(chain.node)
        client("eth_sendRawTransaction", hexed(client.raw(at(COUNTER), data=word(1) + word(1))))
        chain.sequencer.inbox.offer(0, [message(number, gas=20_000_000) for number in range(5)])
    chain.wait_for_messages(5)
    contexts = [chain.context(number)[0] for number in range(1, chain.sequencer.visible.number + 1)]
    assert max(context.l1_messages for context in contexts) == 2
    assert contexts[0].transactions > contexts[0].l1_messages
    assert agrees(chain, executor)


def test_a_blocks_data_fit_a_batch(chain: SettledNode) -> None:
    """Transactions of a hundred kilobytes each: some wait for the next block, whatever gas there is."""
    clients = [Client(chain.node, account) for account in range(10)]
    with chain.sequencer.still():
        for client in clients:
            raw = client.raw(at(COUNTER), data=bytes(100_000), gas=2_000_000)
            client("eth_sendRawTransaction", hexed(raw))
    for client in clients:
        while client.number("eth_getTransactionCount", hexed(client.address), "latest") < 1:
            time.sleep(0.01)
    sizes = []
    for number in range(1, chain.sequencer.visible.number + 1):
        sizes.append(sum(len(raw) + 4 for raw in chain.context(number)[1]))
        before = read_standing(chain.sequencer.data.blocks, number - 1).published
        assert read_standing(chain.sequencer.data.blocks, number).published - before == sizes[-1] + 40
    assert max(sizes) <= 600_000 < sum(sizes)


def test_clients_cannot_send_messages(chain: SettledNode) -> None:
    client = Client(chain.node)
    for method in ("eth_sendRawTransaction", "eth_sendRawTransactionSync"):
        with pytest.raises(RpcError, match="transaction type not supported: messages from L1"):
            client(method, hexed(message(0)))
    (answer,) = client.rpc.batch([("eth_sendRawTransaction", [hexed(message(0))])] * 1)
    assert isinstance(answer, RpcError)
    assert chain.sequencer.pool.counts() == (0, 0)


def test_a_restart_goes_on_with_the_queue_and_the_time(tmp_path: Path, executor: ChunkExecutor) -> None:
    chain = SettledNode(tmp_path)
    use(chain)
    chain.sequencer.inbox.offer(7, [])
    last = chain.sequencer.visible.number
    before = read_standing(chain.sequencer.data.blocks, last)
    chain.stop()
    chain = SettledNode(tmp_path)
    try:
        inbox = chain.sequencer.inbox
        assert (inbox.next, inbox.standing, len(inbox)) == (7, before, 0)
        assert inbox.offer(5, [message(5), message(6), message(7)]) == 8
        with pytest.raises(InboxError, match="another"):
            inbox.offer(3, [message(3, data=b"forged")])
        chain.wait_for_messages(8)
        assert chain.sequencer.block_time_ms(last + 1) >= before.milliseconds
        assert agrees(chain, executor)
    finally:
        chain.stop()


def test_killed_while_messages_come(tmp_path: Path, library: Library) -> None:
    """Whatever is visible is stored with its messages; the queue goes on there."""
    for _ in range(3):
        log = tmp_path / "log"
        script = OFFERING.format(tests=str(ROOT / "tests"), folder=str(tmp_path))
        child = process.start([sys.executable, "-c", script], log)
        process.wait_until(lambda log=log: log.read_text().count("\n") > 20, child, log, 60)
        seen = int(log.read_text().split("\n")[-2])
        child.kill()
        child.wait()
        with DataDirectory(tmp_path / "data") as data:
            messages, times = [], [0]
            for number in range(1, data.blocks.latest + 1):
                offsets, raw = data.blocks.transactions(number)
                messages += [raw[offsets[i] : offsets[i + 1]] for i in range(len(offsets) - 1)]
                standing = read_standing(data.blocks, number)
                times.append(standing.milliseconds)
                assert standing.next_message == len(messages)
            hashes = [keccak256(library, one) for one in messages]
            assert standing.rolling_hash == rolling_hash(hashes, NO_MESSAGES)
            assert len(messages) >= seen
            assert times == sorted(times)
            assert Reexecution(library, data.blocks, settled_genesis()).run() == data.blocks.latest


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[SettledNode]:
    node = SettledNode(tmp_path, debug_api=True)
    yield node
    node.stop()


def test_blocks_are_executed_again_and_traced(traced: SettledNode, library: Library) -> None:
    chain = traced
    use(chain)
    client, last = Client(chain.node), chain.sequencer.visible.number
    chain.sequencer.drain()
    run = Reexecution(library, chain.sequencer.data.blocks, chain.genesis)
    assert run.run() == last
    for number in range(1, last + 1):
        count = len(client("eth_getBlockByNumber", hex(number), False)["transactions"])
        traces = client("debug_traceBlockByNumber", hex(number), {"tracer": "callTracer"})
        assert len(traces) == count
        assert client("debug_executionWitness", hex(number))
    call = {"to": hexed(at(MAILBOX)), "data": "0x"}
    assert client("eth_call", call, "latest") == "0x"
    assert client("eth_simulateV1", {"blockStateCalls": [{"calls": [call]}]}, "latest")


def settings_that_contradict() -> list[tuple[dict[str, Any], str]]:
    return [
        ({"chain_id": 5}, "--chain-id"),
        ({"block_gas_limit": 30_000_000}, "--block-gas-limit"),
        ({"base_fee": 8}, "--base-fee"),
        ({"fee_recipient": "0x" + "ab" * 20}, "--fee-recipient"),
        ({"block_transactions": 65_536}, "--block-transactions"),
    ]


@pytest.mark.parametrize(("settings", "flag"), settings_that_contradict())
def test_settings_may_not_contradict_the_genesis(tmp_path: Path, settings: dict[str, Any], flag: str) -> None:
    genesis = genesis_file(tmp_path, settled_genesis())
    with pytest.raises(ConfigError) as caught:
        Node(NodeConfig(datadir=tmp_path / "data", genesis=genesis, http_port=0, **settings)).start()
    assert caught.value.source == flag


def test_settings_may_repeat_the_genesis(tmp_path: Path) -> None:
    recipient = "0x71" + "00" * 19
    same = {"chain_id": 20257, "block_gas_limit": 10**8, "base_fee": 7, "fee_recipient": recipient}
    SettledNode(tmp_path, **same).stop()


def test_a_chain_settles_where_it_began(tmp_path: Path) -> None:
    SettledNode(tmp_path).stop()
    genesis = settled_genesis()
    assert genesis.settlement is not None
    other = replace(genesis, settlement=replace(genesis.settlement, rollup=b"\xee" * 20))
    with pytest.raises(Exception, match="alloc"):
        SettledNode(tmp_path, other)


ADDRESS, SLOT = "0x" + "ab" * 20, "0x" + "00" * 32


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("anvil_setBalance", [ADDRESS, "0x1"]),
        ("anvil_addBalance", [ADDRESS, "0x1"]),
        ("anvil_setNonce", [ADDRESS, "0x1"]),
        ("anvil_setCode", [ADDRESS, "0x00"]),
        ("anvil_setStorageAt", [ADDRESS, "0x0", SLOT]),
        ("anvil_loadState", ["0x00"]),
        ("anvil_impersonateAccount", [ADDRESS]),
        ("anvil_autoImpersonateAccount", [True]),
        ("eth_sendUnsignedTransaction", [{"from": ADDRESS, "to": ADDRESS, "gas": "0x5208"}]),
        ("anvil_setCoinbase", [ADDRESS]),
        ("evm_setBlockGasLimit", ["0x1000000"]),
        ("anvil_setNextBlockBaseFeePerGas", ["0x1"]),
        ("anvil_setPrevRandao", [SLOT]),
        ("evm_increaseTime", [5]),
        ("evm_setTime", [5]),
        ("evm_setNextBlockTimestamp", [2**33]),
        ("anvil_setBlockTimestampInterval", [5]),
        ("anvil_mine", ["0x2", "0x5"]),
    ],
)
def test_what_no_prover_derives_is_refused(dev: Client, method: str, params: list[Any]) -> None:
    with pytest.raises(RpcError, match=r"jovay node --dev"):
        dev(method, *params)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    chain = SettledNode(tmp_path_factory.mktemp("dev"), dev=True)
    yield Client(chain.node)
    chain.stop()


def test_development_goes_back_to_what_l1_has_not(tmp_path: Path, executor: ChunkExecutor) -> None:
    chain = SettledNode(tmp_path, dev=True)
    try:
        client = Client(chain.node)
        use(chain)
        middle = chain.sequencer.visible.number
        snapshot = client("evm_snapshot")
        use(chain)
        assert chain.sequencer.inbox.next == 14
        assert client("evm_revert", snapshot) is True
        assert (chain.sequencer.visible.number, chain.sequencer.inbox.next) == (middle, 7)
        chain.sequencer.inbox.offer(7, [message(7, data=b"another")])
        chain.wait_for_messages(8)
        assert agrees(chain, executor)
        chain.sequencer.finality.report(Step.COMMITTED, Confirmation(middle, 1))
        with pytest.raises(RpcError, match="cannot go back"):
            client("anvil_reset")
        with pytest.raises(RewindError):
            chain.sequencer.rewind_to(chain.sequencer.visible.number + 1)
        chain.sequencer.rewind_to(middle - 1)  # where L1 has been led back, too
        assert chain.sequencer.finality.committed == 0
        use(chain)
        assert agrees(chain, executor)
    finally:
        chain.stop()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_production_waits_for_l1(tmp_path: Path) -> None:
    """At the limit no blocks come, nothing enters the pool, and operators are told why; attested batches end it."""
    chain = SettledNode(tmp_path, backlog_blocks=5)
    try:
        client, sequencer = Client(chain.node), chain.sequencer
        for _ in range(5):
            client.send(b"\xde\xad" * 10, 1)
        stall = sequencer.trouble()
        assert stall is not None
        assert "5 blocks" in stall.reason
        with pytest.raises(RpcError, match="busy: no blocks are made: 5 blocks"):
            client.send(b"\xde\xad" * 10, 1)
        sequencer.inbox.offer(0, [message(0)])
        time.sleep(0.1)
        assert sequencer.visible.number == 5
        for step in (Step.COMMITTED, Step.ATTESTED):
            sequencer.finality.report(step, Confirmation(2, 1))
        chain.wait_for_messages(1)
        assert sequencer.trouble() is None
        client.send(b"\xde\xad" * 10, 1)
    finally:
        chain.stop()


def test_production_halts_and_all_else_goes_on(chain: SettledNode) -> None:
    client, sequencer = Client(chain.node), chain.sequencer
    client.send(b"\xde\xad" * 10, 1)
    sequencer.halt(InboxError(3, "L1 has led it back"))
    stall = sequencer.trouble()
    assert stall is not None
    assert "L1 message 3: L1 has led it back" in stall.reason
    sequencer.inbox.offer(0, [message(0)])
    with pytest.raises(RpcError, match="L1 has led it back"):
        client.send(b"\xde\xad" * 10, 1)
    time.sleep(0.1)
    assert client.number("eth_blockNumber") == 1
