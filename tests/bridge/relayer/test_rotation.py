"""A relayer's role changes hands behind what the old key had under way, and the next relayer goes on from there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jovay.bridge.errors import TransactionStoreError
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.transactions import Mined, Policy
from jovay.bridge.relayer import rotation
from jovay.bridge.relayer.rotation import HandOverError, hand_over
from jovay.chain.hexadecimal import hexed
from rigs import relayer as rig
from rigs.l2_blocks import MadeBlocks
from rigs.paths import MissingToolError
from rigs.relayed_l1 import COMMITTER, MadeProofs, RelayedL1, mined_by_hand
from rigs.relayer import SteppedRelayer

OLD, NEW = RawKey(COMMITTER), RawKey(bytes(31) + b"\x21")
POLICY = Policy(confirmations=4)


@pytest.fixture
def l1() -> Iterator[RelayedL1]:
    try:
        with mined_by_hand() as url:
            chain = MadeBlocks(start_ms=int(time.time() * 1000) - 60_000)
            made = RelayedL1(url, chain.blocks[0].hash)
            made.chain = chain  # type: ignore[attr-defined]
            made.client.blob_base_fee = lambda: 10**15  # type: ignore[method-assign]
            yield made
    except MissingToolError as missing:
        pytest.skip(str(missing))


def test_a_role_changes_hands(l1: RelayedL1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain: MadeBlocks = l1.chain  # type: ignore[attr-defined]
    proofs = MadeProofs(l1, chain)
    folder = tmp_path / "relayer"
    chain.add([chain.transaction()], [], later_ms=50)
    old = SteppedRelayer(l1, chain, proofs, folder)
    old.turn()  # its first batch is on its way
    with pytest.raises(TransactionStoreError):
        hand_over(l1.settlement, l1.client, folder, OLD, NEW.address, POLICY)
    old.close()

    monkeypatch.setattr(rotation.time, "sleep", lambda _: l1.mine())
    with pytest.raises(HandOverError, match="no ether"):
        hand_over(l1.settlement, l1.client, folder, OLD, NEW.address, POLICY)
    l1.client.call("anvil_setBalance", hexed(NEW.address), hex(10**20))
    done = hand_over(l1.settlement, l1.client, folder, OLD, NEW.address, POLICY)
    assert isinstance(done, Mined)
    assert l1.reader.state().committed == 1
    for key, is_relayer in ((OLD, False), (NEW, True)):
        assert l1.rollup.read(l1.client, "isRelayer", key.address) is is_relayer
    assert hand_over(l1.settlement, l1.client, folder, OLD, NEW.address, POLICY) == done
    assert hand_over(l1.settlement, l1.client, folder, NEW, NEW.address, POLICY) is None
    with pytest.raises(HandOverError, match="is no relayer"):
        hand_over(l1.settlement, l1.client, folder, OLD, b"\x77" * 20, POLICY)

    monkeypatch.setattr(rig, "COMMITTER", bytes(31) + b"\x21")
    chain.add([chain.transaction()], [], later_ms=50)
    new = SteppedRelayer(l1, chain, proofs, folder)
    for _ in range(10):
        new.turn()
        l1.mine()
    state = l1.reader.state()
    assert (state.committed, state.finalized) == (2, 2)
    new.close()
