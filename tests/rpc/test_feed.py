"""Event logs and who reads them: encoded once, bounded for all together, fair between connections."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from jovay.chain.types import Log
from jovay.rpc import event_log, feed, news
from jovay.rpc.args import LogArgs
from jovay.rpc.backend.events import NewBlock, NewPending, Removed
from jovay.rpc.delivery import Delivery, Subscription
from jovay.rpc.event_log import EventLog
from jovay.rpc.limits import Limits
from rpc.emitters import EMITTER, OTHER, TOPIC, emit_at, x
from rpc.memory_backend import MemoryBackend
from rpc.requests import call
from rpc.serving import Served, serve, transfer
from rpc.sockets import ask, client, handshake, heard, masked, run


def test_a_log_without_readers_keeps_nothing() -> None:
    log: EventLog[str] = EventLog(100)
    log.append("a", 10)
    first, second = log.reader(), log.reader()
    log.append("b", 10)
    assert (len(log), log.bytes, first.has_news) == (1, 10, True)
    first.close()
    first.close()
    assert (len(log), log.is_read) == (1, True)
    second.close()
    assert (len(log), log.bytes, log.is_read) == (0, 0, False)
    later = log.reader()
    assert (later.has_news, later.is_behind) == (False, False)


@pytest.mark.parametrize("most_bytes", [100, 10_000])
def test_a_log_is_bounded_by_bytes_and_events(monkeypatch: pytest.MonkeyPatch, most_bytes: int) -> None:
    monkeypatch.setattr(event_log, "MOST_EVENTS", 8)
    log: EventLog[int] = EventLog(most_bytes)
    slow, quick = log.reader(), log.reader()
    heard: list[int] = []
    for number in range(50):
        log.append(number, 30)
        assert log.bytes <= most_bytes
        assert len(log) <= 8
        while quick.has_news:
            quick.read(lambda item, offset: heard.append(item))
    assert heard == list(range(50))
    assert slow.is_behind
    slow.skip()
    assert (slow.is_behind, slow.has_news) == (False, True)
    log.append(50, 1 << 40)
    assert (len(log), log[50]) == (1, 50)


def logs_at_random(chance: random.Random, count: int) -> list[Log]:
    addresses, topics = [bytes([n]) * 20 for n in range(4)], [bytes([n]) * 32 for n in range(3)]
    return [
        Log(
            address=chance.choice(addresses),
            topics=tuple(chance.choices(topics, k=chance.randrange(4))),
            data=index.to_bytes(4),
            block_number=7,
            block_hash=bytes(32),
            block_timestamp=0,
            transaction_hash=bytes(32),
            transaction_index=index,
            log_index=index,
        )
        for index in range(count)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_what_is_picked_is_what_matches(seed: int) -> None:
    """In whatever portions, for any addresses and topics."""
    chance = random.Random(seed)
    logs = logs_at_random(chance, 700)
    batch = news.Logs(logs)
    addresses = tuple(bytes([n]) * 20 for n in range(5) if chance.random() < 0.5)
    topics = tuple(
        tuple(bytes([n]) * 32 for n in range(3) if chance.random() < 0.6) for _ in range(chance.randrange(3))
    )
    matcher = news.LogMatcher(LogArgs(addresses=addresses, topics=topics))
    assert matcher.terms == len(addresses) + sum(map(len, topics))
    wanted = [
        index
        for index, log in enumerate(logs)
        if (not addresses or log.address in addresses)
        and len(log.topics) >= len(topics)
        and all(not some or log.topics[k] in some for k, some in enumerate(topics))
    ]
    found: list[int] = []
    start: int | None = 0
    while start is not None:
        results, start, cost = batch.take(start, matcher, chance.randrange(1, 5_000))
        assert cost > 0
        found += [int(json.loads(result)["logIndex"], 16) for result in results]
    assert found == wanted


@pytest.mark.parametrize("room", [1, 500, 100_000])
def test_hashes_and_results_in_portions(room: int) -> None:
    hashes = random.Random(1).randbytes(32 * 100)
    expected = [f'"0x{hashes[at : at + 32].hex()}"'.encode() for at in range(0, len(hashes), 32)]
    for batch in (news.Hashes(hashes), news.Results(expected)):
        found: list[bytes] = []
        start: int | None = 0
        while start is not None:
            results, start, _ = batch.take(start, None, room)
            found += results
        assert found == expected


async def listen(connection: ClientConnection, count: int) -> dict[str, list[Any]]:
    """The next notifications, by subscription."""
    found: dict[str, list[Any]] = {}
    for _ in range(count):
        params = json.loads(await asyncio.wait_for(connection.recv(), 20))["params"]
        found.setdefault(params["subscription"], []).append(params["result"])
    return found


def test_an_event_is_encoded_once(backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many hear of it."""
    encoded: Counter[str] = Counter()
    for module, name in ((news, "header_form"), (news, "log_form"), (feed, "transaction_form")):
        original = getattr(module, name)

        def counted(*args: Any, name: str = name, original: Any = original) -> Any:
            encoded[name] += 1
            return original(*args)

        monkeypatch.setattr(module, name, counted)
    backend.install(EMITTER, emit_at(EMITTER))
    kinds: list[tuple[Any, ...]] = [("newHeads",), ("logs", {}), ("logs", {"address": x(EMITTER)}),
                                    ("newPendingTransactions", True), ("newPendingTransactions",)]  # fmt: skip

    async def work(served: Served) -> None:
        async with client(served) as one, client(served) as other:
            for connection in (one, other):
                for _ in range(8):
                    for kind in kinds:
                        await ask(connection, "eth_subscribe", *kind)
            raw = transfer(0, EMITTER, 0, TOPIC)
            served.rpc().call("eth_sendRawTransaction", x(raw))
            for connection in (one, other):
                found = await listen(connection, 40)
                assert len(found) == 40
                assert len({json.dumps(results) for results in found.values()}) == 4

    with serve(backend) as served:
        run(lambda: work(served))
    assert encoded == {"header_form": 1, "log_form": 1, "transaction_form": 1}


def test_others_cannot_take_the_first_few(backend: MemoryBackend) -> None:
    async def work(served: Served) -> None:
        async with client(served) as greedy, client(served) as other:
            for _ in range(6):
                await ask(greedy, "eth_subscribe", "newHeads")
            for connection, most in ((greedy, 0), (other, feed.ALWAYS)):
                for _ in range(most):
                    await ask(connection, "eth_subscribe", "newHeads")
                with pytest.raises(ValueError, match="too many subscriptions on this node"):
                    await ask(connection, "eth_subscribe", "newHeads")

    with serve(backend, Limits(all_subscriptions=6)) as served:
        run(lambda: work(served))


def test_limits_of_all_subscriptions(backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "ALWAYS", 0)

    async def work(served: Served) -> None:
        async with client(served) as connection:
            async with client(served) as other:
                kept = [
                    await ask(one, "eth_subscribe", "newHeads") for one in (connection, other, connection)
                ]
                for name in ("newHeads", "logs", "newPendingTransactions", "syncing"):
                    with pytest.raises(
                        ValueError, match=r"-32005.*too many subscriptions on this node \(limit 3\)"
                    ):
                        await ask(connection, "eth_subscribe", name)
                await ask(connection, "eth_unsubscribe", kept[0])
                wide = {"address": [x(bytes([n]) * 20) for n in range(9)]}
                with pytest.raises(ValueError, match=r"too many addresses and topics \(limit 8\)"):
                    await ask(connection, "eth_subscribe", "logs", wide)
                await ask(other, "eth_subscribe", "logs", {"address": wide["address"][:8]})
            while len(served.server._services.feed) > 1:
                await asyncio.sleep(0.01)
            await ask(connection, "eth_subscribe", "logs", {"address": wide["address"][:8]})

    with serve(backend, Limits(all_subscriptions=3, filter_terms=8)) as served:
        run(lambda: work(served))
        assert served.server._services.feed._terms.used in (0, 8)


def test_logs_of_many_blocks_are_read_in_portions(
    backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each log once and in order, also where a block alone has more than a portion, and blocks come meanwhile."""
    monkeypatch.setattr(feed, "_MOST_LOGS", 3)
    backend.install(EMITTER, emit_at(EMITTER))
    backend.install(OTHER, emit_at(OTHER))
    backend.automine = False
    blocks = [3, 0, 1, 5, 1, 1, 0, 0, 2, 4, 1]

    async def work(served: Served) -> None:
        async with client(served) as connection, client(served) as other:
            every = await ask(connection, "eth_subscribe", "logs", {})
            some = await ask(other, "eth_subscribe", "logs", {"address": x(OTHER)})
            nonce = 0
            rpc = served.rpc()
            for count in blocks:
                for _ in range(count):
                    raw = transfer(nonce, OTHER if nonce % 3 == 0 else EMITTER, 0, TOPIC + bytes([nonce]))
                    rpc.call("eth_sendRawTransaction", x(raw))
                    nonce += 1
                backend.seal()
            for one, identifier, wanted in (
                (connection, every, range(nonce)),
                (other, some, range(0, nonce, 3)),
            ):
                found = (await listen(one, len(wanted)))[identifier]
                assert [int(log["data"], 16) for log in found] == list(wanted)
                assert all(int(a["blockNumber"], 16) <= int(b["blockNumber"], 16) for a, b in pairwise(found))

    with serve(backend) as served:
        run(lambda: work(served))


def test_one_that_does_not_read_delays_nobody(backend: MemoryBackend) -> None:
    """Nothing is put aside for it, and it is hung up on when it is too far behind."""
    with serve(backend, Limits(queue=400_000)) as served:
        slow = handshake(served, 4096)
        names = ["newHeads", "logs", "newPendingTransactions", "newHeads"] * 8
        for name in names:
            slow.sendall(masked(json.dumps(
                {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": [name]}, separators=(",", ":")
            ).encode()))  # fmt: skip
            assert b'"result"' in slow.recv(500)
        highest = 0

        async def work() -> None:
            nonlocal highest
            budget = served.server._budget
            async with client(served) as quick:
                identifier = await ask(quick, "eth_subscribe", "newHeads")
                for _ in range(60):
                    for _ in range(10):
                        backend.emit(NewBlock(backend.blocks[0].header, b""))
                        backend.emit(NewPending(bytes(32 * 40)))
                    for _ in range(10):
                        await heard(quick, identifier)
                    highest = max(highest, budget.used)

        run(work)
        feed_ = served.server._services.feed
        assert len(feed_) == 0
        assert highest < 3 << 20
        slow.close()


def test_removed_logs_are_told(backend: MemoryBackend) -> None:
    backend.install(EMITTER, emit_at(EMITTER))

    async def work(served: Served) -> None:
        async with client(served) as connection:
            identifier = await ask(connection, "eth_subscribe", "logs", {"address": x(EMITTER)})
            served.rpc().call("eth_sendRawTransaction", x(transfer(0, EMITTER, 0, b"1")))
            backend.emit(Removed(backend.blocks[0].header, backend.block_logs[1]))
            first, second = (await listen(connection, 2))[identifier]
            assert first["data"] == second["data"] == "0x31"

    with serve(backend) as served:
        run(lambda: work(served))


def test_whole_transactions_that_are_too_many_are_left_out(
    backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who hears of them goes on with the newest."""
    backend.automine = False

    async def work(served: Served) -> None:
        async with connect(served.ws_url) as connection:
            identifier = await ask(connection, "eth_subscribe", "newPendingTransactions", True)
            raw = transfer(0)

            def flood() -> None:  # on the event loop, so that nobody can read meanwhile
                for _ in range(40):
                    served.server._services.feed._on_events([NewPending(bytes(32) * 10)])

            served.loop.call_soon_threadsafe(flood)
            served.rpc().call("eth_sendRawTransaction", x(raw))
            assert (await heard(connection, identifier))["nonce"] == "0x0"

    with serve(backend, Limits(queue=5_000)) as served:
        run(lambda: work(served))


def test_many_batches_leave_the_loop_to_others(backend: MemoryBackend) -> None:
    """What the event loop answers itself: one batch at a time, with as much time for others between slices."""
    batch = json.dumps([call("eth_newBlockFilter", ident=n) for n in range(500)]).encode()
    with serve(backend, Limits(filters=1)) as served:
        server = served.server

        async def work() -> int:
            answers = asyncio.gather(*[server._dispatcher.handle(batch, server._context) for _ in range(40)])
            turns = 0
            while not answers.done():
                await asyncio.sleep(0)
                turns += 1
            assert all(len(json.loads(one)) == 500 for one in await answers)
            return turns

        assert served.run(work()) > 100


class Ears:
    """A session that counts what it hears."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, Any] = {}
        self.is_ready = True
        self.heard = 0

    def notify(self, messages: list[bytes]) -> None:
        self.heard += len(messages)

    def tell_when_ready(self, listener: Any) -> None:
        """It always is."""

    def drop(self, reason: str) -> None:
        raise AssertionError(reason)

    def after_answer(self, action: Any) -> None:
        raise AssertionError(action)


def test_who_is_not_behind_comes_first() -> None:
    """News for one who has heard all the old, while another has much to catch up with."""

    async def work() -> None:
        log: EventLog[news.News] = EventLog(1 << 30)
        greedy, modest = Ears(), Ears()
        delivery = Delivery()
        for session, count in ((greedy, 100), (modest, 1)):
            for _ in range(count):
                delivery.enter(Subscription(session, log.reader()))
        for _ in range(500):
            log.append(news.Results([bytes(1_000)]), 1_000)
        delivery.wake()
        while modest.heard < 500:
            await asyncio.sleep(0)
        assert greedy.heard < 50_000
        log.append(news.Results([b"new"]), 3)
        delivery.wake()
        while modest.heard < 501:
            await asyncio.sleep(0)
        assert 0 < greedy.heard < 50_000
        while greedy.heard < 50_100:
            await asyncio.sleep(0)
        await delivery.close()

    asyncio.run(asyncio.wait_for(work(), 30))
