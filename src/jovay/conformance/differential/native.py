"""Cases on the native kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from jovay.compiler.arena import Arena
from jovay.conformance.state_tests import describe, pack
from jovay.kernel.evm.forks import FORKS
from jovay.kernel.evm.machine import Block
from jovay.kernel.evm.status import MESSAGES
from jovay.kernel.replay import Executed, PostAccount, Replay, ReplayLog, replay_transactions
from jovay.kernel.statetest import PreAccount

from .cases import CHAIN_ID, Case, Log, Outcome, Ran, block_hash
from .cases import PostAccount as HostAccount

ARENA_BYTES = 8 << 30
OUTPUT_BYTES = 64 << 20
HASHES = 256


class KernelError(Exception):
    """The kernel could not finish a case: an arena was too small."""


def encode(case: Case, scale: int = 1, capacity: int = OUTPUT_BYTES) -> bytes:
    """Input of ``replay_transactions``."""
    environment = case.environment
    head = bytearray(
        pack(
            Replay,
            {
                "account_count": len(case.accounts),
                "transaction_count": len(case.transactions),
                "commit_each": int(case.commit_each),
                "scale": scale,
                "output_capacity": capacity,
                "hashes_known": min(environment.number, HASHES),
            },
        )
    )
    block = pack(
        Block,
        {
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
        },
    )
    at = Replay.fields["block"][1]
    head[at : at + len(block)] = block
    at = Replay.fields["hashes"][1]
    for number in range(max(0, environment.number - HASHES), environment.number):
        place = at + number % HASHES * 32
        head[place : place + 32] = block_hash(number)
    parts = [bytes(head)]
    for address, account in case.accounts.items():
        values = {
            "address": address,
            "balance": account.balance,
            "nonce": account.nonce,
            "code_size": len(account.code),
            "slot_count": len(account.storage),
        }
        parts += [pack(PreAccount, values), account.code + bytes(-len(account.code) % 8)]
        parts += [
            key.to_bytes(32, "little") + value.to_bytes(32, "little")
            for key, value in account.storage.items()
        ]
    for transaction in case.transactions:
        raw = transaction.raw()
        parts += [len(raw).to_bytes(8, "little"), raw, bytes(-len(raw) % 8)]
    return b"".join([*parts, bytes(64)])


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
    why = MESSAGES.get(head["how"], "")
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
        self._arena = Arena(ARENA_BYTES)
        self._output = Arena(OUTPUT_BYTES)

    @classmethod
    def load(cls) -> NativeRunner:
        """On the node's own kernel."""
        from jovay.compiler import kernel

        return cls(kernel.load()[replay_transactions])

    def run(self, case: Case) -> Outcome:
        data = encode(case)
        source = ctypes.create_string_buffer(data, len(data))
        arguments = (ctypes.addressof(source), len(data), self._output.address, self._arena.address)
        size = self._function(*arguments)
        self._arena.reset()
        if size == 0:
            raise KernelError(f"seed {case.seed}: an arena is too small")
        return decode(self._output.read(self._output.address, size), len(case.transactions))
