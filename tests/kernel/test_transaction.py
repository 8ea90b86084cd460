"""Transactions: common fixtures, EEST's, eth-account's signatures, and mutations against a second decoder."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.chain.refusals import decoding_text
from jovay.kernel import transaction as kernel_tx
from jovay.kernel.lang import U64
from jovay.kernel.rlp import CURSOR_SIZE
from jovay.kernel.transaction import AccessEntry, Authorization, Transaction
from jovay.kernel.transaction import status as codes
from jovay.native.library import build
from rigs import transactions as reference
from rigs.archives import json_members
from rigs.buffers import Buffer

NATIVE = [
    kernel_tx.decode,
    kernel_tx.decode_batch,
    kernel_tx.signatures_of,
    kernel_tx.senders_from_keys,
    kernel_tx.next_access_entry,
    kernel_tx.next_authorization,
    kernel_tx.blob_hash,
    kernel_tx.recover_sender,
    kernel_tx.authority_of,
]
PLAIN = ["kind", "nonce", "gas_limit", "max_fee", "max_priority_fee", "value", "max_blob_fee"]
PLAIN += ["has_chain_id", "chain_id", "y_parity", "r", "s"]


@pytest.fixture(scope="module")
def native() -> Any:
    return build(NATIVE)


class Decoded:
    """A decoded transaction and the memory it lies in."""

    def __init__(self, native: Any, raw: bytes) -> None:
        self.native, self.source, self.memory = native, Buffer(raw), Buffer(Transaction.size)
        scratch = Buffer(len(raw) + kernel_tx.SIGNING_OVERHEAD)
        self.status = native[kernel_tx.decode](
            self.source.address, len(raw), self.memory.address, scratch.address
        )
        assert self.memory.intact
        assert scratch.intact
        assert bytes(self.source) == raw
        self.tx = Transaction(self.memory.address)

    def bytes_at(self, address: int, size: int) -> bytes:
        assert size == 0 or self.source.address <= address
        assert size == 0 or address + size <= self.source.address + self.source.size
        return self.source.read(address - self.source.address, size) if size else b""

    def field(self, name: str, size: int) -> bytes:
        return self.memory.read(Transaction.fields[name][1], size)

    def access(self) -> list[tuple[bytes, list[bytes]]]:
        entry, found = Buffer(AccessEntry.size), []
        at, end = self.tx.access_list, self.tx.access_list + self.tx.access_list_size
        while at != end:
            at = self.native[kernel_tx.next_access_entry](at, entry.address)
            view = AccessEntry(entry.address)
            stride = kernel_tx.ACCESS_KEY_STRIDE
            keys = [self.bytes_at(view.keys + stride * i, 32) for i in range(view.key_count)]
            found.append((self.bytes_at(view.account, 20), keys))
        return found

    def authorizations(self) -> list[dict[str, Any]]:
        memory, cursor, found = Buffer(Authorization.size), Buffer(CURSOR_SIZE), []
        at, end = self.tx.authorizations, self.tx.authorizations + self.tx.authorizations_size
        while at != end:
            at = self.native[kernel_tx.next_authorization](at, cursor.address, memory.address)
            view = Authorization(memory.address)
            fields = {n: int(getattr(view, n)) for n in ("chain_id", "nonce", "y_parity", "r", "s")}
            signed = self.bytes_at(view.signed, view.signed_size)
            fields["digest"] = reference.keccak256(b"\5" + _list_header(len(signed)) + signed)
            fields["target"] = memory.read(Authorization.fields["target"][1], 20)
            self.check_authority(memory, fields)
            found.append(fields)
        return found

    def check_authority(self, memory: Buffer, fields: dict[str, Any]) -> None:
        """Who signed the tuple, if anybody did, as libsecp256k1 sees it."""
        scratch = Buffer(kernel_tx.AUTHORIZATION_SCRATCH)
        status = self.native[kernel_tx.authority_of](memory.address, scratch.address)
        assert scratch.intact
        r, s, y_parity = fields["r"], fields["s"], fields["y_parity"]
        if not (0 < r < reference.ORDER and 0 < s <= reference.ORDER // 2 and y_parity <= 1):
            assert status == codes.INVALID_SIGNATURE
            return
        try:
            expected = reference.recover(fields["digest"], r, s, y_parity)
        except reference.Refused:
            assert status == codes.RECOVERY_FAILED
            return
        assert status == 0
        assert memory.read(Authorization.fields["authority"][1], 20) == expected

    def blobs(self) -> list[bytes]:
        count, address = self.tx.blob_count, self.memory.address
        return [self.bytes_at(self.native[kernel_tx.blob_hash](address, i), 32) for i in range(count)]


def _list_header(size: int) -> bytes:
    return bytes([0xC0 + size]) if size < 56 else bytes([0xF8, size])


def compare(native: Any, raw: bytes) -> dict[str, Any] | None:
    """Decode both ways and demand the same verdict and fields; the fields, or None if refused."""
    decoded = Decoded(native, raw)
    try:
        expected = reference.decode(raw)
    except reference.Refused:
        assert decoded.status != 0, raw.hex()
        assert decoding_text(int(decoded.tx.kind), decoded.status)
        return None
    assert decoded.status == 0, (raw.hex(), decoding_text(raw[0], decoded.status))
    tx = decoded.tx
    for name in PLAIN:
        assert int(getattr(tx, name)) == expected.get(name, 0), name
    for name, size in (("hash", 32), ("signing_hash", 32), ("sender", 20)):
        assert decoded.field(name, size) == expected.get(name, bytes(size)), name
    assert tx.has_to == (len(expected["to"]) == 20)
    assert decoded.field("to", 20) == (expected["to"] or bytes(20))
    data = expected["data"]
    assert decoded.bytes_at(tx.data, tx.data_size) == data
    assert (tx.zero_bytes, tx.nonzero_bytes) == (data.count(0), len(data) - data.count(0))
    access = expected.get("access", [])
    assert decoded.access() == access
    assert (tx.access_addresses, tx.access_keys) == (len(access), sum(len(keys) for _, keys in access))
    assert decoded.authorizations() == expected.get("authorizations", [])
    assert tx.authorization_count == len(expected.get("authorizations", []))
    assert decoded.blobs() == expected.get("blobs", [])
    return expected


# ---- fixtures --------------------------------------------------------------------------------------------

#: What depends on chain, fees and gas; such transactions do decode.
JUDGED_LATER = {
    "INTRINSIC_GAS_TOO_LOW",
    "INITCODE_SIZE_EXCEEDED",
    "GASLIMIT_PRICE_PRODUCT_OVERFLOW",
    "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2",
    "NONCE_TOO_BIG",
    "INVALID_CHAINID",
}


def test_transaction_tests(native: Any) -> None:
    accepted = refused = 0
    for path, cases in json_members("ethereum-tests-basics.tar.xz", "TransactionTests/"):
        for name, case in cases.items():
            result = case["result"].get("Cancun") or case["result"]["London"]
            raw = bytes.fromhex(case["txbytes"].removeprefix("0x"))
            fields = compare(native, raw)
            exception = result.get("exception", "").removeprefix("TransactionException.")
            if not exception:
                assert fields, (path, name)
                assert fields["hash"].hex() == result["hash"][2:]
                assert sender_of(native, raw).hex() == result["sender"][2:]
                accepted += 1
            elif exception == "EC_RECOVERY_FAIL" and fields:
                with pytest.raises(reference.Refused):
                    sender_of(native, raw)
            elif exception not in JUDGED_LATER:
                assert fields is None, (path, name, exception)
                refused += 1
    assert accepted > 40
    assert refused > 100


def sender_of(native: Any, raw: bytes) -> bytes:
    """The sender, by the kernel and by libsecp256k1 from the kernel's signing hash and signature."""
    decoded = Decoded(native, raw)
    assert decoded.status == 0
    tx, scratch = decoded.tx, Buffer(64)
    status = native[kernel_tx.recover_sender](decoded.memory.address, scratch.address)
    assert scratch.intact
    try:
        digest = decoded.field("signing_hash", 32)
        sender = reference.recover(digest, int(tx.r), int(tx.s), int(tx.y_parity))
    except reference.Refused:
        assert status == codes.RECOVERY_FAILED
        raise
    assert status == 0
    assert decoded.field("sender", 20) == sender
    return sender


@pytest.mark.parametrize("folder", ["prague/eip7702", "cancun/eip4844", "berlin", "london", "osaka/eip7825"])
def test_eest_transactions(native: Any, folder: str) -> None:
    seen = set()
    for path, cases in json_members("eest-state-tests.tar.xz", f"state_tests/{folder}"):
        for case in cases.values():
            for post in (p for posts in case["post"].values() for p in posts):
                raw = bytes.fromhex(post["txbytes"][2:])
                if raw in seen:
                    continue
                seen.add(raw)
                fields = compare(native, raw)
                if fields is None:
                    assert "CONTRACT_CREATION" in post.get("expectException", ""), path
                    continue
                assert fields["nonce"] == int(case["transaction"]["nonce"], 16)
                assert sender_of(native, raw).hex() == case["transaction"]["sender"][2:]
    assert len(seen) > 1


# ---- signed here -----------------------------------------------------------------------------------------

addresses = st.binary(min_size=20, max_size=20)
words = st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 300))
small = st.integers(0, 2**64 - 1)
hashes = st.binary(min_size=32, max_size=32)
access_lists = st.lists(st.tuples(addresses, st.lists(hashes, max_size=3)), max_size=3)


@st.composite
def signed(draw: Any) -> tuple[bytes, bytes]:
    """(raw transaction, sender) of any signed type."""
    key = draw(st.integers(1, 2**255)).to_bytes(32, "big")
    kind = draw(st.integers(0, 4))
    to = draw(addresses if kind > 2 else st.one_of(addresses, st.just(b"")))
    body = [draw(small), to, draw(words), draw(st.binary(max_size=300))]
    chain_id = draw(st.one_of(st.integers(0, 300), small))
    if kind == 0:
        fields = [draw(small), draw(words), *body]
        return reference.sign(0, fields, key, draw(st.sampled_from([None, chain_id]))), reference.address_of(
            key
        )
    prices = [draw(words) for _ in range(1 if kind == 1 else 2)]
    fields = [chain_id, draw(small), *prices, *body, draw(access_lists)]
    if kind == 3:
        fields += [draw(words), draw(st.lists(hashes, max_size=3))]
    if kind == 4:
        tuples = draw(st.lists(st.tuples(words, addresses, small), max_size=3))
        fields.append([reference.authorize(*t, key) for t in tuples])
    return reference.sign(kind, fields, key), reference.address_of(key)


def test_signed_by_eth_account(native: Any) -> None:
    account = Account.from_key(b"\1" * 32)
    body = {"nonce": 1, "gas": 21000, "to": "0x" + "02" * 20, "value": 1, "data": b"\0\1"}
    access = [{"address": "0x" + "03" * 20, "storageKeys": ["0x" + "06" * 32]}]
    fees = {"chainId": 5, "maxFeePerGas": 10, "maxPriorityFeePerGas": 1, "accessList": access}
    authorization = account.sign_authorization({"chainId": 5, "address": "0x" + "04" * 20, "nonce": 0})
    blobs = ["0x01" + "33" * 31]
    for extra in (
        {"gasPrice": 9},
        {"gasPrice": 9, "chainId": 5},
        {"gasPrice": 9, "chainId": 5, "type": 1, "accessList": access},
        {"type": 2, **fees},
        {"type": 3, "maxFeePerBlobGas": 3, "blobVersionedHashes": blobs, **fees},
        {"type": 4, "authorizationList": [authorization], **fees},
    ):
        raw = bytes(account.sign_transaction(body | extra).raw_transaction)
        assert compare(native, raw)
        assert sender_of(native, raw).hex() == account.address[2:].lower()


@settings(max_examples=150, deadline=None)
@given(signed())
def test_signed_transactions(native: Any, signed: tuple[bytes, bytes]) -> None:
    raw, sender = signed
    fields = compare(native, raw)
    assert fields
    assert sender_of(native, raw) == sender
    for authorization in fields.get("authorizations", []):
        parts = (authorization[name] for name in ("digest", "r", "s", "y_parity"))
        assert reference.recover(*parts) == sender


@settings(max_examples=400, deadline=None)
@given(signed(), st.data())
def test_mutated_bytes(native: Any, signed: tuple[bytes, bytes], data: Any) -> None:
    raw = bytearray(signed[0])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        change = data.draw(st.sampled_from(["set", "insert", "delete", "cut"]))
        if change == "set":
            raw[at] = data.draw(st.sampled_from([0, 1, 0x80, 0x81, 0xA0, 0xC0, raw[at] ^ 1, 0xFF]))
        elif change == "insert":
            raw.insert(at, data.draw(st.integers(0, 255)))
        elif change == "delete" and len(raw) > 1:
            del raw[at]
        elif change == "cut":
            raw = raw[: max(at, 1)]
    compare(native, bytes(raw))


@settings(max_examples=400, deadline=None)
@given(signed(), st.data())
def test_mutated_structure(native: Any, signed: tuple[bytes, bytes], data: Any) -> None:
    """Well-formed RLP with one field replaced, dropped, doubled or wrapped."""
    raw = signed[0]
    prefix = b"" if raw[0] > 0x7F else raw[:1]
    items = rlp.decode(raw[len(prefix) :])
    target = items
    while True:
        at = data.draw(st.integers(0, len(target) - 1))
        if not isinstance(target[at], list) or not target[at] or data.draw(st.booleans()):
            break
        target = target[at]
    sizes = st.sampled_from([0, 1, 8, 9, 19, 20, 21, 31, 32, 33])
    replacement = data.draw(
        st.one_of(
            sizes.map(lambda n: b"\1" * n),
            sizes.map(lambda n: b"\0" * n),
            st.just([]),
            st.just([target[at]]),
        )
    )
    target[at : at + 1] = data.draw(st.sampled_from([[replacement], [], [target[at], replacement]]))
    compare(native, prefix + rlp.encode(items))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.binary(max_size=200))
def test_l1_messages(native: Any, nonce: int, gas: int, data: bytes) -> None:
    raw = b"\x7f" + rlp.encode([nonce, gas, data])
    fields = compare(native, raw)
    assert fields
    assert fields["sender"].hex() == "51" + "00" * 19
    assert compare(native, raw + b"\0") is None
    assert compare(native, b"\x7f" + rlp.encode([nonce, gas, data, b""])) is None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("", "typed transaction too short"),
        ("02", "typed transaction too short"),
        ("05c0", "transaction type not supported"),
        ("00c0", "transaction type not supported"),
        ("80", "rlp: expected input list"),
        ("c0", "rlp: too few elements for types.LegacyTx"),
        ("02c0", "rlp: too few elements for types.DynamicFeeTx"),
        ("c100", "rlp: non-canonical integer (leading zero bytes), decoding into (types.LegacyTx).Nonce"),
        ("c401c20102", "rlp: expected input string or byte, decoding into (types.LegacyTx).GasPrice"),
        ("03c1c0", "blob transactions with sidecars are not supported"),
        ("c9808080808080808080", "invalid transaction v, r, s values"),
    ],
)
def test_messages(native: Any, raw: str, text: str) -> None:
    decoded = Decoded(native, bytes.fromhex(raw))
    assert decoding_text(int(decoded.tx.kind), decoded.status) == text


def test_python_agrees(native: Any) -> None:
    key, to = b"\1" * 32, b"\2" * 20
    access = [(b"\3" * 20, [b"\6" * 32])]
    delegating = [5, 1, 1, 10, 21000, to, 1, b"\0\1", access, [reference.authorize(5, to, 0, key)]]
    for raw in (
        reference.sign(0, [1, 9, 21000, to, 1, b"\0\1"], key, 5),
        reference.sign(4, delegating, key),
    ):
        source, scratch = Buffer(raw), Buffer(len(raw) + kernel_tx.SIGNING_OVERHEAD)
        memory, compiled = Buffer(Transaction.size), Buffer(Transaction.size)
        size = U64(len(raw))
        python = (U64(source.address), size, Transaction(memory.address), U64(scratch.address))
        assert kernel_tx.decode(*python) == 0
        native[kernel_tx.decode](source.address, len(raw), compiled.address, scratch.address)
        assert bytes(memory) == bytes(compiled)


# ---- batches ------------------------------------------------------------------------------------------


def words_of(buffer: Buffer) -> list[int]:
    data = bytes(buffer)
    return [int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]


def words_to(values: list[int]) -> Buffer:
    return Buffer(b"".join(v.to_bytes(8, "little") for v in values))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(signed(), st.tuples(st.binary(max_size=40), st.just(b""))), max_size=12))
def test_batches(native: Any, batch: list[tuple[bytes, bytes]]) -> None:
    raws = [*(raw for raw, _ in batch), b"\x7f" + rlp.encode([1, 2, b"data"])]
    n, sources = len(raws), [Buffer(raw) for raw in raws]
    records, statuses = Buffer(n * Transaction.size), Buffer(n * 8)
    scratch = Buffer(n * (48 + kernel_tx.SIGNING_OVERHEAD) + sum(map(len, raws)))
    pointers, sizes = words_to([s.address for s in sources]), words_to([s.size for s in sources])
    arrays = (pointers, sizes, records, statuses, scratch)
    native[kernel_tx.decode_batch](n, *(a.address for a in arrays))
    assert all(a.intact for a in arrays)
    singles = [Decoded(native, raw) for raw in raws]
    assert words_of(statuses) == [d.status for d in singles]
    for i, single in enumerate(singles):
        if single.status == 0:
            for name, size in (("hash", 32), ("signing_hash", 32), ("sender", 20)):
                at = i * Transaction.size + Transaction.fields[name][1]
                assert records.read(at, size) == single.field(name, size)
            assert Transaction(records.address + i * Transaction.size).nonce == single.tx.nonce
    check_senders(native, batch, singles, records, statuses)


def check_senders(native: Any, batch: Any, singles: Any, records: Buffer, statuses: Buffer) -> None:
    """Lay out signatures, recover with libsecp256k1, hand the keys back with every kind of mark."""
    n = len(singles)
    digests, signatures, owners = Buffer(n * 32), Buffer(n * 65), Buffer(n * 8)
    arrays = (records, statuses, digests, signatures, owners)
    m = native[kernel_tx.signatures_of](n, *(a.address for a in arrays))
    valid = [i for i, (_, sender) in enumerate(batch) if sender]
    assert words_of(owners)[:m] == valid
    keys, marks, scratch = Buffer(m * 64), Buffer(bytes(k % 3 for k in range(m))), Buffer(m * 48 + 64)
    for k in range(m):
        signature = signatures.read(k * 65, 65)
        key = reference.PublicKey.from_signature_and_message(signature, digests.read(k * 32, 32), hasher=None)
        if k % 3 == 1:
            keys.write(key.format(compressed=False)[1:], k * 64)
    arrays = (owners, keys, marks, records, statuses, scratch)
    native[kernel_tx.senders_from_keys](m, *(a.address for a in arrays))
    assert all(a.intact for a in arrays)
    for k, i in enumerate(valid):
        if k % 3 == 0:
            assert words_of(statuses)[i] == codes.RECOVERY_FAILED
        else:
            at = i * Transaction.size + Transaction.fields["sender"][1]
            assert records.read(at, 20) == batch[i][1]
