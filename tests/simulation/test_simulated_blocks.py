"""eth_simulateV1: blocks of calls. Roots, hashes and blooms against PyPI's ``trie``, ``rlp`` and Keccak."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]
from trie import HexaryTrie  # type: ignore[import-not-found]

from jovay.chain.development import development_genesis
from jovay.chain.reasons import Halt, Invalid
from jovay.chain.system_contracts import BEACON_ROOTS, HISTORY_STORAGE
from jovay.chain.types import EMPTY_TRIE_ROOT, AccessEntry, Block, Header, Withdrawal
from jovay.native.library import Library
from jovay.simulation.requests import (
    AccountOverride,
    BlockOverrides,
    Bundle,
    BundleResult,
    Call,
    ExecuteOptions,
)
from jovay.simulation.simulate import Simulator
from jovay.simulation.trace_frames import ETHER as PSEUDO
from jovay.simulation.trace_frames import TRANSFER
from rigs.assembly import asm, call
from rigs.contract_cases import ALICE, DEPLOY_FE, LOG, MAIN, OTHER, POOR, REVERT
from rigs.memory_chain import CHAIN_ID, COINBASE, ETHER, MemoryChain, Pre
from rigs.transactions import decode, keccak256

OPTIONS = ExecuteOptions(gas_cap=50_000_000, time_limit=5.0, new_block=True)
COUNT = asm(0, "sload", 1, "add dup1", 0, "sstore", 0, "mstore", 32, 0, "dup2 dup2 log0 return")


@pytest.fixture(scope="module")
def chain(library: Library) -> Iterator[MemoryChain]:
    made = MemoryChain(library, {ALICE: Pre(100 * ETHER), MAIN: Pre(1_000, 1, COUNT)})
    for _ in range(3):
        made.block()
    yield made
    made.close()


@pytest.fixture(scope="module")
def simulator(library: Library, chain: MemoryChain) -> Simulator:
    return Simulator(library, chain.world, chain)


def options(**changes: Any) -> ExecuteOptions:
    return ExecuteOptions(**({name: getattr(OPTIONS, name) for name in OPTIONS.__struct_fields__} | changes))


def blocks(results: list[BundleResult]) -> list[Block]:
    assert all(result.block is not None for result in results)
    return [result.block for result in results if result.block is not None]


def ordered_root(values: list[bytes]) -> bytes:
    trie = HexaryTrie({})
    for index, value in enumerate(values):
        trie[rlp.encode(index)] = value
    return bytes(trie.root_hash)


def bloom_of(logs: list[Any]) -> bytes:
    bits = 0
    for log in logs:
        for entry in (log.address, *log.topics):
            digest = keccak256(entry)
            for k in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[k : k + 2], "big") % 2048)
    return bits.to_bytes(256, "big")


def header_hash(h: Header) -> bytes:
    fields: list[Any] = [h.parent_hash, h.uncles_hash, h.coinbase, h.state_root, h.transactions_root]
    fields += [h.receipts_root, h.logs_bloom, h.difficulty, h.number, h.gas_limit, h.gas_used, h.timestamp]
    fields += [h.extra_data, h.mix_hash, h.nonce, h.base_fee_per_gas, h.withdrawals_root, h.blob_gas_used]
    fields += [h.excess_blob_gas, h.parent_beacon_block_root, h.requests_hash]
    return keccak256(rlp.encode(fields))


def envelope(tx: Any) -> bytes:
    access = [[entry.address, list(entry.storage_keys)] for entry in tx.access_list or ()]
    common = [tx.gas, tx.to or b"", tx.value, tx.input]
    if tx.type == 0:
        return bytes(rlp.encode([tx.nonce, tx.gas_price, *common, 0, 0, 0]))
    prices = [tx.gas_price] if tx.type == 1 else [tx.max_priority_fee_per_gas, tx.max_fee_per_gas]
    return bytes([tx.type]) + bytes(rlp.encode([CHAIN_ID, tx.nonce, *prices, *common, access, 0, 0, 0]))


def test_one_block_with_everything_in_it(simulator: Simulator, chain: MemoryChain) -> None:
    calls = (
        Call(sender=ALICE, to=MAIN),
        Call(sender=ALICE, to=OTHER, gas=100_000),
        Call(sender=ALICE, to=MAIN, gas_price=5, access_list=(AccessEntry(MAIN, (bytes(32),)),)),
        Call(sender=POOR, data=DEPLOY_FE, gas=200_000, max_fee_per_gas=0),
        Call(sender=ALICE, to=POOR, value=7, gas_price=3),
    )
    state = {OTHER: AccountOverride(code=LOG + REVERT)}
    (result,) = simulator.execute([Bundle(calls, None, state)], 3, OPTIONS)
    (block,) = blocks([result])
    header, parent = block.header, chain.headers[3]
    assert [r.halt for r in result.calls] == [None, Halt.REVERT, None, None, None]
    assert [tx.nonce for tx in block.transactions] == [0, 1, 2, 0, 3]
    assert [tx.type for tx in block.transactions] == [2, 2, 1, 2, 0]
    assert block.transactions[0].gas == 50_000_000
    envelopes = [envelope(tx) for tx in block.transactions]
    assert [tx.hash for tx in block.transactions] == list(map(keccak256, envelopes))
    assert header.transactions_root == ordered_root(envelopes)
    receipts, total = [], 0
    for tx, done in zip(block.transactions, result.calls, strict=True):
        total += done.gas_used
        logs = [[log.address, list(log.topics), log.data] for log in done.logs]
        status = b"" if done.halt else b"\1"
        payload = rlp.encode([status, total, bloom_of(list(done.logs)), logs])
        receipts.append((bytes([tx.type]) if tx.type else b"") + bytes(payload))
    assert header.receipts_root == ordered_root(receipts)
    assert header.logs_bloom == bloom_of([log for done in result.calls for log in done.logs])
    assert [log.index for done in result.calls for log in done.logs] == [0, 1]
    assert (header.number, header.parent_hash, header.gas_used) == (4, parent.hash, total)
    assert (header.gas_limit, header.coinbase, header.base_fee_per_gas) == (parent.gas_limit, COINBASE, 0)
    assert header.timestamp == parent.timestamp + 12
    assert header.withdrawals_root == EMPTY_TRIE_ROOT
    assert header.hash == header_hash(header)


def test_blocks_follow_each_other(simulator: Simulator, chain: MemoryChain) -> None:
    ask = asm(0, "calldataload") + bytes.fromhex("40") + asm(0, "mstore", 32, 0, "return")
    state = {OTHER: AccountOverride(code=ask)}

    def asks(number: int) -> Call:
        return Call(to=OTHER, data=number.to_bytes(32, "big"))

    bundles = [
        Bundle((Call(to=MAIN), asks(3), asks(4)), None, state),
        Bundle(
            (Call(to=MAIN), Call(to=MAIN), asks(2), asks(4), asks(5)),
            BlockOverrides(number=5, timestamp=10**10),
        ),
        Bundle((Call(to=MAIN), asks(5))),
    ]
    results = simulator.execute(bundles, 3, OPTIONS)
    first, second, third = blocks(results)
    counts = [[int.from_bytes(r.output, "big") for r in one.calls if r.logs] for one in results]
    assert counts == [[1], [2, 3], [4]]
    assert (second.header.parent_hash, third.header.parent_hash) == (first.header.hash, second.header.hash)
    assert third.header.timestamp == 10**10 + 12
    asked = [[r.output for r in one.calls if not r.logs] for one in results]
    assert asked == [
        [chain.headers[3].hash, bytes(32)],
        [chain.headers[2].hash, first.header.hash, bytes(32)],
        [second.header.hash],
    ]
    assert [log.index for one in results[1:] for r in one.calls for log in r.logs] == [0, 1, 0]


def test_transfers_as_logs(simulator: Simulator) -> None:
    code = call(OTHER, 5) + LOG + call(POOR, 6) + asm("stop")
    state = {
        MAIN: AccountOverride(code=code),
        OTHER: AccountOverride(code=REVERT),
        POOR: AccountOverride(balance=0),
    }
    calls = (Call(sender=ALICE, to=MAIN, value=9), Call(sender=ALICE, to=POOR, value=1))
    (result,) = simulator.execute([Bundle(calls, None, state)], 3, options(transfers=True))

    def transfer(sender: bytes, to: bytes, value: int) -> tuple[bytes, tuple[bytes, ...], bytes]:
        return PSEUDO, (TRANSFER, bytes(12) + sender, bytes(12) + to), value.to_bytes(32, "big")

    found = [[(log.address, log.topics, log.data) for log in r.logs] for r in result.calls]
    own = (MAIN, ((7).to_bytes(32, "big"),), (0xAB).to_bytes(32, "big"))
    assert found == [[transfer(ALICE, MAIN, 9), own, transfer(MAIN, POOR, 6)], [transfer(ALICE, POOR, 1)]]
    assert [log.index for r in result.calls for log in r.logs] == [0, 1, 2, 3]
    (block,) = blocks([result])
    # They are no logs of the chain.
    assert block.header.logs_bloom == bloom_of([result.calls[0].logs[1]])


def test_validation(simulator: Simulator, chain: MemoryChain) -> None:
    def outcome(one: Call, **block: Any) -> tuple[Invalid | None, str]:
        bundle = Bundle((one,), BlockOverrides(**block) if block else None)
        ((result,),) = [r.calls for r in simulator.execute([bundle], 3, options(validation=True))]
        return result.invalid, result.detail

    paid = {"max_fee_per_gas": 2 * chain.base_fee}
    assert outcome(Call(sender=ALICE, to=MAIN, **paid))[0] is None
    assert outcome(Call(sender=ALICE, to=MAIN))[0] is Invalid.FEE_CAP_TOO_LOW
    assert outcome(Call(sender=ALICE, to=MAIN), base_fee_per_gas=0)[0] is None
    assert outcome(Call(sender=ALICE, to=MAIN, nonce=4, **paid))[0] is Invalid.NONCE_TOO_HIGH
    assert outcome(Call(sender=POOR, to=MAIN, **paid))[0] is Invalid.INSUFFICIENT_FUNDS
    assert outcome(Call(sender=MAIN, to=MAIN), base_fee_per_gas=0)[0] is None  # a contract may send
    reason, text = outcome(Call(sender=ALICE, to=MAIN, gas=2_000_000_000, **paid))
    assert reason is Invalid.BLOCK_GAS_LIMIT
    assert text == "block gas limit reached: 0 >= 1000000000"


def test_a_block_with_an_invalid_call_is_none(simulator: Simulator) -> None:
    bundles = [Bundle((Call(to=MAIN),)), Bundle((Call(to=MAIN), Call(to=MAIN, gas=5))), Bundle(())]
    results = simulator.execute(bundles, 3, OPTIONS)
    assert [result.block is None for result in results] == [False, True]
    assert results[1].calls[1].invalid is Invalid.INTRINSIC_GAS


def test_the_blocks_gas_limit(simulator: Simulator) -> None:
    bundle = Bundle((Call(to=MAIN, gas=60_000), Call(to=MAIN)), BlockOverrides(gas_limit=100_000))
    (result,) = simulator.execute([bundle], 3, OPTIONS)
    (block,) = blocks([result])
    assert block.transactions[1].gas == 100_000 - result.calls[0].gas_used
    calls = (Call(to=MAIN, gas=60_000), Call(to=MAIN, gas=99_000))
    (result,) = simulator.execute([Bundle(calls, BlockOverrides(gas_limit=100_000))], 3, OPTIONS)
    assert result.calls[1].invalid is Invalid.BLOCK_GAS_LIMIT


def test_system_writes_and_withdrawals(library: Library) -> None:
    pre = development_genesis().alloc
    contracts = {at: Pre(0, 1, pre[at].code) for at in (HISTORY_STORAGE, BEACON_ROOTS)}
    chain = MemoryChain(library, contracts)
    try:
        root = b"\x77" * 32
        block = BlockOverrides(
            timestamp=2 * 10**9, parent_beacon_block_root=root, withdrawals=(Withdrawal(1, 2, POOR, 3),)
        )
        asked = (2 * 10**9).to_bytes(32, "big")
        asks = (Call(to=HISTORY_STORAGE, data=bytes(32)), Call(to=BEACON_ROOTS, data=asked))
        balance = asm(POOR, "balance", 0, "mstore", 32, 0, "return")
        state = {MAIN: AccountOverride(code=balance)}
        simulator = Simulator(library, chain.world, chain)
        results = simulator.execute([Bundle(asks, block), Bundle((Call(to=MAIN),), None, state)], 0, OPTIONS)
        assert [r.output for r in results[0].calls] == [chain.headers[0].hash, root]
        assert int.from_bytes(results[1].calls[0].output, "big") == 3 * 10**9
        header = blocks(results)[0].header
        assert header.withdrawals_root == ordered_root([bytes(rlp.encode([1, 2, POOR, 3]))])
        assert header.parent_beacon_block_root == root
        assert header.hash == header_hash(header)
    finally:
        chain.close()


def test_no_time(simulator: Simulator) -> None:
    results = simulator.execute([Bundle((Call(to=MAIN),))] * 2, 3, options(time_limit=-1.0))
    assert [[r.halt for r in one.calls] for one in results] == [[Halt.TIMEOUT]]
    assert results[0].block is None


def test_the_unsigned_envelope_is_a_transaction(simulator: Simulator) -> None:
    (result,) = simulator.execute([Bundle((Call(sender=ALICE, to=MAIN, gas=50_000),))], 3, OPTIONS)
    raw = envelope(blocks([result])[0].transactions[0])
    signed = b"\x02" + bytes(rlp.encode([*rlp.decode(raw[1:])[:-2], b"\1", b"\1"]))
    assert decode(signed)["gas_limit"] == 50_000
