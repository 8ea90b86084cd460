"""jovay_*: batches on L1, messages to L1 and their proofs, the L1 data fee, and how far everything is."""

from __future__ import annotations

from typing import Any

import msgspec

from jovay.chain.envelope import envelope
from jovay.rpc.args import LATEST, AnyArg, BlockArg, CallArgs, parse_call
from jovay.rpc.backend.settlement import BatchInfo, BatchStep, Settlement, Withdrawal
from jovay.rpc.codec import data, optional_data, parse_data, parse_integer, quantity
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError, invalid_params
from jovay.rpc.forms import Form
from jovay.rpc.prepare import fill, unsigned
from jovay.rpc.resolve import known_header, state_block
from jovay.rpc.table import Run, method

_HASH_TEXT = 66
_WIDEST = (1 << 256) - 1


def _settlement(context: Context) -> Settlement:
    if context.settlement is None:
        raise RpcError("this chain does not settle on L1")
    return context.settlement


@method("jovay_getSettlement", Run.INLINE)
def get_settlement(context: Context) -> Form:
    """The contracts on L1 and the configuration that blocks are proven by; as in the genesis file."""
    return _settlement(context).contracts.to_json()


@method("jovay_getBatch", Run.POOL)
def get_batch(context: Context, index: AnyArg) -> Form | None:
    """A batch by its index: its blocks, and where and when it was committed, attested and proven; null before that."""
    found = _settlement(context).batch(_number(index))
    return None if found is None else _batch(found)


@method("jovay_getBatchByBlock", Run.POOL)
def get_batch_by_block(context: Context, block: BlockArg = LATEST) -> Form | None:
    """The batch that has a block; null while it is in none that is committed."""
    found = _settlement(context).batch_of(state_block(context.chain, block))
    return None if found is None else _batch(found)


@method("jovay_getWithdrawalProof", Run.POOL)
def get_withdrawal_proof(context: Context, message: AnyArg) -> Form | list[Form] | None:
    """A message to L1 by its number, or those of an L2 transaction (a list) by its hash.

    ``state``: ``executed``, ``committed``, ``attested`` or ``claimable``; with the batch, the proof for the
    message tree at its end, and ``claim``: the transaction that pays out on L1 once the state is ``claimable``.
    """
    settlement = _settlement(context)
    if isinstance(message, str) and len(message) == _HASH_TEXT:
        sent = [settlement.withdrawal(nonce) for nonce in settlement.messages_of(parse_data(message))]
        return [_withdrawal(settlement, one) for one in sent if one is not None]
    found = settlement.withdrawal(_number(message))
    return None if found is None else _withdrawal(settlement, found)


@method("jovay_estimateL1Fee", Run.POOL, large=True)
def estimate_l1_fee(context: Context, transaction: AnyArg) -> Form:
    """What the data of a transaction cost in the next block: a signed one (DATA), or an object with its fields."""
    price = _settlement(context).l1_fee_per_byte()
    size = _size(context, transaction)
    return {"feePerByte": quantity(price), "bytes": quantity(size), "fee": quantity(price * size)}


@method("jovay_syncStatus", Run.POOL)
def sync_status(context: Context) -> Form:
    """How far L1 is known here and this chain there: messages, batches, and what is not attested yet.

    At the ``most`` of that ``backlog`` production rests; ``stall`` says why it rests now, null while it does not.
    """
    known = _settlement(context).sync()
    backlog = known.backlog
    return {
        "l1Head": _optional(known.l1_head),
        "messages": {"seen": _optional(known.messages_seen), "executed": quantity(known.messages_executed)},
        "blocks": {
            "latest": quantity(known.latest),
            "committed": quantity(known.committed),
            "attested": quantity(known.attested),
            "proven": quantity(known.proven),
        },
        "batches": {
            "committed": quantity(known.committed_batch),
            "attested": quantity(known.attested_batch),
            "proven": quantity(known.proven_batch),
        },
        "backlog": {
            "blocks": quantity(backlog.blocks),
            "bytes": quantity(backlog.bytes),
            "mostBlocks": _optional(backlog.most_blocks),
            "mostBytes": _optional(backlog.most_bytes),
            "stall": backlog.stall,
        },
    }


@method("jovay_proverInfo", Run.POOL)
def prover_info(context: Context) -> Any:
    """What the prover controller says: workers, platforms (a simulated one is marked), queue; null without one."""
    return _settlement(context).provers()


def _optional(value: int | None) -> str | None:
    return None if value is None else quantity(value)


def _number(value: Any) -> int:
    try:
        return parse_integer(value)
    except ValueError as error:
        raise invalid_params(f"invalid argument 0: {error}") from None


def _size(context: Context, transaction: Any) -> int:
    try:
        if isinstance(transaction, str):
            return len(parse_data(transaction))
        call = parse_call(transaction)
    except ValueError as error:
        raise invalid_params(f"invalid argument 0: {error}") from None
    return _signed_size(context, call)


def _signed_size(context: Context, call: CallArgs) -> int:
    """Bytes of a transaction once it is signed, at most; what it leaves open is filled in."""
    if call.gas is None:
        limit = known_header(context.chain, context.chain.head()).gas_limit
        call = msgspec.structs.replace(call, gas=limit)
    transaction = unsigned(fill(context, call))
    v = 1 if transaction.type else 36 + 2 * context.chain.config.chain_id
    return len(envelope(msgspec.structs.replace(transaction, v=v, r=_WIDEST, s=_WIDEST)))


def _step(step: BatchStep | None) -> Form | None:
    if step is None:
        return None
    return {
        "transactionHash": optional_data(step.transaction),
        "timestamp": _optional(step.time),
    }


def _batch(batch: BatchInfo) -> Form:
    status = "proven" if batch.zk else "attested" if batch.tee else "committed"
    return {
        "index": quantity(batch.index),
        "firstBlock": quantity(batch.first_block),
        "lastBlock": quantity(batch.last_block),
        "status": status,
        "commit": _step(batch.commit),
        "tee": _step(batch.tee),
        "zk": _step(batch.zk),
    }


def _withdrawal(settlement: Settlement, message: Withdrawal) -> Form:
    batch = message.batch
    state = (
        "executed" if batch is None else "claimable" if batch.zk else "attested" if batch.tee else "committed"
    )
    form: Form = {
        "nonce": quantity(message.nonce),
        "hash": data(message.hash),
        "sender": data(message.sender),
        "target": data(message.target),
        "value": quantity(message.value),
        "data": data(message.data),
        "blockNumber": quantity(message.block),
        "state": state,
        "batch": None if batch is None else _batch(batch),
        "proof": None if batch is None else [data(node) for node in message.siblings],
        "claim": None,
    }
    if message.claim is not None:
        form["claim"] = {"to": data(settlement.contracts.l1_mailbox), "data": data(message.claim)}
    return form
