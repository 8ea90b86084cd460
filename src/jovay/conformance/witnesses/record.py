"""Real witnesses: a generated case becomes a genesis and a block, which the sequencer's producer executes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jovay.chain.block_hashes import BlockHashes
from jovay.chain.development import predeploys
from jovay.chain.environment import BlockEnvironment
from jovay.chain.system_contracts import BEACON_ROOTS, HISTORY_STORAGE
from jovay.chain.types import EMPTY_CODE_HASH
from jovay.conformance.differential.cases import CHAIN_ID, Account, Case, block_hash
from jovay.conformance.differential.generate import make_case
from jovay.conformance.parallel import Transactions
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.protocol.forks import FORKS
from jovay.kernel.protocol.limits import BLOCK_HASHES
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import dtype_of
from jovay.sequencer.production.block import ProducedBlock
from jovay.sequencer.production.producer import BlockProducer
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.state.writes import Records, WriteSet
from jovay.tracer.witness import BlockInput

FORK_NAMES = ("Cancun", "Prague", "Osaka")
#: Code that keeps the word that it is called with in slot 0 and the hash of the third block before in slot 1, and logs
#: the word.
KEEPS_WORD = bytes.fromhex("60034303406001555f358060005560005260206000a000")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A block with its witness, and what the producer made of it; ``genesis`` is the whole state before it."""

    input: BlockInput
    genesis: WriteSet
    state_root: bytes
    receipts_root: bytes
    transactions_root: bytes
    gas_used: int
    bloom: bytes


def little(number: int) -> bytes:
    return number.to_bytes(32, "little")


def genesis_of(library: Library, accounts: dict[int, Account]) -> WriteSet:
    """The accounts as records, with their slots and code."""
    records = np.zeros(len(accounts), dtype_of(AccountChange))
    slots: list[tuple[bytes, bytes, bytes]] = []
    codes: dict[bytes, None] = {}
    for i, (address, account) in enumerate(accounts.items()):
        digest = keccak256(library, account.code) if account.code else EMPTY_CODE_HASH
        row = records[i]
        row["address"], row["balance"], row["nonce"] = little(address), little(account.balance), account.nonce
        row["code_hash"], row["code_size"] = digest[::-1], len(account.code)
        row["exists"] = bool(account.balance or account.nonce or account.code)
        if account.code:
            codes[account.code] = None
        slots += [(little(address), little(k), little(v)) for k, v in account.storage.items() if v]
    return WriteSet(records, np.array(slots, dtype_of(SlotChange)), list(codes))


def accounts_of(case: Case) -> dict[int, Account]:
    """Those of a chain: no storage without code or nonce, and mostly system contracts, usual or not."""
    accounts = dict(case.accounts)
    for account in accounts.values():
        if account.storage and not account.code and not account.nonce:
            account.nonce = 1
    if case.seed % 4:
        usual = predeploys()
        for address in (HISTORY_STORAGE, BEACON_ROOTS):
            code = KEEPS_WORD if case.seed % 4 == 3 else usual[address].code
            accounts.setdefault(int.from_bytes(address), Account(nonce=1, code=code))
    return accounts


def environment_of(case: Case) -> BlockEnvironment:
    e = case.environment
    return BlockEnvironment(
        number=e.number,
        timestamp=e.timestamp,
        gas_limit=e.gas_limit,
        base_fee=e.base_fee,
        coinbase=e.coinbase,
        chain_id=CHAIN_ID,
        fork=FORKS[e.fork],
        parent_hash=block_hash(e.number - 1),
        prevrandao=e.prevrandao,
        blob_base_fee=e.blob_base_fee,
        max_blobs=e.max_blobs,
    )


def world_of(library: Library, genesis: WriteSet) -> NativeWorld:
    world = NativeWorld(library, 4096, 16384, code_bytes=1 << 24, history=4096)
    for code in genesis.codes:
        world.intern(code)
    world.insert(genesis.accounts, genesis.slots, [])
    return world


def decodable(library: Library, case: Case) -> tuple[list[bytes], list[int]]:
    """Raw transactions and senders."""
    raws, senders = [], []
    for transaction in case.transactions:
        raw = transaction.raw()
        try:
            Transactions(library, [raw], [transaction.sender])
        except ValueError:
            continue
        raws.append(raw)
        senders.append(transaction.sender)
    return raws, senders


def small_trie(library: Library) -> StateTrie:
    """Room for the accounts of a case, and not more: in the checked build all of it is marked."""
    return StateTrie(library, 1 << 14, scratch_bytes=64 << 20)


def produce(
    library: Library,
    genesis: WriteSet,
    environment: BlockEnvironment,
    raws: Sequence[bytes],
    senders: Sequence[int],
) -> ProducedBlock:
    """The block over the whole state, in the order of its transactions."""
    producer = BlockProducer(library, world_of(library, genesis), 1, max_transactions=64, record=True)
    try:
        transactions = Transactions(library, list(raws), list(senders))
        return producer.produce(environment, transactions.array(), serial=True)
    finally:
        producer.close()


def with_hashes(environment: BlockEnvironment, hashes: Sequence[bytes]) -> BlockEnvironment:
    """The environment with the hashes of the blocks before, oldest first."""
    known = BlockHashes()
    for number, digest in enumerate(hashes, environment.number - len(hashes)):
        known.put(number, digest)
    return dataclasses.replace(environment, hashes=known, hashes_known=len(hashes))


def codes_of(accounts: Records, genesis: WriteSet, library: Library) -> list[bytes]:
    wanted = {row["code_hash"].tobytes()[::-1] for row in accounts}
    return [code for code in genesis.codes if keccak256(library, code) in wanted]


def record(library: Library, fork: str, seed: int) -> Recorded:
    """The block that a case of differential testing makes, with its witness."""
    case = make_case(fork, seed)
    genesis = genesis_of(library, accounts_of(case))
    return record_block(library, genesis, environment_of(case), *decodable(library, case))


def record_block(
    library: Library,
    genesis: WriteSet,
    environment: BlockEnvironment,
    raws: Sequence[bytes],
    senders: Sequence[int],
    shown: WriteSet | None = None,
) -> Recorded:
    """A block with its witness, which also shows the keys of ``shown``."""
    first = max(0, environment.number - BLOCK_HASHES)
    hashes = [block_hash(n) for n in range(first, environment.number)]
    known = with_hashes(environment, hashes)
    block = produce(library, genesis, known, raws, senders)
    trie = small_trie(library)
    parent_root = trie.update(genesis)
    assert block.touched is not None
    touched, ancestors, proven = block.touched.keys, block.touched.ancestors, block.touched.proven
    if shown is not None:
        accounts = np.concatenate([touched.accounts, shown.accounts])
        touched = WriteSet(accounts, np.concatenate([touched.slots, shown.slots]))
        proven = WriteSet(accounts, np.concatenate([proven.slots, shown.slots]))
    touched = WriteSet(touched.accounts, touched.slots, codes_of(touched.accounts, genesis, library))
    given = BlockInput(
        block=bytes(environment.record()),
        parent_hash=environment.parent_hash,
        parent_root=parent_root,
        touched=touched,
        multiproof=trie.multiproof(proven),
        hashes=hashes[len(hashes) - ancestors :],
        transactions=[raws[i] for i in block.order],
    )
    return Recorded(
        input=given,
        genesis=genesis,
        state_root=trie.update(block.writes),
        receipts_root=block.receipts_root,
        transactions_root=block.transactions_root,
        gas_used=block.gas_used,
        bloom=block.bloom,
    )
