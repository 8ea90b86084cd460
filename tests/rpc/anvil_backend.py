"""anvil behind our RPC layer: its answers are parsed into our values, and the layer forms them again.

So real clients can be run against the layer with a whole chain behind it, and each form can be compared with
what anvil itself says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from jovay.chain.reasons import Invalid
from jovay.chain.types import (
    Account,
    AccountProof,
    Block,
    ChainParameters,
    Fork,
    Header,
    Inclusion,
    Log,
    Receipt,
    SlotProof,
)
from jovay.rpc.backend import Backend
from jovay.rpc.backend.chain import BlockTag, Finality, LogFilter
from jovay.rpc.backend.errors import BackendError
from jovay.rpc.backend.events import Event, NewBlock, NewPending
from jovay.rpc.backend.pool import Fees, PoolContent, PoolStatus, RawBatch, SubmitError, Submitted
from jovay.simulation.requests import (
    Bundle,
    BundleResult,
    Call,
    CallResult,
    ExecuteOptions,
    Step,
    TouchedAccount,
    Trace,
    TraceOptions,
    TraceParts,
)
from rigs.rpc import Rpc, RpcError
from rigs.transactions import keccak256
from rpc.anvil_json import (
    Json,
    call_json,
    data,
    number,
    override_json,
    parse_access_list,
    parse_frames,
    parse_header,
    parse_log,
    parse_receipt,
    parse_steps,
    parse_touched,
    parse_transaction,
    result_of,
)

T = TypeVar("T")


class AnvilBackend:
    """Implements what :class:`jovay.rpc.backend.Backend` has over an anvil that mines each transaction at once."""

    dev: Any = None

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
        self.config = ChainParameters(
            chain_id=number(self._call("eth_chainId")), genesis_hash=genesis, forks=(osaka,)
        )

    def interfaces(self) -> Backend:
        """As the server takes it."""
        return Backend(
            chain=self,
            state=self,
            pool=self,
            executor=self,
            events=self,
            keccak=keccak256,
            client_version="anvil behind jovay",
            development=self.dev,
        )

    def _call(self, method: str, *params: Any) -> Any:
        if not hasattr(self._local, "rpc"):
            self._local.rpc = self._connect()
        return self._local.rpc.call(method, *params)

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
        self,
        height: int,
        indexes: Sequence[int] | None,
        options: TraceOptions,
        time_limit: float,
        look: Callable[[int, CallResult], T],
    ) -> list[T]:
        hashes = self._block(height, False)["transactions"]
        chosen = range(len(hashes)) if indexes is None else indexes
        return [look(index, self._trace(hashes[index], options)) for index in chosen]

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

    def status(self) -> PoolStatus:
        found = self._call("txpool_status")
        return PoolStatus(number(found["pending"]), number(found["queued"]))

    def content(self, sender: bytes | None = None) -> PoolContent:
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
