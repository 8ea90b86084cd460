"""anvil behind our RPC layer: its answers are parsed into our values, and the layer forms them again.

So real clients can be run against the layer with a whole chain behind it, and each form can be compared with
what anvil itself says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from jovay.rpc.backend import (
    BackendError,
    BlockTag,
    Event,
    Fees,
    Finality,
    LogFilter,
    NewBlock,
    NewPending,
    PoolContent,
    PoolStatus,
    RawBatch,
    SubmitError,
    Submitted,
)
from jovay.rpc.forms import access_list_form, authorization_form
from jovay.rpc.tracers.frames import NAMES
from jovay.rpc.tracers.steps import opcode_names
from jovay.simulation import (
    AccountOverride,
    Bundle,
    BundleResult,
    Call,
    CallLog,
    CallResult,
    ExecuteOptions,
    Frame,
    Halt,
    Invalid,
    Step,
    TouchedAccount,
    Trace,
    TraceOptions,
    TraceParts,
)
from jovay.types import (
    AccessEntry,
    Account,
    AccountProof,
    Authorization,
    Block,
    ChainConfig,
    Fork,
    Header,
    Inclusion,
    Log,
    Receipt,
    SlotProof,
    Transaction,
)
from rigs.rpc import Rpc, RpcError
from rigs.transactions import keccak256

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


_OPCODES = {name: code for code, name in NAMES.items()}


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
    opcodes = {name: code for code, name in opcode_names().items()}
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
                op=opcodes[entry["op"]],
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


class AnvilBackend:
    """Implements :class:`jovay.rpc.backend.Backend` over an anvil that mines each transaction at once."""

    dev: Any = None
    client_version = "anvil behind jovay"

    def __init__(self, connect: Callable[[], Rpc]) -> None:
        self._local = threading.local()
        self._connect = connect
        self._listeners: list[Callable[[Event], None]] = []
        self._announced = self.head()
        genesis = data(self._call("eth_getBlockByNumber", "0x0", False)["hash"])
        osaka = Fork(
            name="Osaka",
            activation_time=0,
            max_transaction_gas=1 << 24,
            precompiles={str(n): n.to_bytes(20) for n in (*range(1, 18), 256)},
        )
        self.chain = ChainConfig(
            chain_id=number(self._call("eth_chainId")), genesis_hash=genesis, forks=(osaka,)
        )

    def _call(self, method: str, *params: Any) -> Any:
        if not hasattr(self._local, "rpc"):
            self._local.rpc = self._connect()
        return self._local.rpc.call(method, *params)

    def keccak256(self, content: bytes) -> bytes:
        return keccak256(content)

    # Blocks.
    def head(self) -> int:
        return number(self._call("eth_blockNumber"))

    def resolve(self, tag: BlockTag) -> int | None:
        return number(self._call("eth_getBlockByNumber", tag.value, False)["number"])

    def _block(self, height: int, full: bool) -> Any:
        return self._call("eth_getBlockByNumber", hex(height), full)

    def number_of(self, block_hash: bytes) -> int | None:
        found = self._call("eth_getBlockByHash", "0x" + block_hash.hex(), False)
        return None if found is None else number(found["number"])

    def header(self, height: int) -> Header | None:
        found = self._block(height, False)
        return None if found is None else parse_header(found)

    def block(self, height: int) -> Block | None:
        found = self._block(height, True)
        if found is None:
            return None
        transactions = [parse_transaction(item) for item in found["transactions"]]
        withdrawals = () if "withdrawals" in found else None
        return Block(header=parse_header(found), transactions=transactions, withdrawals=withdrawals)

    def transaction_count(self, height: int) -> int | None:
        found = self._block(height, False)
        return None if found is None else len(found["transactions"])

    def transaction_hashes(self, height: int) -> bytes | None:
        found = self._block(height, False)
        return None if found is None else b"".join(data(item) for item in found["transactions"])

    def transaction(self, transaction_hash: bytes) -> Inclusion | None:
        return self._included(self._call("eth_getTransactionByHash", "0x" + transaction_hash.hex()))

    def transaction_at(self, height: int, index: int) -> Inclusion | None:
        found = self._call("eth_getTransactionByBlockNumberAndIndex", hex(height), hex(index))
        return self._included(found)

    def _included(self, found: Json | None) -> Inclusion | None:
        if found is None:
            return None
        transaction = parse_transaction(found)
        if found["blockNumber"] is None:
            return Inclusion(transaction)
        header = self.header(number(found["blockNumber"]))
        return Inclusion(transaction, header, number(found["transactionIndex"]))

    def receipts(self, hashes: Sequence[bytes]) -> list[Receipt | None]:
        found = [self._call("eth_getTransactionReceipt", "0x" + item.hex()) for item in hashes]
        return [None if item is None else parse_receipt(item) for item in found]

    def block_receipts(self, height: int) -> list[Receipt] | None:
        return [parse_receipt(item) for item in self._call("eth_getBlockReceipts", hex(height))]

    def logs(self, query: LogFilter) -> list[Log]:
        criteria = {
            "fromBlock": hex(query.first),
            "toBlock": hex(query.last),
            "address": ["0x" + item.hex() for item in query.addresses],
            "topics": [["0x" + item.hex() for item in topics] or None for topics in query.topics],
        }
        return [parse_log(item) for item in self._call("eth_getLogs", criteria)]

    def raw_header(self, height: int) -> bytes | None:
        return data(self._call("debug_getRawHeader", hex(height)))

    def raw_block(self, height: int) -> bytes | None:
        return data(self._call("debug_getRawBlock", hex(height)))

    def raw_receipts(self, height: int) -> list[bytes] | None:
        return [data(item) for item in self._call("debug_getRawReceipts", hex(height))]

    def raw_transaction(self, transaction_hash: bytes) -> bytes | None:
        found = self._call("eth_getRawTransactionByHash", "0x" + transaction_hash.hex())
        return None if found is None else data(found)

    # State.
    def account(self, address: bytes, height: int) -> Account:
        found = self._call("eth_getProof", "0x" + address.hex(), [], hex(height))
        return Account(
            number(found["nonce"]),
            number(found["balance"]),
            data(found["codeHash"]),
            data(found["storageHash"]),
        )

    def code(self, address: bytes, height: int) -> bytes:
        return data(self._call("eth_getCode", "0x" + address.hex(), hex(height)))

    def storage(self, address: bytes, slot: int, height: int) -> int:
        return number(self._call("eth_getStorageAt", "0x" + address.hex(), hex(slot), hex(height)))

    def proof(self, address: bytes, slots: Sequence[int], height: int) -> AccountProof:
        keys = [f"0x{slot:064x}" for slot in slots]
        found = self._call("eth_getProof", "0x" + address.hex(), keys, hex(height))
        return AccountProof(
            scheme="mpt",
            state_root=data(self._block(height, False)["stateRoot"]),
            address=address,
            account=self.account(address, height),
            proof=tuple(data(node) for node in found["accountProof"]),
            storage=tuple(
                SlotProof(slot, number(item["value"]), tuple(data(node) for node in item["proof"]))
                for slot, item in zip(slots, found["storageProof"], strict=True)
            ),
        )

    # Execution.
    def execute(self, bundles: Sequence[Bundle], height: int, options: ExecuteOptions) -> list[BundleResult]:
        if options.new_block:
            raise BackendError("simulated blocks are not available behind anvil")
        return [
            BundleResult([self._execute(call, bundle, height, options) for call in bundle.calls])
            for bundle in bundles
        ]

    def _execute(self, call: Call, bundle: Bundle, height: int, options: ExecuteOptions) -> CallResult:
        form = call_json(call)
        config: dict[str, Any] = {"tracer": "callTracer", "tracerConfig": {"withLog": True}}
        if bundle.state is not None:
            config["stateOverrides"] = {
                "0x" + address.hex(): override_json(item) for address, item in bundle.state.items()
            }
        try:
            found = self._call("debug_traceCall", form, hex(height), config)
            access = self._call("eth_createAccessList", form, hex(height)) if options.access_list else None
        except RpcError as error:
            return CallResult(gas_used=0, invalid=Invalid.INTRINSIC_GAS, detail=error.message)
        entries = () if access is None else parse_access_list(access["accessList"])
        result = result_of(found, entries)
        return msgspec.structs.replace(result, trace=Trace(frames=parse_frames(found)))

    def trace_transactions(
        self, height: int, indexes: Sequence[int] | None, options: TraceOptions, time_limit: float
    ) -> list[CallResult]:
        hashes = self._block(height, False)["transactions"]
        chosen = range(len(hashes)) if indexes is None else indexes
        return [self._trace(hashes[index], options) for index in chosen]

    def _trace(self, transaction_hash: str, options: TraceOptions) -> CallResult:
        def ask(tracer: str | None, **config: Any) -> Any:
            chosen = {} if tracer is None else {"tracer": tracer, "tracerConfig": config}
            extra = {"enableMemory": options.memory} if tracer is None else {}
            return self._call("debug_traceTransaction", transaction_hash, chosen | extra)

        top = ask("callTracer", withLog=True)
        result = result_of(top, ())
        steps: Sequence[Step] = ()
        touched: Mapping[bytes, TouchedAccount] = {}
        if TraceParts.STEPS in options.parts:
            steps = parse_steps(ask(None), data(top["to"]))
        if TraceParts.STATE in options.parts:
            touched = parse_touched(ask("prestateTracer", diffMode=True), ask("prestateTracer"))
        trace = Trace(steps=steps, frames=parse_frames(top), touched=touched)
        return CallResult(
            gas_used=result.gas_used,
            output=result.output,
            halt=result.halt,
            detail=result.detail,
            trace=trace,
        )

    # Pool.
    def submit(self, batch: RawBatch, ready_only: bool = False) -> Submitted:
        hashes, errors = [], {}
        start = 0
        for index, end in enumerate(batch.ends):
            raw = batch.data[start:end]
            start = end
            hashes.append(keccak256(raw))
            try:
                self._call("eth_sendRawTransaction", "0x" + raw.hex())
                self._emit(NewPending(hashes[-1]))
            except RpcError as error:
                errors[index] = SubmitError(Invalid.MALFORMED, error.message)
        return Submitted(b"".join(hashes), errors)

    def _watch(self) -> None:
        """Tell of blocks that came up, as long as anybody listens."""
        while self._listeners:
            head = self.head()
            for height in range(self._announced + 1, head + 1):
                header = self.header(height)
                assert header is not None
                self._emit(NewBlock(header, self.transaction_hashes(height) or b""))
            self._announced = head
            time.sleep(0.01)

    def pool_status(self) -> PoolStatus:
        found = self._call("txpool_status")
        return PoolStatus(number(found["pending"]), number(found["queued"]))

    def pool_content(self, sender: bytes | None = None) -> PoolContent:
        return PoolContent({}, {})

    def next_nonce(self, address: bytes) -> int:
        return number(self._call("eth_getTransactionCount", "0x" + address.hex(), "pending"))

    def fees(self) -> Fees:
        tip = number(self._call("eth_maxPriorityFeePerGas"))
        return Fees(number(self._call("eth_gasPrice")) - tip, tip, number(self._call("eth_blobBaseFee")))

    def blob_base_fee(self, height: int) -> int | None:
        return 1

    def finality(self, height: int) -> Finality:
        return Finality(stage=1, block_number=height)

    def _emit(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        threading.Thread(target=self._watch, daemon=True).start()
        return lambda: self._listeners.remove(listener)


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
