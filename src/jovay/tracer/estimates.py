"""What blocks cost their provers, as far as a record's head tells: the relayer bounds chunks by it."""

from __future__ import annotations

from collections.abc import Sequence

from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.state.spv import HASH, Sizes

from .binary import LENGTH

#: RISC-V cycles of a block, of a transaction (most of them the recovery of its signer), of a byte of multiproof (its
#: nodes are hashed when they are read, and again where they change) and of gas beyond a transaction's least:
#: measured in the emulator over transfers, tokens and exchanges. Gas takes 250 cycles at most, for BLAKE2b's rounds.
BLOCK, TRANSACTION, PROOF_BYTE, GAS = 160_000, 740_000, 620, 8
LEAST_GAS = 21_000


def witness_bytes(sizes: Sizes, l1_messages: Sequence[bytes]) -> int:
    """At most so many bytes a block adds to a chunk's witness, which has less than 1,024 beside those of its blocks."""
    records = sizes.accounts * AccountChange.size + sizes.slots * SlotChange.size
    codes, hashes = sizes.code_bytes + sizes.codes * LENGTH, sizes.ancestors * (LENGTH + HASH)
    return records + codes + hashes + sizes.proof + sum(LENGTH + len(raw) for raw in l1_messages)


def cycles(sizes: Sizes, signed: int, gas_used: int) -> int:
    """About so many RISC-V cycles a block of ``signed`` transactions adds to a chunk's execution: less where it shares
    much of its multiproof with others.
    """
    gas = max(0, gas_used - LEAST_GAS * signed)
    return BLOCK + TRANSACTION * signed + PROOF_BYTE * sizes.proof + GAS * gas
