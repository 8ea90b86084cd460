"""What a header must be after its parent (since Paris), as far as no transaction need be executed."""

from __future__ import annotations

from jovay.chain.rules import MIN_BLOB_BASE_FEE, base_fee_after, fake_exponential
from jovay.chain.types import EMPTY_UNCLES_HASH, Header
from jovay.kernel.protocol.forks import CANCUN, OSAKA
from jovay.kernel.protocol.gas import GAS_PER_BLOB

from .encoding import MAX_BLOCK_SIZE, DecodedBlock
from .network import Fork
from .refusals import RefusedBlockError, refused

GAS_LIMIT_DIVISOR, MIN_GAS_LIMIT, MAX_GAS_LIMIT = 1024, 5000, (1 << 63) - 1
MAX_EXTRA_DATA = 32
#: EIP-7918.
BLOB_BASE_COST = 1 << 13


def check_header(block: DecodedBlock, parent: Header, size: int) -> None:
    """Raises ``RefusedBlockError``. ``size`` are the bytes of the block's RLP."""
    header, fork = block.header, block.fork
    if fork.rules >= OSAKA and size > MAX_BLOCK_SIZE:
        raise refused("RLP_BLOCK_LIMIT_EXCEEDED", f"a block of {size} bytes, at most {MAX_BLOCK_SIZE}")
    if header.difficulty or any(header.nonce):
        raise refused("IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS", f"difficulty {header.difficulty}")
    if block.uncles or header.uncles_hash != EMPTY_UNCLES_HASH:
        name = "IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS"
        raise refused(name, f"{len(block.uncles)} uncles", "INVALID_UNCLES_HASH")
    if header.number != parent.number + 1:
        raise refused("INVALID_BLOCK_NUMBER", f"number {header.number} after {parent.number}")
    if header.timestamp <= parent.timestamp:
        name = "INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT"
        raise refused(name, f"time {header.timestamp} after {parent.timestamp}")
    if len(header.extra_data) > MAX_EXTRA_DATA:
        raise refused("EXTRA_DATA_TOO_BIG", f"{len(header.extra_data)} bytes of extra data")
    _check_gas(header, parent)
    if fork.rules >= CANCUN:
        expected = excess_blob_gas(fork, parent)
        if header.excess_blob_gas != expected:
            name = "INCORRECT_EXCESS_BLOB_GAS"
            raise refused(name, f"excess blob gas {header.excess_blob_gas}, not {expected}")


def _check_gas(header: Header, parent: Header) -> None:
    """Gas limit (Yellow Paper, 4.3.4) and base fee (EIP-1559)."""
    limit = header.gas_limit
    if limit > MAX_GAS_LIMIT:
        raise refused("GASLIMIT_TOO_BIG", f"gas limit {limit}", "INVALID_GASLIMIT")
    if abs(limit - parent.gas_limit) >= parent.gas_limit // GAS_LIMIT_DIVISOR or limit < MIN_GAS_LIMIT:
        raise refused("INVALID_GASLIMIT", f"gas limit {limit} after {parent.gas_limit}")
    if header.gas_used > limit:
        name = "INVALID_GAS_USED_ABOVE_LIMIT"
        raise refused(name, f"gas used {header.gas_used} of {limit}", "GAS_USED_OVERFLOW", "INVALID_GAS_USED")
    expected = base_fee_after(parent)
    if header.base_fee_per_gas != expected:
        raise refused("INVALID_BASEFEE_PER_GAS", f"base fee {header.base_fee_per_gas}, not {expected}")


def blob_base_fee(fork: Fork, excess: int) -> int:
    """EIP-4844: wei per unit of blob gas."""
    return fake_exponential(MIN_BLOB_BASE_FEE, excess, fork.blobs.fraction)


def excess_blob_gas(fork: Fork, parent: Header) -> int:
    """EIP-4844, EIP-7918: excess of a block of ``fork`` after ``parent``."""
    excess, used = parent.excess_blob_gas or 0, parent.blob_gas_used or 0
    target = fork.blobs.target * GAS_PER_BLOB
    if excess + used < target:
        return 0
    reserve = BLOB_BASE_COST * (parent.base_fee_per_gas or 0)
    if fork.rules >= OSAKA and reserve > GAS_PER_BLOB * blob_base_fee(fork, excess):
        return excess + used * (fork.blobs.maximum - fork.blobs.target) // fork.blobs.maximum
    return excess + used - target


def check_blobs(block: DecodedBlock, blobs: int) -> None:
    """Whether the block may have so many blobs; raises ``RefusedBlockError``."""
    used, most = blobs * GAS_PER_BLOB, block.fork.blobs.maximum * GAS_PER_BLOB
    if block.fork.rules >= CANCUN and used > most:
        name = "TransactionException.TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED"
        more = "TransactionException.TYPE_3_TX_BLOB_COUNT_EXCEEDED"
        raise RefusedBlockError(
            f"blob gas {used} of {most}", name, more, "BlockException.BLOB_GAS_USED_ABOVE_LIMIT"
        )


def check_blob_gas_used(block: DecodedBlock, used: int) -> None:
    """The header's blob gas against what the transactions used; raises ``RefusedBlockError``."""
    stated, most = block.header.blob_gas_used, block.fork.blobs.maximum * GAS_PER_BLOB
    if block.fork.rules >= CANCUN and stated != used:
        more = ["BLOB_GAS_USED_ABOVE_LIMIT"] if (stated or 0) > most else []
        raise refused("INCORRECT_BLOB_GAS_USED", f"blob gas used {stated}, not {used}", *more)
