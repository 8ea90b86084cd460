"""The environment that simulated calls find: a stored block's, with overrides, and hashes of older blocks."""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict

from jovay.chain.environment import BlockEnvironment, environment_of
from jovay.chain.types import Hash32, Header
from jovay.native.arena import Buffer
from jovay.native.records import View

from .errors import OverrideError
from .requests import BlockOverrides
from .source import ChainSource

HASHES = 256
_WINDOWS = 8
_NO_OVERRIDES = BlockOverrides()


class BlockContext:
    """An environment with the memory that its block hashes lie in."""

    def __init__(self, environment: BlockEnvironment, hashes: bytes) -> None:
        known = min(HASHES, environment.number)
        self.environment = dataclasses.replace(environment, hashes=Buffer(hashes), hashes_known=known)

    def write(self, block: View) -> None:
        """Fill a kernel ``Block`` record."""
        self.environment.write(block)


class HashWindows:
    """Hashes of the 256 blocks before one, as BLOCKHASH wants them: block n at 32·(n mod 256)."""

    def __init__(self, chain: ChainSource) -> None:
        self._chain = chain
        self._lock = threading.Lock()
        self._windows: OrderedDict[Hash32, tuple[int, bytes]] = OrderedDict()

    def before(self, number: int, parent_hash: Hash32) -> bytes:
        """The window before block ``number``, whose parent is ``parent_hash``."""
        with self._lock:
            known = self._windows.get(parent_hash)
            if known is None:
                known = self._windows[parent_hash] = number, self._build(number)
                while len(self._windows) > _WINDOWS:
                    self._windows.popitem(last=False)
            return known[1]

    def _build(self, number: int) -> bytes:
        start, window = max(0, number - HASHES), bytearray(32 * HASHES)
        for newest, (end, content) in reversed(self._windows.items()):
            if start < end <= number and self._chain.block_hash(end - 1) == newest:
                start, window = end, bytearray(content)
                break
        for n in range(start, number):
            at = 32 * (n % HASHES)
            window[at : at + 32] = self._chain.block_hash(n) or bytes(32)
        return bytes(window)

    def overridden(self, number: int, base: Header) -> bytes:
        """The window before ``number`` on a chain that ends with the parent of ``base``."""
        if number == base.number:
            return self.before(number, base.parent_hash)
        window = bytearray(32 * HASHES)
        for n in range(max(0, number - HASHES), min(number, base.number)):
            at = 32 * (n % HASHES)
            window[at : at + 32] = self._chain.block_hash(n) or bytes(32)
        return bytes(window)


def context_of(
    chain: ChainSource,
    windows: HashWindows,
    header: Header,
    overrides: BlockOverrides | None = None,
    l1_fee_per_byte: int = 0,
) -> BlockContext:
    """The environment of a stored block with overrides."""
    o = overrides or _NO_OVERRIDES
    number = _chosen(o.number, header.number)
    if number >= 1 << 64:
        raise OverrideError(f"block number {number} does not fit 64 bits")
    timestamp = _chosen(o.timestamp, header.timestamp)
    base = environment_of(header, chain.rules, l1_fee_per_byte)
    environment = dataclasses.replace(
        base,
        number=number,
        timestamp=timestamp,
        gas_limit=_chosen(o.gas_limit, base.gas_limit),
        base_fee=_chosen(o.base_fee_per_gas, base.base_fee),
        coinbase=base.coinbase if o.coinbase is None else int.from_bytes(o.coinbase, "big"),
        fork=chain.rules.fork(number, timestamp),
        prevrandao=_chosen(o.prev_randao, base.prevrandao),
        blob_base_fee=_chosen(o.blob_base_fee, base.blob_base_fee),
        max_blobs=chain.rules.blobs(number, timestamp).maximum,
        difficulty=_chosen(o.difficulty, base.difficulty),
    )
    return BlockContext(environment, windows.overridden(number, header))


def _chosen(override: int | None, default: int) -> int:
    return default if override is None else override
