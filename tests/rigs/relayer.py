"""A relayer whose steps a test takes, one after the other."""

from __future__ import annotations

from pathlib import Path

from jovay.bridge.errors import BridgeError
from jovay.bridge.l1.data import BeaconNode
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.transactions import Policy
from jovay.bridge.relayer.committer import Timing
from jovay.bridge.relayer.relayer import Options, Relayer
from jovay.bridge.relayer.sealing import Limits
from rigs.l2_blocks import MadeBlocks
from rigs.relayed_l1 import CLAIMER, COMMITTER, MadeProofs, RelayedL1

SMALL = Limits(chunk_blocks=4, batch_chunks=2, blobs=2)


class SteppedRelayer:
    """One process of it: made again on the same folder, it is the next."""

    def __init__(
        self,
        l1: RelayedL1,
        chain: MadeBlocks,
        proofs: MadeProofs,
        folder: Path,
        limits: Limits = SMALL,
        age: float = 0.0,
        idle: float = 0.0,
        confirmations: int = 64,
    ) -> None:
        options = Options(
            limits,
            Timing(age, age, idle),
            Policy(confirmations=confirmations),
            sources=[BeaconNode(l1.url)],
        )
        folder.mkdir(exist_ok=True)
        self.relayer = Relayer(
            l1.settlement, l1.client, chain, proofs, folder, RawKey(COMMITTER), RawKey(CLAIMER), options
        )
        self.store = self.relayer.store

    def turn(self) -> list[str]:
        """Every step once; what each could not do."""
        problems = []
        for step in self.relayer.steps:
            try:
                step.run()
            except BridgeError as error:
                problems.append(str(error))
        return problems

    def close(self) -> None:
        self.relayer.close()
