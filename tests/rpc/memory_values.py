"""Values for the chain in memory: its configuration, headers, receipts and logs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jovay.chain.types import BlobParameters, Block, ChainParameters, Fork, Header, Log, Receipt, Transaction
from jovay.rpc.backend.chain import LogFilter
from jovay.simulation.requests import Bundle, CallResult
from rigs.transactions import decode, keccak256, recover

CHAIN_ID = 1337
BASE_FEE = 7


def chain_config() -> ChainParameters:
    """Prague at genesis, Osaka from a far time on."""
    precompiles = {"ECREC": bytes(19) + b"\1", "SHA256": bytes(19) + b"\2"}
    return ChainParameters(
        chain_id=CHAIN_ID,
        genesis_hash=keccak256(b"genesis"),
        forks=(
            Fork(
                name="Prague",
                activation_time=0,
                blob_schedule=BlobParameters(6, 9, 5_007_716),
                precompiles=precompiles,
                system_contracts={"HISTORY_STORAGE_ADDRESS": b"\x35" * 20},
            ),
            Fork(
                name="Osaka",
                activation_time=1 << 40,
                max_transaction_gas=1 << 24,
                precompiles=precompiles | {"P256VERIFY": bytes(18) + b"\1\0"},
            ),
        ),
    )


def simulated_block(bundle: Bundle, base: Header, results: Sequence[CallResult]) -> Block:
    """A block of a bundle's calls with made-up hashes."""
    overrides = bundle.block
    assert overrides is not None
    number, when = overrides.number or 0, overrides.timestamp or 0
    gas = sum(result.gas_used for result in results)
    header = make_header(number, keccak256(b"simulated%d" % number), base, when, gas)
    header = msgspec.structs.replace(header, base_fee_per_gas=overrides.base_fee_per_gas)
    calls = bundle.calls[: len(results)]
    transactions = [
        Transaction(
            type=2,
            hash=keccak256(b"call%d/%d" % (number, index)),
            sender=call.sender,
            nonce=call.nonce or 0,
            gas=call.gas or 0,
            to=call.to,
            value=call.value,
            input=call.data,
            max_fee_per_gas=call.max_fee_per_gas or 0,
            max_priority_fee_per_gas=0,
            chain_id=CHAIN_ID,
        )
        for index, call in enumerate(calls)
    ]
    return Block(header=header, transactions=transactions, withdrawals=())


def parse_transaction(raw: bytes) -> Transaction:
    """A signed transaction of type 0 to 2."""
    fields = decode(raw)
    sender = recover(fields["signing_hash"], fields["r"], fields["s"], fields["y_parity"])
    kind = fields["kind"]
    dynamic = kind >= 2
    v = fields["y_parity"]
    if kind == 0:
        v += 35 + 2 * fields["chain_id"] if fields["has_chain_id"] else 27
    return Transaction(
        type=kind,
        hash=fields["hash"],
        sender=sender,
        nonce=fields["nonce"],
        gas=fields["gas_limit"],
        to=fields["to"] or None,
        value=fields["value"],
        input=fields["data"],
        gas_price=None if dynamic else fields["max_fee"],
        max_fee_per_gas=fields["max_fee"] if dynamic else None,
        max_priority_fee_per_gas=fields["max_priority_fee"] if dynamic else None,
        chain_id=fields.get("chain_id"),
        access_list=() if kind else None,
        v=v,
        r=fields["r"],
        s=fields["s"],
    )


def wanted(log: Log, query: LogFilter) -> bool:
    if query.addresses and log.address not in query.addresses:
        return False
    if len(query.topics) > len(log.topics):
        return False
    return all(not want or have in want for want, have in zip(query.topics, log.topics, strict=False))


def make_header(number: int, block_hash: bytes, parent: Header | None, when: int, gas: int) -> Header:
    return Header(
        number=number,
        hash=block_hash,
        parent_hash=parent.hash if parent else bytes(32),
        coinbase=b"\xcb" * 20,
        state_root=keccak256(b"state%d" % number),
        transactions_root=keccak256(b"transactions%d" % number),
        receipts_root=keccak256(b"receipts%d" % number),
        logs_bloom=bytes(256),
        gas_limit=30_000_000,
        gas_used=gas,
        timestamp=when,
        base_fee_per_gas=BASE_FEE,
        withdrawals_root=bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"),
        blob_gas_used=0,
        excess_blob_gas=0,
        parent_beacon_block_root=bytes(32),
        requests_hash=keccak256(b"requests"),
        size=600,
    )


Place = tuple[bytes, int, int, bytes, int]


def make_log(address: bytes, topics: tuple[bytes, ...], data: bytes, log_index: int, place: Place) -> Log:
    block_hash, number, when, transaction_hash, index = place
    return Log(
        address=address,
        topics=topics,
        data=data,
        block_hash=block_hash,
        block_number=number,
        block_timestamp=when,
        transaction_hash=transaction_hash,
        transaction_index=index,
        log_index=log_index,
    )


def make_receipt(
    transaction: Transaction, result: CallResult, cumulative: int, logs: list[Log], place: Place
) -> Receipt:
    block_hash, number, when, transaction_hash, index = place
    return Receipt(
        transaction_hash=transaction_hash,
        transaction_index=index,
        block_hash=block_hash,
        block_number=number,
        block_timestamp=when,
        sender=transaction.sender,
        to=transaction.to,
        type=transaction.type,
        status=0 if result.halt else 1,
        gas_used=result.gas_used,
        cumulative_gas_used=cumulative,
        effective_gas_price=transaction.effective_gas_price(BASE_FEE),
        logs_bloom=bytes(256),
        logs=logs,
        contract_address=result.created,
    )
