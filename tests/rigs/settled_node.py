"""A settled chain's genesis, and a node on it whose blocks are handed to the chunk program."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.chunk import Chunk
from jovay.chain import rlp
from jovay.chain.development import development_genesis
from jovay.chain.genesis import Genesis, GenesisAccount, to_json
from jovay.chain.rules import ChainRules
from jovay.chain.settled import SettledConfig
from jovay.chain.settlement import CONTRACTS, Settlement
from jovay.config import NodeConfig
from jovay.node import Node
from jovay.sequencer.sequencer import Sequencer
from jovay.storage.headers import read_header
from jovay.tracer.chunk import ChunkInput
from jovay.tracer.chunks import ChunkWitnesses
from jovay.tracer.lookback import Lookback
from jovay.tracer.witnesses import Witnesses

from .settled_chain import CODES, CONFIG, L1_FEE, ORACLE

SLOT_5 = (5).to_bytes(32, "big")
#: slot[5] = calldata: the oracle's price for tests to set.
SETTABLE = bytes.fromhex("60003560055500")
#: Prints how many messages visible blocks have while it offers more and more.
OFFERING = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from rigs.settled_node import SettledNode, message
if __name__ == "__main__":
    chain = SettledNode(Path({folder!r}), checkpoint_interval=0.3)
    inbox, size = chain.sequencer.inbox, 1
    while True:
        first, size = inbox.next, size % 7 + 1
        inbox.offer(first, [message(number) for number in range(first, first + size)])
        chain.wait_for_messages(first + 1)
        print(first + 1, flush=True)
"""
SETTINGS: dict[str, Any] = {"http_port": 0, "heartbeat": 0.0, "workers": 2, "sync": False}
#: Contracts on L1 that are nowhere.
CONTRACTS_ON_L1 = {name: bytes([n]) * 20 for n, name in enumerate(CONTRACTS, 1)}


def settled_genesis(config: SettledConfig = CONFIG) -> Genesis:
    """The development accounts, and the contracts of ``settled_chain``."""
    base = development_genesis(config.chain_id)
    accounts = {
        address.to_bytes(20, "big"): GenesisAccount(0, 1, bytes.fromhex(code.replace(" ", "")))
        for address, code in CODES.items()
    }
    fee = {SLOT_5: L1_FEE.to_bytes(32, "big")}
    accounts[ORACLE.to_bytes(20, "big")] = GenesisAccount(0, 1, SETTABLE, fee)
    return replace(
        base,
        alloc=base.alloc | accounts,
        gas_limit=config.gas_limit,
        coinbase=config.coinbase.to_bytes(20, "big"),
        base_fee_per_gas=config.base_fee,
        settlement=Settlement(31337, **CONTRACTS_ON_L1, deployed_at=0, config=config),
    )


def genesis_file(folder: Path, genesis: Genesis) -> Path:
    """The genesis in a file, for a node to begin with."""
    path = folder / "genesis.json"
    path.write_text(json.dumps(to_json(genesis)))
    return path


def message(number: int, gas: int = 300_000, data: bytes = b"") -> bytes:
    """An L1 message as a transaction."""
    return b"\x7f" + rlp.encode([number, gas, data or b"message %d" % number])


class SettledNode:
    """A running node on it."""

    def __init__(self, folder: Path, genesis: Genesis | None = None, **settings: Any) -> None:
        self.genesis = genesis or settled_genesis()
        file = genesis_file(folder, self.genesis)
        self.node = Node(NodeConfig(datadir=folder / "data", genesis=file, **(SETTINGS | settings)))
        self.node.start()

    @property
    def sequencer(self) -> Sequencer:
        return self.node.sequencer

    def stop(self) -> None:
        self.node.stop()

    def wait_for_messages(self, count: int) -> None:
        """Until so many are in visible blocks."""
        while self.sequencer.inbox.position(self.sequencer.visible.number)[0] < count:
            self.sequencer.check_running()
            time.sleep(0.002)

    def context(self, number: int) -> tuple[BlockContext, list[bytes]]:
        """What is published of a block."""
        blocks, rules = self.sequencer.data.blocks, ChainRules(self.genesis)
        header, (offsets, raw) = read_header(blocks, number), blocks.transactions(number)
        raws = [raw[offsets[i] : offsets[i + 1]] for i in range(len(offsets) - 1)]
        messages = sum(one[0] == 0x7F for one in raws)
        fees = header.base_fee_per_gas or 0, header.gas_limit
        fork, milliseconds = rules.fork(number, header.timestamp), self.sequencer.block_time_ms(number)
        return BlockContext(fork, number, milliseconds, *fees, len(raws), messages), raws[messages:]

    def chunk(self, first: int, last: int) -> ChunkInput:
        """Blocks that are stored, as provers take them, put together from what was recorded of them."""
        sequencer = self.sequencer
        assert sequencer.recording is not None
        assert sequencer.rules.settled is not None
        sequencer.drain()
        sequencer.recording.drain()
        library, data = sequencer.library, sequencer.data
        never = cast(Lookback, None)  # so that nothing that is not recorded is found otherwise
        recorded = Witnesses(library, data, sequencer.rules, never)
        witness = ChunkWitnesses(library, data, recorded.spv).witness(first, last, time_limit=60)
        published = Chunk.of([self.context(number) for number in range(first, last + 1)])
        return ChunkInput(sequencer.rules.settled.encode(), 2, published.encode(2), witness)
