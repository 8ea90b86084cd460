"""Rollup and mailbox on anvil with the verifier of forge's tests, and one account that is owner, relayer and prover."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions import base as signing
from eth_utils.crypto import keccak

from jovay.bridge import artifacts
from jovay.bridge.errors import L1RpcError
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract, creation_code, reason
from jovay.bridge.l1.record import Kind
from jovay.bridge.l1.records import L1Receipt
from jovay.bridge.wire import blobs
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.statement import Statement
from jovay.chain import rlp
from jovay.chain.development import DEVELOPMENT_KEYS
from jovay.chain.settled import SettledConfig
from jovay.chain.settlement import CONTRACTS, Settlement
from jovay.kernel.protocol.forks import OSAKA
from rigs.paths import ROOT
from rigs.solidity import compile_sources

HOUR, DAY = 3_600, 86_400
CLOCKS = (HOUR, DAY, 3 * DAY, 7 * DAY, DAY, 60, 3 * DAY)
MESSAGE_GAS, MESSAGE_PRICE = 500_000, 10**6
GENESIS_ROOT, GENESIS_HASH = b"\1" * 32, b"\2" * 32
_ORDER = "rollup", "l1_mailbox", "l1_erc20_bridge", "escape_hatch"
CONFIG = SettledConfig(20257, 10**8, 0x71 << 152, 10**7, ((0, OSAKA),))
PROVER, NOBODY = b"\7" * 32, bytes(20)


def creation_address(sender: bytes, nonce: int) -> bytes:
    return keccak(rlp.encode([sender, nonce]))[12:]


class RollupScene:
    """Anvil mines every transaction at once; a transaction that fails is an error of the test."""

    def __init__(
        self,
        url: str,
        genesis: Callable[[Settlement], tuple[bytes, bytes]] = lambda settlement: (
            GENESIS_ROOT,
            GENESIS_HASH,
        ),
        config: SettledConfig = CONFIG,
    ) -> None:
        """``genesis``: state root and hash of L2's block 0."""
        self.client = L1Client(url)
        self.account: LocalAccount = Account.from_key(DEVELOPMENT_KEYS[0])
        self.me = bytes.fromhex(self.account.address[2:])
        _read_setup_once()
        folder = ROOT / "contracts"
        names = ("src/interfaces/IProofVerifier.sol", "test/TestVerifier.sol")
        verifier = compile_sources([folder / name for name in names])["TestVerifier"]
        self.verifier = self.create(bytes.fromhex(verifier.bytecode[2:]))
        nonce, deployed_at = self.client.nonce(self.me), self.client.block_number() + 1
        places = {name: creation_address(self.me, nonce + n) for n, name in enumerate(_ORDER)}
        others = dict.fromkeys(CONTRACTS, b"\x01" * 20) | places
        self.config = config
        self.settlement = Settlement(l1_chain_id=31_337, **others, deployed_at=deployed_at, config=config)
        self.genesis = genesis(self.settlement)
        self.rollup = Contract("Rollup", places["rollup"])
        self.mailbox = Contract("L1Mailbox", places["l1_mailbox"])
        self.hatch = Contract("EscapeHatch", places["escape_hatch"])
        self.erc20_bridge = Contract("L1ERC20Bridge", places["l1_erc20_bridge"])
        self._deploy(places)

    def _deploy(self, places: dict[str, bytes]) -> None:
        me, rollup, mailbox = self.me, places["rollup"], places["l1_mailbox"]
        hatch, erc20 = places["escape_hatch"], places["l1_erc20_bridge"]
        first = replace(self.config, forks=self.config.forks[:1])  # later forks are for the test to schedule
        rules = first.hash, self.verifier, self.verifier, PROVER
        output = self.genesis[0], bytes(32), self.genesis[1], 1
        chain_id = self.config.chain_id
        settings = chain_id, mailbox, me, me, [me], CLOCKS, 16, 3_000_000, rules, output
        token = keccak(artifacts.load("BridgedERC20").bytecode)
        for name, address, arguments in (
            ("Rollup", rollup, (settings,)),
            ("L1Mailbox", mailbox, ((rollup, me, hatch, [erc20], MESSAGE_PRICE, 3_000_000, 300_000),)),
            ("L1ERC20Bridge", erc20, (mailbox, hatch, token)),
            ("EscapeHatch", hatch, (rollup, mailbox, erc20)),
        ):
            assert self.create(creation_code(name, *arguments)) == address

    # ---- transactions

    def create(self, code: bytes) -> bytes:
        address = self.send(None, code).contract_address
        assert address is not None
        return address

    def send(self, to: bytes | None, data: bytes, value: int = 0, carried: Sequence[bytes] = ()) -> L1Receipt:
        fields: dict[str, Any] = {
            "chainId": 31_337, "nonce": self.client.nonce(self.me), "gas": 8_000_000, "value": value,
            "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1, "data": data,
        }  # fmt: skip
        if to is not None:
            fields["to"] = to
        if carried:
            fields |= {"type": 3, "maxFeePerBlobGas": 10**10}
        signed = self.account.sign_transaction(fields, blobs=list(carried) or None)
        sent = self.client.send_raw(bytes(signed.raw_transaction))
        until = time.monotonic() + 10
        while (receipt := self.client.receipt(sent)) is None:
            assert time.monotonic() < until, "a transaction of the test is not mined"
            time.sleep(0.002)
        assert receipt.succeeded, f"a transaction of the test reverts: {self._why(to, data, value)}"
        return receipt

    def _why(self, to: bytes | None, data: bytes, value: int) -> str:
        try:
            self.client.eth_call(to or NOBODY, data, sender=self.me, value=value)
        except L1RpcError as error:
            return reason(error.revert_data or b"")
        return "it would not now"

    def call(self, contract: Contract, function: str, *arguments: Any, **more: Any) -> L1Receipt:
        return self.send(contract.address, contract.encode(function, *arguments), **more)

    # ---- what people do

    def message(self, data: bytes, target: bytes = b"\x0d" * 20, value: int = 10**18) -> L1Receipt:
        arguments = target, value, data, MESSAGE_GAS, self.me
        return self.call(self.mailbox, "sendMsg", *arguments, value=value + MESSAGE_GAS * MESSAGE_PRICE)

    def commit(self, da: DaData, l1_messages: int, in_blobs: bool = True) -> BatchHeader:
        """Commit the next batch, of ``l1_messages`` with all before; its header."""
        index = self.rollup.read(self.client, "lastCommittedBatch") + 1
        parts = blobs.to_blobs(da) if in_blobs else []
        hashes = [blobs.versioned_hash(blobs.commitment_of(part)) for part in parts]
        header = BatchHeader(
            da.batch_version,
            index,
            self.mailbox.read(self.client, "getMsg", l1_messages),
            blobs.data_hash(hashes) if in_blobs else da.digest,
            self.rollup.read(self.client, "committedBatches", index - 1),
        )
        if in_blobs:
            self.call(self.rollup, "commitBatch", da.batch_version, index, l1_messages, carried=parts)
        else:
            self.call(self.rollup, "commitBatchWithDaProof", header.encode(), l1_messages, da.calldata)
        return header

    def claim(
        self,
        kind: Kind,
        header: BatchHeader,
        da: DaData,
        output: tuple[bytes, bytes, bytes, int],
        in_blobs: bool = True,
    ) -> L1Receipt:
        """Claim that a batch leads to (state root, message root, last block hash, milliseconds)."""
        proof = self._proof(kind, header, da, output, in_blobs)
        return self.call(self.rollup, "verifyBatch", int(kind), header.encode(), *output[:2], proof)

    def commit_and_verify(
        self, da: DaData, l1_messages: int, output: tuple[bytes, bytes, bytes, int]
    ) -> BatchHeader:
        """Everybody's way, after T1: a batch in calldata with both claims; its header."""
        final = self.rollup.read(self.client, "lastFinalizedBatch")
        header = BatchHeader(
            da.batch_version,
            final + 1,
            self.mailbox.read(self.client, "getMsg", l1_messages),
            da.digest,
            self.rollup.read(self.client, "committedBatches", final),
        )
        proofs = [self._proof(kind, header, da, output, in_blobs=False) for kind in (Kind.ZK, Kind.TEE)]
        arguments = da.batch_version, l1_messages, da.calldata, *output[:2], *proofs
        self.call(self.rollup, "commitAndVerify", *arguments)
        return header

    def _proof(
        self,
        kind: Kind,
        header: BatchHeader,
        da: DaData,
        output: tuple[bytes, bytes, bytes, int],
        in_blobs: bool,
    ) -> bytes:
        parent = self.rollup.read(self.client, "claim", int(kind), header.index - 1)[1]
        openings = []
        for part in blobs.to_blobs(da) if in_blobs else []:
            openings.append(blobs.open_blob(part, blobs.commitment_of(part), da.digest))
        statement = self._statement(header, parent, output, da.digest, openings)
        seal = keccak(encode(("bytes32", "bytes32"), (statement, PROVER)))
        return encode(
            ("bytes32", "uint64", "bytes32", "(bytes32,bytes,bytes)[]", "bytes"),
            (
                *output[2:], da.digest, [(one.y, one.commitment, one.proof) for one in openings],
                encode(("bytes32", "bytes32"), (PROVER, seal)),
            ),
        )  # fmt: skip

    def _statement(
        self,
        header: BatchHeader,
        parent: tuple[Any, ...],
        output: tuple[Any, ...],
        digest: bytes,
        openings: Sequence[Any],
    ) -> bytes:
        config_hash = self.rollup.read(self.client, "rulesFor", header.index)[0][0]
        return Statement(
            31_337, self.rollup.address, self.config.chain_id, config_hash, header.parent_batch_hash, header.hash,
            parent[0], output[0], parent[2], output[2], output[3], output[1], digest,
            [(one.z, one.y) for one in openings],
        ).hash  # fmt: skip

    def schedule(self, first: int, config: SettledConfig) -> None:
        """Let batches from ``first`` on be proven by another configuration."""
        rules = config.hash, self.verifier, self.verifier, PROVER
        self.call(self.rollup, "scheduleRules", first, rules)

    def wait(self, seconds: int) -> None:
        """Let so much time pass on L1."""
        self.client.call("evm_increaseTime", seconds)
        self.mine()

    def now(self) -> int:
        block = self.client.block("latest")
        assert block is not None
        return block.timestamp

    def mine(self, blocks: int = 1) -> None:
        self.client.call("anvil_mine", hex(blocks))

    def reorganise(self, depth: int) -> None:
        """Replace the newest blocks by empty ones."""
        self.client.call("anvil_reorg", depth, [])


def _read_setup_once() -> None:
    """Else eth-account reads the trusted set-up anew for everything that it asks of a blob, seconds each time."""
    name = "load_trusted_setup"
    reader = getattr(signing, name)
    if not hasattr(reader, "cache_info"):
        setattr(signing, name, cache(reader))
