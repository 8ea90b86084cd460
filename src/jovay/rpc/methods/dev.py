"""Development methods: anvil_*, hardhat_* and evm_*, served only where the node allows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from jovay.rpc import codec
from jovay.rpc.args import AddressArg, AnyArg, BlockRef, BoolArg, DataArg, HashArg, IntegerArg, WideArg
from jovay.rpc.backend.development import Development
from jovay.rpc.codec import data
from jovay.rpc.context import Context
from jovay.rpc.encoding import encode
from jovay.rpc.errors import invalid_params, limit_exceeded, method_not_found
from jovay.rpc.methods.chain import get_block_by_number
from jovay.rpc.resolve import known_header
from jovay.rpc.table import Handler, Run, alias
from jovay.rpc.table import method as table_method

_MOST_BLOCKS = 100_000


def _dev(context: Context) -> Development:
    dev = context.development
    if dev is None:
        raise method_not_found("")
    return dev


def _method(name: str, *others: str) -> Callable[[Handler], Handler]:
    """Register a development method under several names."""

    def register(handler: Handler) -> Handler:
        table_method(name, Run.POOL, dev=True, large=name.endswith(("Code", "State")))(handler)
        alias(name, *others)
        return handler

    return register


# State.
@_method("anvil_setBalance", "hardhat_setBalance", "evm_setAccountBalance")
def set_balance(context: Context, address: AddressArg, balance: WideArg) -> None:
    """Set a balance, in wei."""
    _dev(context).set_balance(address, balance)


@_method("anvil_addBalance")
def add_balance(context: Context, address: AddressArg, amount: WideArg) -> None:
    """Add to a balance, in wei."""
    account = context.state.account(address, context.chain.head())
    _dev(context).set_balance(address, min(account.balance + amount, codec.UINT256_MAX))


@_method("anvil_setNonce", "hardhat_setNonce", "evm_setAccountNonce")
def set_nonce(context: Context, address: AddressArg, nonce: WideArg) -> None:
    """Set a nonce."""
    _dev(context).set_nonce(address, nonce)


@_method("anvil_setCode", "hardhat_setCode", "evm_setAccountCode")
def set_code(context: Context, address: AddressArg, code: DataArg) -> None:
    """Set the code of an account."""
    _dev(context).set_code(address, code)


def _word(value: Any, position: int) -> int:
    try:
        return codec.parse_slot(value)[0]
    except ValueError as error:
        raise invalid_params(f"invalid argument {position}: {error}") from None


@_method("anvil_setStorageAt", "hardhat_setStorageAt", "evm_setAccountStorageAt")
def set_storage(context: Context, address: AddressArg, slot: AnyArg, value: AnyArg) -> bool:
    """Set a storage slot."""
    _dev(context).set_storage(address, _word(slot, 1), _word(value, 2))
    return True


# Accounts.
@_method("anvil_impersonateAccount", "hardhat_impersonateAccount")
def impersonate(context: Context, address: AddressArg) -> None:
    """Let eth_sendTransaction act for an address."""
    _dev(context).impersonate(address, True)


@_method("anvil_stopImpersonatingAccount", "hardhat_stopImpersonatingAccount")
def stop_impersonating(context: Context, address: AddressArg) -> None:
    """Stop letting eth_sendTransaction act for an address."""
    _dev(context).impersonate(address, False)


@_method("anvil_autoImpersonateAccount")
def impersonate_all(context: Context, enabled: BoolArg) -> None:
    """Let eth_sendTransaction act for all addresses, or end that."""
    _dev(context).impersonate_all(enabled)


# Blocks.
@_method("anvil_mine", "hardhat_mine")
def mine(context: Context, blocks: IntegerArg = 1, interval: IntegerArg | None = None) -> None:
    """Produce blocks now, their time stamps ``interval`` seconds apart."""
    if blocks > _MOST_BLOCKS:
        raise limit_exceeded(f"too many blocks (limit {_MOST_BLOCKS})")
    _dev(context).mine(blocks, interval)


@_method("evm_mine")
def evm_mine(context: Context, options: AnyArg = None) -> str:
    """Produce one block, at a time stamp if given, or ``{blocks, timestamp}``."""
    dev = _dev(context)
    blocks: Any = 1
    timestamp = options
    if isinstance(options, dict):
        blocks, timestamp = options.get("blocks"), options.get("timestamp")
    try:
        count = 1 if blocks is None else codec.parse_integer(blocks)
        when = None if timestamp is None else codec.parse_integer(timestamp)
    except ValueError as error:
        raise invalid_params(f"invalid argument 0: {error}") from None
    if count > _MOST_BLOCKS:
        raise limit_exceeded(f"too many blocks (limit {_MOST_BLOCKS})")
    if when is not None:
        dev.set_next_timestamp(when)
    dev.mine(count)
    return "0x0"


@_method("evm_mine_detailed", "anvil_mine_detailed")
def mine_detailed(context: Context, options: AnyArg = None) -> list[msgspec.Raw]:
    """The same as evm_mine, with the blocks that were produced and their transactions for an answer."""
    before = context.chain.head()
    evm_mine(context, options)
    made = range(before + 1, context.chain.head() + 1)
    forms = (get_block_by_number(context, BlockRef(number=number), True) for number in made)
    return [msgspec.Raw(encode(form, context.limits.response)) for form in forms]


@_method("evm_setAutomine", "anvil_setAutomine")
def set_automine(context: Context, enabled: BoolArg) -> bool:
    """Cut a block as soon as there are transactions, or only on demand."""
    _dev(context).set_automine(enabled)
    return True


@_method("anvil_getAutomine", "hardhat_getAutomine")
def get_automine(context: Context) -> bool:
    """Whether blocks are cut automatically."""
    return _dev(context).automine()


@_method("evm_setIntervalMining", "anvil_setIntervalMining")
def set_interval(context: Context, seconds: IntegerArg) -> None:
    """Cut a block every so many seconds; 0 stops that."""
    _dev(context).set_interval(seconds)


@_method("anvil_getIntervalMining")
def get_interval(context: Context) -> float | None:
    """Seconds after which a block is cut; null if that is not by time."""
    seconds = _dev(context).interval()
    return None if seconds is None else int(seconds) if seconds == int(seconds) else seconds


@_method("evm_snapshot", "anvil_snapshot")
def snapshot(context: Context) -> str:
    """Remember the state and the chain; returns an id."""
    return hex(_dev(context).snapshot())


@_method("evm_revert", "anvil_revert")
def revert(context: Context, identifier: IntegerArg) -> bool:
    """Go back to a snapshot."""
    return _dev(context).revert(identifier)


@_method("anvil_reset", "hardhat_reset")
def reset(context: Context, options: AnyArg = None) -> bool:
    """Go back to genesis."""
    _dev(context).reset()
    return True


@_method("anvil_rollback")
def rollback(context: Context, depth: IntegerArg = 1) -> None:
    """Drop the newest blocks."""
    _dev(context).rollback(depth)


# Time.
@_method("anvil_getGenesisTime")
def get_genesis_time(context: Context) -> int:
    """Time stamp of the genesis block."""
    return known_header(context.chain, 0).timestamp


@_method("evm_increaseTime", "anvil_increaseTime")
def increase_time(context: Context, seconds: IntegerArg) -> int:
    """Move the clock forward; returns its offset, in seconds."""
    return _dev(context).increase_time(seconds)


@_method("evm_setTime", "anvil_setTime")
def set_time(context: Context, timestamp: IntegerArg) -> int:
    """Set the clock; returns its offset, in seconds."""
    return _dev(context).set_time(timestamp)


@_method("evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp")
def set_next_timestamp(context: Context, timestamp: IntegerArg) -> None:
    """Time stamp of the next block."""
    _dev(context).set_next_timestamp(timestamp)


@_method("anvil_setBlockTimestampInterval")
def set_timestamp_interval(context: Context, seconds: IntegerArg) -> None:
    """Distance between the time stamps of blocks."""
    _dev(context).set_timestamp_interval(seconds)


@_method("anvil_removeBlockTimestampInterval")
def remove_timestamp_interval(context: Context) -> bool:
    """Take time stamps from the clock again."""
    _dev(context).set_timestamp_interval(None)
    return True


# Block environment.
@_method("anvil_setCoinbase", "hardhat_setCoinbase")
def set_coinbase(context: Context, address: AddressArg) -> None:
    """Fee receiver of later blocks."""
    _dev(context).set_coinbase(address)


@_method("evm_setBlockGasLimit", "anvil_setBlockGasLimit")
def set_gas_limit(context: Context, gas: IntegerArg) -> bool:
    """Gas limit of later blocks."""
    _dev(context).set_gas_limit(gas)
    return True


@_method("anvil_setNextBlockBaseFeePerGas", "hardhat_setNextBlockBaseFeePerGas")
def set_base_fee(context: Context, wei: WideArg) -> None:
    """Base fee of the next block."""
    _dev(context).set_next_base_fee(wei)


@_method("hardhat_setPrevRandao", "anvil_setPrevRandao")
def set_prev_randao(context: Context, value: HashArg) -> bool:
    """PREVRANDAO of the next block."""
    _dev(context).set_prev_randao(value)
    return True


# Pool.
@_method("anvil_dropTransaction", "hardhat_dropTransaction")
def drop_transaction(context: Context, transaction_hash: HashArg) -> str | None:
    """Remove a transaction from the pool; returns its hash, or null if it was not there."""
    return data(transaction_hash) if _dev(context).drop(transaction_hash) else None


@_method("anvil_dropAllTransactions")
def drop_all_transactions(context: Context) -> None:
    """Empty the pool."""
    _dev(context).drop_all()


@_method("anvil_removePoolTransactions")
def remove_pool_transactions(context: Context, sender: AddressArg) -> None:
    """Remove all transactions of a sender from the pool."""
    pool, dev = context.pool.content(sender), _dev(context)
    for waiting in (pool.queued, pool.pending):
        for transaction in reversed(waiting.get(sender, ())):
            dev.drop(transaction.hash)


# Whole state.
@_method("anvil_dumpState")
def dump_state(context: Context) -> str:
    """The whole state in the node's snapshot form."""
    return data(_dev(context).dump())


@_method("anvil_loadState")
def load_state(context: Context, content: DataArg) -> bool:
    """Replace the state by a dump."""
    _dev(context).load(content)
    return True
