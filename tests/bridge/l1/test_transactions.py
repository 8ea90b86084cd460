"""The transaction manager against anvil, whose blocks are made by hand: what gets lost, dearer, taken, taken back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from jovay.bridge.errors import L1UnreachableError, RequestConflictError, TransactionStoreError
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.fees import Ceilings, market
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.transactions import Failed, Mined, Pending, Policy, Request, TxManager
from jovay.chain.hexadecimal import hexed
from rigs.anvil import CHAIN_ID, anvil

GWEI = 10**9
CONFIRMATIONS = 6
POLICY = Policy(
    ceilings=Ceilings(fee=5_000 * GWEI, tip=5_000 * GWEI), confirmations=CONFIRMATIONS, patience=2
)
TARGET = bytes(19) + b"\xaa"
#: Reverts with TooEarly(uint256) of Rollup unless the transaction has a blob.
REVERTING = bytes(19) + b"\xbb"
TOO_EARLY = keccak(text="TooEarly(uint256)")[:4] + (1234).to_bytes(32, "big")
#: BLOBHASH(0) is not 0 or else revert with what stands behind the code.
REVERTING_CODE = bytes.fromhex("5f49600f57 60246011 5f39 60245ffd 5b00") + TOO_EARLY
_numbers = itertools.count(1)


class Chain(L1Client):
    """Anvil; the answer to what is sent may get lost, before it arrives or after."""

    loses: str | None = None

    def send_raw(self, raw: bytes) -> bytes:
        if self.loses == "request":
            raise L1UnreachableError(self.name, "eth_sendRawTransaction", "lost")
        found = super().send_raw(raw)
        if self.loses == "answer":
            raise L1UnreachableError(self.name, "eth_sendRawTransaction", "lost")
        return found

    def mine(self, count: int = 1) -> None:
        for _ in range(count):
            self.call("evm_mine")

    def base_fee(self, fee: int) -> None:
        """Of the next block."""
        self.call("anvil_setNextBlockBaseFeePerGas", hex(fee))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with anvil(extra=["--no-mining", "--gas-price", str(GWEI)]) as node:
        client = L1Client(node.url)
        client.call("anvil_setCode", hexed(REVERTING), hexed(REVERTING_CODE))
        yield node.url


@pytest.fixture
def chain(url: str) -> Chain:
    client = Chain(url)
    client.call("anvil_dropAllTransactions")
    client.base_fee(GWEI)
    client.mine()
    return client


class Box:
    """An account with a manager that can be restarted."""

    def __init__(self, chain: Chain, path: Path) -> None:
        self.chain, self.path = chain, path
        self.secret = next(_numbers).to_bytes(32, "big")
        self.key = RawKey(self.secret)
        chain.call("anvil_setBalance", hexed(self.key.address), hex(10**24))
        self.manager = TxManager(chain, self.key, path, POLICY)

    def restart(self) -> None:
        self.manager.close()
        self.manager = TxManager(self.chain, self.key, self.path, POLICY)

    def send(self, *names: str, **more: Any) -> None:
        for name in names:
            self.manager.send(Request(more.pop("to", TARGET), name.encode(), name, **more))
        self.manager.step()

    def step(self, blocks: int = 1) -> None:
        """Blocks, each of them looked at."""
        for _ in range(blocks):
            self.chain.mine()
            self.manager.step()

    def status(self, name: str) -> Pending | Mined | Failed:
        found = self.manager.status(name)
        assert found is not None
        return found

    def hash(self, name: str) -> bytes:
        status = self.status(name)
        assert isinstance(status, Pending | Mined)
        assert status.hash is not None
        return status.hash

    def foreign(self, nonce: int, data: bytes = b"foreign", fee: int = 50 * GWEI) -> bytes:
        """Somebody else sends with the same key."""
        fields = {
            "chainId": CHAIN_ID, "nonce": nonce, "gas": 50_000, "to": to_checksum_address(TARGET), "value": 0,
            "data": hexed(data), "maxFeePerGas": fee, "maxPriorityFeePerGas": fee,
        }  # fmt: skip
        return self.chain.send_raw(bytes(Account.sign_transaction(fields, self.secret).raw_transaction))

    def mined(self) -> list[bytes]:
        """Data of the account's transactions in the chain, in order."""
        found = []
        for number in range(self.chain.block_number() + 1):
            block = self.chain.call("eth_getBlockByNumber", hex(number), True)
            for each in block["transactions"]:
                if each["from"] == hexed(self.key.address):
                    found.append((int(each["nonce"], 16), bytes.fromhex(each["input"][2:])))
        assert [nonce for nonce, _ in found] == list(range(len(found)))
        return [data for _, data in found]


@pytest.fixture
def box(chain: Chain, tmp_path: Path) -> Iterator[Box]:
    made = Box(chain, tmp_path / "transactions.sqlite")
    yield made
    made.manager.close()


def test_requests_are_mined_in_order_and_become_final(box: Box) -> None:
    box.send("one", "two", "three")
    assert isinstance(box.status("two"), Pending)
    box.step()
    status = box.status("three")
    assert isinstance(status, Mined)
    assert not status.final
    block = box.chain.block(status.block_number)
    assert block is not None
    assert status.block_hash == block.hash
    box.step(CONFIRMATIONS - 1)
    final = box.status("three")
    assert isinstance(final, Mined)
    assert final.final
    assert final.receipt == status.receipt
    assert box.mined() == [b"one", b"two", b"three"]


def test_what_was_spent(box: Box) -> None:
    def paid() -> int:
        return sum(receipt.cost for receipt in box.manager.receipts())

    assert box.manager.spent() == 0
    box.send("one", "two")
    box.step()
    assert box.manager.spent() == paid() > 0
    box.step(CONFIRMATIONS - 1)
    settled = box.manager.spent()
    assert settled == paid()
    box.send("three")
    box.step()
    assert box.manager.spent() == paid() > settled
    box.step(CONFIRMATIONS)
    assert box.manager.spent() == paid()
    box.restart()
    assert box.manager.spent() == paid()


def test_a_request_is_made_once(box: Box) -> None:
    box.send("one")
    box.send("one")
    box.step(CONFIRMATIONS)
    box.restart()
    box.send("one")
    box.step()
    assert box.mined() == [b"one"]
    with pytest.raises(RequestConflictError):
        box.manager.send(Request(TARGET, b"another", "one"))
    assert box.manager.status("never asked for") is None


def test_what_the_pool_forgets_is_sent_again(box: Box) -> None:
    box.send("one", "two")
    box.chain.call("anvil_dropTransaction", hexed(box.hash("one")))
    box.step()
    assert box.mined() == []
    box.step()
    assert box.mined() == [b"one", b"two"]


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_restart_finds_what_was_signed(box: Box, lost: str) -> None:
    box.chain.loses = lost
    with pytest.raises(L1UnreachableError):
        box.send("one")
    box.chain.loses = None
    signed = box.hash("one")
    box.restart()
    box.manager.step()
    box.step(2)
    assert box.mined() == [b"one"]
    assert box.hash("one") == signed


@pytest.mark.parametrize("depth", [1, 3, CONFIRMATIONS - 1])
def test_a_reorganisation_takes_it_back(box: Box, depth: int) -> None:
    box.send("one", "two")
    box.step(depth)
    assert isinstance(box.status("two"), Mined)
    box.chain.call("anvil_reorg", depth, [])
    box.manager.step()
    assert isinstance(box.status("two"), Pending)
    box.step(2)
    assert isinstance(box.status("two"), Mined)
    assert box.mined() == [b"one", b"two"]


def test_fees_rise_a_hundredfold(box: Box) -> None:
    box.send("one", "two")
    first = box.hash("one")
    for _ in range(POLICY.patience + 2):
        box.chain.base_fee(100 * GWEI)
        box.step()
    status = box.status("one")
    assert isinstance(status, Mined)
    assert status.hash != first
    assert status.receipt.gas_price >= 100 * GWEI
    assert box.mined() == [b"one", b"two"]


def test_nothing_is_sent_above_the_ceilings(box: Box) -> None:
    box.chain.base_fee(6_000 * GWEI)
    box.chain.mine()
    box.send("one")
    status = box.status("one")
    assert isinstance(status, Pending)
    assert status.hash is None
    assert "ceilings" in str(status.reason)
    box.chain.base_fee(GWEI)
    box.step(2)
    assert box.mined() == [b"one"]


def test_the_chain_stands_still_and_fees_do_not_rise(box: Box) -> None:
    box.send("one")
    signed = box.hash("one")
    for _ in range(10):
        box.manager.step()
    assert box.hash("one") == signed


def test_another_transaction_takes_the_nonce(box: Box) -> None:
    """Ours gets a new nonce, but only once the other one is final: until then both might be mined."""
    box.foreign(0)
    box.chain.mine()
    box.chain.call("anvil_reorg", 1, [])  # it is gone for now
    box.send("one")
    box.chain.call("anvil_dropTransaction", hexed(box.hash("one")))
    taker = box.foreign(0)
    box.step()
    status = box.status("one")
    assert isinstance(status, Pending)
    assert taker.hex() in str(status.reason)
    box.step(CONFIRMATIONS - 2)
    assert box.mined() == [b"foreign"]
    box.step(3)
    assert box.mined() == [b"foreign", b"one"]
    assert isinstance(box.status("one"), Mined)


def test_a_standby_has_sent_the_same(box: Box) -> None:
    box.send("one")
    box.chain.call("anvil_dropTransaction", hexed(box.hash("one")))
    taker = box.foreign(0, b"one")
    box.chain.mine()
    box.manager.step()
    box.step()
    assert box.hash("one") == taker
    assert box.mined() == [b"one"]


def test_a_foreign_transaction_in_the_pool_is_outbid(box: Box) -> None:
    box.chain.loses = "request"
    with pytest.raises(L1UnreachableError):
        box.send("one")
    box.chain.loses = None
    box.foreign(0, fee=10 * GWEI)
    for _ in range(30):
        box.manager.step()
    box.step()
    assert box.mined() == [b"one"]


def test_a_missing_nonce_is_filled(box: Box) -> None:
    before = box.foreign(0)
    box.send("one", "two")
    box.chain.call("anvil_dropTransaction", hexed(before))
    box.step(3)
    assert box.mined() == [b"", b"one", b"two"]


def test_blobs_arrive(box: Box) -> None:
    blobs = [bytes([0, n]) * 65_536 for n in (1, 2)]
    box.send("one", blobs=blobs, to=REVERTING)
    box.step()
    status = box.status("one")
    assert isinstance(status, Mined)
    assert status.receipt.blob_gas_used == 2 * 131_072
    stored = box.chain.call("anvil_getBlobsByTransactionHash", hexed(status.hash))
    assert [bytes.fromhex(each[2:]) for each in stored] == blobs


def test_blobs_are_replaced_and_taken_back(box: Box) -> None:
    box.send("one", blobs=[bytes(131_072)])
    first = box.hash("one")
    for _ in range(POLICY.patience + 2):
        box.chain.base_fee(100 * GWEI)
        box.step()
    assert box.hash("one") != first
    box.chain.call("anvil_reorg", 3, [])
    box.manager.step()
    assert isinstance(box.status("one"), Pending)
    box.chain.base_fee(GWEI)
    box.step(2)
    assert box.mined() == [b"one"]


def test_blob_transactions_and_others_take_turns(box: Box) -> None:
    box.send("plain")
    box.send("blob", blobs=[bytes(131_072)])
    box.send("plain again")
    assert box.status("blob") == Pending(
        None, "nodes take no blob transaction beside others of the same account"
    )
    box.step(3)
    assert box.mined() == [b"plain", b"blob", b"plain again"]


def test_before_osaka_blobs_have_one_proof_each(tmp_path: Path) -> None:
    with anvil(hardfork="prague", extra=["--no-mining"]) as node:
        box = Box(Chain(node.url), tmp_path / "transactions")
        box.send("one", blobs=[bytes(131_072)])
        box.step()
        assert box.mined() == [b"one"]
        box.manager.close()


def test_what_would_fail_is_not_sent(box: Box) -> None:
    box.send("one", to=REVERTING)
    assert box.status("one") == Failed("TooEarly(1234)")
    box.send("two")
    box.step()
    assert box.mined() == [b"two"]


def test_what_fails_behind_others_waits_for_them(box: Box) -> None:
    box.send("one")
    box.send("two", to=REVERTING)
    assert box.status("two") == Pending(None, "TooEarly(1234)")
    box.step(2)
    assert box.status("two") == Failed("TooEarly(1234)")


def test_a_revert_is_explained(box: Box) -> None:
    manager = TxManager(
        box.chain, box.key, box.path.with_name("bold"), Policy(preflight=False, confirmations=2)
    )
    manager.send(Request(REVERTING, b"", "one", gas=100_000))
    manager.step()
    box.chain.mine()
    manager.step()
    status = manager.status("one")
    assert isinstance(status, Failed)
    assert (status.reason, status.final) == ("TooEarly(1234)", False)
    box.chain.mine()
    manager.step()
    status = manager.status("one")
    assert isinstance(status, Failed)
    assert status.final
    assert status.receipt is not None
    manager.close()


def test_a_store_is_one_accounts_and_one_process(box: Box) -> None:
    with pytest.raises(TransactionStoreError, match="locked"):
        TxManager(box.chain, box.key, box.path, POLICY)
    box.manager.close()
    with pytest.raises(TransactionStoreError, match="belongs to"):
        TxManager(box.chain, RawKey(bytes(31) + b"\xff"), box.path, POLICY)
    box.manager = TxManager(box.chain, box.key, box.path, POLICY)


def test_the_market_is_that_of_the_next_block(chain: Chain) -> None:
    prices = market(chain)
    block = chain.block()
    assert block is not None
    chain.mine()
    after = chain.block()
    assert after is not None
    assert prices.base_fee == after.base_fee != block.base_fee
