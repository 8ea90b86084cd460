"""Environments of stored blocks."""

from __future__ import annotations

import numpy as np

from jovay.chain.environment import BlockEnvironment, environment_of, l1_fee_per_byte
from jovay.chain.rules import ChainRules
from jovay.chain.types import Header
from jovay.kernel.block.receipts import Receipt as ReceiptRecord
from jovay.native.records import dtype_of, int_of

from .blocks import BlockStore


def stored_environment(blocks: BlockStore, rules: ChainRules, header: Header) -> BlockEnvironment:
    """What a stored block gave its transactions, but for the hashes of the blocks before."""
    number = header.number
    receipts = np.frombuffer(blocks.receipts(number), dtype_of(ReceiptRecord))
    fees = [int_of(fee) for fee in receipts["l1_fee"]]
    sizes = np.diff(blocks.transactions(number)[0]).tolist()
    return environment_of(header, rules, l1_fee_per_byte(zip(fees, sizes, strict=True)))
