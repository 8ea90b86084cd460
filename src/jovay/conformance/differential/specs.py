"""Cases on execution-specs (EELS), Ethereum's specification in Python, through PyPI's ``ethereum-execution``.

It needs no help: it takes the raw transactions, judges their validity and takes the fees. It is slow.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from .cases import CHAIN_ID, Case, Environment, Log, Outcome, PostAccount, Ran, block_hash
from .hashing import keccak256

HASHES = 256


class _Fork:
    """The modules of one fork, with the last message call's output kept for us."""

    def __init__(self, name: str) -> None:
        base = f"ethereum.forks.{name.lower()}"
        self.fork: Any = import_module(f"{base}.fork")
        self.vm: Any = import_module(f"{base}.vm")
        self.state: Any = import_module(f"{base}.state")
        self.types: Any = import_module(f"{base}.fork_types")
        self.transactions: Any = import_module(f"{base}.transactions")
        self.output: Any = None
        process = self.fork.process_message_call

        def process_message_call(message: Any) -> Any:
            self.output = process(message)
            return self.output

        setattr(self.fork, "process_message_call", process_message_call)  # noqa: B010


@cache
def _fork(name: str) -> _Fork:
    return _Fork(name)


class SpecsRunner:
    """Runs cases on execution-specs."""

    def prepare(self, case: Case) -> Case:
        return case

    def run(self, case: Case, expected: Outcome) -> Outcome:
        fork = _fork(case.environment.fork)
        state = _state(fork, case)
        block = _environment(fork, case.environment, state)
        output = fork.vm.BlockOutput()
        ran = [_run_one(fork, block, output, tx.raw(), i) for i, tx in enumerate(case.transactions)]
        return Outcome(ran, _accounts(state))


def _state(fork: _Fork, case: Case) -> Any:
    from ethereum_types.bytes import Bytes32
    from ethereum_types.numeric import U256, Uint

    state = fork.state.State()
    for address, account in case.accounts.items():
        key = fork.types.Address(address.to_bytes(20))
        values = {"nonce": Uint(account.nonce), "balance": U256(account.balance), "code": account.code}
        fork.state.set_account(state, key, fork.types.Account(**values))
        for slot, value in account.storage.items():
            fork.state.set_storage(state, key, Bytes32(slot.to_bytes(32)), U256(value))
    return state


def _environment(fork: _Fork, environment: Environment, state: Any) -> Any:
    from ethereum_types.bytes import Bytes32
    from ethereum_types.numeric import U64, U256, Uint

    first = max(0, environment.number - HASHES)
    return fork.vm.BlockEnvironment(
        chain_id=U64(CHAIN_ID),
        state=state,
        block_gas_limit=Uint(environment.gas_limit),
        block_hashes=[Bytes32(block_hash(n)) for n in range(first, environment.number)],
        coinbase=fork.types.Address(environment.coinbase.to_bytes(20)),
        number=Uint(environment.number),
        base_fee_per_gas=Uint(environment.base_fee),
        time=U256(environment.timestamp),
        prev_randao=Bytes32(environment.prevrandao.to_bytes(32)),
        excess_blob_gas=U64(environment.excess_blob_gas),
        parent_beacon_block_root=Bytes32(bytes(32)),
    )


def _run_one(fork: _Fork, block: Any, output: Any, raw: bytes, index: int) -> Ran:
    from ethereum.exceptions import EthereumException
    from ethereum_rlp.exceptions import RLPException
    from ethereum_rlp.rlp import decode_to
    from ethereum_types.numeric import Uint

    before, logs_before = output.block_gas_used, len(output.block_logs)
    try:
        if raw[0] >= 0xC0:
            transaction = decode_to(fork.transactions.LegacyTransaction, raw)
        else:
            transaction = fork.transactions.decode_transaction(raw)
        fork.fork.process_transaction(block, output, transaction, Uint(index))
    except (EthereumException, RLPException) as error:
        return Ran(False, why=f"{type(error).__name__}: {error}")
    result = fork.output
    logs = tuple(
        Log(int.from_bytes(log.address), tuple(map(bytes, log.topics)), bytes(log.data))
        for log in output.block_logs[logs_before:]
    )
    why = "" if result.error is None else f"{type(result.error).__name__}: {result.error}"
    used = int(output.block_gas_used - before)
    returned = getattr(result, "return_data", None)  # not told at Cancun
    return Ran(True, result.error is None, used, None if returned is None else bytes(returned), logs, why)


def _accounts(state: Any) -> dict[int, PostAccount]:
    found = {}
    for address, account in state._main_trie._data.items():
        storage = state._storage_tries.get(address)
        slots = {int.from_bytes(k): int(v) for k, v in storage._data.items()} if storage is not None else {}
        code_hash = keccak256(bytes(account.code))
        found[int.from_bytes(address)] = PostAccount(
            int(account.balance), int(account.nonce), code_hash, slots
        )
    return found
