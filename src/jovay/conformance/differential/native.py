"""Cases on the native kernel."""

from __future__ import annotations

from collections.abc import Callable

from jovay.chain.reasons import HALTS
from jovay.conformance.state_tests import describe
from jovay.kernel.machine.environment import Block
from jovay.kernel.machine.layout import MachineSizes
from jovay.kernel.programs.state_test import PreAccount
from jovay.kernel.programs.transition import (
    OWN_SIZES,
    Executed,
    PostAccount,
    Replay,
    ReplayLog,
    replay_transactions,
)
from jovay.kernel.protocol.forks import FORKS
from jovay.kernel.state.layout import WorldSizes
from jovay.native.arena import Arena, Buffer
from jovay.native.records import pack

from .cases import CHAIN_ID, Case, Log, Outcome, Ran, block_hash
from .cases import PostAccount as HostAccount

ARENA_BYTES = 8 << 30
OUTPUT_BYTES = 64 << 20
HASHES = 256


class KernelError(Exception):
    """The kernel could not finish a case: an arena was too small."""


Sizes = tuple[dict[str, int], dict[str, int]]


def encode(case: Case, scale: int = 1, capacity: int = OUTPUT_BYTES, sizes: Sizes | None = None) -> bytes:
    """Input of ``replay_transactions``; ``sizes`` of the world's and the machine's arenas go before ``scale``."""
    parts = [_head(case, scale, capacity, sizes)]
    for address, account in case.accounts.items():
        values = {
            "address": address,
            "balance": account.balance,
            "nonce": account.nonce,
            "code_size": len(account.code),
            "slot_count": len(account.storage),
        }
        parts += [pack(PreAccount, values), account.code + bytes(-len(account.code) % 8)]
        parts += [k.to_bytes(32, "little") + v.to_bytes(32, "little") for k, v in account.storage.items()]
    for transaction in case.transactions:
        raw = transaction.raw()
        parts += [len(raw).to_bytes(8, "little"), raw, bytes(-len(raw) % 8)]
    return b"".join([*parts, bytes(64)])


def _head(case: Case, scale: int, capacity: int, sizes: Sizes | None) -> bytes:
    """The ``Replay`` record."""
    environment = case.environment
    values = {
        "account_count": len(case.accounts),
        "transaction_count": len(case.transactions),
        "commit_each": int(case.commit_each),
        "scale": scale if sizes is None else OWN_SIZES,
        "output_capacity": capacity,
        "hashes_known": min(environment.number, HASHES),
    }
    head = bytearray(pack(Replay, values))

    def put(name: str, content: bytes, offset: int = 0) -> None:
        at = Replay.fields[name][1] + offset
        head[at : at + len(content)] = content

    block = {
        "number": environment.number,
        "timestamp": environment.timestamp,
        "gas_limit": environment.gas_limit,
        "base_fee": environment.base_fee,
        "blob_base_fee": environment.blob_base_fee,
        "prevrandao": environment.prevrandao,
        "coinbase": environment.coinbase,
        "chain_id": CHAIN_ID,
        "fork": FORKS[environment.fork],
        "max_blobs": environment.max_blobs,
    }
    put("block", pack(Block, block))
    for number in range(max(0, environment.number - HASHES), environment.number):
        put("hashes", block_hash(number), number % HASHES * 32)
    if sizes is not None:
        put("world_sizes", pack(WorldSizes, sizes[0]))
        put("machine_sizes", pack(MachineSizes, sizes[1]))
    return bytes(head)


class _Reader:
    """Walks the kernel's output."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def word(self) -> int:
        return int.from_bytes(self.take(8), "little")


def _fields(record: type, data: bytes) -> dict[str, int]:
    out = {}
    for name, (kind, offset) in record.fields.items():  # type: ignore[attr-defined]
        if hasattr(kind, "bits"):
            out[name] = int.from_bytes(data[offset : offset + kind.bits // 8], "little")
    return out


def _read_ran(reader: _Reader) -> Ran:
    head = _fields(Executed, reader.take(Executed.size))
    if head["status"] != 0:
        return Ran(False, why=describe(head["stage"], head["status"]))
    output = reader.take(head["output_size"])
    reader.take(-head["output_size"] % 8)
    logs = []
    for _ in range(head["log_count"]):
        record = reader.take(ReplayLog.size)
        log = _fields(ReplayLog, record)
        start = ReplayLog.fields["topics"][1]
        topics = tuple(record[start + 32 * k : start + 32 * k + 32] for k in range(log["topic_count"]))
        logs.append(Log(log["address"], topics, reader.take(log["data_size"])))
        reader.take(-log["data_size"] % 8)
    success = head["success"] != 0
    why = HALTS.get(head["how"], "")
    return Ran(True, success, head["gas_used"], output, tuple(logs), why)


def decode(data: bytes, transactions: int) -> Outcome:
    """The kernel's output as an outcome."""
    reader = _Reader(data)
    ran = [_read_ran(reader) for _ in range(transactions)]
    accounts = {}
    for _ in range(reader.word()):
        post = _fields(PostAccount, reader.take(PostAccount.size))
        storage = {}
        for _ in range(post["slot_count"]):
            key = int.from_bytes(reader.take(32), "little")
            storage[key] = int.from_bytes(reader.take(32), "little")
        accounts[post["address"]] = HostAccount(
            post["balance"], post["nonce"], post["code_hash"].to_bytes(32), storage
        )
    return Outcome(ran, accounts)


class NativeRunner:
    """Runs cases one after the other; ``function`` is the compiled ``replay_transactions``."""

    def __init__(self, function: Callable[..., int]) -> None:
        self._function = function
        self._arena = Arena(ARENA_BYTES, huge_pages=False)
        self._output = Arena(OUTPUT_BYTES, huge_pages=False, name="output")

    @classmethod
    def load(cls) -> NativeRunner:
        """On the node's own kernel."""
        from jovay.native import kernel

        return cls(kernel.load()[replay_transactions])

    def run(self, case: Case, sizes: Sizes | None = None) -> Outcome:
        """What comes of a case; ``sizes`` of the arenas, where not the usual ones."""
        data = encode(case, sizes=sizes)
        memory = (self._output, self._arena, self._arena.size)
        size = self._function(Buffer(data), len(data), *memory)
        self._arena.reset()
        if size == 0:
            raise KernelError(f"seed {case.seed}: an arena is too small")
        return decode(self._output.read(size), len(case.transactions))
