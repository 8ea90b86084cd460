"""Batches of one kind, by JSON and by the binary channel, against the general path."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from jovay.chain.reasons import Invalid
from jovay.chain.types import Receipt
from jovay.rpc import bulk
from jovay.rpc.backend.pool import RawBatch, SubmitError, Submitted
from jovay.rpc.forms import receipt_form
from jovay.rpc.limits import Limits
from jovay.simulation.requests import Call, CallLog, CallResult
from rigs.transactions import keccak256
from rpc.memory_backend import MemoryBackend
from rpc.requests import ask, call, post
from rpc.serving import ALICE, BOB, Served, serve, transfer

OCTETS = {"content-type": "application/octet-stream"}
EMITTER = b"\xee" * 20


def sends(raws: list[bytes]) -> list[dict[str, Any]]:
    return [call("eth_sendRawTransaction", "0x" + raw.hex(), ident=n) for n, raw in enumerate(raws)]


def frames(raws: list[bytes]) -> bytes:
    return b"".join(len(raw).to_bytes(4) + raw for raw in raws)


def test_one_submission_per_batch(served: Served, backend: MemoryBackend) -> None:
    raws = [transfer(n) for n in range(20)]
    answers = ask(served, sends(raws))
    assert [one["id"] for one in answers] == list(range(20))
    assert [one["result"] for one in answers] == ["0x" + keccak256(raw).hex() for raw in raws]
    assert backend.submissions == [20]
    hashes = [one["result"] for one in answers]
    read = ask(served, [call("eth_getTransactionReceipt", one, ident=one) for one in hashes])
    assert [one["result"]["transactionHash"] for one in read] == hashes
    assert [one["id"] for one in read] == hashes


def test_refused_entries_keep_their_place(served: Served) -> None:
    raws = [transfer(0), transfer(0), b"\x02\xc0", transfer(1)]
    answers = ask(served, sends(raws))
    assert [("result" in one) for one in answers] == [True, False, False, True]
    assert answers[1]["error"] == {"code": -32000, "message": "nonce too low: next nonce 1, tx nonce 0"}
    assert answers[2]["error"]["code"] == -32000


def test_a_malformed_entry_spoils_only_itself(served: Served, backend: MemoryBackend) -> None:
    batch = sends([transfer(n) for n in range(3)])
    batch.insert(1, call("eth_sendRawTransaction", "0xzz", ident="bad"))
    batch.insert(3, call("eth_sendRawTransaction", "0x123", ident="odd"))
    batch.append(call("eth_sendRawTransaction", ident="none"))
    answers = ask(served, batch)
    assert [one["id"] for one in answers] == [0, "bad", 1, "odd", 2, "none"]
    assert [one.get("error", {}).get("code") for one in answers] == [None, -32602, None, -32602, None, -32602]
    assert backend.head() >= 1
    # Consecutive sends still go in together.
    assert max(backend.submissions) > 1


@pytest.mark.parametrize(
    "entry",
    [
        {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": ["0x00", 1]},
        {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": "0x00"},
        {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": ["00"]},
        {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": ["0x 00"]},
        {"jsonrpc": "2.0", "id": 1, "method": "eth_getTransactionReceipt", "params": ["0x00"]},
        {"jsonrpc": "2.0", "id": 1, "method": "eth_getTransactionReceipt", "params": ["0x" + "zz" * 32]},
    ],
)
def test_what_is_not_exact_takes_the_general_path(served: Served, entry: dict[str, Any]) -> None:
    (answer,) = ask(served, [entry])
    assert answer["error"]["code"] == -32602


def test_receipts_equal_the_general_form(served: Served, backend: MemoryBackend) -> None:
    def emit(message: Call) -> CallResult:
        logs = (CallLog(EMITTER, (b"\x01" * 32, b"\x02" * 32), b"xyz"), CallLog(EMITTER, (), b""))
        return CallResult(gas_used=40_000, logs=logs)

    backend.install(EMITTER, emit)
    raws = [transfer(0), transfer(1, to=EMITTER), transfer(2, to=b"", data=b"\x60")]
    ask(served, sends(raws))
    hashes = ["0x" + keccak256(raw).hex() for raw in raws] + ["0x" + "12" * 32]
    together = ask(served, [call("eth_getTransactionReceipt", one) for one in hashes])
    alone = [ask(served, call("eth_getTransactionReceipt", one)) for one in hashes]
    assert together == alone
    assert together[1]["result"]["logs"][0]["topics"] == ["0x" + "01" * 32, "0x" + "02" * 32]
    assert together[2]["result"]["contractAddress"] is not None
    assert together[3]["result"] is None


def test_receipt_text_with_all_fields() -> None:
    plain = Receipt(
        transaction_hash=b"\1" * 32,
        transaction_index=1,
        block_hash=b"\2" * 32,
        block_number=3,
        block_timestamp=4,
        sender=ALICE,
        to=BOB,
        type=2,
        status=1,
        gas_used=5,
        cumulative_gas_used=6,
        effective_gas_price=7,
        logs_bloom=bytes(256),
        logs=(),
    )
    for changes in (
        {},
        {"l1_fee": 9},
        {"type": 3, "blob_gas_used": 131_072, "blob_gas_price": 1},
        {"status": None, "root": b"\7" * 32},
        {"status": 0, "to": None, "contract_address": BOB},
    ):
        receipt = msgspec.structs.replace(plain, **changes)
        assert json.loads(bulk.receipt_text(receipt)) == receipt_form(receipt)


def test_binary_batch(served: Served, backend: MemoryBackend) -> None:
    raws = [transfer(0), transfer(0), transfer(1), b"junk"]
    status, fields, content = post(served, frames(raws), OCTETS, "/batch")
    assert (status, fields["content-type"]) == (200, "application/octet-stream")
    answers = [content[start : start + 33] for start in range(0, len(content), 33)]
    assert [one[0] for one in answers] == [1, 0, 1, 0]
    assert [one[1:] for one in answers[:3]] == [keccak256(raw) for raw in raws[:3]]
    assert backend.submissions == [4]
    assert post(served, b"", OCTETS, "/batch")[2] == b""


@pytest.mark.parametrize(
    "body", [b"\0", b"\0\0\0", b"\0\0\0\5abcd", b"\xff\xff\xff\xffabc", frames([b"a"]) + b"\0"]
)
def test_broken_binary_batch(served: Served, body: bytes) -> None:
    assert post(served, body, OCTETS, "/batch")[0] == 400


def test_binary_batch_limits(backend: MemoryBackend) -> None:
    with serve(backend, Limits(batch=2, ingest=3)) as served:
        assert post(served, frames([b"a"] * 3), OCTETS, "/batch")[0] == 400
        assert post(served, frames([b"a"] * 2), {"content-type": "text/plain"}, "/batch")[0] == 415
    with serve(backend, Limits(ingest=1)) as served:
        assert post(served, frames([b"a"] * 2), OCTETS, "/batch")[0] == 503
        answers = ask(served, sends([b"a"] * 2))
        assert [(one["id"], one["error"]["code"]) for one in answers] == [(0, -32005), (1, -32005)]


def test_answers_of_both_forms_agree() -> None:
    hashes = bytes(range(256)) * 3
    refused = {
        1: SubmitError(Invalid.UNDERPRICED, 'under "priced"'),
        23: SubmitError(Invalid.BLOB_MISSING, "no"),
    }
    result = Submitted(hashes, refused)
    ids: list[int | str] = [n if n % 3 else f'"{n}' for n in range(24)]
    answers = json.loads(bulk.format_sends(ids, result))
    binary = bulk.format_frames(24, result)
    for index, answer in enumerate(answers):
        assert answer["id"] == ids[index]
        assert (binary[33 * index] == bulk.ACCEPTED) == ("result" in answer)
        own = hashes[32 * index : 32 * index + 32]
        assert binary[33 * index + 1 : 33 * index + 33] == own
        if index in refused:
            assert answer["error"] == {"code": -32000, "message": refused[index].message}
        else:
            assert answer["result"] == "0x" + own.hex()


def test_recognise_cuts_transactions_apart() -> None:
    raws = [b"", b"\1", bytes(300), b"abc"]
    batch = bulk.recognise(json.dumps(sends(raws)).encode())
    assert isinstance(batch, bulk.SendBatch)
    starts = [0, *batch.batch.ends]
    assert [batch.batch.data[starts[n] : starts[n + 1]] for n in range(4)] == raws
    assert bulk.parse_frames(frames(raws), 4) == RawBatch(b"".join(raws), [0, 1, 301, 304])


@pytest.mark.parametrize("count", [1, 7, 8, 9, 16, 25])
def test_receipts_in_pieces(
    served: Served, backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(bulk, "_PIECE", 8)
    raws = [transfer(n) for n in range(count)]
    ask(served, sends(raws))
    hashes = ["0x" + keccak256(raw).hex() for raw in raws]
    answers = ask(served, [call("eth_getTransactionReceipt", one, ident=n) for n, one in enumerate(hashes)])
    assert [(one["id"], one["result"]["transactionHash"]) for one in answers] == list(enumerate(hashes))


def test_receipts_within_the_limit_of_an_answer(
    backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_PIECE", 2)
    asked: list[int] = []
    receipts = backend.receipts
    monkeypatch.setattr(backend, "receipts", lambda hashes: asked.append(len(hashes)) or receipts(hashes))
    with serve(backend, Limits(response=3_000)) as served:
        raws = [transfer(n) for n in range(20)]
        ask(served, sends(raws))
        hashes = ["0x" + keccak256(raw).hex() for raw in raws]
        answers = ask(served, [call("eth_getTransactionReceipt", one) for one in hashes])
    assert {one["error"]["message"] for one in answers} == {"response too large"}
    assert len(asked) < 5


def test_a_long_batch_of_all_kinds_is_answered_as_its_entries_are(served: Served) -> None:
    """Worker threads answer reads, the event loop what lives on it, and transactions go together."""
    kinds = [
        lambda n: call("eth_chainId", ident=n),
        lambda n: call("eth_getBlockByNumber", "0x0", False, ident=n),
        lambda n: call("eth_getBalance", "nonsense", ident=n),
        lambda n: call("eth_noSuchMethod", ident=n),
        lambda n: {"jsonrpc": "2.0", "method": "eth_blockNumber"},
        lambda n: call("eth_newBlockFilter", ident=n),
        lambda n: call("eth_uninstallFilter", "0x1", ident=n),
        lambda n: call("eth_sendRawTransaction", "0x00", ident=n),
        lambda n: call("eth_call", {"to": "0x" + "11" * 20}, "latest", ident=n),
        lambda n: n,
    ]
    for long in (8, 300):
        batch = [kinds[n * 7 % 10](n) for n in range(long)]
        answers = ask(served, batch)
        expected = [ask(served, entry) for entry in batch]
        assert len(answers) == len([one for one in expected if one is not None])
        for answer, alone in zip(answers, [one for one in expected if one is not None], strict=True):
            if isinstance(answer.get("result"), str) and len(answer["result"]) == 34:
                continue  # the identifier of a filter
            assert answer == alone
