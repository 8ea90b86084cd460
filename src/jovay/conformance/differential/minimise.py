"""Make a case that differs smaller while it still differs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from jovay.kernel.protocol.opcodes import JUMPDEST

from .cases import DYNAMIC_FEE, LEGACY, Account, Case, Transaction

Change = Callable[[Case], None]
Find = Callable[[Case], Any]


def minimise(case: Case, differs: Callable[[Case], bool], attempts: int = 3000) -> Case:
    """The smallest case found; ``differs`` is asked at most ``attempts`` times."""
    shrinking = True
    while shrinking and attempts > 0:
        shrinking = False
        for change in _changes(case):
            candidate = copy.deepcopy(case)
            change(candidate)
            if candidate == case:
                continue
            attempts -= 1
            if attempts < 0:
                break
            if differs(candidate):
                case, shrinking = candidate, True
    return case


def _changes(case: Case) -> Iterator[Change]:
    """Changes worth trying, the big ones first. Each bears being applied to a case already changed."""
    for i in reversed(range(len(case.transactions))):
        yield partial(_drop_transaction, i)
    for address in case.accounts:
        yield partial(_drop_account, address)
    for i, transaction in enumerate(case.transactions):
        yield from _transaction_changes(partial(_transaction, i), transaction)
    yield partial(_assign, lambda c: c, "commit_each", False)
    plain = {"excess_blob_gas": 0, "base_fee": 0, "prevrandao": 0, "timestamp": 1, "number": 1}
    for name, value in plain.items():
        yield partial(_assign, lambda c: c.environment, name, value)
    for address, account in case.accounts.items():
        yield from _account_changes(partial(_account, address), account)


# ---- where a change applies; None where that has gone --------------------------------------------------


def _transaction(index: int, case: Case) -> Transaction | None:
    return case.transactions[index] if index < len(case.transactions) else None


def _account(address: int, case: Case) -> Account | None:
    return case.accounts.get(address)


# ---- changes -------------------------------------------------------------------------------------------


def _drop_transaction(index: int, case: Case) -> None:
    """Take a transaction out; the sender's later ones move up."""
    if index >= len(case.transactions) or len(case.transactions) == 1:
        return
    gone = case.transactions.pop(index)
    for tx in case.transactions[index:]:
        if tx.key == gone.key and tx.nonce > 0:
            tx.nonce -= 1


def _drop_account(address: int, case: Case) -> None:
    case.accounts.pop(address, None)


def _assign(find: Find, name: str, value: Any, case: Case) -> None:
    found = find(case)
    if found is not None:
        setattr(found, name, copy.copy(value))


def _drop_item(find: Find, name: str, key: Any, least: int, case: Case) -> None:
    """Take one item out of a list or dictionary that keeps at least ``least``."""
    found = find(case)
    if found is None or len(getattr(found, name)) <= least:
        return
    items = getattr(found, name)
    if isinstance(items, dict):
        items.pop(key, None)
    elif key < len(items):
        del items[key]


def _overwrite(find: Find, name: str, start: int, end: int, filler: bytes, case: Case) -> None:
    """Replace a range of bytes by ``filler`` bytes, or cut it off where that is empty."""
    found = find(case)
    if found is not None:
        content = getattr(found, name)
        setattr(found, name, content[:start] + filler * (end - start) + content[end:])


def _plain_kind(find: Find, kind: int, case: Case) -> None:
    found = find(case)
    if found is not None:
        found.kind, found.blob_hashes, found.authorizations = kind, [], []
        if kind == LEGACY:
            found.access_list = []


def _transaction_changes(find: Find, tx: Transaction) -> Iterator[Change]:
    for name, value in {"value": 0, "access_list": [], "max_priority_fee": 0}.items():
        yield partial(_assign, find, name, value)
    for k in reversed(range(len(tx.access_list))):
        yield partial(_drop_item, find, "access_list", k, 0)
    for k in reversed(range(len(tx.authorizations))):
        yield partial(_drop_item, find, "authorizations", k, 1)
    for kind in (LEGACY, DYNAMIC_FEE):
        if tx.kind > kind:
            yield partial(_plain_kind, find, kind)
    if tx.to is None:
        yield from _code_changes(find, "data", tx.data)
    else:
        yield partial(_assign, find, "data", b"")


def _account_changes(find: Find, account: Account) -> Iterator[Change]:
    yield partial(_assign, find, "storage", {})
    for key in account.storage:
        yield partial(_drop_item, find, "storage", key, 0)
    yield partial(_assign, find, "code", b"")
    yield from _code_changes(find, "code", account.code)


def _code_changes(find: Find, name: str, code: bytes) -> Iterator[Change]:
    """Ranges cut off, or blanked with JUMPDESTs (which keep jumps in place), from halves down to a byte."""
    size = width = len(code)
    while width >= 1:
        for start in range(0, size, width):
            end = min(size, start + width)
            if end == size:
                yield partial(_overwrite, find, name, start, end, b"")
            yield partial(_overwrite, find, name, start, end, bytes([JUMPDEST]))
        width //= 2
