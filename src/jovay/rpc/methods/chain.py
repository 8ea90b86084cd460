"""Blocks, transactions and receipts."""

from __future__ import annotations

from collections.abc import Iterator

from jovay.chain.types import EMPTY_TRIE_ROOT, Inclusion
from jovay.rpc.args import BlockArg, BlockNumberArg, BlockRef, BoolArg, HashArg, IndexArg
from jovay.rpc.codec import data, optional_data, quantity
from jovay.rpc.context import Context
from jovay.rpc.forms import Form, block_form, hash_forms, header_form, receipt_form, transaction_form
from jovay.rpc.resolve import find_block
from jovay.rpc.table import Run, method


@method("eth_chainId", Run.INLINE)
def chain_id(context: Context) -> str:
    """Chain id for EIP-155 signatures."""
    return quantity(context.chain.config.chain_id)


@method("eth_blockNumber", Run.INLINE)
def block_number(context: Context) -> str:
    """Number of the newest block."""
    return quantity(context.chain.head())


def _block(context: Context, ref: BlockRef, full: bool) -> Form | None:
    chain = context.chain
    number = find_block(chain, ref)
    if number is None:
        return None
    header = chain.header(number)
    if not full and header is not None and header.withdrawals_root in (None, EMPTY_TRIE_ROOT):
        hashes = chain.transaction_hashes(number)
        withdrawals = None if header.withdrawals_root is None else ()
        return None if hashes is None else block_form(header, hash_forms(hashes), withdrawals)
    block = chain.block(number)
    if block is None:
        return None
    if not full:
        texts = [data(item.hash) for item in block.transactions]
        return block_form(block.header, texts, block.withdrawals)
    forms = (transaction_form(item, block.header, index) for index, item in enumerate(block.transactions))
    return block_form(block.header, forms, block.withdrawals)


@method("eth_getBlockByNumber", Run.POOL)
def get_block_by_number(context: Context, block: BlockNumberArg, full: BoolArg) -> Form | None:
    """A block, with whole transactions if ``full``, else with their hashes."""
    return _block(context, block, full)


@method("eth_getBlockByHash", Run.POOL)
def get_block_by_hash(context: Context, block_hash: HashArg, full: BoolArg) -> Form | None:
    """A block by its hash."""
    return _block(context, BlockRef(hash=block_hash), full)


def _header(context: Context, ref: BlockRef) -> Form | None:
    number = find_block(context.chain, ref)
    header = None if number is None else context.chain.header(number)
    return None if header is None else header_form(header)


@method("eth_getHeaderByNumber", Run.INLINE)
def get_header_by_number(context: Context, block: BlockNumberArg) -> Form | None:
    """A header by its number or tag."""
    return _header(context, block)


@method("eth_getHeaderByHash", Run.INLINE)
def get_header_by_hash(context: Context, block_hash: HashArg) -> Form | None:
    """A header by its hash."""
    return _header(context, BlockRef(hash=block_hash))


def _count(context: Context, ref: BlockRef) -> str | None:
    number = find_block(context.chain, ref)
    count = None if number is None else context.chain.transaction_count(number)
    return None if count is None else quantity(count)


@method("eth_getBlockTransactionCountByNumber", Run.INLINE)
def get_transaction_count_by_number(context: Context, block: BlockNumberArg) -> str | None:
    """How many transactions a block has."""
    return _count(context, block)


@method("eth_getBlockTransactionCountByHash", Run.INLINE)
def get_transaction_count_by_hash(context: Context, block_hash: HashArg) -> str | None:
    """How many transactions a block has."""
    return _count(context, BlockRef(hash=block_hash))


def _uncle_count(context: Context, ref: BlockRef) -> str | None:
    return None if find_block(context.chain, ref) is None else "0x0"


@method("eth_getUncleCountByBlockNumber", Run.INLINE)
def get_uncle_count_by_number(context: Context, block: BlockNumberArg) -> str | None:
    """How many uncles a block has: none."""
    return _uncle_count(context, block)


@method("eth_getUncleCountByBlockHash", Run.INLINE)
def get_uncle_count_by_hash(context: Context, block_hash: HashArg) -> str | None:
    """How many uncles a block has: none."""
    return _uncle_count(context, BlockRef(hash=block_hash))


@method("eth_getUncleByBlockNumberAndIndex", Run.INLINE)
def get_uncle_by_number(context: Context, block: BlockNumberArg, index: IndexArg) -> None:
    """An uncle: there is none."""


@method("eth_getUncleByBlockHashAndIndex", Run.INLINE)
def get_uncle_by_hash(context: Context, block_hash: HashArg, index: IndexArg) -> None:
    """An uncle: there is none."""


def _included(found: Inclusion | None) -> Form | None:
    return None if found is None else transaction_form(found.transaction, found.header, found.index)


@method("eth_getTransactionByHash", Run.INLINE)
def get_transaction_by_hash(context: Context, transaction_hash: HashArg) -> Form | None:
    """A mined or pooled transaction."""
    return _included(context.chain.transaction(transaction_hash))


def _at(context: Context, ref: BlockRef, index: int) -> Inclusion | None:
    number = find_block(context.chain, ref)
    return None if number is None else context.chain.transaction_at(number, index)


@method("eth_getTransactionByBlockNumberAndIndex", Run.INLINE)
def get_transaction_by_number(context: Context, block: BlockNumberArg, index: IndexArg) -> Form | None:
    """A transaction by its position."""
    return _included(_at(context, block, index))


@method("eth_getTransactionByBlockHashAndIndex", Run.INLINE)
def get_transaction_by_block_hash(context: Context, block_hash: HashArg, index: IndexArg) -> Form | None:
    """A transaction by its position."""
    return _included(_at(context, BlockRef(hash=block_hash), index))


@method("eth_getRawTransactionByHash", Run.INLINE)
def get_raw_transaction(context: Context, transaction_hash: HashArg) -> str | None:
    """EIP-2718 envelope of a mined or pooled transaction."""
    return optional_data(context.chain.raw_transaction(transaction_hash))


def _raw_at(context: Context, ref: BlockRef, index: int) -> str | None:
    found = _at(context, ref, index)
    return None if found is None else get_raw_transaction(context, found.transaction.hash)


@method("eth_getRawTransactionByBlockNumberAndIndex", Run.INLINE)
def get_raw_transaction_by_number(context: Context, block: BlockNumberArg, index: IndexArg) -> str | None:
    """Envelope of a transaction by its position."""
    return _raw_at(context, block, index)


@method("eth_getRawTransactionByBlockHashAndIndex", Run.INLINE)
def get_raw_transaction_by_block_hash(context: Context, block_hash: HashArg, index: IndexArg) -> str | None:
    """Envelope of a transaction by its position."""
    return _raw_at(context, BlockRef(hash=block_hash), index)


@method("eth_getTransactionReceipt", Run.INLINE)
def get_transaction_receipt(context: Context, transaction_hash: HashArg) -> Form | None:
    """Receipt of a mined transaction."""
    receipt = context.chain.receipts([transaction_hash])[0]
    return None if receipt is None else receipt_form(receipt)


@method("eth_getBlockReceipts", Run.POOL)
def get_block_receipts(context: Context, block: BlockArg) -> Iterator[Form] | None:
    """All receipts of a block."""
    number = find_block(context.chain, block)
    receipts = None if number is None else context.chain.block_receipts(number)
    return None if receipts is None else (receipt_form(receipt) for receipt in receipts)
