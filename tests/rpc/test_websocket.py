"""WebSockets: requests, subscriptions, slow readers, limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time

import pytest
from websockets.exceptions import ConnectionClosed

from jovay.rpc.backend.events import NewBlock, NewPending, Removed
from jovay.rpc.limits import Limits
from jovay.simulation.requests import Call, CallLog, CallResult
from rigs.transactions import keccak256
from rpc.emitters import EMITTER, TOPIC
from rpc.memory_backend import MemoryBackend
from rpc.requests import call, post
from rpc.serving import ALICE, Served, serve, transfer
from rpc.sockets import ask, client, handshake, heard, masked, run


def emit(message: Call) -> CallResult:
    """A contract that logs its input."""
    return CallResult(gas_used=30_000, logs=(CallLog(EMITTER, (TOPIC,), message.data),))


def test_requests_and_batches(served: Served) -> None:
    async def work() -> None:
        async with client(served) as connection:
            assert await ask(connection, "eth_chainId") == "0x539"
            await connection.send(json.dumps([call("eth_chainId", ident=n) for n in range(3)]))
            assert [one["id"] for one in json.loads(await connection.recv())] == [0, 1, 2]
            await connection.send(b'{"jsonrpc":"2.0","id":"b","method":"eth_chainId"}')
            assert json.loads(await connection.recv())["id"] == "b"
            await connection.send("nonsense")
            assert json.loads(await connection.recv())["error"]["code"] == -32700
            await connection.send(["[", "]"])
            assert json.loads(await connection.recv())["error"]["message"] == "empty batch"
            assert (await (await connection.ping())) is not None

    run(work)


def test_new_heads(served: Served, backend: MemoryBackend) -> None:
    async def work() -> None:
        async with client(served) as connection:
            identifier = await ask(connection, "eth_subscribe", "newHeads")
            headers = [backend.seal() for _ in range(3)]
            for header in headers:
                form = await heard(connection, identifier)
                assert (form["hash"], form["number"]) == ("0x" + header.hash.hex(), hex(header.number))
                assert form["miner"] == "0x" + header.coinbase.hex()
            assert await ask(connection, "eth_unsubscribe", identifier) is True
            backend.seal()
            assert await ask(connection, "eth_blockNumber") == "0x4"
            with pytest.raises(ValueError, match="subscription not found"):
                await ask(connection, "eth_unsubscribe", identifier)

    run(work)


def test_logs(served: Served, backend: MemoryBackend) -> None:
    backend.install(EMITTER, emit)

    async def work() -> None:
        async with client(served) as connection, client(served) as other:
            mine = await ask(connection, "eth_subscribe", "logs", {"address": "0x" + EMITTER.hex()})
            topics = await ask(other, "eth_subscribe", "logs", {"topics": [[None, "0x" + TOPIC.hex()]]})
            never = await ask(other, "eth_subscribe", "logs", {"topics": ["0x" + "08" * 32]})
            rpc = served.rpc()
            for nonce, content in enumerate((b"one", b"two")):
                raw = transfer(nonce, to=EMITTER, value=0, data=content)
                rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
                for socket_, identifier in ((connection, mine), (other, topics)):
                    log = await heard(socket_, identifier)
                    assert log["data"] == "0x" + content.hex()
                    assert log["transactionHash"] == "0x" + keccak256(raw).hex()
                    assert (log["removed"], log["logIndex"]) == (False, "0x0")
            removed = [backend.block_logs[2][0]]
            backend.emit(Removed(backend.blocks[1].header, removed))
            assert (await heard(connection, mine))["data"] == "0x" + b"two".hex()
            assert never not in (mine, topics)

    run(work)


def test_pending_transactions(served: Served, backend: MemoryBackend) -> None:
    backend.automine = False

    async def work() -> None:
        async with client(served) as connection, client(served) as full:
            hashes = await ask(connection, "eth_subscribe", "newPendingTransactions")
            whole = await ask(full, "eth_subscribe", "newPendingTransactions", True)
            raws = [transfer(n) for n in range(3)]
            batch = [("eth_sendRawTransaction", ["0x" + raw.hex()]) for raw in raws]
            served.rpc().batch(batch)
            for raw in raws:
                assert await heard(connection, hashes) == "0x" + keccak256(raw).hex()
                form = await heard(full, whole)
                assert (form["hash"], form["blockHash"]) == ("0x" + keccak256(raw).hex(), None)
                assert form["from"] == "0x" + ALICE.hex()

    run(work)


def test_bad_subscriptions(backend: MemoryBackend) -> None:
    async def work(served: Served) -> None:
        async with client(served) as connection:
            for params, text in (
                (["nothing"], 'no "nothing" subscription in eth namespace'),
                ([], "missing value for required argument 0"),
                ([7], "invalid argument 0"),
                (["logs", {"address": "0x12"}], "invalid argument 1"),
                (["newPendingTransactions", "yes"], "invalid argument 1"),
            ):
                with pytest.raises(ValueError, match=text):
                    await ask(connection, "eth_subscribe", *params)
            for _ in range(2):
                await ask(connection, "eth_subscribe", "newHeads")
            with pytest.raises(ValueError, match="too many subscriptions"):
                await ask(connection, "eth_subscribe", "newHeads")

    with serve(backend, Limits(subscriptions=2)) as served:
        run(lambda: work(served))
        answer = served.rpc()
        with pytest.raises(Exception, match="notifications not supported"):
            answer.call("eth_subscribe", "newHeads")


def test_the_answer_comes_before_notifications(served: Served, backend: MemoryBackend) -> None:
    """Even where blocks come all the time and the subscription is part of a batch."""

    async def work() -> None:
        async with client(served) as connection:
            for _ in range(20):
                batch = [
                    call("eth_subscribe", "newHeads", ident=1),
                    call("eth_getBlockByNumber", "0x0", False),
                ]
                await connection.send(json.dumps(batch))
                backend.seal()
                message = json.loads(await connection.recv())
                while not isinstance(message, list):
                    # Notifications of earlier subscriptions.
                    assert message["params"]["subscription"] in known
                    message = json.loads(await connection.recv())
                known.add(message[0]["result"])

    known: set[str] = set()
    run(work)


def test_subscriptions_end_with_the_connection(served: Served, backend: MemoryBackend) -> None:
    feed = served.server._services.feed

    async def work() -> None:
        async with client(served) as connection:
            await ask(connection, "eth_subscribe", "newHeads")
            await ask(connection, "eth_subscribe", "logs", {})
            assert (len(feed), feed.heads.is_read, feed.logs.is_read) == (2, True, True)
            connection.transport.abort()
        for _ in range(100):
            if not len(feed) and not len(served.server._connections):
                assert (feed.heads.is_read, feed.logs.is_read) == (False, False)
                return
            await asyncio.sleep(0.02)
        raise AssertionError("subscriptions outlive their connection")

    run(work)


def test_slow_reader_is_dropped(backend: MemoryBackend) -> None:
    with serve(backend, Limits(queue=200_000)) as served:
        slow = handshake(served, 4096)
        slow.sendall(masked(b'{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}'))
        assert b'"result"' in slow.recv(500)

        async def work() -> None:
            async with client(served) as quick:
                identifier = await ask(quick, "eth_subscribe", "newHeads")
                for _ in range(200):
                    for _ in range(20):
                        backend.emit(NewBlock(backend.blocks[0].header, b""))
                    for _ in range(20):
                        await heard(quick, identifier)

        run(work)
        assert len(served.server._services.feed) == 0
        # What was queued, then a close frame that says why: 1013, try again later.
        good_bye = b"\x88\x0a" + (1013).to_bytes(2) + b"too slow"
        content = b""
        while not content.endswith(good_bye):
            more = slow.recv(1 << 16)
            assert more
            content += more
        slow.close()
        assert content.count(b"eth_subscription") < 4_000


def test_oversized_message_closes(backend: MemoryBackend) -> None:
    async def work(served: Served) -> None:
        async with client(served) as connection:
            await connection.send("x" * 2_000)
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009

    with serve(backend, Limits(body=1_000)) as served:
        run(lambda: work(served))
        assert served.rpc().call("eth_chainId") == "0x539"


def test_pings_hold_no_memory(backend: MemoryBackend) -> None:
    ping = b"\x89\xfd" + bytes(4) + bytes(125)
    with serve(backend, Limits(memory=1_000_000, body=100_000)) as served:
        raw = handshake(served, 65_536)
        for _ in range(30):
            raw.sendall(ping * 400)
            received = 0
            while received < 400 * 127:
                received += len(raw.recv(1 << 16))
        assert served.server._budget.used < 200_000
        assert post(served, b" " * 90_000)[0] == 200
        raw.close()


def test_fragments_without_content_end_a_connection(backend: MemoryBackend) -> None:
    with serve(backend, Limits(body=1_000)) as served:
        raw = handshake(served, 65_536)
        raw.sendall(b"\x01\x80" + bytes(4))
        content = b""
        with contextlib.suppress(ConnectionError):
            for _ in range(400):
                raw.sendall((b"\x00\x80" + bytes(4)) * 1_000)
        with contextlib.suppress(ConnectionError):
            while more := raw.recv(4096):
                content += more
        raw.close()
        assert content[:4] == b"\x88" + bytes([len(content) - 2]) + (1009).to_bytes(2, "big")


@pytest.mark.parametrize(
    "frame",
    [b"\x81\x05hello", b"\xff\xff" + bytes(20), masked(b"\xff\xfe"), b"\x80\x80" + bytes(4), b"\x83\x80"],
)
def test_broken_frames(served: Served, frame: bytes) -> None:
    raw = handshake(served, 65_536)
    raw.sendall(frame)
    raw.settimeout(2)
    try:
        while raw.recv(4096):
            pass
    except TimeoutError:
        pass
    raw.close()
    assert served.rpc().call("eth_chainId") == "0x539"


def test_many_requests_at_once(backend: MemoryBackend) -> None:
    async def work(served: Served) -> None:
        async with client(served) as connection:
            for number in range(300):
                await connection.send(json.dumps(call("eth_getBlockByNumber", "0x0", False, ident=number)))
            answers = [json.loads(await connection.recv())["id"] for _ in range(300)]
            assert sorted(answers) == list(range(300))

    with serve(backend, Limits(in_flight=4)) as served:
        run(lambda: work(served))


def test_quiet_client_is_pinged_then_dropped(backend: MemoryBackend) -> None:
    with serve(backend, Limits(ping_time=1.2)) as served:
        raw = handshake(served, 65_536)
        begun = time.monotonic()
        content = b""
        try:
            while more := raw.recv(4096):
                content += more
        except ConnectionResetError:
            pass
        raw.close()
        assert content.startswith(b"\x89\x00")
        assert time.monotonic() - begun < 8


def test_stop_says_good_bye(backend: MemoryBackend) -> None:
    codes: list[int] = []

    async def work(served: Served) -> None:
        async with client(served) as connection:
            await ask(connection, "eth_chainId")
            stopping = asyncio.create_task(asyncio.to_thread(served.run, served.server.stop(2.0)))
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            assert closed.value.rcvd is not None
            codes.append(closed.value.rcvd.code)
            await stopping

    with serve(backend) as served:
        run(lambda: work(served))
    assert codes == [1001]


def test_pending_event_without_listeners_costs_nothing(served: Served, backend: MemoryBackend) -> None:
    backend.emit(NewPending(bytes(32 * 10_000)))
    assert served.rpc().call("eth_chainId") == "0x539"
