"""What keys held after a block where memory does not know it any more: from genesis and the write sets up to there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from jovay.chain.genesis import GenesisAccount
from jovay.storage.blocks import BlockStore

from .errors import HistoryUnavailableError
from .historical_values import stored_writes
from .writes import Records, WriteSet

_NOBODY = GenesisAccount(0)


def rebuilt(
    store: BlockStore,
    alloc: Mapping[bytes, GenesisAccount],
    keccak: Callable[[bytes], bytes],
    accounts: Records,
    slots: Records,
    height: int,
) -> WriteSet:
    """The values that these keys had after block ``height``. Raises ``HistoryUnavailableError`` for pruned blocks."""
    if store.oldest > 0:
        reason = f"the state of block {height} cannot be restored: older blocks are pruned"
        raise HistoryUnavailableError(height, reason)
    accounts, slots = accounts.copy(), slots.copy()
    _set_to_genesis(alloc, keccak, accounts, slots)
    account_rows = {row["address"].tobytes(): at for at, row in enumerate(accounts)}
    slot_rows = {(row["address"].tobytes(), row["key"].tobytes()): at for at, row in enumerate(slots)}
    for number in range(1, height + 1):
        writes = stored_writes(store, number)
        for change in writes.accounts:
            if (at := account_rows.get(change["address"].tobytes())) is not None:
                accounts[at] = change
        for change in writes.slots:
            if (at := slot_rows.get((change["address"].tobytes(), change["key"].tobytes()))) is not None:
                slots[at] = change
    accounts["kept"] = 0
    return WriteSet(accounts, slots)


def _set_to_genesis(
    alloc: Mapping[bytes, GenesisAccount], keccak: Callable[[bytes], bytes], accounts: Records, slots: Records
) -> None:
    for row in accounts:
        address = row["address"].tobytes()[19::-1]
        account = alloc.get(address, _NOBODY)
        row["exists"], row["wiped"], row["nonce"] = address in alloc, 0, account.nonce
        row["balance"] = np.void(account.balance.to_bytes(32, "little"))
        row["code_hash"], row["code_size"] = np.void(keccak(account.code)[::-1]), len(account.code)
    for row in slots:
        account = alloc.get(row["address"].tobytes()[19::-1], _NOBODY)
        value = account.storage.get(row["key"].tobytes()[::-1], bytes(32))
        row["value"] = np.void(value[::-1])
