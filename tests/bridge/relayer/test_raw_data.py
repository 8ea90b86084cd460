"""Raw data over HTTP, as a follower takes them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from jovay.bridge.bounded_server import MOST_CONNECTIONS
from jovay.bridge.l1.batches import CommittedBatch
from jovay.bridge.l1.data import BlobArchive, RawDataSource, fetch
from jovay.bridge.relayer.queries import Queries
from jovay.bridge.relayer.raw_data import RawDataServer
from jovay.bridge.relayer.store import Batch, BatchStore
from jovay.bridge.relayer.store import RawData as Raw
from jovay.bridge.wire import blobs
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.da import DaData

ROLLUP = b"\xaa" * 20


class Withdrawals:
    """A node with two messages to L1, of which the second is in no batch."""

    def call(self, method: str, *params: Any) -> Any:
        assert method == "jovay_getWithdrawalProof"
        nonce = int(params[0], 16)
        batch = {"index": "0x2"} if nonce == 0 else None
        proof = ["0x" + "11" * 32, "0x" + "22" * 32] if nonce == 0 else None
        return {"hash": "0x" + "33" * 32, "batch": batch, "proof": proof} if nonce < 2 else None


class Figures:
    """In place of the progress of a relayer that runs."""

    def status(self) -> dict[str, Any]:
        return {"committed": 2}

    def metrics(self) -> bytes:
        return b"jovay_relayer_committed 2.0\n"


def batch(index: int, payload: bytes, in_blobs: bool) -> Batch:
    da = DaData.of(2, payload)
    hashes = (
        [blobs.versioned_hash(blobs.commitment_of(blob)) for blob in blobs.to_blobs(da)] if in_blobs else []
    )
    header = BatchHeader(2, index, bytes(32), blobs.data_hash(hashes) if hashes else da.digest, bytes(32))
    return Batch(Raw(header, da, tuple(hashes), b"\7" * 32), ((index, index),), 3, b"\5" * 32, 77)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[Batch]]]:
    store = BatchStore(tmp_path_factory.mktemp("relayer") / "batches.sqlite", ROLLUP, 31337)
    batches = [batch(1, b"one" * 60_000, True), batch(2, b"two", False)]
    for each in batches:
        store.add(each)
    figures: Any = Figures()
    server = RawDataServer(store, figures, Queries(store, Withdrawals()), "127.0.0.1", 0)
    yield server.url, batches
    server.close()
    store.close()


@pytest.mark.parametrize("kind", [RawDataSource, BlobArchive])
def test_a_follower_finds_the_data(stored: tuple[str, list[Batch]], kind: Any) -> None:
    url, batches = stored
    for each in batches:
        raw = each.raw
        calldata = b"" if raw.versioned_hashes else raw.da.calldata
        committed = CommittedBatch(raw.header, 3, 5, 9, b"", raw.versioned_hashes, calldata)
        assert fetch(committed, [kind(url)]) == raw.da


def test_what_comes_with_the_data(stored: tuple[str, list[Batch]]) -> None:
    url, (first, second) = stored
    answer = httpx.get(f"{url}/batch/1")
    assert answer.headers["X-Batch-Header"] == f"0x{first.raw.header.encode().hex()}"
    assert answer.headers["X-Versioned-Hashes"] == ",".join(
        f"0x{one.hex()}" for one in first.raw.versioned_hashes
    )
    assert answer.headers["X-L1-Transaction"] == "0x" + "07" * 32
    assert httpx.get(f"{url}/batch/2").content == second.raw.da.calldata


def test_the_original_query(stored: tuple[str, list[Batch]]) -> None:
    url, (_, second) = stored
    query = f"{url}/api/relayer/query/batchmetarange"
    found = httpx.post(query, json={"batchIndexList": [2, 3]}).json()
    assert (found["success"], found["errorCode"]) == (True, "0")
    (meta,) = found["data"]
    assert (meta["batchIndex"], meta["batchHash"]) == (2, f"0x{second.hash.hex()}")
    for wrong in ({}, {"batchIndexList": 1}, {"batchIndexList": ["x"]}, {"batchIndexList": [1 << 63]}, [1]):
        assert httpx.post(query, json=wrong).json()["success"] is False
    assert httpx.post(query, json={"batchIndexList": [2]}, headers={"Origin": "null"}).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["/batch/9", "/batch/" + "9" * 20, "/batch/x", "/blobs/0x00/data", "/blobs/x/data", "/", "/batch/1/2"],
)
def test_what_is_not_there(stored: tuple[str, list[Batch]], path: str) -> None:
    assert httpx.get(stored[0] + path).status_code == 404


def test_figures(stored: tuple[str, list[Batch]]) -> None:
    url, _ = stored
    assert httpx.get(f"{url}/status").json() == {"committed": 2}
    assert httpx.get(f"{url}/metrics").text == "jovay_relayer_committed 2.0\n"
    assert httpx.post(f"{url}/batch/1", content=b"x" * 70_000).status_code == 413
    assert httpx.post(f"{url}/batch/1").status_code in (404, 413)


def test_connections_that_say_nothing_are_few_and_do_not_last(stored: tuple[str, list[Batch]]) -> None:
    host, port = stored[0].removeprefix("http://").split(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(2 * MOST_CONNECTIONS)]
    with pytest.raises(httpx.TimeoutException):
        httpx.get(f"{stored[0]}/status", timeout=0.5)
    assert sum(1 for one in threading.enumerate() if "process_request" in one.name) <= MOST_CONNECTIONS
    for one in silent:
        one.close()
    assert httpx.get(f"{stored[0]}/status", timeout=10).status_code == 200
