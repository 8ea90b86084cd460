"""A case as a state test in JSON, the form in which other implementations take it."""

from __future__ import annotations

from typing import Any

from .cases import Case, Transaction, private_key


def as_state_test(case: Case, what: list[str]) -> dict[str, Any]:
    """State test of the case's last transaction; those before it, if any, are raw bytes in ``_info.before``."""
    environment, last = case.environment, case.transactions[-1]
    post = {"hash": "0x" + "00" * 32, "logs": "0x" + "00" * 32, "txbytes": "0x" + last.raw().hex()}
    post["indexes"] = {"data": 0, "gas": 0, "value": 0}  # type: ignore[assignment]
    test = {
        "_info": {
            "comment": f"seed {case.seed}: " + "; ".join(what),
            "before": ["0x" + tx.raw().hex() for tx in case.transactions[:-1]],
        },
        "env": {
            "currentCoinbase": f"{environment.coinbase:#042x}",
            "currentGasLimit": hex(environment.gas_limit),
            "currentNumber": hex(environment.number),
            "currentTimestamp": hex(environment.timestamp),
            "currentRandom": f"{environment.prevrandao:#066x}",
            "currentBaseFee": hex(environment.base_fee),
            "currentExcessBlobGas": hex(environment.excess_blob_gas),
        },
        "pre": {
            f"{address:#042x}": {
                "balance": hex(account.balance),
                "nonce": hex(account.nonce),
                "code": "0x" + account.code.hex(),
                "storage": {hex(k): hex(v) for k, v in account.storage.items()},
            }
            for address, account in case.accounts.items()
        },
        "transaction": _transaction(last),
        "post": {environment.fork: [post]},
        "config": {"chainid": "0x01"},
    }
    return {f"differential/{environment.fork}/{case.seed}": test}


def _transaction(tx: Transaction) -> dict[str, Any]:
    out: dict[str, Any] = {
        "nonce": hex(tx.nonce),
        "gasLimit": [hex(tx.gas_limit)],
        "to": "" if tx.to is None else f"{tx.to:#042x}",
        "value": [hex(tx.value)],
        "data": ["0x" + tx.data.hex()],
        "sender": f"{tx.sender:#042x}",
        "secretKey": "0x" + private_key(tx.key).secret.hex(),
    }
    if tx.kind < 2:
        out["gasPrice"] = hex(tx.max_fee)
    else:
        out |= {"maxFeePerGas": hex(tx.max_fee), "maxPriorityFeePerGas": hex(tx.max_priority_fee)}
    if tx.kind >= 1:
        entries = [
            {"address": f"{a:#042x}", "storageKeys": [f"{k:#066x}" for k in keys]}
            for a, keys in tx.access_list
        ]
        out["accessLists"] = [entries]
    if tx.kind == 3:
        out |= {
            "maxFeePerBlobGas": hex(tx.max_blob_fee),
            "blobVersionedHashes": ["0x" + h.hex() for h in tx.blob_hashes],
        }
    if tx.kind == 4:
        out["authorizationList"] = [
            {
                "chainId": hex(a.chain_id),
                "address": f"{a.target:#042x}",
                "nonce": hex(a.nonce),
                **dict(zip(("yParity", "r", "s"), map(hex, a.item()[3:]), strict=True)),  # type: ignore[arg-type]
            }
            for a in tx.authorizations
        ]
    return out
