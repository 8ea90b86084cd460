"""The state after a block as JSON-RPC sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jovay.chain.types import Account, AccountProof, Address
from jovay.rpc.backend.errors import BackendError, HistoryUnavailableError
from jovay.state import errors as state
from jovay.state.proofs import Prover
from jovay.state.reader import StateReader

from .errors import executing


class Heights:
    """State is kept for ``history`` blocks behind the newest, ``head()`` (and as far as memory reaches)."""

    def __init__(self, head: Callable[[], int], history: int) -> None:
        self._head, self._history = head, history

    def check(self, number: int) -> None:
        """Raises ``BackendError`` where the state after a block is not kept."""
        head = self._head()
        if number > head:
            raise BackendError("header not found")
        if number < head - self._history:
            raise HistoryUnavailableError(str(state.HistoryUnavailableError(number)))


class NodeState:
    """Implements ``State`` of ``jovay.rpc.backend``; every method may be called from any thread."""

    def __init__(self, reader: StateReader, prover: Prover, heights: Heights) -> None:
        self._reader, self._prover, self._heights = reader, prover, heights

    def account(self, address: Address, number: int) -> Account:
        """Basic data of an account."""
        self._heights.check(number)
        with executing():
            return self._reader.account(address, number)

    def code(self, address: Address, number: int) -> bytes:
        """Code of an account."""
        self._heights.check(number)
        with executing():
            return self._reader.code(address, number)

    def storage(self, address: Address, slot: int, number: int) -> int:
        """Value of a storage slot."""
        self._heights.check(number)
        with executing():
            return self._reader.storage(address, slot, number)

    def proof(self, address: Address, slots: Sequence[int], number: int) -> AccountProof:
        """Proof of an account and of some of its slots."""
        self._heights.check(number)
        with executing():
            return self._prover.proof(address, slots, number)
