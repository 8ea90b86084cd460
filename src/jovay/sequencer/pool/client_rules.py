"""What the pool takes from no client, whoever sends it; the rest is judged in ``kernel.block.admission``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.kernel.evm import validity
from jovay.kernel.pool.record import BLOBS_NOT_TAKEN, BUSY, UNDERPRICED
from jovay.kernel.transaction.record import BLOB, L1_MESSAGE


def refuse_what_clients_may_not_send(
    records: npt.NDArray[Any], statuses: npt.NDArray[Any], min_price: int, base_fee: int, busy: bool = False
) -> None:
    """Give decoded transactions a status: of blobs, which this chain carries none of, messages from L1, which come
    from there only, priority fees below ``min_price`` and fee caps below ``base_fee`` (wei per gas); and all of them
    where the chain is ``busy``."""
    fine = statuses == 0
    if busy:
        statuses[fine] = BUSY
        return
    statuses[fine & (records["kind"] == BLOB)] = BLOBS_NOT_TAKEN
    statuses[fine & (records["kind"] == L1_MESSAGE)] = validity.TYPE_NOT_SUPPORTED
    if min_price:
        statuses[fine & below(records["max_priority_fee"], min_price)] = UNDERPRICED
    if base_fee:
        statuses[(statuses == 0) & below(records["max_fee"], base_fee)] = validity.FEE_CAP_TOO_LOW


def below(column: npt.NDArray[Any], bound: int) -> npt.NDArray[np.bool_]:
    """Which 256-bit words of a column of records are less than ``bound``."""
    words = np.ascontiguousarray(column).view(np.uint64).reshape(-1, 4)
    less = np.zeros(len(words), np.bool_)
    equal = np.ones(len(words), np.bool_)
    for position in (3, 2, 1, 0):
        part = np.uint64(bound >> 64 * position & 0xFFFFFFFFFFFFFFFF)
        less |= equal & (words[:, position] < part)
        equal &= words[:, position] == part
    return less
