"""What blocks cost their provers, as far as a record's head tells: the relayer bounds chunks by it."""

from __future__ import annotations

from collections.abc import Sequence

from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.state.spv import HASH, Sizes

from .binary import LENGTH

#: Instructions of the batch program with all accelerators, with system calls counted as so many as they take of a proof
#: (a Keccak permutation some 1,100): of a block, of a transaction (the recovery of its signer, and some twelve
#: permutations), of a byte of multiproof (its nodes are hashed when they are read, and again where they change) and of
#: gas beyond a transaction's least. Measured in the emulator over transfers, tokens and exchanges.
BLOCK, TRANSACTION, PROOF_BYTE, GAS = 20_000, 40_000, 6, 1
LEAST_GAS = 21_000


def witness_bytes(sizes: Sizes, l1_messages: Sequence[bytes]) -> int:
    """At most so many bytes a block adds to a chunk's witness, which has less than 1,024 beside those of its blocks."""
    records = sizes.accounts * AccountChange.size + sizes.slots * SlotChange.size
    codes, hashes = sizes.code_bytes + sizes.codes * LENGTH, sizes.ancestors * (LENGTH + HASH)
    return records + codes + hashes + sizes.proof + sum(LENGTH + len(raw) for raw in l1_messages)


def cycles(sizes: Sizes, signed: int, gas_used: int) -> int:
    """About so many instructions a block of ``signed`` transactions adds to a proof: less where it shares much of its
    multiproof with others.
    """
    gas = max(0, gas_used - LEAST_GAS * signed)
    return BLOCK + TRANSACTION * signed + PROOF_BYTE * sizes.proof + GAS * gas
