"""Headers of Ethereum's mainnet, one for each fork that changed their form, have the hashes that mainnet gave them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jovay.chain.header import decode_header, encode_header
from jovay.chain.types import Header
from jovay.native.hashing import keccak256
from jovay.native.library import Library

HEADERS: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("mainnet_headers.json").read_text())
QUANTITIES = {
    "number": "number",
    "difficulty": "difficulty",
    "gasLimit": "gas_limit",
    "gasUsed": "gas_used",
    "timestamp": "timestamp",
    "baseFeePerGas": "base_fee_per_gas",
    "blobGasUsed": "blob_gas_used",
    "excessBlobGas": "excess_blob_gas",
}
BYTES = {
    "hash": "hash",
    "parentHash": "parent_hash",
    "miner": "coinbase",
    "stateRoot": "state_root",
    "transactionsRoot": "transactions_root",
    "receiptsRoot": "receipts_root",
    "logsBloom": "logs_bloom",
    "extraData": "extra_data",
    "mixHash": "mix_hash",
    "nonce": "nonce",
    "withdrawalsRoot": "withdrawals_root",
    "parentBeaconBlockRoot": "parent_beacon_block_root",
    "requestsHash": "requests_hash",
}


def header_of(form: dict[str, str]) -> Header:
    values: dict[str, Any] = {name: int(form[key], 16) for key, name in QUANTITIES.items() if key in form}
    values |= {name: bytes.fromhex(form[key][2:]) for key, name in BYTES.items() if key in form}
    return Header(**values)


@pytest.mark.parametrize("fork", HEADERS)
def test_hash_of_a_mainnet_header(library: Library, fork: str) -> None:
    header = header_of(HEADERS[fork])
    encoded = encode_header(header)
    assert keccak256(library, encoded) == header.hash
    assert encode_header(decode_header(encoded)) == encoded
