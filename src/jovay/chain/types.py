"""Values of the chain, shared by the node's parts and the JSON-RPC layer.

Names follow the execution specs and the fields of Ethereum's JSON-RPC. Quantities are ``int``, hashes are 32
bytes, addresses 20 bytes, all fixed-length data ``bytes``. ``None`` means "the fork or the transaction type
has no such field", never "unknown". All structs are immutable and may be shared between threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

Address: TypeAlias = bytes
Hash32: TypeAlias = bytes

EMPTY_CODE_HASH = bytes.fromhex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
EMPTY_UNCLES_HASH = bytes.fromhex("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347")
EMPTY_REQUESTS_HASH = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
EMPTY_TRIE_ROOT = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")

L1_MESSAGE_TYPE = 0x7F
"""Transaction type of a message from L1: ``0x7f ‖ rlp([nonce, gas, data])``, price 0, no signature."""


class Withdrawal(msgspec.Struct, frozen=True, gc=False):
    """EIP-4895 withdrawal; ``amount`` in Gwei."""

    index: int
    validator_index: int
    address: Address
    amount: int


class Header(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A sealed block header.

    ``timestamp`` in seconds; ``size`` is the length of the block's RLP in bytes.
    """

    number: int
    hash: Hash32
    parent_hash: Hash32
    coinbase: Address
    state_root: Hash32
    transactions_root: Hash32
    receipts_root: Hash32
    logs_bloom: bytes
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes = b""
    mix_hash: Hash32 = bytes(32)
    nonce: bytes = bytes(8)
    difficulty: int = 0
    uncles_hash: Hash32 = EMPTY_UNCLES_HASH
    base_fee_per_gas: int | None = None
    withdrawals_root: Hash32 | None = None
    blob_gas_used: int | None = None
    excess_blob_gas: int | None = None
    parent_beacon_block_root: Hash32 | None = None
    requests_hash: Hash32 | None = None
    size: int = 0


class AccessEntry(msgspec.Struct, frozen=True, gc=False):
    """One entry of an EIP-2930 access list; ``storage_keys`` are 32-byte keys."""

    address: Address
    storage_keys: tuple[bytes, ...] = ()


class Authorization(msgspec.Struct, frozen=True, gc=False):
    """EIP-7702 authorization tuple as signed."""

    chain_id: int
    address: Address
    nonce: int
    y_parity: int
    r: int
    s: int


class Transaction(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A signed transaction of type 0–4, or an L1 message (0x7f).

    ``gas_price`` is set for types 0 and 1, the two ``max_*`` prices from type 2 on. ``v`` is the value that
    is signed over the wire (27/28, EIP-155 or the parity). ``chain_id`` is None for legacy transactions
    before EIP-155.
    """

    type: int
    hash: Hash32
    sender: Address
    nonce: int
    gas: int
    to: Address | None
    value: int
    input: bytes
    gas_price: int | None = None
    max_fee_per_gas: int | None = None
    max_priority_fee_per_gas: int | None = None
    chain_id: int | None = None
    access_list: tuple[AccessEntry, ...] | None = None
    max_fee_per_blob_gas: int | None = None
    blob_versioned_hashes: tuple[Hash32, ...] | None = None
    authorization_list: tuple[Authorization, ...] | None = None
    v: int = 0
    r: int = 0
    s: int = 0

    def effective_gas_price(self, base_fee: int | None) -> int:
        """Price per gas that the sender pays in a block with ``base_fee`` (EIP-1559), in wei."""
        if self.max_fee_per_gas is None:
            return self.gas_price or 0
        tip = self.max_priority_fee_per_gas or 0
        return min(self.max_fee_per_gas, tip + (base_fee or 0))


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed block with its body."""

    header: Header
    transactions: Sequence[Transaction]
    withdrawals: Sequence[Withdrawal] | None = None


class Inclusion(msgspec.Struct, frozen=True):
    """A known transaction and where it is: ``header`` None means it waits in the pool."""

    transaction: Transaction
    header: Header | None = None
    index: int = 0


class Log(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event with its position in the chain; ``log_index`` counts within the block."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes
    block_hash: Hash32
    block_number: int
    block_timestamp: int
    transaction_hash: Hash32
    transaction_index: int
    log_index: int
    removed: bool = False


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Result of a transaction in a block.

    ``effective_gas_price`` in wei. ``status`` is None and ``root`` set before Byzantium only. ``l1_fee`` is
    what the sender paid for L1 data, in wei, where the chain charges it.
    """

    transaction_hash: Hash32
    transaction_index: int
    block_hash: Hash32
    block_number: int
    block_timestamp: int
    sender: Address
    to: Address | None
    type: int
    status: int | None
    gas_used: int
    cumulative_gas_used: int
    effective_gas_price: int
    logs_bloom: bytes
    logs: Sequence[Log]
    contract_address: Address | None = None
    blob_gas_used: int | None = None
    blob_gas_price: int | None = None
    root: Hash32 | None = None
    l1_fee: int | None = None


class Account(msgspec.Struct, frozen=True, gc=False):
    """Basic data of an account.

    An absent account is ``Account()``; ``storage_root`` only where such a root exists.
    """

    nonce: int = 0
    balance: int = 0
    code_hash: Hash32 = EMPTY_CODE_HASH
    storage_root: Hash32 = EMPTY_TRIE_ROOT


class SlotProof(msgspec.Struct, frozen=True, gc=False):
    """Value of one storage slot with its proof, nodes from root to leaf."""

    key: int
    value: int
    proof: tuple[bytes, ...]


class AccountProof(msgspec.Struct, frozen=True, kw_only=True):
    """EIP-1186 proof against ``state_root``; ``scheme`` names the trie (for instance ``zktrie-
    poseidon2-v1``).
    """

    scheme: str
    state_root: Hash32
    address: Address
    account: Account
    proof: tuple[bytes, ...]
    storage: tuple[SlotProof, ...] = ()


class ExecutionWitness(msgspec.Struct, frozen=True, kw_only=True):
    """What executing a block takes without any other state.

    ``input`` is all of it, as the stateless function of that ``scheme`` takes it; the rest are its parts:
    ``state`` the multiproof, ``codes``, ``keys`` (addresses, and addresses with a slot behind) and the RLP of the
    parent's header.
    """

    scheme: str
    input: bytes
    state: tuple[bytes, ...]
    codes: tuple[bytes, ...]
    keys: tuple[bytes, ...]
    headers: tuple[bytes, ...]


class BlobParameters(msgspec.Struct, frozen=True, gc=False):
    """EIP-7840 blob parameters of a fork."""

    target: int
    max: int
    base_fee_update_fraction: int


class Fork(msgspec.Struct, frozen=True, kw_only=True):
    """A fork in the chain's configuration; ``activation_time`` in seconds, 0 for genesis.

    ``max_transaction_gas`` is the EIP-7825 limit, None before Osaka.
    """

    name: str
    activation_time: int
    blob_schedule: BlobParameters | None = None
    max_transaction_gas: int | None = None
    precompiles: dict[str, Address] = {}
    system_contracts: dict[str, Address] = {}


class ChainParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Chain parameters that clients ask for; ``forks`` in order of activation."""

    chain_id: int
    forks: tuple[Fork, ...]
    genesis_hash: Hash32
    network_id: int | None = None
