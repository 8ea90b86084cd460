"""Accounts, code, storage and proofs."""

from __future__ import annotations

from typing import Annotated, Any

from jovay.chain.types import AccountProof
from jovay.rpc import codec
from jovay.rpc.args import LATEST, AddressArg, BlockArg, SlotArg, SlotsArg, parse_list, parse_object
from jovay.rpc.backend.chain import BlockTag
from jovay.rpc.codec import data, quantity, word
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError, invalid_params
from jovay.rpc.forms import Form
from jovay.rpc.resolve import state_block
from jovay.rpc.table import Kind, Run, method

_MOST_SLOTS = 1_024
_CLIENT_LIMIT = -38026


@method("eth_getBalance", Run.INLINE)
def get_balance(context: Context, address: AddressArg, block: BlockArg = LATEST) -> str:
    """Balance of an account, in wei."""
    return quantity(context.state.account(address, state_block(context.chain, block)).balance)


@method("eth_getTransactionCount", Run.INLINE)
def get_transaction_count(context: Context, address: AddressArg, block: BlockArg = LATEST) -> str:
    """Nonce of an account; with ``pending`` the nonce after its pooled transactions."""
    if block.tag is BlockTag.PENDING:
        return quantity(context.pool.next_nonce(address))
    return quantity(context.state.account(address, state_block(context.chain, block)).nonce)


@method("eth_getCode", Run.INLINE)
def get_code(context: Context, address: AddressArg, block: BlockArg = LATEST) -> str:
    """Code of an account."""
    return data(context.state.code(address, state_block(context.chain, block)))


@method("eth_getStorageAt", Run.INLINE)
def get_storage_at(context: Context, address: AddressArg, slot: SlotArg, block: BlockArg = LATEST) -> str:
    """Value of a storage slot, as 32 bytes."""
    return word(context.state.storage(address, slot[0], state_block(context.chain, block)))


def _parse_storage_requests(value: Any) -> dict[bytes, list[int]]:
    requests = {}
    for key, slots in parse_object(value, "map[common.Address][]common.Hash").items():
        items = parse_list(slots, "[]common.Hash")
        requests[codec.parse_address(key)] = [int.from_bytes(codec.parse_hash(item)) for item in items]
    return requests


StorageRequests = Annotated[
    dict[bytes, list[int]], Kind("OBJECT from ADDRESS to ARRAY of HASH", _parse_storage_requests)
]


@method("eth_getStorageValues", Run.POOL, large=True)
def get_storage_values(context: Context, requests: StorageRequests, block: BlockArg = LATEST) -> Form:
    """Values of many slots of many accounts."""
    total = sum(map(len, requests.values()))
    if total > _MOST_SLOTS:
        raise RpcError(f"too many slots (max {_MOST_SLOTS})", _CLIENT_LIMIT)
    if total == 0:
        raise invalid_params("empty request")
    number = state_block(context.chain, block)
    read = context.state.storage
    return {
        data(address): [word(read(address, slot, number)) for slot in slots]
        for address, slots in requests.items()
    }


@method("eth_getAccount", Run.INLINE)
def get_account(context: Context, address: AddressArg, block: BlockArg = LATEST) -> Form:
    """Basic data of an account."""
    account = context.state.account(address, state_block(context.chain, block))
    return {
        "codeHash": data(account.code_hash),
        "storageRoot": data(account.storage_root),
        "balance": quantity(account.balance),
        "nonce": quantity(account.nonce),
    }


@method("eth_getAccountInfo", Run.INLINE)
def get_account_info(context: Context, address: AddressArg, block: BlockArg = LATEST) -> Form:
    """Balance, nonce and code of an account in one answer."""
    number = state_block(context.chain, block)
    account = context.state.account(address, number)
    return {
        "balance": quantity(account.balance),
        "nonce": quantity(account.nonce),
        "code": data(context.state.code(address, number)),
    }


def read_proof(
    context: Context, address: bytes, slots: tuple[tuple[int, bool], ...], number: int
) -> AccountProof:
    """Proof from the backend, within the limit of keys."""
    most = context.limits.proof_keys
    if len(slots) > most:
        raise invalid_params(f"too many storage keys requested (max {most}, got {len(slots)})")
    return context.state.proof(address, [slot for slot, _ in slots], number)


@method("eth_getProof", Run.POOL, large=True)
def get_proof(context: Context, address: AddressArg, slots: SlotsArg, block: BlockArg = LATEST) -> Form:
    """Proof of an account and of storage slots (EIP-1186 form) over the trie that ``scheme`` names."""
    proof = read_proof(context, address, slots, state_block(context.chain, block))
    return {
        "address": data(address),
        "accountProof": [data(node) for node in proof.proof],
        "balance": quantity(proof.account.balance),
        "codeHash": data(proof.account.code_hash),
        "nonce": quantity(proof.account.nonce),
        "storageHash": data(proof.account.storage_root),
        "storageProof": [
            {
                # A key that came as 32 bytes goes back as such, any other as QUANTITY.
                "key": word(item.key) if whole else quantity(item.key),
                "value": quantity(item.value),
                "proof": [data(node) for node in item.proof],
            }
            for item, (_, whole) in zip(proof.storage, slots, strict=True)
        ],
        "scheme": proof.scheme,
    }
