"""Two relayers with the same keys: at the same time they do no harm, and with a lease they waste nothing. And what one
tells L2 of its costs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.record import Kind
from jovay.bridge.relayer.lease import Lease
from jovay.bridge.relayer.oracle import DEFAULT, ORACLE
from rigs.l1_fees import place_oracle
from rigs.l2_blocks import MadeBlocks
from rigs.paths import MissingToolError
from rigs.relayed_l1 import CLAIMER, COMMITTER, MadeProofs, RelayedL1, mined_by_hand
from rigs.relayer import SteppedRelayer

CONFIRMATIONS = 12


@pytest.fixture
def url() -> Iterator[str]:
    try:
        with mined_by_hand() as url:
            yield url
    except MissingToolError as missing:
        pytest.skip(str(missing))


class Pair:
    """Both in one process, each with a folder of its own; data in calldata, which is quicker to try."""

    def __init__(self, url: str, folder: Path, seed: int) -> None:
        self.random = Random(seed)
        self.chain = MadeBlocks(start_ms=int(time.time() * 1000) - 60_000, seed=seed)
        self.l1 = RelayedL1(url, self.chain.blocks[0].hash)
        self.l1.mine(CONFIRMATIONS)  # no reorganisation takes the contracts away
        self.l1.client.blob_base_fee = lambda: 10**15  # type: ignore[method-assign]
        proofs = MadeProofs(self.l1, self.chain)
        self.relayers = [
            SteppedRelayer(self.l1, self.chain, proofs, folder / name, confirmations=CONFIRMATIONS)
            for name in ("one", "two")
        ]
        self.at_first = self.sent()

    def blocks(self) -> None:
        for _ in range(self.random.randrange(1, 6)):
            self.chain.add(
                [self.chain.transaction() for _ in range(self.random.randrange(4))], [], later_ms=50
            )

    def done(self) -> bool:
        state = self.l1.reader.state()
        batches = [each.store.batch(state.finalized) for each in self.relayers]
        return all(batch is not None and batch.last_block == self.chain.last.number for batch in batches)

    def sent(self) -> int:
        """Transactions in blocks, of both keys."""
        return sum(self.l1.client.nonce(RawKey(key).address) for key in (COMMITTER, CLAIMER))

    def check(self) -> None:
        """L1's batches hold every block once, and both relayers know them."""
        state, before = self.l1.reader.state(), 0
        assert state.finalized == state.committed
        for index in range(1, state.committed + 1):
            batches = [each.store.batch(index) for each in self.relayers]
            hashes = {each and each.hash for each in batches}
            assert hashes == {self.l1.reader.batch_hash(index, state)}
            assert batches[0] is not None
            assert batches[0].first_block == before + 1
            before = batches[0].last_block
            for kind in (Kind.ZK, Kind.TEE):
                output = self.l1.reader.output(kind, index, state)
                assert output.last_block_hash == self.chain.blocks[before].hash

    def close(self) -> None:
        for relayer in self.relayers:
            relayer.close()


@pytest.mark.parametrize("seed", range(3))
def test_both_at_once_do_no_harm(url: str, tmp_path: Path, seed: int) -> None:
    pair = Pair(url, tmp_path, seed)
    for _ in range(30):
        event = pair.random.randrange(10)
        if event < 2:
            pair.blocks()
        elif event < 7:
            pair.random.choice(pair.relayers).turn()
        elif event < 9:
            pair.l1.mine()
        else:
            pair.l1.reorg(pair.random.randrange(1, CONFIRMATIONS - 2))
    pair.blocks()
    for _ in range(150):
        if pair.done():
            break
        for relayer in pair.random.sample(pair.relayers, 2):
            relayer.turn()
        pair.l1.mine()
    pair.check()
    pair.close()


def test_with_a_lease_nothing_is_sent_twice(url: str, tmp_path: Path) -> None:
    pair = Pair(url, tmp_path, 7)
    now = 0.0
    leases = [Lease(tmp_path / "lease", name, 30.0, lambda: now, lambda: now) for name in ("one", "two")]
    for relayer, lease in zip(pair.relayers, leases, strict=True):
        relayer.relayer.share(lease)
    for worker in (0, 1, 0):  # the other is held up, or dies, and is succeeded
        pair.blocks()
        for _ in range(15):
            for relayer in (pair.relayers[worker], pair.relayers[1 - worker]):
                relayer.turn()
            assert [lease.held for lease in leases] == [worker == 0, worker == 1]
            pair.l1.mine()
            now += 5
        now += 60
        leases[worker].release()
    state = pair.l1.reader.state()
    assert state.finalized == state.committed >= 3
    assert pair.sent() - pair.at_first == 3 * state.committed  # a commit and two claims of each
    for relayer, lease in zip(pair.relayers, leases, strict=True):
        relayer.turn()
        lease.release()
    pair.check()
    pair.close()


def test_costs_become_the_fee_on_l2(url: str, tmp_path: Path) -> None:
    """The anvil is both chains: the oracle lies where L2 has it."""
    pair = Pair(url, tmp_path, 11)
    feeder = RawKey(bytes(31) + b"\x0f")
    place_oracle(pair.l1.client, feeder.address)
    relayer = pair.relayers[0].relayer
    relayer.feed_fees(pair.l1.client, feeder)
    pair.blocks()
    before = int(ORACLE.read(pair.l1.client, "l1FeePerByte"))
    for _ in range(15):
        pair.relayers[0].turn()
        pair.l1.mine()
    (cost,) = relayer.costs.recent(5)
    status = relayer.progress.status()
    assert (status["spent"], status["failing_steps"]) == (cost.total, 0)
    assert status["feeder_balance"] == pair.l1.client.balance(feeder.address)
    metrics = dict(
        line.split(" ") for line in relayer.progress.metrics().decode().splitlines() if line[0] != "#"
    )
    assert float(metrics["jovay_relayer_spent"]) == cost.total
    assert float(metrics["jovay_relayer_works"]) == 1
    assert cost.gas > 100_000
    fee = int(ORACLE.read(pair.l1.client, "l1FeePerByte"))
    assert before < fee < 3 * cost.total // DEFAULT.least_bytes
    pair.close()
