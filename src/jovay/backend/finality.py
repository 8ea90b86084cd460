"""Stages of confirmation. A block that is visible is executed and on stable storage: stage 1.

Attestation and proof on L1 (stages 2 and 3) exist for no block but genesis, which every party knows: ``safe`` and
``finalized`` name block 0.
"""

from __future__ import annotations

from jovay.rpc.backend.chain import BlockTag, Finality

EXECUTED = 1
GENESIS = 0


def resolve(tag: BlockTag, head: int) -> int:
    """Block number of a tag."""
    return head if tag in (BlockTag.LATEST, BlockTag.PENDING) else GENESIS


def finality(number: int) -> Finality:
    """How final a visible block is."""
    return Finality(stage=EXECUTED, block_number=number)
