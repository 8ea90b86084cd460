"""A settled chain in memory: blocks by the sequencer's producer, and the chunk of them as provers take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from coincurve import PrivateKey

from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.l1_message import NO_MESSAGES, rolling_hash
from jovay.chain import development, rlp
from jovay.chain.block_hashes import BlockHashes
from jovay.chain.environment import BlockEnvironment
from jovay.chain.header import encode_header, header_of
from jovay.chain.settled import SettledConfig
from jovay.chain.system_contracts import HISTORY_STORAGE
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.protocol.forks import OSAKA
from jovay.kernel.protocol.limits import BLOCK_HASHES
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import dtype_of, pointers_to
from jovay.sequencer.portal import Portal
from jovay.sequencer.production.producer import BlockProducer
from jovay.state.spv import Spv
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet
from jovay.tracer.chunk import ChunkInput
from jovay.tracer.chunk_witness import ChunkWitness
from jovay.tracer.chunks import code_hashes, joined, older_hashes

BASE_FEE, GAS_LIMIT, CHAIN_ID, COINBASE = 7, 10**8, 20257, 0x71 << 152
ORACLE, MAILBOX, COUNTER, HASHER, KEEPER = 0x81 << 152, 0x61 << 152, 0xC0DE01, 0xC0DE02, 0xC0DE03
#: What sender 0 has beside what everybody has: its balance has a leaf for its upper half.
RICHES = 1 << 140
HISTORY = int.from_bytes(HISTORY_STORAGE, "big")
L1_FEE, ROOT_SLOT = 3, 0
CODES = {
    # slot[a] = slot[a] + b, then log it
    COUNTER: "60203560003554018060003555600052602060 00a000",
    # slot[a] = blockhash(number - a) ^ prevrandao
    HASHER: "600035430340441860003555 00",
    # slot[a] = b
    KEEPER: "602035600035550000",
    # an L1 message: slot[1] = slot[1] + calldatasize, slot[0] = keccak-like mix of the two
    MAILBOX: "3660015401806001556000541960005500",
    ORACLE: "00",
}
CONFIG = SettledConfig(
    CHAIN_ID,
    GAS_LIMIT,
    COINBASE,
    BASE_FEE,
    ((0, OSAKA),),
    l1_fee=(ORACLE, 5),
    l2_msg_root=(MAILBOX, ROOT_SLOT),
)
START = 1_700_000_000


def code_of(address: int) -> bytes:
    if address == HISTORY:
        return development.predeploys()[HISTORY_STORAGE].code
    return bytes.fromhex(CODES[address].replace(" ", ""))


class SettledChain:
    """Genesis is block 0. ``keys`` have accounts with ether; everything is executed one after the other. ``genesis``:
    another state than the contracts of this file; ``l1_fee`` is what its oracle says.
    """

    def __init__(
        self,
        library: Library,
        senders: int = 4,
        config: SettledConfig = CONFIG,
        genesis: WriteSet | None = None,
        l1_fee: int = L1_FEE,
    ) -> None:
        self.library, self.config, self._l1_fee = library, config, l1_fee
        self.keys = [PrivateKey.from_int(i + 1) for i in range(senders)]
        self.nonces = [0] * senders
        genesis = genesis or self._genesis()
        self.codes = {keccak256(library, code): code for code in genesis.codes}
        self.world, self.trie = NativeWorld(library, 10_000, 10_000), StateTrie(library, 10_000)
        for code in self.codes.values():
            self.world.intern(code)
        self.world.insert(genesis.accounts, genesis.slots, [])
        self.root = self.trie.update(genesis)
        self.before = StateTrie(library, 10_000)  # as it was before the chunk
        assert self.before.update(genesis) == self.root
        self.producer = BlockProducer(library, self.world, 1, record=True, settled=config)
        self.hashes, self.digests = BlockHashes(), list[bytes]()
        self.number, self.milliseconds, self.messages, self.rolling = 0, START * 1000, 0, NO_MESSAGES
        env = BlockEnvironment(
            0, START, config.gas_limit, config.base_fee, config.coinbase, config.chain_id, OSAKA, bytes(32)
        )
        self._seal(encode_header(header_of(env, state_root=self.root)))
        self.begin_chunk()

    def _genesis(self) -> WriteSet:
        """The keys' accounts, and the contracts of this file."""
        accounts = [self._account(self.address_of(key), b"") for key in self.keys]
        accounts[0]["balance"] = (10**20 + RICHES).to_bytes(32, "little")
        accounts += [self._account(address, code_of(address)) for address in (*CODES, HISTORY)]
        slots = np.zeros(1, dtype_of(SlotChange))
        slots["address"], slots["key"] = ORACLE.to_bytes(32, "little"), (5).to_bytes(32, "little")
        slots["value"] = L1_FEE.to_bytes(32, "little")
        return WriteSet(np.concatenate(accounts), slots, [code_of(address) for address in (*CODES, HISTORY)])

    def _account(self, address: int, code: bytes) -> Any:
        record = np.zeros(1, dtype_of(AccountChange))
        record["address"], record["exists"], record["nonce"] = (
            address.to_bytes(32, "little"),
            1,
            1 if code else 0,
        )
        record["balance"], record["code_size"] = (10**20).to_bytes(32, "little"), len(code)
        record["code_hash"] = keccak256(self.library, code)[::-1]
        return record

    def address_of(self, key: PrivateKey) -> int:
        return int.from_bytes(keccak256(self.library, key.public_key.format(False)[1:])[12:], "big")

    def _seal(self, header: bytes) -> None:
        self.header, self.hash = header, keccak256(self.library, header)
        self.hashes.put(self.number, self.hash)
        self.digests.append(self.hash)

    def begin_chunk(self) -> None:
        """The next block is the first of a chunk."""
        self.parent_header, self.parent_number = self.header, self.number
        self.first_message = self.messages
        self.blocks: list[tuple[BlockContext, list[bytes]]] = []
        self.l1_messages: list[bytes] = []
        self.spvs, self.roots, self.gas = list[Spv](), list[bytes](), list[int]()
        self.rolling_before = self.rolling
        self.written: list[WriteSet] = []

    def transaction(
        self, sender: int, to: int | None, value: int = 0, data: bytes = b"", gas: int = 200_000
    ) -> bytes:
        """A signed transaction of type 2 with the sender's next nonce; it creates a contract where ``to`` is None."""
        fields: list[Any] = [
            self.config.chain_id,
            self.nonces[sender],
            1,
            self.config.base_fee + 93,
            gas,
            b"" if to is None else to.to_bytes(20, "big"),
            value,
            data,
            [],
        ]
        digest = keccak256(self.library, b"\x02" + rlp.encode(fields))
        signature = self.keys[sender].sign_recoverable(digest, hasher=None)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        self.nonces[sender] += 1
        return b"\x02" + rlp.encode([*fields, signature[64], r, s])

    def block(
        self, transactions: Sequence[bytes] = (), messages: int | Sequence[bytes] = 0, later: int = 10
    ) -> None:
        """Make a block ``later`` milliseconds after the one before, its L1 messages (so many, or these) first."""
        if isinstance(messages, int):
            numbers = range(self.messages, self.messages + messages)
            messages = [b"\x7f" + rlp.encode([n, 300_000, b"message %d" % n]) for n in numbers]
        carried, config = list(messages), self.config
        raws = [*carried, *transactions]
        self.number += 1
        self.milliseconds += later
        randomness = keccak256(self.library, self.hash + self.number.to_bytes(8, "big"))
        env = BlockEnvironment(
            self.number, self.milliseconds // 1000, config.gas_limit, config.base_fee, config.coinbase,
            config.chain_id, OSAKA, self.hash,
            prevrandao=int.from_bytes(randomness, "big"), l1_fee_per_byte=self._l1_fee,
            hashes=self.hashes, hashes_known=min(self.number, BLOCK_HASHES),
        )  # fmt: skip
        batch = Portal(self.library).decode(b"".join(raws), np.cumsum([len(raw) for raw in raws]).tolist())
        assert not batch.statuses.any()
        produced = self.producer.produce(env, pointers_to(batch.records), serial=True)
        assert produced.order.tolist() == list(range(len(raws)))
        touched = produced.touched
        assert touched is not None
        self.roots.append(self.root)
        self.gas.append(produced.gas_used)
        self.root, proof = self.trie.update_proven(touched.now)
        keys = touched.keys
        self.spvs.append(Spv.of(keys.accounts, keys.slots, touched.founded, touched.ancestors, proof))
        self.written.append(produced.writes)
        self.codes |= {keccak256(self.library, code): code for code in produced.writes.codes}
        header = header_of(
            env, state_root=self.root, transactions_root=produced.transactions_root,
            receipts_root=produced.receipts_root, logs_bloom=produced.bloom, gas_used=produced.gas_used,
        )  # fmt: skip
        self._seal(encode_header(header))
        self.receipts = produced.receipts
        context = BlockContext(
            OSAKA, self.number, self.milliseconds, config.base_fee, config.gas_limit, len(raws), len(carried)
        )
        self.blocks.append((context, list(transactions)))
        self.l1_messages += carried
        self.messages += len(carried)
        self.rolling = rolling_hash([keccak256(self.library, raw) for raw in carried], self.rolling)

    def chunk(self, version: int = 2) -> ChunkInput:
        """The blocks since ``begin_chunk``, with hashes of older ones where execution asked for them; the trie before
        them, which has the last word on the multiproof, moves on to after them.
        """
        proven, told, proof = joined(self.library, self.spvs, self.roots)
        assert proof == self.before.multiproof(proven)
        touched = replace(told, codes=[self.codes[digest] for digest in code_hashes(told.accounts)])
        for writes in self.written:
            self.before.update(writes)
        assert self.before.root() == self.root
        numbers = older_hashes(self.parent_number + 1, self.spvs)
        hashes = [(number, self.digests[number]) for number in numbers]
        data = Chunk.of(self.blocks).encode(version)
        witness = ChunkWitness(
            self.parent_header, self.first_message, self.rolling_before, list(self.l1_messages), hashes,
            touched, proof,
        )  # fmt: skip
        return ChunkInput(self.config.encode(), version, data, witness)

    def close(self) -> None:
        self.producer.close()
