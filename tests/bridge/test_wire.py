"""Wire formats: a real batch of Jovay's relayer, round trips, and refusal of every other form."""

from __future__ import annotations

import base64
import json

import ckzg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.bridge.errors import FieldRangeError, WireError
from jovay.bridge.wire import blobs
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import LEGACY, PLAIN, ZSTD, DaData
from jovay.bridge.wire.payload import decode_chunks, encode_chunks
from rigs.archives import members
from rigs.compressed import compressed


@pytest.fixture(scope="module")
def vectors() -> dict[str, bytes]:
    return dict(members("jovay-vectors.tar.xz", "jovay-vectors/batch/"))


def real_chunks(vectors: dict[str, bytes]) -> list[bytes]:
    listed = json.loads(vectors["jovay-vectors/batch/batch-154-chunks"])
    return [base64.b64decode(json.loads(chunk)["raw_chunk"]) for chunk in listed]


def a_block(
    number: int, transactions: int, l1_messages: int = 0, timestamp: int = 1_700_000_000_000
) -> BlockContext:
    return BlockContext(4, number, timestamp + number, 10**6, 10**9, transactions, l1_messages)


@st.composite
def batches(draw: st.DrawFn) -> list[Chunk]:
    number = draw(st.integers(0, 2**40))
    chunks = []
    for _ in range(draw(st.integers(1, 3))):
        parts = []
        for _ in range(draw(st.integers(1, 4))):
            carried = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=3))
            messages = draw(st.integers(0, 2))
            parts.append((a_block(number, len(carried) + messages, messages), carried))
            number += 1
        chunks.append(Chunk.of(parts))
    return chunks


def test_a_real_header(vectors: dict[str, bytes]) -> None:
    raw = bytes.fromhex(vectors["jovay-vectors/batch/batch-header-154"].decode())
    header = BatchHeader.decode(raw)
    assert (header.version, header.index) == (0, 154)
    assert header.encode() == raw


def test_real_chunks(vectors: dict[str, bytes]) -> None:
    raw = real_chunks(vectors)
    chunks = [Chunk.decode(data, 0) for data in raw]
    assert [chunk.encode(0) for chunk in chunks] == raw
    assert sum(len(chunk.blocks) for chunk in chunks) == 113
    payload = encode_chunks(chunks, 0)
    data = blobs.to_blobs(DaData.of(0, payload))
    assert len(data) == 9
    assert decode_chunks(blobs.from_blobs(data).payload(), 0) == chunks


def test_a_real_blob(vectors: dict[str, bytes]) -> None:
    blob = bytes.fromhex(vectors["jovay-vectors/batch/a_blob"].decode().strip().removeprefix("0x"))
    da = blobs.from_blobs([blob])
    assert da.da_version == LEGACY
    chunks = decode_chunks(da.payload(), 0)
    assert (len(chunks), chunks[0].blocks[0].number) == (8, 12193)
    assert blobs.to_blobs(DaData.of(0, encode_chunks(chunks, 0))) == [blob]


@given(batches(), st.sampled_from((0, 1, 2)))
def test_round_trips(chunks: list[Chunk], version: int) -> None:
    payload = encode_chunks(chunks, version)
    da = DaData.of(version, payload)
    assert da.da_version == LEGACY if version == 0 else da.da_version == PLAIN
    assert da.batch_version == version
    for read in (blobs.from_blobs(blobs.to_blobs(da)), DaData.from_calldata(da.calldata)):
        assert read == da
        assert decode_chunks(read.payload(), version) == chunks
    by_block = [entry for chunk in chunks for entry in chunk.by_block()]
    assert all(len(carried) == block.transactions - block.l1_messages for block, carried in by_block)


@settings(max_examples=300)
@given(batches(), st.data())
def test_a_changed_byte_is_another_batch_or_none(chunks: list[Chunk], data: st.DataObject) -> None:
    payload = bytearray(encode_chunks(chunks, 2))
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = decode_chunks(bytes(payload), 2)
    except WireError:
        return
    assert read != chunks
    assert encode_chunks(read, 2) == payload


@given(batches(), st.data())
def test_what_is_cut_or_longer_is_refused(chunks: list[Chunk], data: st.DataObject) -> None:
    calldata = DaData.of(1, encode_chunks(chunks, 1)).calldata
    for wrong in (calldata[: data.draw(st.integers(0, len(calldata) - 1))], calldata + b"\0"):
        with pytest.raises(WireError):
            DaData.from_calldata(wrong).payload()


def test_blobs_in_no_other_form() -> None:
    payload = encode_chunks([Chunk.of([(a_block(7, 1), [b"\xab" * 200_000])])], 2)
    da = DaData(PLAIN, bytes((2,)) + len(payload).to_bytes(3, "big") + payload)
    good = blobs.to_blobs(da)
    assert len(good) == 2
    assert blobs.from_blobs(good) == da
    high = bytearray(good[0])
    high[32] = 1
    padding = bytearray(good[1])
    padding[-1] = 1
    version = bytes((3,)) + good[0][1:]
    for wrong in (
        [bytes(high), good[1]],
        [good[0], bytes(padding)],
        [*good, bytes(blobs.SIZE)],
        good[:1],
        [],
        [version, good[1]],
    ):
        with pytest.raises(WireError):
            blobs.from_blobs(wrong)


@given(batches(), st.sampled_from((1, 2)))
def test_older_batches_are_read(chunks: list[Chunk], version: int) -> None:
    da = compressed(encode_chunks(chunks, version), version)
    for read in (blobs.from_blobs(blobs.to_blobs(da)), DaData.from_calldata(da.calldata)):
        assert read == da
        assert decode_chunks(read.payload(), version) == chunks


def test_a_frame_that_swells_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jovay.bridge.wire.da.MAX_PAYLOAD", 1 << 20)
    bomb = compressed(bytes(1 << 21))
    assert len(bomb.data) < 1000
    with pytest.raises(WireError, match="more than 1048576 bytes"):
        bomb.payload()


def test_no_second_frame() -> None:
    one, two = compressed(bytes(100)).data[4:], compressed(b"\1" * 100).data[4:]
    with pytest.raises(WireError):
        DaData(ZSTD, bytes((2,)) + (len(one) + len(two)).to_bytes(3, "big") + one + two).payload()


@pytest.mark.parametrize(
    "context",
    [
        a_block(1, 70_000),
        BlockContext(1 << 32, 1, 1, 1, 1, 0, 0),
        BlockContext(1, 1 << 64, 1, 1, 1, 0, 0),
        BlockContext(1, 1, -1, 1, 1, 0, 0),
    ],
)
def test_what_no_field_holds(context: BlockContext) -> None:
    with pytest.raises(FieldRangeError, match="holds 0 to"):
        context.encode()


def test_blocks_of_a_chunk_follow_each_other() -> None:
    for second in (a_block(9, 0), a_block(8, 0, timestamp=0), a_block(7, 0)):
        with pytest.raises(WireError, match="after block 7"):
            Chunk.decode(Chunk((a_block(7, 0), second)).encode(2), 2)
    with pytest.raises(WireError, match="0 transactions where its blocks have 1"):
        Chunk.decode(Chunk((a_block(7, 1),)).encode(2), 2)
    with pytest.raises(FieldRangeError, match="256"):
        Chunk(tuple(a_block(n, 0) for n in range(256))).encode(1)


@pytest.mark.parametrize("filled", [0, 50, 126_000])
def test_openings(filled: int) -> None:
    payload = encode_chunks(
        [Chunk.of([(a_block(7, 1), [b"\x01" + bytes(range(256)) * (filled // 256 + 1)])])], 0
    )
    blob = blobs.to_blobs(DaData.of(0, payload[: blobs.CAPACITY]))[0]
    opening = blobs.open_blob(blob, blobs.commitment_of(blob), bytes(range(32)))
    assert opening.z == blobs.evaluation_point(opening.versioned_hash, bytes(range(32)))
    setup = blobs._setup()
    assert ckzg.verify_kzg_proof(opening.commitment, opening.z, opening.y, opening.proof, setup)
    assert not ckzg.verify_kzg_proof(opening.commitment, opening.z, opening.z, opening.proof, setup)
