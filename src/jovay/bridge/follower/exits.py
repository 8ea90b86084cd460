"""The way out after exodus: proofs for ``EscapeHatch``, from a follower's data alone.

The state is that of the last final batch. Where the chain goes on behind it, the trie in memory is led back; nothing
on disk changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract
from jovay.bridge.l1.following_errors import NoExitError, WrongContractsError
from jovay.bridge.l1.record import L1Record
from jovay.chain.genesis import Genesis
from jovay.chain.settlement import Settlement
from jovay.kernel.state.leaves import BASIC, CODE_HASH, SLOT
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.sequencer.opening import open_chain
from jovay.state.historical_tries import lead_back
from jovay.state.historical_values import changed_keys
from jovay.state.rebuilt import rebuilt
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.state.writes import StoredState
from jovay.storage.datadir import DataDirectory
from jovay.storage.headers import read_header

#: EIP-7702: the code of an account that runs another's.
_DELEGATION, _DELEGATION_SIZE = bytes.fromhex("ef0100"), 23
#: EscapeHatch.BALANCES_SLOT.
_BALANCES_SLOT = 0
_NOBODY = bytes(20)
_ALL_AT_ONCE = 1 << 40


@dataclass(frozen=True, slots=True)
class Exit:
    """A call of ``EscapeHatch`` that pays an account what it has of an asset; ``amount`` in its least units."""

    hatch: bytes
    amount: int
    data: bytes


class Exits:
    """From the state in ``data``, which nobody else has open, at the end of the last final batch."""

    def __init__(
        self,
        library: Library,
        data: DataDirectory,
        genesis: Genesis,
        record: L1Record,
        client: L1Client,
        leaves: int,
    ) -> None:
        """Raises ``NoExitError`` where there is no exodus, or the data do not reach to the last final batch."""
        assert genesis.settlement is not None
        self._settlement: Settlement = genesis.settlement
        self._data, self._client = data, client
        rollup = Contract("Rollup", self._settlement.rollup)
        client.require_chain(self._settlement.l1_chain_id)
        if not rollup.read(client, "exodus"):
            raise NoExitError("exodus is not open: value leaves by withdrawals")
        index = rollup.read(client, "lastFinalizedBatch")
        batch = record.batch(index)
        blocks = record.blocks_of(batch) if batch else None
        if blocks is None or blocks[1] > data.blocks.latest:
            raise NoExitError(
                f"the data do not reach to batch {index}, the last final one: follow L1 until then"
            )
        self._trie = self._trie_after(library, genesis, blocks[1], leaves)
        root = rollup.read(client, "finalizedStateRoots", index)
        if self._trie.root() != root:
            raise WrongContractsError(f"state root of batch {index}", self._trie.root(), root)

    def _trie_after(self, library: Library, genesis: Genesis, last: int, leaves: int) -> StateTrie:

        def new_world(source: StoredState, version: int) -> NativeWorld:
            return NativeWorld(library, source=source, version=version)

        data = self._data
        trie = open_chain(library, data, genesis, new_world, leaves, preload=False).trie
        if last < data.blocks.latest:
            keys = changed_keys(data.blocks, last, _ALL_AT_ONCE)
            older = rebuilt(
                data.blocks, genesis.alloc, lambda content: keccak256(library, content), *keys, last
            )
            lead_back(trie, older, read_header(data.blocks, last))
        return trie

    def ether(self, account: bytes) -> Exit:
        """Raises ``NoExitError`` where the account cannot leave."""
        basic, proof = self._account(account)
        amount = int.from_bytes(basic[16:], "big")
        if not amount:
            raise NoExitError("the account has no ether")
        return self._exit(amount, "exitETH", account, proof)

    def token(self, account: bytes, token: bytes) -> Exit:
        """Of the ``token`` on L1, by what the account has of its counterpart on L2."""
        bridge = Contract("L1ERC20Bridge", self._settlement.l1_erc20_bridge)
        there = bridge.read(self._client, "l2TokenOf", token)
        if there == _NOBODY:
            raise NoExitError(f"0x{token.hex()} was never bridged")
        _, proof = self._account(account)
        slot = int.from_bytes(keccak(encode(("address", "uint256"), (account, _BALANCES_SLOT))), "big")
        key = self._trie.key(SLOT, int.from_bytes(there, "big"), slot)
        amount = int.from_bytes(self._trie.lookup(key) or b"", "big")
        if not amount:
            raise NoExitError("the account has nothing of that token")
        return self._exit(amount, "exitERC20", token, account, proof, self._proof(key))

    def _exit(self, amount: int, function: str, *arguments: object) -> Exit:
        hatch = Contract("EscapeHatch", self._settlement.escape_hatch)
        return Exit(hatch.address, amount, hatch.encode(function, *arguments))

    def _account(self, account: bytes) -> tuple[bytes, tuple[bytes, bytes, bytes]]:
        """The account's basic data, and ``EscapeHatch.AccountProof``."""
        word = int.from_bytes(account, "big")
        key = self._trie.key(BASIC, word)
        basic = self._trie.lookup(key) or bytes(32)
        size = int.from_bytes(basic[4:8], "big")
        if not size:
            return basic, (self._proof(key), b"", _NOBODY)
        code_key = self._trie.key(CODE_HASH, word)
        code = self._data.state.code(self._trie.lookup(code_key) or b"") or b""
        if size != _DELEGATION_SIZE or code[:3] != _DELEGATION:
            raise NoExitError("the account is a contract, whose value does not leave this way")
        return basic, (self._proof(key), self._proof(code_key), code[3:])

    def _proof(self, key: bytes) -> bytes:
        return b"".join(self._trie.prove(key))
