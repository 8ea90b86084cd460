"""Opening a chain: genesis into an empty data directory, or recovery of what stands in one.

The flat state stands at a checkpoint; the write sets of the blocks after it are replayed. The root that comes out must
be the newest header's, or the node does not start.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from jovay.chain.environment import BlockEnvironment
from jovay.chain.errors import GenesisError
from jovay.chain.genesis import Genesis, alloc_digest
from jovay.chain.header import encode_header, header_of, sealed
from jovay.chain.rules import ChainRules
from jovay.chain.types import Header
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.protocol.forks import CANCUN
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.state.eviction import evict
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.state.writes import Records, StoredState, WriteSet, account_records, empty, slot_records
from jovay.storage.alloc import state_changes
from jovay.storage.block_parts import BlockParts
from jovay.storage.datadir import DataDirectory
from jovay.storage.errors import IncompleteDirectoryError
from jovay.storage.headers import read_header
from jovay.storage.kv import META, Batch

from .errors import ChainIdMismatchError, GenesisMismatchError, RecoveryError

log = logging.getLogger("jovay.opening")
CHAIN_ID_KEY, ALLOC_KEY, BEGUN_KEY = b"chain.id", b"genesis.alloc", b"chain.begun"


@dataclass(frozen=True)
class OpenChain:
    """A chain ready for a sequencer. ``recovered`` are the write sets that the checkpoint does not hold yet."""

    world: NativeWorld
    trie: StateTrie
    rules: ChainRules
    head: Header
    recovered: list[WriteSet]


def open_chain(
    library: Library,
    data: DataDirectory,
    genesis: Genesis,
    new_world: Callable[[StoredState, int], NativeWorld],
    trie_leaves: int = 8_000_000,
    preload: bool = True,
) -> OpenChain:
    """Open or begin the chain in ``data``; ``preload`` brings its state into memory where there is room for it.

    Raises ``GenesisMismatchError`` if it was begun with another genesis, ``RecoveryError`` if the root is wrong,
    ``IncompleteDirectoryError`` if blocks or state are gone.
    """
    check_supported(genesis)
    rules = ChainRules(genesis)
    fresh = data.blocks.latest < 0
    check_halves(data)

    def keccak(content: bytes) -> bytes:
        return keccak256(library, content)

    if fresh:
        data.state.clear()  # an earlier beginning may have stopped half-way, perhaps with another genesis
        data.state.write(0, state_changes(genesis, keccak), sync=True)
    trie, world = StateTrie(library, trie_leaves), new_world(StoredState(data.state), data.state.height)
    load_state(trie, world if preload else None, data)
    if fresh:
        head = begin(data, rules, trie.root(), keccak)
    else:
        head = read_header(data.blocks, data.blocks.latest)
        check_genesis(data, rules, keccak)
    note_beginning(data)
    recovered = replay(data, world, trie)
    if trie.root() != head.state_root:
        raise RecoveryError(head.number, head.state_root, trie.root())
    world.go_to(head.number)
    log.info("opened at block %d, root %s", head.number, head.state_root.hex())
    return OpenChain(world, trie, rules, head, recovered)


def check_halves(data: DataDirectory) -> None:
    """Refuse a directory that lost its blocks or its state: going on would write over what is left."""
    if data.blocks.torn is not None:
        log.warning("cut a group that was not whole off the block log: %s", data.blocks.torn)
    height, latest = max(data.state.height, data.state.target), data.blocks.latest
    if latest < 0 < height:
        raise IncompleteDirectoryError(data.path, f"state up to block {height}", "blocks/")
    if height < 0 <= latest:
        raise IncompleteDirectoryError(data.path, f"blocks up to {latest}", "state/")
    begun = data.kv.get(META, BEGUN_KEY)
    if latest < 0 and begun is not None:
        raise IncompleteDirectoryError(
            data.path, f"the state of a chain begun with block {begun.hex()}", "blocks/"
        )


def load_state(trie: StateTrie, world: NativeWorld | None, data: DataDirectory) -> None:
    """Build the trie from the flat state, and bring the state into the world up to half of its room.

    When all of it is in, the world needs no source any more: what it does not have does not exist.
    """
    sizes, room = {}, world.view.codes_capacity // 2 if world else 0
    whole = world is not None
    for code_hash, code in data.state.all_codes():
        sizes[code_hash] = len(code)
        room -= 2 * len(code)
        if whole and world and room > 0:
            world.intern(code)
        else:
            whole = False
    for addresses, rows in data.state.accounts():
        records = account_records(addresses.tobytes(), np.ones(len(rows), np.bool_), rows)
        records["code_size"] = [sizes.get(h.tobytes(), 0) for h in rows["code_hash"]]
        trie.update(WriteSet(records, empty(SlotChange)))
        whole = whole and world is not None and insert_some(world, records, empty(SlotChange))
    for keys, values in data.state.slots():
        records = slot_records(keys.tobytes(), values)
        trie.update(WriteSet(empty(AccountChange), records))
        whole = whole and world is not None and insert_some(world, empty(AccountChange), records)
    if whole and world:
        world.holds_everything()


def insert_some(world: NativeWorld, accounts: Records, slots: Records) -> bool:
    """Bring records into the world if it stays half empty."""
    view = world.view
    fits = 2 * (view.account_count + len(accounts)) <= view.account_capacity
    if not fits or 2 * (view.slot_count + len(slots)) > view.slot_capacity:
        return False
    world.insert(accounts, slots, ())
    return True


def replay(data: DataDirectory, world: NativeWorld, trie: StateTrie) -> list[WriteSet]:
    """Apply the write sets beyond the checkpoint to the world and the trie."""
    recovered = []
    for number, blob in data.state.recover(data.blocks):
        writes = WriteSet.decode(blob)
        if world.is_crowded():  # what was loaded first must not be in the way
            evict(world, data.state.height, 0, force=True)
        world.bring(writes, number)
        trie.update(writes)
        recovered.append(writes)
    return recovered


def genesis_header(rules: ChainRules, root: bytes, keccak: Callable[[bytes], bytes]) -> Header:
    """Block 0, with the zkTrie root of the alloc as its state root."""
    genesis = rules.genesis
    env = BlockEnvironment(
        number=genesis.number,
        timestamp=genesis.timestamp,
        gas_limit=genesis.gas_limit,
        base_fee=genesis.base_fee_per_gas or 0,
        coinbase=int.from_bytes(genesis.coinbase, "big"),
        chain_id=rules.chain_id,
        fork=rules.fork(genesis.number, genesis.timestamp),
        parent_hash=genesis.parent_hash,
        prevrandao=int.from_bytes(genesis.mix_hash, "big"),
        difficulty=genesis.difficulty,
    )
    header = header_of(
        env, state_root=root, gas_used=genesis.gas_used, blob_gas_used=genesis.blob_gas_used or 0
    )
    header = msgspec.structs.replace(
        header,
        extra_data=genesis.extra_data,
        nonce=genesis.nonce.to_bytes(8, "big"),
        excess_blob_gas=None if header.excess_blob_gas is None else genesis.excess_blob_gas or 0,
    )
    return sealed(header, keccak, np.zeros(1, np.uint32), b"")[1]


def begin(data: DataDirectory, rules: ChainRules, root: bytes, keccak: Callable[[bytes], bytes]) -> Header:
    """Store block 0, and what no header tells: the chain id and which alloc it was."""
    header = genesis_header(rules, root, keccak)
    batch = Batch()
    batch.put(META, CHAIN_ID_KEY, rules.chain_id.to_bytes(8, "big"))
    batch.put(META, ALLOC_KEY, alloc_digest(rules.genesis))
    data.kv.write(batch, sync=True)
    data.blocks.append([BlockParts(header.number, header.hash, encode_header(header))])
    return header


def note_beginning(data: DataDirectory) -> None:
    """Note that there are blocks: from then on, a directory without any has lost them."""
    if data.kv.get(META, BEGUN_KEY) is None:
        batch = Batch()
        batch.put(META, BEGUN_KEY, data.blocks.hash_of(data.blocks.latest if data.blocks.oldest else 0))
        data.kv.write(batch, sync=True)


def check_supported(genesis: Genesis) -> None:
    """Refuse a well-formed genesis that this node cannot begin a chain from. Raises ``GenesisError``."""
    rules = ChainRules(genesis)
    check_fork(rules)
    check_alloc(genesis)
    check_blobs(rules)


def check_fork(rules: ChainRules) -> None:
    """Refuse chains whose first rules are older than Cancun's.

    Until then SELFDESTRUCT removed storage that may lie in the flat state and the state trie, slot by slot. Since
    EIP-6780 only an account that its own transaction has created goes.
    """
    number, timestamp = rules.genesis.number, rules.genesis.timestamp
    if rules.fork(number, timestamp) < CANCUN:
        name = rules.fork_name(number, timestamp)
        raise GenesisError("config", name, "the rules of the first block must be Cancun's or newer ones")


def check_alloc(genesis: Genesis) -> None:
    """Refuse storage under an account that has neither code nor a nonce.

    EIP-7610 forbids such accounts to come about; EIP-161 would remove one without the storage under it.
    """
    for address, account in genesis.alloc.items():
        if account.storage and not account.code and not account.nonce:
            reason = "an account with storage needs code or a nonce"
            raise GenesisError(f"alloc.0x{address.hex()}", f"{len(account.storage)} slots", reason)


def check_blobs(rules: ChainRules) -> None:
    """Refuse an excess of blob gas after which the blob base fee, an exponential of it, does not fit 256 bits."""
    genesis = rules.genesis
    fraction = rules.blobs(genesis.number, genesis.timestamp).fraction
    most = int(fraction * 256 * math.log(2))
    if (genesis.excess_blob_gas or 0) > most:
        raise GenesisError("excessBlobGas", genesis.excess_blob_gas, f"must be at most {most}")


def check_genesis(data: DataDirectory, rules: ChainRules, keccak: Callable[[bytes], bytes]) -> None:
    """Whether the stored block 0 can come from this genesis (its state root is taken from the stored one)."""
    chain_id = data.kv.get(META, CHAIN_ID_KEY)
    if chain_id is not None and int.from_bytes(chain_id, "big") != rules.chain_id:
        raise ChainIdMismatchError(int.from_bytes(chain_id, "big"), rules.chain_id)
    alloc, given = data.kv.get(META, ALLOC_KEY), alloc_digest(rules.genesis)
    if alloc not in (None, given):
        raise GenesisMismatchError(alloc, given, "an alloc whose SHA-256 is")
    if data.blocks.oldest > 0:
        return
    stored = read_header(data.blocks, 0)
    expected = genesis_header(rules, stored.state_root, keccak)
    if expected.hash != stored.hash:
        raise GenesisMismatchError(stored.hash, expected.hash)
