"""Parts of programs' inputs: what every one of them is given of the state before, each part padded to 8 bytes."""

from __future__ import annotations

from jovay.state.writes import WriteSet


def padded(data: bytes) -> bytes:
    """``data`` with zeros up to a multiple of 8 bytes."""
    return data + bytes(-len(data) % 8)


def sized(data: bytes) -> bytes:
    """The same behind its size."""
    return len(data).to_bytes(8, "little") + padded(data)


def state_parts(touched: WriteSet, multiproof: bytes) -> list[bytes]:
    """Accounts, slots, codes, and what shows that they are so."""
    accounts = touched.accounts.copy()
    accounts["kept"] = 0
    parts = [padded(accounts.tobytes()), padded(touched.slots.tobytes())]
    return [*parts, *map(sized, touched.codes), padded(multiproof)]


def state_counts(touched: WriteSet, multiproof: bytes) -> dict[str, int | bytes]:
    """What the head of an input says of them."""
    return {
        "account_count": len(touched.accounts),
        "slot_count": len(touched.slots),
        "code_count": len(touched.codes),
        "multiproof_size": len(multiproof),
    }
