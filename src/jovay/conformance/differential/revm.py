"""Cases on revm (Rust), through PyPI's ``pyrevm``. Its release is of the Cancun fork.

What pyrevm leaves to its caller, and how it is made up for, so that nothing goes uncompared:

- It takes no fees and does not count a call's nonce. The sender's account is given as it is *during* execution (gas
  bought, nonce raised), and refund and tip are credited here afterwards, by the gas that revm used.
- Filling a slot loads its account into the journal, where it is warm and its next slots count as written. So each slot
  is filled behind a snapshot and the journal reverted; the value stays in the database.
- It keeps warm accounts between calls: every transaction has an instance of its own, filled with the state so far.
- It has no list of an account's slots; they are read from its journal's text.
- It still wants the sender to have the fees that were taken already: ``prepare`` makes senders rich.
- Programs see a base fee of 0, and a gas price of 0 in creations: ``prepare`` makes it so.
- Validity of transactions is not its business: those that the kernel refuses are not run here.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from jovay.kernel.protocol.gas import GAS_PER_BLOB

from .cases import BLOB, CHAIN_ID, Account, Case, Environment, Log, Outcome, PostAccount, Ran, Transaction
from .hashing import keccak256

#: The package's own annotations are incomplete.
pyrevm: Any = import_module("pyrevm")
#: Far more than the fees of a case, far less than the value that makes a transaction invalid.
WEALTH = 10**25
EMPTY_CODE = keccak256(b"")
_ACCOUNT = re.compile(
    r"0x([0-9a-f]{40}): Account \{ info: AccountInfo \{ balance: (\d+), nonce: (\d+), code_hash: 0x([0-9a-f]{64}), "
    r"code: (?:None|Some\(Bytecode \{ bytecode: 0x([0-9a-f]*), state: (Raw|Checked|Analysed \{ len: (\d+)).*?) \}, "
    r"storage: \{(.*?)\}, status: AccountStatus\(([^)]*)\) \}"
)
_SLOT = re.compile(r"(\d+): StorageSlot \{ previous_or_original_value: \d+, present_value: (\d+)")
_REVERT = re.compile(r"Revert \{ gas_used: \d+, output: 0x([0-9a-f]*)")


def _hex(address: int) -> str:
    return f"{address:#042x}"


class RevmRunner:
    """Runs cases on revm; ``expected`` tells which transactions are valid."""

    def prepare(self, case: Case) -> Case:
        """The case without what pyrevm cannot be told."""
        case.environment.base_fee = 0
        for tx in case.transactions:
            if tx.sender in case.accounts and case.accounts[tx.sender].balance < WEALTH:
                case.accounts[tx.sender].balance += WEALTH
            if tx.to is None:
                tx.max_fee = tx.max_priority_fee = 0
        return case

    def run(self, case: Case, expected: Outcome) -> Outcome:
        state = {a: Account(x.balance, x.nonce, x.code, dict(x.storage)) for a, x in case.accounts.items()}
        ran = []
        for transaction, other in zip(case.transactions, expected.ran, strict=True):
            ran.append(_run_one(case.environment, state, transaction) if other.valid else Ran(False))
        accounts = {
            a: PostAccount(x.balance, x.nonce, keccak256(x.code) if x.code else EMPTY_CODE, x.storage)
            for a, x in state.items()
        }
        return Outcome(ran, accounts)


def _environment(environment: Environment, tx: Transaction, price: int) -> Any:
    block = pyrevm.BlockEnv(
        number=environment.number,
        coinbase=_hex(environment.coinbase),
        timestamp=environment.timestamp,
        prevrandao=environment.prevrandao.to_bytes(32),
        basefee=environment.base_fee,
        gas_limit=environment.gas_limit,
        excess_blob_gas=environment.excess_blob_gas,
    )
    blobs = (
        {"blob_hashes": tx.blob_hashes, "max_fee_per_blob_gas": tx.max_blob_fee} if tx.kind == BLOB else {}
    )
    entries = [(_hex(a), keys) for a, keys in tx.access_list]
    given = pyrevm.TxEnv(caller=_hex(tx.sender), gas_price=price, access_list=entries, **blobs)
    return pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=CHAIN_ID), block=block, tx=given)


def _run_one(environment: Environment, state: dict[int, Account], tx: Transaction) -> Ran:
    price = tx.gas_price(environment.base_fee)
    sender = state[tx.sender]
    blob_gas = len(tx.blob_hashes) * GAS_PER_BLOB if tx.kind == BLOB else 0
    sender.balance -= price * tx.gas_limit + blob_gas * environment.blob_base_fee
    if tx.to is not None:  # a creation's nonce is counted by revm
        sender.nonce += 1
    evm = pyrevm.EVM(
        env=_environment(environment, tx, price), spec_id="CANCUN", gas_limit=environment.gas_limit
    )
    for address, account in state.items():
        info = pyrevm.AccountInfo(balance=account.balance, nonce=account.nonce, code=account.code or None)
        evm.insert_account_info(_hex(address), info)
        for key, value in account.storage.items():
            before = evm.snapshot()
            evm.insert_account_storage(_hex(address), key, value)
            evm.revert(before)
    output, why = _execute(evm, tx, price)
    result = evm.result
    if result is None:
        return Ran(False, why=why)
    _take_state(evm, state)
    used: int = result.gas_used
    _credit(state, tx.sender, price * (tx.gas_limit - used))
    _credit(state, environment.coinbase, (price - environment.base_fee) * used)
    logs = tuple(
        Log(
            int(log.address, 16),
            tuple(bytes.fromhex(t.removeprefix("0x")) for t in log.topics),
            bytes(log.data[1]),
        )
        for log in result.logs
    )
    return Ran(True, result.is_success, used, output, logs if result.is_success else (), why)


def _execute(evm: Any, tx: Transaction, price: int) -> tuple[bytes | None, str]:
    """(output, why it failed); the output of a creation is not told."""
    try:
        if tx.to is None:
            evm.deploy(_hex(tx.sender), tx.data, value=tx.value, gas=tx.gas_limit)
            return None, ""
        called = evm.message_call(
            _hex(tx.sender), _hex(tx.to), calldata=tx.data, value=tx.value, gas=tx.gas_limit, gas_price=price
        )
        return bytes(called), ""
    except RuntimeError as error:
        text = str(error)
        reverted = _REVERT.match(text)
        return bytes.fromhex(reverted[1]) if reverted else b"", text[:200]


def _take_state(evm: Any, state: dict[int, Account]) -> None:
    """Read what revm touched from its journal's text into ``state``."""
    for found in _ACCOUNT.finditer(evm.journal_str):
        address, status = int(found[1], 16), found[9]
        if "Touched" not in status:
            continue
        balance, nonce, code_hash = int(found[2]), int(found[3]), found[4]
        if "SelfDestructed" in status or (balance == 0 and nonce == 0 and code_hash == EMPTY_CODE.hex()):
            state.pop(address, None)
            continue
        account = state.setdefault(address, Account())
        if "Created" in status:
            account.storage = {}
        account.balance, account.nonce = balance, nonce
        if code_hash == EMPTY_CODE.hex():
            account.code = b""
        elif found[5]:
            code = bytes.fromhex(found[5])
            account.code = code[: int(found[7])] if found[7] else code
        for slot in _SLOT.finditer(found[8]):
            key, value = int(slot[1]), int(slot[2])
            if value:
                account.storage[key] = value
            else:
                account.storage.pop(key, None)


def _credit(state: dict[int, Account], address: int, amount: int) -> None:
    account = state.get(address)
    if account is not None:
        account.balance += amount
    elif amount:
        state[address] = Account(balance=amount)
