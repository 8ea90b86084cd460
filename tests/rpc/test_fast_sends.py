"""The kernel's reading of eth_sendRawTransaction batches against a general JSON decoder: never another meaning."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.chain.reasons import Invalid
from jovay.rpc import bulk, fast_sends
from jovay.rpc.backend.pool import RawBatch, SubmitError, Submitted

IDS = st.integers(0, 10**18 - 1) | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=9)
ODD_IDS = st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4) | st.booleans()
SPACES = st.text(st.sampled_from(" \t\r\n"), max_size=2)


def entry(raw: bytes, identifier: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": identifier,
        "method": "eth_sendRawTransaction",
        "params": ["0x" + raw.hex()],
    }


@st.composite
def texts(draw: st.DrawFn, value: Any) -> str:
    """A value as JSON text, members in any order, white space anywhere."""
    space = draw(SPACES)
    if isinstance(value, dict):
        members = [
            f"{json.dumps(k)}{space}:{draw(texts(v))}" for k, v in draw(st.permutations(list(value.items())))
        ]
        return f"{space}{{{space}{f'{space},{space}'.join(members)}{space}}}{space}"
    if isinstance(value, list):
        return f"{space}[{','.join([draw(texts(item)) for item in value])}]{space}"
    text = json.dumps(value)
    if text.startswith('"0x') and draw(st.booleans()):
        text = '"0x' + text[3:].upper()
    return space + text + space


def by_general_decoder(body: bytes) -> tuple[list[Any], list[bytes]] | None:
    """What a batch says if each of its entries is a plain send, by ``json``."""
    try:
        entries = json.loads(body)
        assert isinstance(entries, list)
        assert entries
        ids, raws = [], []
        for one in entries:
            assert set(one) == {"jsonrpc", "id", "method", "params"}
            assert (one["jsonrpc"], one["method"]) == ("2.0", "eth_sendRawTransaction")
            (text,) = one["params"]
            assert text[:2] == "0x"
            assert not set(text) & set(" \t\r\n\v\f")
            raws.append(bytes.fromhex(text[2:]))
            ids.append(one["id"])
    except (AssertionError, ValueError, TypeError, UnicodeDecodeError):
        return None
    return ids, raws


def cut(batch: RawBatch) -> list[bytes]:
    starts = [0, *batch.ends]
    return [batch.data[starts[n] : end] for n, end in enumerate(batch.ends)]


@settings(max_examples=300, deadline=None)
@given(
    data=st.data(),
    sends=st.lists(st.tuples(st.binary(max_size=40), IDS.filter(lambda i: i != "\\")), min_size=1),
)
def test_usual_batches_are_read_as_they_are_meant(
    data: st.DataObject, sends: list[tuple[bytes, Any]]
) -> None:
    body = data.draw(texts([entry(raw, identifier) for raw, identifier in sends])).encode()
    expected = by_general_decoder(body)
    assert expected is not None
    found = fast_sends.scan(body)
    if any(isinstance(identifier, str) and set(identifier) & set('"\\') for _, identifier in sends):
        assert found is None  # escapes are for the general decoder
        return
    assert found is not None
    ids, batch = found
    assert [json.loads(bytes(one)) for one in ids] == expected[0]
    assert cut(batch) == expected[1]
    assert bulk.recognise(body) is not None


@settings(max_examples=500, deadline=None)
@given(
    data=st.data(), sends=st.lists(st.tuples(st.binary(max_size=3), IDS | ODD_IDS), min_size=1, max_size=3)
)
def test_damage_never_makes_another_meaning(data: st.DataObject, sends: list[tuple[bytes, Any]]) -> None:
    """Bodies with bytes changed, cut out or put in: refused, or read exactly as ``json`` reads them."""
    body = bytearray(data.draw(texts([entry(raw, identifier) for raw, identifier in sends])).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        piece = data.draw(
            st.sampled_from(
                [b"", b"\0", b",", b'"', b"]", b"}", b"[", b"0", b"\\", b"\xff", b"{}", b'"id":1,']
            )
        )
        body[at : at + data.draw(st.integers(0, 2))] = piece
        if not body:
            return
    found = fast_sends.scan(bytes(body))
    if found is not None:
        ids, batch = found
        assert ([json.loads(bytes(one)) for one in ids], cut(batch)) == by_general_decoder(bytes(body))


@given(body=st.binary(max_size=120))
def test_any_bytes(body: bytes) -> None:
    assert fast_sends.scan(body) is None or by_general_decoder(body) is not None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[", b"[]", b"{}", b"[{}]", b"[[]]", b"[1]", b"null", b"[,]",
        json.dumps([entry(b"a", 1)]).encode() + b"x",
        json.dumps([entry(b"a", 1)]).encode() + b"\0",
        json.dumps([entry(b"a", 1)])[:-1].encode(),
        json.dumps([entry(b"a", 1) | {"more": 1}]).encode(),
        json.dumps([entry(b"a", 1), 7]).encode(),
        json.dumps([entry(b"a", 1) | {"params": ["0x1"]}]).encode(),
        json.dumps([entry(b"a", 1) | {"params": ["0X11"]}]).encode(),
        json.dumps([entry(b"a", 1) | {"params": ["0x11", 1]}]).encode(),
        json.dumps([entry(b"a", 1) | {"jsonrpc": "1.0"}]).encode(),
        json.dumps([entry(b"a", 10**18)]).encode(),
        json.dumps([entry(b"a", -1)]).encode(),
        json.dumps([entry(b"a", 1)]).replace('"id": 1', '"id": 01').encode(),
        json.dumps([entry(b"a", 1)]).replace('"id": 1', '"id": 1, "id": 2').encode(),
        json.dumps([entry(b"a", "\u00e9")]).encode(),
        json.dumps([entry(b"a", "\u00e9")], ensure_ascii=False).encode(),
    ],
)  # fmt: skip
def test_what_is_unusual_is_left_to_others(body: bytes) -> None:
    assert fast_sends.scan(body) is None


@given(
    st.lists(
        st.tuples(IDS.filter(lambda i: not set(str(i)) & set('"\\')), st.binary(min_size=32, max_size=32)),
        min_size=1,
    )
)
def test_answers_equal_the_general_ones(pairs: list[tuple[Any, bytes]]) -> None:
    ids = [identifier for identifier, _ in pairs]
    hashes = b"".join(digest for _, digest in pairs)
    found = fast_sends.scan(msgspec.json.encode([entry(b"\1", identifier) for identifier in ids]))
    assert found is not None
    assert fast_sends.answers(found[0], hashes) == bulk.format_sends(ids, Submitted(hashes))
    refused = Submitted(hashes, {0: SubmitError(Invalid.UNDERPRICED, 'so "low"')})
    assert bulk.format_sends(found[0], refused) == bulk.format_sends(ids, refused)


def by_hand(body: bytes, most: int) -> list[bytes] | str:
    """The binary form, read frame by frame."""
    found: list[bytes] = []
    while body:
        if len(body) < 4:
            return "truncated length"
        length, body = int.from_bytes(body[:4], "big"), body[4:]
        if length > len(body):
            return "truncated transaction"
        found.append(body[:length])
        body = body[length:]
        if len(found) > most:
            return f"more than {most} transactions"
    return found


FRAMES = st.lists(st.binary(max_size=5).map(lambda raw: len(raw).to_bytes(4, "big") + raw), max_size=6).map(
    b"".join
)


@settings(max_examples=300, deadline=None)
@given(body=FRAMES | st.builds(lambda a, b: a + b, FRAMES, st.binary(max_size=9)), most=st.integers(0, 6))
def test_binary_batches(body: bytes, most: int) -> None:
    found = fast_sends.split(body, most)
    assert (found if isinstance(found, str) else cut(found)) == by_hand(body, most)
