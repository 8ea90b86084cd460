"""Batches of one kind, handled as a whole: raw transactions in, receipts out.

For such batches the work per entry in Python is a few operations on strings; the backend sees one call.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Literal

import msgspec

from jovay.chain.types import Log, Receipt
from jovay.rpc import fast_sends
from jovay.rpc.backend.pool import RawBatch, Submitted
from jovay.rpc.context import Context
from jovay.rpc.errors import RESPONSE_TOO_LARGE, RpcError
from jovay.rpc.forms import receipt_form
from jovay.turns import READS

Identifier = int | str | msgspec.Raw


class _Send(msgspec.Struct, gc=False):
    method: Literal["eth_sendRawTransaction"]
    params: tuple[str]
    id: int | str
    jsonrpc: Literal["2.0"]


_HashText = Annotated[str, msgspec.Meta(min_length=66, max_length=66)]


class _Receipt(msgspec.Struct, gc=False):
    method: Literal["eth_getTransactionReceipt"]
    params: tuple[_HashText]
    id: int | str
    jsonrpc: Literal["2.0"]


_decode_sends = msgspec.json.Decoder(list[_Send]).decode
_decode_receipts = msgspec.json.Decoder(list[_Receipt]).decode
_encode = msgspec.json.Encoder().encode
_LOOK_AHEAD = 512
_PIECE = 256
"""Entries that are answered between two places where a read gives way."""


def names_sends(body: bytes) -> bool:
    """Whether a batch begins with a transaction."""
    return b'"eth_sendRawTransaction"' in body[:_LOOK_AHEAD]


def recognise(body: bytes) -> SendBatch | ReceiptBatch | None:
    """The batch if all its entries are of one such kind and well-formed, else None."""
    head = body[:_LOOK_AHEAD]
    try:
        if names_sends(body):
            usual = fast_sends.scan(body)
            return SendBatch(*usual) if usual is not None else _send_batch(_decode_sends(body))
        if b'"eth_getTransactionReceipt"' in head:
            return _receipt_batch(_decode_receipts(body))
    except (msgspec.DecodeError, RecursionError, ValueError):
        # Also ValidationError, binascii.Error, UnicodeDecodeError: the general path answers entry by entry.
        return None
    return None


def _send_batch(entries: list[_Send]) -> SendBatch | None:
    texts = [entry.params[0] for entry in entries]
    if not entries or not all(text.startswith("0x") for text in texts):
        return None
    data = binascii.a2b_hex("".join([text[2:] for text in texts]))
    lengths = [len(text) for text in texts]
    if any(length & 1 for length in lengths):
        return None
    ends = accumulate([(length >> 1) - 1 for length in lengths])
    return SendBatch([entry.id for entry in entries], RawBatch(data, list(ends)))


def _receipt_batch(entries: list[_Receipt]) -> ReceiptBatch | None:
    texts = [entry.params[0] for entry in entries]
    if not entries or not all(text.startswith("0x") for text in texts):
        return None
    data = binascii.a2b_hex("".join([text[2:] for text in texts]))
    hashes = [data[start : start + 32] for start in range(0, len(data), 32)]
    return ReceiptBatch([entry.id for entry in entries], hashes)


class SendBatch:
    """A batch of eth_sendRawTransaction."""

    __slots__ = ("batch", "ids")
    method = "eth_sendRawTransaction"

    def __init__(self, ids: Sequence[Identifier], batch: RawBatch) -> None:
        self.ids = ids
        self.batch = batch

    async def run(self, context: Context) -> bytes:
        """Submit all and answer each."""
        result = await context.services.ingest.submit(self.batch)
        if result.errors:  # each has a text of its own
            return await context.services.workers.run(format_sends, self.ids, result)
        return format_sends(self.ids, result)


def _id_texts(ids: Sequence[Identifier]) -> list[str]:
    if set(map(type, ids)) == {int}:
        return [str(item) for item in ids]
    return [_encode(item).decode() for item in ids]


def format_sends(ids: Sequence[Identifier], result: Submitted) -> bytes:
    """Answers to a batch of eth_sendRawTransaction."""
    if isinstance(ids, fast_sends.RawIds) and not result.errors:
        return fast_sends.answers(ids, result.hashes)
    digits = result.hashes.hex()
    starts = range(0, 64 * len(ids), 64)
    answers = [
        f'{{"jsonrpc":"2.0","id":{item},"result":"0x{digits[start : start + 64]}"}}'
        for item, start in zip(_id_texts(ids), starts, strict=True)
    ]
    for number, (index, error) in enumerate(result.errors.items(), 1):
        if not number % _PIECE:
            READS.pass_on()
        text = _encode(ids[index]).decode()
        message = _encode(error.message).decode()
        answers[index] = f'{{"jsonrpc":"2.0","id":{text},"error":{{"code":-32000,"message":{message}}}}}'
    return f"[{','.join(answers)}]".encode()


class ReceiptBatch:
    """A batch of eth_getTransactionReceipt."""

    __slots__ = ("hashes", "ids")
    method = "eth_getTransactionReceipt"

    def __init__(self, ids: list[Identifier], hashes: list[bytes]) -> None:
        self.ids = ids
        self.hashes = hashes

    async def run(self, context: Context) -> bytes:
        """Look up all and answer each."""
        return await context.services.workers.run(self._work, context)

    def _work(self, context: Context) -> bytes:
        parts: list[bytes] = []
        size = 0
        for start in range(0, len(self.ids), _PIECE):
            receipts = context.chain.receipts(self.hashes[start : start + _PIECE])
            parts.append(format_receipts(self.ids[start : start + _PIECE], receipts)[1:-1])
            size += len(parts[-1])
            if size > context.limits.response:
                raise RpcError("response too large", RESPONSE_TOO_LARGE)
            READS.pass_on()
        return b"[" + b",".join(parts) + b"]"


def format_receipts(ids: Sequence[Identifier], receipts: Sequence[Receipt | None]) -> bytes:
    """Answers to a batch of eth_getTransactionReceipt."""
    answers = [
        f'{{"jsonrpc":"2.0","id":{item},"result":{"null" if receipt is None else receipt_text(receipt)}}}'
        for item, receipt in zip(_id_texts(ids), receipts, strict=True)
    ]
    return f"[{','.join(answers)}]".encode()


def receipt_text(receipt: Receipt) -> str:
    """JSON of a receipt, equal to that of :func:`receipt_form` but made in one go."""
    if receipt.root is not None or receipt.blob_gas_used is not None:
        return _encode(receipt_form(receipt)).decode()
    block_hash, transaction_hash = receipt.block_hash.hex(), receipt.transaction_hash.hex()
    place = (
        f'"blockNumber":"{receipt.block_number:#x}","transactionHash":"0x{transaction_hash}",'
        f'"transactionIndex":"{receipt.transaction_index:#x}","blockHash":"0x{block_hash}"'
    )
    log_place = f'{place},"blockTimestamp":"{receipt.block_timestamp:#x}"'
    logs = ",".join([_log_text(log, log_place) for log in receipt.logs])
    to = "null" if receipt.to is None else f'"0x{receipt.to.hex()}"'
    created = "null" if receipt.contract_address is None else f'"0x{receipt.contract_address.hex()}"'
    l1_fee = "" if receipt.l1_fee is None else f',"l1Fee":"{receipt.l1_fee:#x}"'
    return (
        f'{{{place},"from":"0x{receipt.sender.hex()}","to":{to},"gasUsed":"{receipt.gas_used:#x}",'
        f'"cumulativeGasUsed":"{receipt.cumulative_gas_used:#x}","contractAddress":{created},'
        f'"logs":[{logs}],"logsBloom":"0x{receipt.logs_bloom.hex()}","type":"{receipt.type:#x}",'
        f'"effectiveGasPrice":"{receipt.effective_gas_price:#x}",'
        f'"status":"{receipt.status or 0:#x}"{l1_fee}}}'
    )


def _log_text(log: Log, place: str) -> str:
    topics = ",".join([f'"0x{topic.hex()}"' for topic in log.topics])
    removed = "true" if log.removed else "false"
    return (
        f'{{"address":"0x{log.address.hex()}","topics":[{topics}],"data":"0x{log.data.hex()}",{place},'
        f'"logIndex":"{log.log_index:#x}","removed":{removed}}}'
    )


def format_failure(ids: Sequence[Identifier], error: RpcError) -> bytes:
    """The same error for every entry of a batch."""
    form = _encode(error.form()).decode()
    answers = [f'{{"jsonrpc":"2.0","id":{item},"error":{form}}}' for item in _id_texts(ids)]
    return f"[{','.join(answers)}]".encode()


class FrameError(ValueError):
    """The binary batch is not a sequence of length-prefixed transactions."""


def parse_frames(body: bytes, most: int) -> RawBatch:
    """Transactions of a binary batch: repeated u32 big-endian length and bytes."""
    found = fast_sends.split(body, most)
    if isinstance(found, str):
        raise FrameError(found)
    return found


REFUSED, ACCEPTED = 0, 1


def format_frames(count: int, result: Submitted) -> bytes:
    """Answer to a binary batch: for each transaction one status byte (1 accepted, 0 refused) and its hash."""
    hashes = result.hashes
    status = bytearray([ACCEPTED]) * count
    for index in result.errors:
        status[index] = REFUSED
    answers = bytearray(33 * count)
    answers[::33] = status
    for column in range(32):
        answers[column + 1 :: 33] = hashes[column : 32 * count : 32]
    return bytes(answers)
