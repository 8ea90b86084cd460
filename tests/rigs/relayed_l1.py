"""L1 for tests of the relayer: ``Rollup`` and ``L1Mailbox`` on an anvil that mines when it is told to, and provers that
state of made-up blocks what is so of them.

The verifier takes for a proof the hash of the statement that L1 has put together, so a claim is taken if, and only if,
every field of its statement is as L1 has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eth_utils.crypto import keccak

from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract, creation_code
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.relayer.controller import Proof, Unproven
from jovay.bridge.relayer.rollup import RollupReader
from jovay.bridge.relayer.store import Batch
from jovay.bridge.wire import blobs
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.statement import Statement
from jovay.chain import rlp
from jovay.chain.development import DEVELOPMENT_KEYS
from jovay.chain.hexadecimal import hexed
from jovay.chain.settled import SettledConfig
from jovay.chain.settlement import Settlement
from jovay.kernel.protocol.forks import OSAKA
from rigs.anvil import CHAIN_ID, anvil
from rigs.l2_blocks import BASE_FEE, GAS_LIMIT, MadeBlocks

HOUR, DAY, ETHER = 3_600, 86_400, 10**18
CLOCKS = (HOUR, DAY, 3 * DAY, 7 * DAY, DAY, 60, 3 * DAY)
MESSAGE_GAS, MESSAGE_FEE = 500_000, 10**6
CONFIG = SettledConfig(20257, GAS_LIMIT, 0x71 << 152, BASE_FEE, ((0, OSAKA),))
NONE = bytes(20)
#: verify(statement, index, proof): 1 if the proof is the statement's hash, else a revert; isRevoked: 0.
VERIFIER = bytes.fromhex("36602414601d57600435608435146014575f5ffd5b60015f5260205ff35b60205ff3")
RETURNS = bytes((0x60, len(VERIFIER))) + bytes.fromhex("8060095f395ff3")
OWNER, COMMITTER, CLAIMER, ANYONE = (bytes.fromhex(key) for key in DEVELOPMENT_KEYS[:4])


class RelayedL1:
    """Each has contracts of its own; many may live on one anvil, one after the other."""

    def __init__(self, url: str, genesis: bytes, clocks: tuple[int, ...] = CLOCKS) -> None:
        self.url, self.client = url, L1Client(url)
        self.owner = RawKey(OWNER).address
        self.rules = self._rules()
        nonce = self.client.nonce(self.owner)
        mailbox = keccak(rlp.encode([self.owner, nonce + 1]))[12:]
        output = (state_root(genesis), bytes(32), genesis, 1)
        relayers = [RawKey(COMMITTER).address]
        settings = (
            CONFIG.chain_id, mailbox, self.owner, self.owner, relayers, clocks, 16, 3_000_000, self.rules, output,
        )  # fmt: skip
        self.rollup = Contract("Rollup", self._create(creation_code("Rollup", settings)))
        at = self.client.block_number()
        bridges: list[bytes] = []
        given = self.rollup.address, self.owner, NONE, bridges, MESSAGE_FEE, 3_000_000, 300_000
        self.mailbox = Contract("L1Mailbox", self._create(creation_code("L1Mailbox", given)))
        assert self.mailbox.address == mailbox
        others = dict.fromkeys(
            "l1_eth_bridge l1_erc20_bridge escape_hatch tee_verifier tee_collateral timelock".split(),
            b"\1" * 20,
        )
        self.settlement = Settlement(
            l1_chain_id=CHAIN_ID, rollup=self.rollup.address, l1_mailbox=mailbox, deployed_at=at, config=CONFIG,
            **others,
        )  # fmt: skip
        self.reader = RollupReader(self.client, self.settlement)

    def _rules(self) -> tuple[bytes, bytes, bytes, bytes]:
        verifier = self._create(RETURNS + VERIFIER)
        return CONFIG.hash, verifier, verifier, (1).to_bytes(32, "big")

    # ---- transactions

    def _create(self, code: bytes) -> bytes:
        receipt = self.client.receipt(self.call(None, code))
        assert receipt is not None
        assert receipt.succeeded
        assert receipt.contract_address is not None
        return receipt.contract_address

    def send(
        self, to: bytes | None, data: bytes = b"", value: int = 0, mine: bool = True, sender: bytes = b""
    ) -> bytes:
        """From the owner, or another account whose key anvil has."""
        message = {
            "from": hexed(sender or self.owner),
            "data": hexed(data),
            "value": hex(value),
            "gas": hex(8_000_000),
        }
        if to is not None:
            message["to"] = hexed(to)
        found = bytes.fromhex(self.client.call("eth_sendTransaction", message)[2:])
        if mine:
            self.mine()
        return found

    def call(self, to: bytes | None, data: bytes, value: int = 0) -> bytes:
        """Sent, mined and succeeded."""
        sent = self.send(to, data, value)
        receipt = self.client.receipt(sent)
        assert receipt is not None
        assert receipt.succeeded
        return sent

    def mine(self, count: int = 1) -> None:
        for _ in range(count):
            self.client.call("evm_mine")

    def reorg(self, depth: int) -> None:
        """The last blocks are replaced by as many that are empty."""
        self.client.call("anvil_reorg", depth, [])

    def send_message(self) -> bytes:
        """A message to L2; its hash."""
        arguments = b"\x0d" * 20, 0, b"call", MESSAGE_GAS, self.owner
        data = self.mailbox.encode("sendMsg", *arguments)
        sent = self.call(self.mailbox.address, data, MESSAGE_GAS * MESSAGE_FEE)
        receipt = self.client.receipt(sent)
        assert receipt is not None
        (event,) = [
            found for log in receipt.logs if (found := self.mailbox.event(log)) and found.name == "SentMsg"
        ]
        return bytes(event.args["hash"])

    def revert_to(self, index: int) -> None:
        """By the owner; in vain if a batch becomes final just now."""
        self.send(self.rollup.address, self.rollup.encode("revertBatches", index))


@contextmanager
def mined_by_hand() -> Iterator[str]:
    """The URL of an anvil that mines only when it is told to."""
    with anvil(extra=["--no-mining", "--slots-in-an-epoch", "1"]) as node:
        yield node.url


def state_root(block_hash: bytes) -> bytes:
    """Made up for a made-up block."""
    return keccak(b"state" + block_hash)


class MadeProofs:
    """Stands in for the prover controller: proves at once; ``lies`` are told first, one for each question."""

    def __init__(self, l1: RelayedL1, chain: MadeBlocks) -> None:
        self._l1, self._chain = l1, chain
        self.tasks: dict[int, Batch] = {}
        self.lies: list[dict[str, Any]] = []
        self.again: list[int] = []

    def prove(self, batch: Batch, parent: BatchHeader, kinds: object) -> None:
        assert batch.raw.header.parent_batch_hash == parent.hash
        self.tasks[batch.index] = batch

    def prove_again(self, batch: Batch, kind: int) -> None:
        self.again.append(batch.index)

    def proof(self, batch: Batch, kind: int) -> Proof | Unproven:
        task = self.tasks.get(batch.index)
        if task is None:
            return Unproven(known=False)
        before = self._chain.blocks[task.first_block - 1].hash
        last = self._chain.blocks[task.last_block]
        digest = task.raw.da.digest
        openings = []
        if task.raw.versioned_hashes:
            for blob in blobs.to_blobs(task.raw.da):
                opened = blobs.open_blob(blob, blobs.commitment_of(blob), digest)
                openings.append((opened.z, opened.y))
        fields: dict[str, Any] = {
            "l1_chain_id": CHAIN_ID,
            "rollup": self._l1.rollup.address,
            "l2_chain_id": CONFIG.chain_id,
            "chain_config_hash": CONFIG.hash,
            "parent_batch_hash": task.raw.header.parent_batch_hash,
            "batch_hash": task.hash,
            "pre_state_root": state_root(before),
            "post_state_root": state_root(last.hash),
            "parent_block_hash": before,
            "last_block_hash": last.hash,
            "last_timestamp": last.context.timestamp,
            "l2_msg_root": bytes(32),
            "data_digest": digest,
            "openings": openings,
        }
        statement = Statement(**(fields | (self.lies.pop(0) if self.lies else {})))
        return Proof(statement, statement.hash)
