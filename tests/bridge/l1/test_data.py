"""Where the data of a batch come from: beacon nodes, archives, raw data; none of them is believed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from eth_utils.crypto import keccak

from jovay.bridge.l1 import data
from jovay.bridge.l1.batches import CommittedBatch, calldata_of
from jovay.bridge.l1.data import (
    MOST_ANSWER,
    BeaconNode,
    BlobArchive,
    BlobSource,
    RawDataSource,
    fetch,
    published,
)
from jovay.bridge.l1.following_errors import DataUnavailableError, UnreadableBatchError
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.blobs import commitment_of, to_blobs, versioned_hash
from jovay.bridge.wire.da import DaData
from rigs.compressed import compressed

DA = DaData.of(2, b"".join(n.to_bytes(4, "big") for n in range(40_000)))
BLOBS = to_blobs(DA)
HASHES = tuple(versioned_hash(commitment_of(blob)) for blob in BLOBS)
BEGIN, SECONDS, SLOT = 1_600_000_000, 12, 77
BATCH = CommittedBatch(
    BatchHeader(2, 9, bytes(32), bytes(32), bytes(32)), 0, 5, BEGIN + SLOT * SECONDS, bytes(32), HASHES
)
ROLLUP = b"\x01" * 20
Pages = dict[str, bytes]


class Server:
    """Answers by a table of paths, and remembers what it was asked."""

    def __init__(self) -> None:
        self.pages: Pages = {}
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                page = server.pages.get(self.path.partition("?")[0])
                self.send_response(404 if page is None else 200)
                self.end_headers()
                self.wfile.write(page or b"")

            def log_message(self, *words: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def as_json(value: object) -> bytes:
    return json.dumps({"data": value}).encode()


def blobs_as_json(blobs: list[bytes]) -> bytes:
    return as_json(["0x" + blob.hex() for blob in blobs])


def test_a_beacon_node_counts_slots(server: Server) -> None:
    server.pages = {
        "/eth/v1/config/spec": as_json({"SECONDS_PER_SLOT": str(SECONDS)}),
        "/eth/v1/beacon/genesis": as_json({"genesis_time": str(BEGIN)}),
        f"/eth/v1/beacon/blobs/{SLOT}": blobs_as_json(BLOBS),
    }
    assert fetch(BATCH, [BeaconNode(server.url)]) == DA
    assert all("0x" + one.hex() in server.asked[-1] for one in HASHES)


def test_one_that_has_no_slots_counts_blocks(server: Server) -> None:
    server.pages = {"/eth/v1/beacon/blobs/5": blobs_as_json(BLOBS)}
    assert fetch(BATCH, [BeaconNode(server.url)]) == DA


@pytest.mark.parametrize("form", ["octets", "text"])
def test_an_archive(server: Server, form: str) -> None:
    server.pages = {
        f"/blobs/0x{name.hex()}/data": blob if form == "octets" else json.dumps("0x" + blob.hex()).encode()
        for name, blob in zip(HASHES, BLOBS, strict=True)
    }
    assert fetch(BATCH, [BlobArchive(server.url + "/")]) == DA


def test_what_may_be_a_secret_in_a_url_is_not_told(server: Server) -> None:
    server.pages = {"/secret/batch/9": b"wrong"}
    with pytest.raises(DataUnavailableError, match=server.url) as error:
        fetch(BATCH, [RawDataSource(server.url + "/secret")])
    assert "secret" not in str(error.value)
    with pytest.raises(DataUnavailableError, match=r"127\.0\.0\.1:9:") as error:
        fetch(BATCH, [BeaconNode("http://somebody:secret@127.0.0.1:9/secret")])
    assert "secret" not in str(error.value)


def test_raw_data(server: Server) -> None:
    server.pages = {"/batch/9": DA.calldata}
    assert fetch(BATCH, [RawDataSource(server.url)]) == DA


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 5_000,
        as_json(None),
        as_json(["0x12"]),
        as_json(["zz"]),
        blobs_as_json(BLOBS[::-1]),
    ],
)
def test_wrong_answers_of_a_beacon_node(server: Server, page: bytes) -> None:
    server.pages = {"/eth/v1/beacon/blobs/5": page, "/batch/9": DA.calldata}
    beacon: list[BlobSource] = [BeaconNode(server.url)]
    with pytest.raises(DataUnavailableError, match=server.url):
        fetch(BATCH, beacon)
    assert fetch(BATCH, [*beacon, RawDataSource(server.url)]) == DA


def test_an_answer_that_is_too_long_is_not_taken(server: Server) -> None:
    server.pages = {"/batch/9": DA.calldata + bytes(MOST_ANSWER)}
    with pytest.raises(DataUnavailableError, match="more than"):
        fetch(BATCH, [RawDataSource(server.url)])


def test_an_answer_that_does_not_end_is_not_taken(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.pages = {"/batch/9": DA.calldata}
    source = RawDataSource(server.url)
    monkeypatch.setattr(data, "_TIMEOUT", 0.0)
    with pytest.raises(DataUnavailableError, match="does not end"):
        fetch(BATCH, [source])


@pytest.mark.parametrize("page", [b"", b"\1", b"\x09abc", DA.calldata + b"\1", DA.calldata[:-1] + b"\xff"])
def test_wrong_raw_data(server: Server, page: bytes) -> None:
    server.pages = {"/batch/9": page}
    with pytest.raises(DataUnavailableError):
        fetch(BATCH, [RawDataSource(server.url)])


def test_what_was_published_may_be_no_batch() -> None:
    for calldata in (
        b"\x09",
        b"\1\2\0\0\1",
        DaData.of(1, b"abc").calldata,
        compressed(b"abc" * 99).calldata,
    ):
        with pytest.raises(UnreadableBatchError, match="batch 9"):
            published(replace(BATCH, versioned_hashes=(), calldata=calldata), [])


def test_calldata_is_read_as_solidity_reads_it() -> None:
    def word(value: int) -> bytes:
        return value.to_bytes(32, "big")

    selector = keccak(text="commitBatchWithDaProof(bytes,uint256,bytes)")[:4]
    data = selector + word(96) + word(7) + word(132) + word(0) + b"junk" + word(3) + b"abcdirt"
    assert calldata_of(ROLLUP, data, ROLLUP) == b"abc"
    assert calldata_of(b"\x02" * 20, data, ROLLUP) == b""
    assert calldata_of(None, data, ROLLUP) == b""
    assert calldata_of(ROLLUP, b"\0\0\0\0" + data[4:], ROLLUP) == b""
    assert calldata_of(ROLLUP, selector, ROLLUP) == b""
