"""Make a case that differs smaller while it still differs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from .cases import DYNAMIC_FEE, Account, Case, Transaction

JUMPDEST = b"\x5b"
Predicate = Callable[[Case], bool]
Change = Callable[[Case], None]


def minimise(case: Case, differs: Predicate, attempts: int = 3000) -> Case:
    """The smallest case found; ``differs`` is asked at most ``attempts`` times."""
    left = attempts
    shrinking = True
    while shrinking and left > 0:
        shrinking = False
        for change in _changes(case):
            candidate = copy.deepcopy(case)
            change(candidate)
            left -= 1
            if left < 0:
                break
            if candidate != case and differs(candidate):
                case, shrinking = candidate, True
    return case


def _changes(case: Case) -> Iterator[Change]:
    """Changes worth trying, the big ones first. Each must bear being applied to a case already changed."""
    for i in reversed(range(len(case.transactions))):
        yield lambda c, i=i: _drop_transaction(c, i)
    for address in list(case.accounts):
        yield lambda c, a=address: c.accounts.pop(a, None)
    for i, transaction in enumerate(case.transactions):
        yield from _transaction_changes(i, transaction)
    yield lambda c: setattr(c, "commit_each", False)
    for name, value in (
        ("excess_blob_gas", 0),
        ("base_fee", 0),
        ("prevrandao", 0),
        ("timestamp", 1),
        ("number", 1),
    ):
        yield lambda c, name=name, value=value: setattr(c.environment, name, value)
    for address, account in case.accounts.items():
        yield from _account_changes(address, account)


def _drop_transaction(case: Case, index: int) -> None:
    """Take a transaction out; the sender's later ones move up."""
    if index >= len(case.transactions) or len(case.transactions) == 1:
        return
    gone = case.transactions.pop(index)
    for tx in case.transactions[index:]:
        if tx.key == gone.key and tx.nonce > 0:
            tx.nonce -= 1


def _drop(items: list, index: int) -> None:  # type: ignore[type-arg]
    if index < len(items):
        del items[index]


def _transaction_changes(i: int, tx: Transaction) -> Iterator[Change]:
    def on(change: Callable[[Transaction], object]) -> Change:
        return lambda c: (change(c.transactions[i]), None)[1] if i < len(c.transactions) else None

    for name, value in (("data", b""), ("value", 0), ("access_list", []), ("max_priority_fee", 0)):
        if not (name == "data" and tx.to is None):
            yield on(lambda t, name=name, value=value: setattr(t, name, copy.copy(value)))  # type: ignore[misc]
    for k in reversed(range(len(tx.access_list))):
        yield on(lambda t, k=k: _drop(t.access_list, k))  # type: ignore[misc]
    for k in reversed(range(len(tx.authorizations))):
        yield on(lambda t, k=k: _drop(t.authorizations, k) if len(t.authorizations) > 1 else None)  # type: ignore[misc]
    if tx.kind > DYNAMIC_FEE:
        yield on(
            lambda t: (
                setattr(t, "kind", DYNAMIC_FEE),
                setattr(t, "blob_hashes", []),
                setattr(t, "authorizations", []),
            )
        )
    if tx.kind:
        yield on(lambda t: setattr(t, "kind", 0) if t.kind <= DYNAMIC_FEE else None)
    if tx.to is None:
        for start, end, filler in _cuts(tx.data):
            yield on(
                lambda t, s=start, e=end, f=filler: setattr(t, "data", t.data[:s] + f * (e - s) + t.data[e:])
            )  # type: ignore[misc]


def _account_changes(address: int, account: Account) -> Iterator[Change]:
    def on(change: Callable[[Account], object]) -> Change:
        return lambda c: (change(c.accounts[address]), None)[1] if address in c.accounts else None

    yield on(lambda a: setattr(a, "storage", {}))
    for key in account.storage:
        yield on(lambda a, key=key: a.storage.pop(key, None))  # type: ignore[misc]
    yield on(lambda a: setattr(a, "code", b""))
    yield on(lambda a: setattr(a, "code", a.code.rstrip(b"\x5b")))
    for start, end, filler in _cuts(account.code):
        yield on(
            lambda a, s=start, e=end, f=filler: setattr(a, "code", a.code[:s] + f * (e - s) + a.code[e:])
        )  # type: ignore[misc]


def _cuts(code: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Ranges to cut off or to blank with JUMPDESTs (which keep jumps in place), from halves down to a byte."""
    size = len(code)
    width = size
    while width >= 1:
        for start in range(0, size, width):
            end = min(size, start + width)
            if end == size:
                yield start, end, b""
            if any(b != 0x5B for b in code[start:end]):
                yield start, end, JUMPDEST
        width //= 2
