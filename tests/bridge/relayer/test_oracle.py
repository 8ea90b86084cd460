"""The fee for L1 data: fed to the real contract, and enough for what batches cost, whatever L1's prices do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from jovay.bridge import genesis
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.fees import Market
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.transactions import Policy, TxManager
from jovay.bridge.relayer.costs import BatchCost
from jovay.bridge.relayer.oracle import MIN_BATCH_BYTES, ORACLE, Figures, Oracle, OraclePolicy, figures
from rigs.anvil import anvil
from rigs.l1_fees import place_oracle

GWEI = 10**9
KEY = RawKey(bytes(31) + b"\7")
POLICY = OraclePolicy()
COMMIT_AND_CLAIM = 105_206 + 248_701  # gas, contracts/README.md
BLOB_GAS = 131_072
FORGOTTEN = 10**9
"""A block that L2 does not know: its batch is believed to have taken in what it cost."""
SCALES = genesis.Oracle()


def cost(index: int, charged: int, prices: Market, blobs: int = 1) -> BatchCost:
    """A batch at these prices; zstd makes half of its bytes."""
    price = prices.base_fee + prices.tip
    blob_gas = blobs * BLOB_GAS
    return BatchCost(
        index, COMMIT_AND_CLAIM, COMMIT_AND_CLAIM * price, blob_gas, blob_gas * prices.blob_base_fee,
        charged, charged // 2, FORGOTTEN,
    )  # fmt: skip


@pytest.fixture(scope="module")
def l2() -> Iterator[L1Client]:
    """A chain with the contract as genesis has it."""
    with anvil(extra=["--no-mining"]) as node:
        client = L1Client(node.url)
        place_oracle(client, KEY.address)
        yield client


class Feed:
    """An oracle whose L1 prices and costs are set by hand."""

    def __init__(self, l2: L1Client, path: Path) -> None:
        self.l2, self.now = l2, 0.0
        self.prices, self.costs = Market(GWEI, 1, 0), [cost(1, 500_000, Market(GWEI, 1, 0))]
        self.manager = TxManager(l2, KEY, path, Policy(confirmations=1))
        self.oracle = Oracle(
            l2, self.manager, lambda: self.prices, lambda count: self.costs[:count], clock=lambda: self.now
        )

    def step(self) -> bool:
        """Whether something was told."""
        self.oracle.step()
        before = self.l2.nonce(KEY.address)
        self.manager.step()
        self.l2.call("evm_mine")
        self.manager.step()
        return self.l2.nonce(KEY.address) > before

    def use(self) -> None:
        """Somebody sends a transaction."""
        sender = self.l2.call("eth_accounts")[0]
        self.l2.call("eth_sendTransaction", {"from": sender, "to": sender})
        self.l2.call("evm_mine")

    @property
    def per_byte(self) -> int:
        return int(ORACLE.read(self.l2, "l1FeePerByte"))


@pytest.fixture
def feed(l2: L1Client, tmp_path: Path) -> Iterator[Feed]:
    made = Feed(l2, tmp_path / "feed.sqlite")
    yield made
    made.manager.close()


def test_the_contract_learns_what_batches_cost(feed: Feed) -> None:
    feed.costs = []
    assert not feed.step()
    feed.costs = [cost(1, 500_000, feed.prices)]
    assert feed.step()
    expected = (COMMIT_AND_CLAIM * GWEI + BLOB_GAS) * (100 + POLICY.margin) // 100 // 500_000
    assert abs(feed.per_byte - expected) <= 1
    assert not feed.step()
    feed.prices = Market(GWEI + GWEI // 20, 1, 0)
    feed.use()
    assert not feed.step()
    feed.now = POLICY.longest
    assert feed.step()
    assert not feed.step()
    feed.prices = Market(3 * GWEI, 1, 0)
    assert feed.step()
    assert abs(feed.per_byte - 3 * expected) <= 3


def test_a_chain_that_nobody_uses_goes_quiet(feed: Feed) -> None:
    """Else each telling makes a batch, which costs, which is told."""
    assert feed.step()
    expected = feed.per_byte
    for price in (GWEI * 19 // 10, GWEI * 6 // 10, GWEI // 4):
        feed.prices = Market(price, 1, 0)
        assert not feed.step()
    feed.now += POLICY.longest
    assert feed.step()
    assert not feed.step()
    feed.prices = Market(GWEI // 3, 1, 0)
    feed.now += POLICY.longest
    assert not feed.step()
    feed.prices = Market(GWEI, 1, 0)
    assert feed.step()
    assert abs(feed.per_byte - expected) <= 1
    feed.prices = Market(GWEI * 6 // 5, 1, 0)
    assert not feed.step()
    feed.use()
    assert feed.step()
    assert not feed.step()


def test_what_was_taken_in_too_little_is_added(feed: Feed) -> None:
    prices = feed.prices = Market(5 * GWEI, 1, 0)
    assert feed.step()
    fee = feed.per_byte
    feed.costs = [replace(cost(1, 500_000, prices), last_block=feed.l2.block_number())]
    assert not feed.step()
    feed.costs = [replace(cost(2, 500_000, Market(7 * GWEI, 1, 0)), last_block=feed.l2.block_number())]
    feed.use()
    assert feed.step()
    assert fee * 115 // 100 > feed.per_byte > fee * 110 // 100  # (7 / 5 - 1.25) / 1.25 on top
    feed.costs = [replace(cost(3, 500_000, Market(700 * GWEI, 1, 0)), last_block=1)]
    feed.use()
    assert feed.step()
    assert feed.per_byte * 125 // 225 in range(fee - 1, fee + 2)


def test_bounds_of_the_contract_are_not_run_against(feed: Feed) -> None:
    feed.prices = Market(10**6 * GWEI, 10**6 * GWEI, 0)
    assert feed.step()
    most = 100 * GWEI * (SCALES.most_gas + SCALES.most_blob_gas)
    assert feed.per_byte == most // MIN_BATCH_BYTES
    assert not feed.step()
    feed.now = POLICY.longest
    assert not feed.step()


def test_a_fee_that_waits_is_not_told_again(feed: Feed) -> None:
    feed.prices = Market(7 * GWEI, 1, 0)
    for _ in range(3):
        feed.oracle.step()
        feed.manager.step()
    assert feed.l2.nonce(KEY.address, "pending") == feed.l2.nonce(KEY.address) + 1
    feed.l2.call("evm_mine")


def test_the_least_size_is_the_contracts(l2: L1Client) -> None:
    assert ORACLE.read(l2, "MIN_BATCH_BYTES") == MIN_BATCH_BYTES


# ---- money


def per_byte(told: Figures) -> int:
    """As the contract computes it (``L1GasOracle._update``), with its bounds."""
    da_fee = min(told.da_fee, 100 * GWEI * SCALES.most_blob_gas)
    exec_fee = min(told.exec_fee, 100 * GWEI * SCALES.most_gas)
    spread = da_fee * SCALES.blob_base_fee_scale + exec_fee * SCALES.base_fee_scale
    return spread * SCALES.total_scale // (10_000 * max(told.size, MIN_BATCH_BYTES))


def wander(random: Random, steps: int, spike: range) -> Iterator[Market]:
    """Prices that move by up to 12.5 % a batch, and a hundredfold for a while."""
    base, blob = 2.0 * GWEI, 0.5 * GWEI
    for step in range(steps):
        base = min(max(base * random.uniform(0.875, 1.14), GWEI / 10), 40 * GWEI)
        blob = min(max(blob * random.uniform(0.875, 1.14), 1), 40 * GWEI)
        high = 100 if step in spike else 1
        yield Market(min(int(base * high), 90 * GWEI), min(int(blob * high), 90 * GWEI), GWEI // 10)


def run(seed: int, sizes: Callable[[Random], int], spike: range = range(0)) -> tuple[float, float]:
    """Taken in, and paid: by batches whose transactions pay the fee that was known when they were executed."""
    random = Random(seed)
    done: list[tuple[BatchCost, int]] = []
    fee = SCALES.l1_fee_per_byte
    for index, prices in enumerate(wander(random, 600, spike)):
        size = sizes(random)
        taken = size * fee
        done.append((cost(index, size, prices, blobs=1 + size // (8 * 126_976)), taken))
        window = done[-POLICY.window :]
        costs, taken_in = [each for each, _ in window], sum(got for _, got in window)
        fee = per_byte(figures(costs, taken_in, prices, POLICY))
    settled = done[POLICY.window :]  # before that the fee of genesis was paid
    return sum(got for _, got in settled), sum(each.total for each, _ in settled)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_taken_in_covers_what_is_paid(seed: int) -> None:
    taken, paid = run(seed, lambda random: int(random.uniform(20_000, 3_000_000)))
    assert paid <= taken <= 3 * paid


@pytest.mark.parametrize("seed", range(20))
def test_after_a_spike_what_was_missed_is_made_up_for(seed: int) -> None:
    taken, paid = run(seed, lambda random: 200_000 + int(random.uniform(0, 100_000)), range(100, 130))
    assert paid <= taken <= 3 * paid


def test_the_fee_does_not_run_away_from_an_idle_chain() -> None:
    """A transaction in each batch: it pays as if 10 kB shared the cost, and no more in the end than at first."""
    prices = Market(GWEI, 1, 0)
    fee, fees = 0, []
    done: list[tuple[BatchCost, int]] = []
    for index in range(200):
        done.append((cost(index, 110, prices), 110 * fee))
        window = done[-POLICY.window :]
        costs, taken_in = [each for each, _ in window], sum(got for _, got in window)
        fee = per_byte(figures(costs, taken_in, prices, POLICY))
        fees.append(fee)
    fair = done[-1][0].total // POLICY.least_bytes
    assert fair <= fees[-1] <= 2 * fair
    assert max(fees) <= (200 + POLICY.margin) * fair // 100 + 1
