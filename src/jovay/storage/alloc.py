"""The alloc of a genesis as the write that fills an empty ``StateStore``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jovay.chain.genesis import Genesis

from .state import ACCOUNT, StateChanges


def state_changes(genesis: Genesis, keccak: Callable[[bytes], bytes]) -> StateChanges:
    """The alloc as the write that fills an empty ``StateStore``; ``keccak`` gives code hashes."""
    addresses = sorted(genesis.alloc)
    rows = np.zeros(len(addresses), ACCOUNT)
    codes = {keccak(account.code): account.code for account in genesis.alloc.values()}
    hashes = [code_hash for code_hash, code in codes.items() if code]
    slots: list[bytes] = []
    words: list[bytes] = []
    for row, address in zip(rows, addresses, strict=True):
        account = genesis.alloc[address]
        row["nonce"] = account.nonce
        row["balance"] = np.frombuffer(account.balance.to_bytes(32, "little"), np.uint8)
        row["code_hash"] = np.frombuffer(keccak(account.code), np.uint8)
        slots += [address + key for key in account.storage]
        words += account.storage.values()
    return StateChanges(
        accounts=b"".join(addresses),
        account_values=rows.tobytes(),
        slots=b"".join(slots),
        slot_values=b"".join(words),
        code_hashes=b"".join(hashes),
        code_offsets=np.cumsum([0, *(len(codes[code_hash]) for code_hash in hashes)]).tolist(),
        codes=b"".join(codes[code_hash] for code_hash in hashes),
    )
