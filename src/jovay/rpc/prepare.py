"""Filling in what a client left out of a transaction: nonce, gas, prices."""

from __future__ import annotations

import msgspec

from jovay.chain.types import Transaction
from jovay.rpc.args import CallArgs
from jovay.rpc.codec import UINT256_MAX
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError
from jovay.rpc.estimate import estimate_gas


def _check(args: CallArgs, chain_id: int) -> None:
    if args.has_blobs:
        raise RpcError("blob sidecars are not supported here: sign the transaction and send it raw")
    if args.data is not None and args.input is not None and args.data != args.input:
        raise RpcError(
            'both "data" and "input" are set and not equal. Please use "input" to pass transaction call data'
        )
    if args.to is None:
        if args.blob_versioned_hashes is not None:
            raise RpcError('missing "to" in blob transaction')
        if not args.payload:
            raise RpcError("contract creation without any data provided")
        if args.authorization_list:
            raise RpcError('authorizationList provided for contract creation, but "to" field is missing')
    if args.gas_price is not None and args.authorization_list is not None:
        raise RpcError("both gasPrice and authorizationList specified")
    if args.gas_price == 0:
        raise RpcError("gasPrice must be non-zero after london fork")
    if args.chain_id is not None and args.chain_id != chain_id:
        raise RpcError(f"chainId does not match node's (have={args.chain_id}, want={chain_id})")


def _fill_fees(context: Context, args: CallArgs) -> CallArgs:
    if args.gas_price is not None:
        if args.max_fee_per_gas is not None or args.max_priority_fee_per_gas is not None:
            raise RpcError("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
        return args
    fees = context.pool.fees()
    tip = args.max_priority_fee_per_gas
    cap = args.max_fee_per_gas
    if tip is None:
        tip = fees.priority_fee if cap is None else min(fees.priority_fee, cap)
    if cap is None:
        # Twice the base fee keeps the transaction valid while the fee rises for some blocks.
        cap = min(tip + 2 * fees.base_fee, UINT256_MAX)
    if cap < tip:
        raise RpcError(f"maxFeePerGas ({cap}) < maxPriorityFeePerGas ({tip})")
    blob_cap = args.max_fee_per_blob_gas
    if args.blob_versioned_hashes and blob_cap is None:
        blob_cap = 2 * fees.blob_base_fee
    return msgspec.structs.replace(
        args, max_fee_per_gas=cap, max_priority_fee_per_gas=tip, max_fee_per_blob_gas=blob_cap
    )


def fill(context: Context, args: CallArgs) -> CallArgs:
    """The same transaction with nonce, gas, prices and chain id set."""
    chain_id = context.chain.config.chain_id
    _check(args, chain_id)
    filled = _fill_fees(context, args)
    sender = args.sender or bytes(20)
    nonce = context.pool.next_nonce(sender) if args.nonce is None else args.nonce
    gas = args.gas if args.gas is not None else estimate_gas(context, filled, context.chain.head())
    return msgspec.structs.replace(
        filled,
        sender=sender,
        nonce=nonce,
        gas=gas,
        value=args.value or 0,
        chain_id=chain_id,
    )


def transaction_type(args: CallArgs) -> int:
    """EIP-2718 type of a filled transaction."""
    if args.gas_price is not None:
        return 0 if args.access_list is None else 1
    if args.authorization_list is not None:
        return 4
    return 2 if args.blob_versioned_hashes is None else 3


def unsigned(args: CallArgs) -> Transaction:
    """A filled transaction without signature or hash."""
    kind = transaction_type(args)
    return Transaction(
        type=kind,
        hash=bytes(32),
        sender=args.sender or bytes(20),
        nonce=args.nonce or 0,
        gas=args.gas or 0,
        to=args.to,
        value=args.value or 0,
        input=args.payload,
        gas_price=args.gas_price,
        max_fee_per_gas=args.max_fee_per_gas,
        max_priority_fee_per_gas=args.max_priority_fee_per_gas,
        chain_id=args.chain_id if kind else None,
        access_list=(args.access_list or ()) if kind else None,
        max_fee_per_blob_gas=args.max_fee_per_blob_gas if kind == 3 else None,
        blob_versioned_hashes=args.blob_versioned_hashes,
        authorization_list=args.authorization_list,
    )
