"""A relayer's key hands its role on: behind all that it has under way, in the same store of transactions."""

from __future__ import annotations

import time
from pathlib import Path

from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract
from jovay.bridge.l1.keys import Signer
from jovay.bridge.l1.transaction_store import Request
from jovay.bridge.l1.transactions import Failed, Mined, Policy, TxManager
from jovay.bridge.relayer.errors import RelayerError
from jovay.bridge.relayer.relayer import store_of
from jovay.chain.settlement import Settlement

_PAUSE = 0.5


class HandOverError(RelayerError):
    """A role cannot be handed over."""


def hand_over(
    settlement: Settlement, l1: L1Client, folder: Path, old: Signer, successor: bytes, policy: Policy
) -> Mined | None:
    """Returns when ``successor`` is a relayer for good; None if it was one before.

    The relayer must not be running, for its ``folder`` is used. Killed anywhere, the same call goes on. Raises
    ``HandOverError``, ``TransactionStoreError`` if the folder is in use, and what the client raises.
    """
    l1.require_chain(settlement.l1_chain_id)
    rollup = Contract("Rollup", settlement.rollup)
    key = f"hand over to 0x{successor.hex()}"
    manager = TxManager(l1, old, store_of(folder, "commits", old), policy)
    try:
        if manager.status(key) is None:
            if rollup.read(l1, "isRelayer", successor):
                return None
            if not rollup.read(l1, "isRelayer", old.address):
                raise HandOverError(f"0x{old.address.hex()} is no relayer of 0x{settlement.rollup.hex()}")
            if not l1.balance(successor):
                raise HandOverError(f"0x{successor.hex()} has no ether: it could not commit")
            manager.send(Request(rollup.address, rollup.encode("replaceRelayer", successor), key))
        while True:
            manager.step()
            match manager.status(key):
                case Mined(final=True) as done:
                    return done
                case Failed(reason=reason, final=True):
                    raise HandOverError(reason)
            time.sleep(_PAUSE)
    finally:
        manager.close()
