"""jovay_*: proofs over the zkTrie and the stages of confirmation."""

from __future__ import annotations

from jovay.rpc.args import LATEST, AddressArg, BlockArg, HashArg, SlotsArg
from jovay.rpc.codec import data, optional_data, quantity, word
from jovay.rpc.context import Context
from jovay.rpc.forms import Form
from jovay.rpc.methods.state import read_proof
from jovay.rpc.resolve import state_block
from jovay.rpc.table import Run, method

STAGES = {1: "executed", 2: "attested", 3: "proven"}


@method("jovay_getProof", Run.POOL, large=True)
def get_proof(context: Context, address: AddressArg, slots: SlotsArg, block: BlockArg = LATEST) -> Form:
    """Proofs of an account and of storage slots as node lists from root to leaf.

    A branch is ``00 ‖ left ‖ right``, a leaf ``01 ‖ key ‖ value``; ``scheme`` names trie and hash function.
    """
    number = state_block(context.chain, block)
    proof = read_proof(context, address, slots, number)
    return {
        "address": data(address),
        "blockNumber": quantity(number),
        "scheme": proof.scheme,
        "stateRoot": data(proof.state_root),
        "nonce": quantity(proof.account.nonce),
        "balance": quantity(proof.account.balance),
        "codeHash": data(proof.account.code_hash),
        "accountProof": [data(node) for node in proof.proof],
        "storageProof": [
            {
                "key": word(item.key),
                "value": word(item.value),
                "proof": [data(node) for node in item.proof],
            }
            for item in proof.storage
        ],
    }


@method("jovay_getFinality", Run.INLINE)
def get_finality(context: Context, transaction_hash: HashArg) -> Form | None:
    """How final a transaction is, with batch, L1 transactions and times; null for one in no block."""
    found = context.chain.transaction(transaction_hash)
    if found is None or found.header is None:
        return None
    finality = context.chain.finality(found.header.number)

    def stage(transaction: bytes | None, time: int | None) -> Form | None:
        if transaction is None:
            return None
        return {"transactionHash": data(transaction), "timestamp": None if time is None else quantity(time)}

    batch = finality.batch_index
    return {
        "transactionHash": optional_data(transaction_hash),
        "blockNumber": quantity(finality.block_number),
        "stage": finality.stage,
        "status": STAGES[finality.stage],
        "batchIndex": None if batch is None else quantity(batch),
        "commit": stage(finality.commit_transaction, finality.commit_time),
        "tee": stage(finality.tee_transaction, finality.tee_time),
        "zk": stage(finality.zk_transaction, finality.zk_time),
    }
