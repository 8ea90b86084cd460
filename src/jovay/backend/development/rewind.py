"""Going back to an earlier block in development: what came after it leaves the chain, the state and the disk."""

from __future__ import annotations

import msgspec
import numpy as np

from jovay.backend.errors import executing
from jovay.backend.events import NodeEvents
from jovay.backend.visible_chain import VisibleChain
from jovay.chain.genesis import Genesis
from jovay.chain.types import EMPTY_CODE_HASH, Log
from jovay.rpc.backend.chain import LogFilter
from jovay.rpc.backend.errors import BackendError
from jovay.sequencer.sequencer import Sequencer
from jovay.state.errors import HistoryUnavailableError
from jovay.state.past import Past, changed_keys
from jovay.state.reader import StateReader
from jovay.state.writes import Records, WriteSet
from jovay.storage.blocks import BlockStore
from jovay.storage.headers import read_header

_ALL_AT_ONCE = 1 << 40


class Rewinder:
    """Cuts the chain of one sequencer."""

    def __init__(
        self,
        sequencer: Sequencer,
        state: StateReader,
        chain: VisibleChain,
        events: NodeEvents,
    ) -> None:
        self._sequencer, self._chain = sequencer, chain
        self._past = Past(sequencer.world, state)
        self._events = events

    def rewind(self, target: int) -> None:
        """Make block ``target`` the newest one. Pooled transactions are dropped."""
        sequencer = self._sequencer
        blocks = sequencer.data.blocks
        with executing(), sequencer.paused() as head:
            if not blocks.oldest <= target <= head.number:
                raise BackendError(f"block {target} is not stored")
            if target == head.number:
                return
            header = read_header(blocks, target)
            accounts, slots = changed_keys(blocks, target, _ALL_AT_ONCE)
            try:
                older = self._past.writes(accounts, slots, target)
            except HistoryUnavailableError:
                older = writes_from_log(sequencer, accounts, slots, target)
            gone = self._logs(target + 1, head.number)
            sequencer.rewind(header, older)
            self._chain.forget()
        self._events.removed(header, gone)

    def _logs(self, first: int, last: int) -> list[Log]:
        logs = self._chain.logs(LogFilter(first=first, last=last, limit=0))
        return [msgspec.structs.replace(log, removed=True) for log in logs]


def writes_from_log(sequencer: Sequencer, accounts: Records, slots: Records, target: int) -> WriteSet:
    """The values of these keys after block ``target``, from the write sets of all blocks up to it and the genesis."""
    blocks: BlockStore = sequencer.data.blocks
    if blocks.oldest > 0:
        reason = f"the state of block {target} cannot be restored: older blocks are pruned"
        raise HistoryUnavailableError(target, reason)
    accounts, slots = _at_genesis(sequencer.rules.genesis, sequencer, accounts, slots)
    account_rows = {row["address"].tobytes(): at for at, row in enumerate(accounts)}
    slot_rows = {(row["address"].tobytes(), row["key"].tobytes()): at for at, row in enumerate(slots)}
    for number in range(1, target + 1):
        writes = WriteSet.decode(blocks.writes(number))
        for change in writes.accounts:
            if (at := account_rows.get(change["address"].tobytes())) is not None:
                accounts[at] = change
        for change in writes.slots:
            if (at := slot_rows.get((change["address"].tobytes(), change["key"].tobytes()))) is not None:
                slots[at] = change
    accounts["kept"] = 0
    return WriteSet(accounts, slots)


def _at_genesis(
    genesis: Genesis, sequencer: Sequencer, accounts: Records, slots: Records
) -> tuple[Records, Records]:
    accounts, slots = accounts.copy(), slots.copy()
    for row in accounts:
        account = genesis.alloc.get(row["address"].tobytes()[19::-1])
        digest = EMPTY_CODE_HASH if account is None else sequencer.keccak(account.code)
        row["exists"], row["wiped"] = account is not None, 0
        row["nonce"] = 0 if account is None else account.nonce
        row["balance"] = np.void((0 if account is None else account.balance).to_bytes(32, "little"))
        row["code_hash"] = np.void(digest[::-1])
        row["code_size"] = 0 if account is None else len(account.code)
    for row in slots:
        account = genesis.alloc.get(row["address"].tobytes()[19::-1])
        value = bytes(32) if account is None else account.storage.get(row["key"].tobytes()[::-1], bytes(32))
        row["value"] = np.void(value[::-1])
    return accounts, slots
