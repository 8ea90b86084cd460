"""anvil's JSON as our values, and our calls as JSON for anvil."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jovay.chain.reasons import Halt
from jovay.chain.types import AccessEntry, Authorization, Header, Log, Receipt, Transaction
from jovay.kernel.protocol.opcodes import OPCODES
from jovay.rpc.forms import access_list_form, authorization_form
from jovay.simulation.requests import (
    AccountOverride,
    Call,
    CallLog,
    CallResult,
    Frame,
    Step,
    TouchedAccount,
)

Json = Mapping[str, Any]


def number(text: str | int) -> int:
    # anvil gives some numbers as numbers.
    return text if isinstance(text, int) else int(text, 16)


def data(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def optional_number(source: Json, name: str) -> int | None:
    return None if source.get(name) is None else number(source[name])


def optional_data(source: Json, name: str) -> bytes | None:
    return None if source.get(name) is None else data(source[name])


def parse_header(source: Json) -> Header:
    return Header(
        number=number(source["number"]),
        hash=data(source["hash"]),
        parent_hash=data(source["parentHash"]),
        coinbase=data(source["miner"]),
        state_root=data(source["stateRoot"]),
        transactions_root=data(source["transactionsRoot"]),
        receipts_root=data(source["receiptsRoot"]),
        logs_bloom=data(source["logsBloom"]),
        gas_limit=number(source["gasLimit"]),
        gas_used=number(source["gasUsed"]),
        timestamp=number(source["timestamp"]),
        extra_data=data(source["extraData"]),
        mix_hash=data(source["mixHash"]),
        nonce=data(source["nonce"]),
        difficulty=number(source["difficulty"]),
        uncles_hash=data(source["sha3Uncles"]),
        base_fee_per_gas=optional_number(source, "baseFeePerGas"),
        withdrawals_root=optional_data(source, "withdrawalsRoot"),
        blob_gas_used=optional_number(source, "blobGasUsed"),
        excess_blob_gas=optional_number(source, "excessBlobGas"),
        parent_beacon_block_root=optional_data(source, "parentBeaconBlockRoot"),
        requests_hash=optional_data(source, "requestsHash"),
        size=number(source["size"]),
    )


def parse_access_list(entries: Sequence[Json]) -> tuple[AccessEntry, ...]:
    return tuple(
        AccessEntry(data(entry["address"]), tuple(data(key) for key in entry["storageKeys"]))
        for entry in entries
    )


def parse_transaction(source: Json) -> Transaction:
    kind = number(source.get("type", "0x0"))
    dynamic = kind >= 2
    access = source.get("accessList")
    hashes, authorizations = source.get("blobVersionedHashes"), source.get("authorizationList")
    return Transaction(
        type=kind,
        hash=data(source["hash"]),
        sender=data(source["from"]),
        nonce=number(source["nonce"]),
        gas=number(source["gas"]),
        to=optional_data(source, "to"),
        value=number(source["value"]),
        input=data(source["input"]),
        gas_price=None if dynamic else number(source["gasPrice"]),
        max_fee_per_gas=optional_number(source, "maxFeePerGas"),
        max_priority_fee_per_gas=optional_number(source, "maxPriorityFeePerGas"),
        chain_id=optional_number(source, "chainId"),
        access_list=None if access is None else parse_access_list(access),
        max_fee_per_blob_gas=optional_number(source, "maxFeePerBlobGas"),
        blob_versioned_hashes=None if hashes is None else tuple(data(item) for item in hashes),
        authorization_list=None
        if authorizations is None
        else tuple(
            Authorization(
                number(item["chainId"]),
                data(item["address"]),
                number(item["nonce"]),
                number(item["yParity"]),
                number(item["r"]),
                number(item["s"]),
            )
            for item in authorizations
        ),
        v=number(source.get("v") or source["yParity"]),
        r=number(source["r"]),
        s=number(source["s"]),
    )


def parse_log(source: Json) -> Log:
    return Log(
        address=data(source["address"]),
        topics=tuple(data(topic) for topic in source["topics"]),
        data=data(source["data"]),
        block_hash=data(source["blockHash"]),
        block_number=number(source["blockNumber"]),
        block_timestamp=optional_number(source, "blockTimestamp") or 0,
        transaction_hash=data(source["transactionHash"]),
        transaction_index=number(source["transactionIndex"]),
        log_index=number(source["logIndex"]),
        removed=source["removed"],
    )


def parse_receipt(source: Json) -> Receipt:
    kind = number(source["type"])
    return Receipt(
        transaction_hash=data(source["transactionHash"]),
        transaction_index=number(source["transactionIndex"]),
        block_hash=data(source["blockHash"]),
        block_number=number(source["blockNumber"]),
        block_timestamp=optional_number(source, "blockTimestamp") or 0,
        sender=data(source["from"]),
        to=optional_data(source, "to"),
        type=kind,
        status=number(source["status"]),
        gas_used=number(source["gasUsed"]),
        cumulative_gas_used=number(source["cumulativeGasUsed"]),
        effective_gas_price=number(source["effectiveGasPrice"]),
        logs_bloom=data(source["logsBloom"]),
        logs=[parse_log(log) for log in source["logs"]],
        contract_address=optional_data(source, "contractAddress"),
        blob_gas_used=optional_number(source, "blobGasUsed") if kind == 3 else None,
        blob_gas_price=optional_number(source, "blobGasPrice") if kind == 3 else None,
    )


_OPCODES = {row.name: code for code, row in OPCODES.items()}


def parse_frames(source: Json, depth: int = 0) -> list[Frame]:
    """callTracer's tree as our list."""
    logs = tuple(
        CallLog(
            data(log["address"]),
            tuple(data(topic) for topic in log["topics"]),
            data(log.get("data", "0x")),
            number(log.get("index", "0x0")),
            number(log["position"]) if isinstance(log.get("position"), str) else log.get("position", 0),
        )
        for log in source.get("logs", ())
    )
    frame = Frame(
        op=_OPCODES[source["type"]],
        depth=depth,
        sender=data(source["from"]),
        to=optional_data(source, "to"),
        value=number(source.get("value", "0x0")),
        gas=number(source["gas"]),
        gas_used=number(source["gasUsed"]),
        input=data(source["input"]),
        output=data(source.get("output", "0x")),
        error=source.get("error"),
        logs=logs,
    )
    frames = [frame]
    for child in source.get("calls", ()):
        frames += parse_frames(child, depth + 1)
    return frames


def parse_steps(source: Json, to: bytes) -> list[Step]:
    """The struct logger's steps as ours (the contract of inner steps is not known, nor needed here)."""
    steps = []
    for entry in source["structLogs"]:
        stack = tuple(int(item, 16) for item in entry.get("stack") or ())
        storage = None
        if entry.get("storage") and entry["op"] in ("SLOAD", "SSTORE"):
            known = {int(key, 16): int(value, 16) for key, value in entry["storage"].items()}
            storage = (stack[-1], known[stack[-1]])
        steps.append(
            Step(
                pc=entry["pc"],
                op=_OPCODES[entry["op"]],
                gas=entry["gas"],
                gas_cost=entry["gasCost"],
                depth=entry["depth"],
                address=to,
                refund=entry.get("refund", 0),
                stack=stack,
                memory=b"".join(bytes.fromhex(word) for word in entry.get("memory") or ()),
                storage=storage,
            )
        )
    return steps


def parse_touched(diff: Json, before: Json) -> dict[bytes, TouchedAccount]:
    """prestateTracer's two modes as touched accounts."""
    touched = {}
    for address in {*before, *diff["pre"], *diff["post"]}:
        old, new = before.get(address, {}), diff["post"].get(address, {})
        gone = address in diff["pre"] and address not in diff["post"]
        slots = {number(key): number(value) for key, value in old.get("storage", {}).items()}
        changed = diff["pre"].get(address, {}).get("storage", {}).keys() | new.get("storage", {}).keys()
        after = dict(slots)
        for key in changed:
            after[number(key)] = number(new.get("storage", {}).get(key, "0x0"))
            slots.setdefault(number(key), 0)
        balance, nonce = number(old.get("balance", "0x0")), old.get("nonce", 0)
        code = data(old.get("code", "0x"))
        touched[data(address)] = TouchedAccount(
            existed=bool(balance or nonce or code),
            exists=not gone,
            nonce_before=nonce,
            nonce_after=new.get("nonce", nonce),
            balance_before=balance,
            balance_after=number(new["balance"]) if "balance" in new else balance,
            code_before=code,
            code_after=data(new["code"]) if "code" in new else code,
            slots_before=slots,
            slots_after=after,
        )
    return touched


def call_json(call: Call) -> dict[str, Any]:
    form: dict[str, Any] = {"from": "0x" + call.sender.hex(), "value": hex(call.value)}
    form["input"] = "0x" + call.data.hex()
    if call.to is not None:
        form["to"] = "0x" + call.to.hex()
    if call.access_list is not None:
        form["accessList"] = access_list_form(call.access_list)
    if call.authorization_list is not None:
        form["authorizationList"] = [authorization_form(item) for item in call.authorization_list]
    for name, value in (
        ("gas", call.gas),
        ("gasPrice", call.gas_price),
        ("maxFeePerGas", call.max_fee_per_gas),
        ("maxPriorityFeePerGas", call.max_priority_fee_per_gas),
        ("nonce", call.nonce),
    ):
        if value is not None:
            form[name] = hex(value)
    return form


def override_json(override: AccountOverride) -> dict[str, Any]:
    form: dict[str, Any] = {}
    if override.balance is not None:
        form["balance"] = hex(override.balance)
    if override.nonce is not None:
        form["nonce"] = hex(override.nonce)
    if override.code is not None:
        form["code"] = "0x" + override.code.hex()
    for name, words in (("state", override.state), ("stateDiff", override.state_diff)):
        if words is not None:
            form[name] = {f"0x{key:064x}": f"0x{value:064x}" for key, value in words.items()}
    return form


def result_of(top: Json, access_list: tuple[AccessEntry, ...]) -> CallResult:
    """Outcome of the outermost frame."""
    error = top.get("error")
    halt = None
    if error is not None:
        known = {item.value: item for item in Halt}
        halt = known.get(error, Halt.INVALID_OPCODE)
        if error.startswith("out of gas") or "OutOfGas" in error:
            halt = Halt.OUT_OF_GAS
    gas = number(top["gasUsed"])
    return CallResult(
        gas_used=gas,
        max_used_gas=gas,
        output=data(top.get("output", "0x")),
        halt=halt,
        detail=error or "",
        created=optional_data(top, "to") if top["type"].startswith("CREATE") else None,
        access_list=access_list,
    )
