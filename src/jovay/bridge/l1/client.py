"""The RPC of a chain, typed: of L1 for all parts of the rollup, of L2 for those that talk to it from outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jovay.bridge.errors import L1AnswerError, L1RpcError, WrongChainError
from jovay.bridge.l1 import records
from jovay.bridge.l1.records import FeeHistory, L1Block, L1Log, L1Receipt, L1Transaction
from jovay.bridge.l1.transport import TIMEOUT, Transport
from jovay.chain.hexadecimal import hexed

Where = int | str | bytes
"""A block: its number, a tag such as "latest", or its hash."""
#: Blocks of one eth_getLogs at first; servers that refuse them are asked for fewer.
LOG_BLOCKS = 5_000


class L1Client:
    """One server's RPC. Threads may share it; a forked process needs its own.

    Every method raises L1UnreachableError when no answer comes, L1RpcError when the server answers with an
    error, L1AnswerError when the answer is not what it should be. Only reads are tried again.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self._transport = Transport(url, timeout)
        self._log_blocks = LOG_BLOCKS

    @property
    def name(self) -> str:
        """The server, for messages."""
        return self._transport.name

    def call(self, method: str, *params: Any) -> Any:
        """Any method; parameters and result as JSON has them."""
        return self._transport.call(method, *params)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    # ---- the chain

    def chain_id(self) -> int:
        """EIP-155's."""
        return records.quantity(self.call("eth_chainId"), "the chain id")

    def require_chain(self, expected: int) -> None:
        """Raises WrongChainError if the server serves another chain."""
        if (given := self.chain_id()) != expected:
            raise WrongChainError(self.name, given, expected)

    def block_number(self) -> int:
        """Of the newest block."""
        return records.quantity(self.call("eth_blockNumber"), "the block number")

    def block(self, where: Where = "latest") -> L1Block | None:
        """A header, or None if the server has no such block."""
        method = "eth_getBlockByHash" if isinstance(where, bytes) else "eth_getBlockByNumber"
        found = self.call(method, _place(where), False)
        return None if found is None else records.block(found)

    def head(self) -> L1Block:
        """The newest header."""
        if (found := self.block()) is None:
            raise L1AnswerError("the newest block", None)
        return found

    def logs(
        self, addresses: Sequence[bytes], topics: Sequence[Sequence[bytes]], first: int, last: int
    ) -> Iterator[L1Log]:
        """Logs of the blocks ``first`` to ``last``, in order, asked for range by range.

        ``topics`` are alternatives by place, as in eth_getLogs; an empty place admits all. A reorg between
        two ranges is for the caller to see, by the blocks' hashes.
        """
        wanted = [[hexed(topic) for topic in place] or None for place in topics]
        query = {"address": [hexed(address) for address in addresses], "topics": wanted}
        while first <= last:
            end = min(last, first + self._log_blocks - 1)
            try:
                found = self.call("eth_getLogs", query | {"fromBlock": hex(first), "toBlock": hex(end)})
            except L1RpcError:
                if end == first:
                    raise
                self._log_blocks = (end - first + 1) // 2
                continue
            for log in map(records.log, records.sequence(found, "the logs")):
                if not first <= log.block_number <= end:
                    raise L1AnswerError(
                        f"the block of a log, asked for from {first} to {end},", log.block_number
                    )
                yield log
            first = end + 1
            self._log_blocks = min(LOG_BLOCKS, 2 * self._log_blocks)

    # ---- accounts and contracts

    def balance(self, address: bytes, where: Where = "latest") -> int:
        """In wei."""
        return records.quantity(self.call("eth_getBalance", hexed(address), at(where)), "a balance")

    def nonce(self, address: bytes, where: Where = "latest") -> int:
        """Transactions that the account has sent; with "pending", waiting ones too."""
        found = self.call("eth_getTransactionCount", hexed(address), at(where))
        return records.quantity(found, "a nonce")

    def code(self, address: bytes, where: Where = "latest") -> bytes:
        """Empty for an account without code."""
        return records.octets(self.call("eth_getCode", hexed(address), at(where)), "a code")

    def storage(self, address: bytes, slot: int, where: Where = "latest") -> bytes:
        """The 32 bytes of a slot."""
        found = self.call("eth_getStorageAt", hexed(address), hex(slot), at(where))
        return records.octets(found, "a slot", 32)

    def eth_call(
        self,
        to: bytes | None,
        data: bytes,
        where: Where = "latest",
        sender: bytes | None = None,
        value: int = 0,
    ) -> bytes:
        """What a call returns; a revert is an L1RpcError with ``revert_data``."""
        found = self.call("eth_call", _message(to, data, sender, value), at(where))
        return records.octets(found, "what a call returns")

    def estimate(self, to: bytes | None, data: bytes, sender: bytes, value: int = 0) -> int:
        """Gas for a transaction on the newest state."""
        found = self.call("eth_estimateGas", _message(to, data, sender, value))
        return records.quantity(found, "an estimate of gas")

    # ---- transactions

    def transaction(self, transaction_hash: bytes) -> L1Transaction | None:
        """None if the server does not know it."""
        found = self.call("eth_getTransactionByHash", hexed(transaction_hash))
        return None if found is None else records.transaction(found)

    def receipt(self, transaction_hash: bytes) -> L1Receipt | None:
        """None while it is not mined, and after a reorg that took it out."""
        found = self.call("eth_getTransactionReceipt", hexed(transaction_hash))
        return None if found is None else records.receipt(found)

    def send_raw(self, raw: bytes) -> bytes:
        """Hand over a signed transaction, once; its hash. No answer does not mean that it did not arrive."""
        found = self.call("eth_sendRawTransaction", hexed(raw))
        return records.octets(found, "the hash of what was sent", 32)

    def fee_history(
        self, blocks: int, newest: Where = "latest", percentiles: Sequence[float] = ()
    ) -> FeeHistory:
        """Fees of the last blocks."""
        found = self.call("eth_feeHistory", hex(blocks), _place(newest), list(percentiles))
        return records.fee_history(found)

    def priority_fee(self) -> int:
        """Wei per gas that the server thinks enough above the base fee."""
        return records.quantity(self.call("eth_maxPriorityFeePerGas"), "the priority fee")

    def blob_base_fee(self) -> int:
        """Wei per blob gas in the next block."""
        return records.quantity(self.call("eth_blobBaseFee"), "the blob base fee")


def _place(where: Where) -> str:
    """A block as JSON-RPC names it."""
    if isinstance(where, bytes):
        return hexed(where)
    return where if isinstance(where, str) else hex(where)


def at(where: Where) -> str | dict[str, str]:
    """A block as a parameter; one with a hash must be there, but need not be canonical (EIP-1898)."""
    return {"blockHash": hexed(where)} if isinstance(where, bytes) else _place(where)


def _message(to: bytes | None, data: bytes, sender: bytes | None, value: int) -> dict[str, str]:
    message = {"data": hexed(data), "value": hex(value)}
    if to is not None:
        message["to"] = hexed(to)
    if sender is not None:
        message["from"] = hexed(sender)
    return message
