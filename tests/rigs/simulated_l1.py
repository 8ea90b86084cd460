"""An L1 in memory with a pool, fees and reorganisations, for tests of what sends transactions: as strict as geth is.

It has the client's interface, so that no server is needed. Transactions are read by the second decoder
(``rigs.transactions``), and always succeed unless ``doomed`` names their recipient.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import rlp  # type: ignore[import-untyped]

from jovay.bridge.errors import L1RpcError, L1UnreachableError
from jovay.bridge.l1.client import L1Client
from rigs.transactions import decode, keccak256, recover

CHAIN_ID = 31_337
GWEI = 10**9
#: As geth has it: percent that a replacement must offer more, of every fee.
BUMP, BLOB_BUMP = 10, 100


@dataclass(frozen=True)
class Sent:
    """A transaction in pool or block."""

    hash: bytes
    sender: bytes
    fields: dict[str, Any]

    @property
    def nonce(self) -> int:
        return int(self.fields["nonce"])

    @property
    def fees(self) -> tuple[int, ...]:
        """What it offers for gas, as a tip, and for blob gas."""
        blob_fee = self.fields.get("max_blob_fee", 0)
        return self.fields["max_fee"], self.fields["max_priority_fee"], blob_fee

    @property
    def blobs(self) -> bool:
        return bool(self.fields["kind"] == 3)


@dataclass(frozen=True)
class Block:
    number: int
    hash: bytes
    parent: bytes
    transactions: tuple[Sent, ...] = ()


@dataclass
class SimulatedL1(L1Client):
    """Blocks are mined by ``mine``, and taken back by ``reorg``."""

    gas_price: int = GWEI
    blob_price: int = 1
    doomed: dict[bytes, bytes] = field(default_factory=dict)
    #: Calls from now until one gets no answer, and whether it has taken effect by then.
    fails_in: int | None = None
    fails_after: bool = False
    blocks: list[Block] = field(default_factory=lambda: [Block(0, keccak256(b"genesis"), bytes(32))])
    pool: dict[tuple[bytes, int], Sent] = field(default_factory=dict)
    #: How many of the newest blocks the server that answers next does not know yet.
    behind: Callable[[], int] = lambda: 0
    #: All that was ever taken; some node may have kept it.
    seen: list[Sent] = field(default_factory=list)
    _salt: itertools.count[int] = field(default_factory=itertools.count)

    # ---- what the tests do to it

    def mine(self, count: int = 1) -> None:
        """Blocks with what the pool holds and the fees admit."""
        for _ in range(count):
            chosen = []
            nonces = {sender: self._nonce(sender) for sender, _ in self.pool}
            for (sender, nonce), sent in sorted(self.pool.items()):
                fee, _, blob_fee = sent.fees
                dear = fee >= self.gas_price and (not sent.blobs or blob_fee >= self.blob_price)
                if nonce == nonces[sender] and dear:
                    nonces[sender] += 1
                    chosen.append(sent)
            for sent in chosen:
                del self.pool[sent.sender, sent.nonce]
            parent = self.blocks[-1]
            salt = next(self._salt).to_bytes(8, "big")
            self.blocks.append(
                Block(parent.number + 1, keccak256(parent.hash + salt), parent.hash, tuple(chosen))
            )

    def reorg(self, depth: int, lost: bool, length: int) -> None:
        """The last ``depth`` blocks go; their transactions go back to the pool, or are lost; new blocks come."""
        depth = min(depth, len(self.blocks) - 1)
        gone = self.blocks[len(self.blocks) - depth :]
        del self.blocks[len(self.blocks) - depth :]
        for sent in (each for block in gone for each in block.transactions):
            if not lost:
                self.pool.setdefault((sent.sender, sent.nonce), sent)
        self.mine(length)

    def echo(self, sent: Sent) -> None:
        """Another node's pool still had this one."""
        if sent.nonce >= self._nonce(sent.sender):
            self.pool.setdefault((sent.sender, sent.nonce), sent)

    def mined(self) -> list[Sent]:
        """All transactions of the chain, in order."""
        return [each for block in self.blocks for each in block.transactions]

    # ---- what the client asks

    def call(self, method: str, *params: Any) -> Any:
        fails = False
        if self.fails_in is not None:
            self.fails_in -= 1
            fails = self.fails_in <= 0
        if fails and not self.fails_after:
            self.fails_in = None
            raise L1UnreachableError("simulated", method, "no answer")
        blocks, behind = self.blocks, self.behind() if method != "eth_sendRawTransaction" else 0
        try:
            self.blocks = blocks[: max(1, len(blocks) - behind)]
            answer = getattr(self, f"_{method}")(*params)
        finally:
            self.blocks = blocks
        if fails:
            self.fails_in = None
            raise L1UnreachableError("simulated", method, "the answer is lost")
        return answer

    def _eth_chainId(self) -> str:  # noqa: N802  (a method of JSON-RPC)
        return hex(CHAIN_ID)

    def _eth_getBlockByNumber(self, where: str, full: bool) -> dict[str, Any] | None:  # noqa: N802
        number = len(self.blocks) - 1 if where == "latest" else int(where, 16)
        if number >= len(self.blocks):
            return None
        block = self.blocks[number]
        return {
            "number": hex(number), "hash": _hex(block.hash), "parentHash": _hex(block.parent),
            "timestamp": hex(12 * number), "baseFeePerGas": hex(self.gas_price), "gasLimit": hex(36_000_000),
            "gasUsed": "0x0", "excessBlobGas": "0x0",
            "transactions": [self._shown(each, block) for each in block.transactions] if full else [],
        }  # fmt: skip

    def _eth_getTransactionCount(self, address: str, where: str) -> str:  # noqa: N802
        account = bytes.fromhex(address[2:])
        if where not in ("latest", "pending"):
            return hex(self._nonce(account, int(where, 16)))
        nonce = self._nonce(account)
        while where == "pending" and (account, nonce) in self.pool:
            nonce += 1
        return hex(nonce)

    def _eth_feeHistory(self, count: str, newest: str, percentiles: list[float]) -> dict[str, Any]:  # noqa: N802
        blob = hex(self.blob_price)
        return {
            "oldestBlock": "0x0", "baseFeePerGas": [hex(self.gas_price)] * 2, "baseFeePerBlobGas": [blob] * 2,
            "reward": [[hex(GWEI)]],
        }  # fmt: skip

    def _eth_estimateGas(self, call: dict[str, str], where: str = "latest") -> str:  # noqa: N802
        self._eth_call(call, where)
        return hex(30_000)

    def _eth_call(self, call: dict[str, str], where: str) -> str:
        data = self.doomed.get(bytes.fromhex(call["to"][2:]))
        if data is not None:
            raise L1RpcError(3, "execution reverted", _hex(data))
        return "0x"

    def _eth_sendRawTransaction(self, raw: str) -> str:  # noqa: N802
        sent = _read(bytes.fromhex(raw[2:]))
        nonce = self._nonce(sent.sender)
        old = self.pool.get((sent.sender, sent.nonce))
        if sent.nonce < nonce:
            raise L1RpcError(-32000, "nonce too low")
        if old is not None and old.hash == sent.hash:
            raise L1RpcError(-32000, "already known")
        others = [each for (sender, _), each in self.pool.items() if sender == sent.sender]
        if any(each.blobs != sent.blobs for each in others):
            raise L1RpcError(-32000, "address already reserved")
        if sent.blobs and sent.nonce > nonce + len(others):
            raise L1RpcError(-32000, "nonce too high: gapped")
        more = 100 + (BLOB_BUMP if sent.blobs else BUMP)
        if old is not None and any(
            new * 100 < before * more for new, before in zip(sent.fees, old.fees, strict=True)
        ):
            raise L1RpcError(-32000, "replacement transaction underpriced")
        self.pool[sent.sender, sent.nonce] = sent
        self.seen.append(sent)
        return _hex(sent.hash)

    def _eth_getTransactionByHash(self, wanted: str) -> dict[str, Any] | None:  # noqa: N802
        for block in self.blocks:
            for each in block.transactions:
                if _hex(each.hash) == wanted:
                    return self._shown(each, block)
        for each in self.pool.values():
            if _hex(each.hash) == wanted:
                return self._shown(each, None)
        return None

    def _eth_getTransactionReceipt(self, wanted: str) -> dict[str, Any] | None:  # noqa: N802
        for block in self.blocks:
            for each in block.transactions:
                if _hex(each.hash) == wanted:
                    reverted = each.fields["to"] in self.doomed
                    return {
                        "transactionHash": wanted, "blockNumber": hex(block.number), "blockHash": _hex(block.hash),
                        "status": hex(not reverted), "gasUsed": hex(21_000), "effectiveGasPrice": hex(self.gas_price),
                    }  # fmt: skip
        return None

    def _nonce(self, account: bytes, number: int | None = None) -> int:
        blocks = self.blocks if number is None else self.blocks[: number + 1]
        return sum(each.sender == account for block in blocks for each in block.transactions)

    def _shown(self, sent: Sent, block: Block | None) -> dict[str, Any]:
        fields = sent.fields
        fee, tip, blob_fee = sent.fees
        return {
            "hash": _hex(sent.hash), "from": _hex(sent.sender), "to": _hex(fields["to"]), "nonce": hex(sent.nonce),
            "value": hex(fields["value"]), "input": _hex(fields["data"]), "gas": hex(fields["gas_limit"]),
            "maxFeePerGas": hex(fee), "maxPriorityFeePerGas": hex(tip), "maxFeePerBlobGas": hex(blob_fee),
            "blobVersionedHashes": [_hex(each) for each in fields.get("blobs", ())],
            "blockHash": None if block is None else _hex(block.hash),
            "blockNumber": None if block is None else hex(block.number),
        }  # fmt: skip


def _read(raw: bytes) -> Sent:
    """A transaction as sent, with or without a wrapper."""
    if raw[:1] == b"\3":
        body, *_ = rlp.decode(raw[1:])
        raw = b"\3" + rlp.encode(body)
    fields = decode(raw)
    sender = recover(fields["signing_hash"], fields["r"], fields["s"], fields["y_parity"])
    return Sent(fields["hash"], sender, fields)


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
