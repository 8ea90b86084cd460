"""Portal: raw transactions in, decoded and signed-for records out, many at a time and off the GIL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.kernel.curves.secp256k1 import RECOVERY_SCRATCH, recover_batch
from jovay.kernel.transaction import batch
from jovay.kernel.transaction.record import Transaction
from jovay.kernel.transaction.signing import SIGNING_OVERHEAD
from jovay.native.arena import zeros
from jovay.native.library import Library
from jovay.native.places import address
from jovay.native.records import dtype_of

U64Array = npt.NDArray[np.uint64]
#: Bytes behind the transactions that the kernel may read, since it reads whole words.
BEYOND = 64


@dataclass(frozen=True, slots=True, weakref_slot=True)
class DecodedBatch:
    """``records`` are Transaction records whose pointers lead into ``raw``: keep both alive together.

    ``statuses`` is 0 for a transaction that decoded and whose sender was recovered.
    """

    raw: npt.NDArray[np.uint8]
    records: npt.NDArray[Any]
    statuses: U64Array

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return self.raw.nbytes + self.records.nbytes + self.statuses.nbytes

    def envelope(self, record: np.void) -> bytes:
        """The transaction that one of the records was decoded from."""
        start = int(record["raw"]) - address(self.raw)
        return self.raw[start : start + int(record["raw_size"])].tobytes()

    @property
    def first_address(self) -> int:
        """Address of the first record; they follow each other at ``TRANSACTION_SIZE``."""
        return address(self.records)


class Portal:
    """Decodes batches; safe to use from several threads."""

    def __init__(self, library: Library) -> None:
        self._decode = library[batch.decode_batch]
        self._signatures = library[batch.signatures_of]
        self._senders = library[batch.senders_from_keys]
        self._recover = library[recover_batch]

    def decode(self, data: bytes, ends: Sequence[int] | U64Array) -> DecodedBatch:
        """Decode transactions that lie back to back in ``data``, each ending at its entry of ``ends``."""
        count = len(ends)
        stop = np.asarray(ends, np.uint64)
        raw = zeros(len(data) + BEYOND, np.uint8)
        if data:
            raw[: len(data)] = np.frombuffer(data, np.uint8)
        starts = np.empty(count, np.uint64)
        if count:
            starts[0], starts[1:] = 0, stop[:-1]
        pointers, sizes = starts + np.uint64(address(raw)), stop - starts
        records = zeros(count, dtype_of(Transaction))
        statuses = zeros(count, np.uint64)
        scratch = zeros(count * (48 + SIGNING_OVERHEAD) + len(data) + 64, np.uint8)
        self._decode(
            count,
            pointers,
            sizes,
            records,
            statuses,
            scratch,
        )
        self._recover_senders(count, records, statuses)
        return DecodedBatch(raw, records, statuses)

    def _recover_senders(self, count: int, records: npt.NDArray[Any], statuses: U64Array) -> None:
        digests, signatures = zeros(32 * count + 64, np.uint8), zeros(65 * count + 64, np.uint8)
        owners, marks = zeros(count + 8, np.uint64), zeros(count + 64, np.uint8)
        keys = zeros(64 * count + 64, np.uint8)
        signed = self._signatures(
            count,
            records,
            statuses,
            digests,
            signatures,
            owners,
        )
        if not signed:
            return
        scratch = aligned(max(RECOVERY_SCRATCH, 48 * signed + 128))
        self._recover(
            signed,
            digests,
            signatures,
            keys,
            marks,
            scratch,
        )
        self._senders(
            signed,
            owners,
            keys,
            marks,
            records,
            statuses,
            scratch,
        )


def aligned(size: int) -> npt.NDArray[np.uint8]:
    """``size`` bytes of memory at a multiple of 64."""
    whole = np.empty(size + 64, np.uint8)
    skip = -address(whole) % 64
    return whole[skip : skip + size]
