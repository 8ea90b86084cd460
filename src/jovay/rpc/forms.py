"""JSON forms of blocks, transactions, receipts and logs, field for field as geth gives them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jovay.chain.types import (
    L1_MESSAGE_TYPE,
    AccessEntry,
    Authorization,
    Header,
    Log,
    Receipt,
    Transaction,
    Withdrawal,
)
from jovay.rpc.backend.events import NewFinality
from jovay.rpc.codec import data, optional_data, quantity

Form = dict[str, Any]


def header_form(header: Header) -> Form:
    """A header; fields that its fork lacks are left out."""
    form: Form = {
        "number": quantity(header.number),
        "hash": data(header.hash),
        "parentHash": data(header.parent_hash),
        "nonce": data(header.nonce),
        "mixHash": data(header.mix_hash),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": data(header.logs_bloom),
        "stateRoot": data(header.state_root),
        "miner": data(header.coinbase),
        "difficulty": quantity(header.difficulty),
        "extraData": data(header.extra_data),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "transactionsRoot": data(header.transactions_root),
        "receiptsRoot": data(header.receipts_root),
    }
    for name, number in (
        ("baseFeePerGas", header.base_fee_per_gas),
        ("blobGasUsed", header.blob_gas_used),
        ("excessBlobGas", header.excess_blob_gas),
    ):
        if number is not None:
            form[name] = quantity(number)
    for name, content in (
        ("withdrawalsRoot", header.withdrawals_root),
        ("parentBeaconBlockRoot", header.parent_beacon_block_root),
        ("requestsHash", header.requests_hash),
    ):
        if content is not None:
            form[name] = data(content)
    return form


def block_form(header: Header, transactions: Iterable[Any], withdrawals: Sequence[Withdrawal] | None) -> Form:
    """A block around ``transactions`` (hashes or forms)."""
    form = header_form(header)
    form["size"] = quantity(header.size)
    form["transactions"] = transactions
    form["uncles"] = []
    if withdrawals is not None:
        form["withdrawals"] = [withdrawal_form(item) for item in withdrawals]
    return form


def withdrawal_form(withdrawal: Withdrawal) -> Form:
    """An EIP-4895 withdrawal."""
    return {
        "index": quantity(withdrawal.index),
        "validatorIndex": quantity(withdrawal.validator_index),
        "address": data(withdrawal.address),
        "amount": quantity(withdrawal.amount),
    }


def hash_forms(hashes: bytes) -> list[str]:
    """Hashes that lie back to back."""
    digits = hashes.hex()
    return ["0x" + digits[start : start + 64] for start in range(0, len(digits), 64)]


def access_list_form(entries: Iterable[AccessEntry]) -> list[Form]:
    """An EIP-2930 access list."""
    return [
        {"address": data(entry.address), "storageKeys": [data(key) for key in entry.storage_keys]}
        for entry in entries
    ]


def authorization_form(authorization: Authorization) -> Form:
    """An EIP-7702 authorization."""
    return {
        "chainId": quantity(authorization.chain_id),
        "address": data(authorization.address),
        "nonce": quantity(authorization.nonce),
        "yParity": quantity(authorization.y_parity),
        "r": quantity(authorization.r),
        "s": quantity(authorization.s),
    }


def transaction_form(transaction: Transaction, header: Header | None = None, index: int = 0) -> Form:
    """A transaction, with its place if it is in a block; which fields it has depends on its type."""
    mined = header is not None
    form: Form = {
        "blockHash": data(header.hash) if header else None,
        "blockNumber": quantity(header.number) if header else None,
        "blockTimestamp": quantity(header.timestamp) if header else None,
        "from": data(transaction.sender),
        "gas": quantity(transaction.gas),
        "gasPrice": quantity(_shown_price(transaction, header)),
        "hash": data(transaction.hash),
        "input": data(transaction.input),
        "nonce": quantity(transaction.nonce),
        "to": optional_data(transaction.to),
        "transactionIndex": quantity(index) if mined else None,
        "value": quantity(transaction.value),
        "type": quantity(transaction.type),
    }
    if transaction.max_fee_per_gas is not None:
        form["maxFeePerGas"] = quantity(transaction.max_fee_per_gas)
        form["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee_per_gas or 0)
    if transaction.max_fee_per_blob_gas is not None:
        form["maxFeePerBlobGas"] = quantity(transaction.max_fee_per_blob_gas)
    typed = transaction.type not in (0, L1_MESSAGE_TYPE)
    if typed:
        form["accessList"] = access_list_form(transaction.access_list or ())
    if transaction.chain_id is not None:
        form["chainId"] = quantity(transaction.chain_id)
    if transaction.blob_versioned_hashes is not None:
        form["blobVersionedHashes"] = [data(item) for item in transaction.blob_versioned_hashes]
    if transaction.authorization_list is not None:
        form["authorizationList"] = [authorization_form(item) for item in transaction.authorization_list]
    form["v"] = quantity(transaction.v)
    form["r"] = quantity(transaction.r)
    form["s"] = quantity(transaction.s)
    if typed:
        form["yParity"] = quantity(transaction.v)
    return form


def _shown_price(transaction: Transaction, header: Header | None) -> int:
    """``gasPrice``: what was paid for a mined transaction, the most that may be paid for a waiting one."""
    if transaction.max_fee_per_gas is None:
        return transaction.gas_price or 0
    if header is None or header.base_fee_per_gas is None:
        return transaction.max_fee_per_gas
    return transaction.effective_gas_price(header.base_fee_per_gas)


def log_form(log: Log) -> Form:
    """An event."""
    return {
        "address": "0x" + log.address.hex(),
        "topics": ["0x" + topic.hex() for topic in log.topics],
        "data": "0x" + log.data.hex(),
        "blockNumber": hex(log.block_number),
        "transactionHash": "0x" + log.transaction_hash.hex(),
        "transactionIndex": hex(log.transaction_index),
        "blockHash": "0x" + log.block_hash.hex(),
        "blockTimestamp": hex(log.block_timestamp),
        "logIndex": hex(log.log_index),
        "removed": log.removed,
    }


def receipt_form(receipt: Receipt) -> Form:
    """A receipt."""
    form: Form = {
        "blockHash": "0x" + receipt.block_hash.hex(),
        "blockNumber": hex(receipt.block_number),
        "transactionHash": "0x" + receipt.transaction_hash.hex(),
        "transactionIndex": hex(receipt.transaction_index),
        "from": "0x" + receipt.sender.hex(),
        "to": optional_data(receipt.to),
        "gasUsed": hex(receipt.gas_used),
        "cumulativeGasUsed": hex(receipt.cumulative_gas_used),
        "contractAddress": optional_data(receipt.contract_address),
        "logs": [log_form(log) for log in receipt.logs],
        "logsBloom": "0x" + receipt.logs_bloom.hex(),
        "type": hex(receipt.type),
        "effectiveGasPrice": hex(receipt.effective_gas_price),
    }
    if receipt.root is not None:
        form["root"] = data(receipt.root)
    else:
        form["status"] = hex(receipt.status or 0)
    if receipt.blob_gas_used is not None:
        form["blobGasUsed"] = quantity(receipt.blob_gas_used)
        form["blobGasPrice"] = quantity(receipt.blob_gas_price or 0)
    if receipt.l1_fee is not None:
        form["l1Fee"] = quantity(receipt.l1_fee)
    return form


def finality_event_form(event: NewFinality) -> Form:
    """What a subscription to ``finality`` tells."""
    return {
        "stage": event.stage,
        "blockNumber": quantity(event.block),
        "batchIndex": None if event.batch is None else quantity(event.batch),
        "transactionHash": optional_data(event.transaction),
        "timestamp": None if event.time is None else quantity(event.time),
    }
