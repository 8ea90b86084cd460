"""The genesis of all benchmarks: funded accounts, tokens, market makers and collections, with their storage preset.

Both nodes start from the same file, so that both are given the same transactions.
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jovay.chain.development import development_genesis
from jovay.chain.genesis import Genesis, GenesisAccount, to_json

from .. import ROOT
from .accounts import CHAIN_ID, Accounts, accounts, cached, keccak

ETHER = 10**18
TOKENS, PAIRS, COLLECTIONS = 4, 8, 4
#: Accounts beside those of the loads: their transactions measure latency while a load runs.
PROBES, PROBE_GROUP = 256, 128
TRADERS = 5_000
#: The hot account of every load that has one: everybody pays to it.
EXCHANGE = bytes.fromhex("e0" * 20)
#: Storage slots of the contracts' variables (see their sources in tests/contracts).
TOTAL_SUPPLY, BALANCES, ALLOWANCES = 2, 3, 4
RESERVES, SHARES = 0, 1
RESERVE = 10**9 * ETHER


def token(index: int) -> bytes:
    """Address of an ERC-20 token; the first one is held by all accounts."""
    return b"\x70" * 19 + bytes((index,))


def pair(index: int) -> bytes:
    """Address of a market maker over two neighbouring tokens."""
    return b"\x80" * 19 + bytes((index,))


def collection(index: int) -> bytes:
    """Address of an NFT collection."""
    return b"\x90" * 19 + bytes((index,))


def word(value: int) -> bytes:
    """32 bytes, big-endian."""
    return value.to_bytes(32, "big")


def mapping(key: bytes, slot: int | bytes) -> bytes:
    """Slot of ``mapping[key]``, the mapping being at ``slot``."""
    return keccak(key.rjust(32, b"\0") + (word(slot) if isinstance(slot, int) else slot))


def artefact(name: str) -> dict[str, str]:
    """A compiled contract of the tests."""
    found: dict[str, str] = json.loads((ROOT / "tests" / "contracts" / "build" / f"{name}.json").read_text())
    return found


def pair_code(first: bytes, second: bytes) -> bytes:
    """Runtime code of a market maker, its immutable variables set by its constructor."""
    from pyrevm import EVM, BlockEnv

    creation = (
        bytes.fromhex(artefact("Pair")["bytecode"][2:]) + first.rjust(32, b"\0") + second.rjust(32, b"\0")
    )
    evm = EVM()
    evm.set_block_env(BlockEnv())
    deployer = "0x" + "11" * 20
    evm.set_balance(deployer, ETHER)
    address = evm.deploy(deployer, creation)
    account = evm.basic(address)
    return bytes(account.code).rstrip(b"\0") if account.code else b""


@cache
def _holders(count: int) -> list[tuple[bytes, bytes]]:
    """Each account with the slot of its balance in a token."""
    owners = accounts(count)

    def make() -> dict[str, npt.NDArray[np.generic]]:
        slots = [mapping(owners.address(i), BALANCES) for i in range(count)]
        return {"slots": np.frombuffer(b"".join(slots), np.uint8).reshape(-1, 32)}

    slots = cached("holders", count, make)["slots"]
    return [(owners.address(i), slots[i].tobytes()) for i in range(count)]


def traders(owners: Accounts) -> int:
    """How many accounts, from the first on, may trade with the market makers."""
    return min(len(owners), TRADERS)


def genesis(count: int) -> Genesis:
    """``count`` accounts, and those of the probes, with 1000 ether and 10⁶ of the first token each."""
    count += PROBES
    owners, balance = accounts(count), word(10**6 * ETHER)
    holders = _holders(count)
    alloc = {address: GenesisAccount(1000 * ETHER) for address, _ in holders}
    runtime = bytes.fromhex(artefact("Token")["runtime"][2:])
    for index in range(TOKENS + 1):
        storage = {word(TOTAL_SUPPLY): word(10**30)}
        held = holders if index == 0 else holders[: traders(owners)]
        storage |= {slot: balance for _, slot in held}
        if index:
            for k in range(PAIRS):
                storage[mapping(pair(k), BALANCES)] = word(RESERVE)
                if index in sides(k):
                    for address, _ in held:
                        storage[mapping(pair(k), mapping(address, ALLOWANCES))] = b"\xff" * 32
        alloc[token(index)] = GenesisAccount(0, 1, runtime, storage)
    for k in range(PAIRS):
        first, second = (token(i) for i in sides(k))
        reserves = RESERVE | RESERVE << 112 | 1 << 224
        alloc[pair(k)] = GenesisAccount(
            0, 1, pair_code(first, second), {word(RESERVES): word(reserves), word(SHARES): word(RESERVE)}
        )
    minted = bytes.fromhex(artefact("Nft")["runtime"][2:])
    for k in range(COLLECTIONS):
        alloc[collection(k)] = GenesisAccount(0, 1, minted, {word(0): word(1)})
    alloc[EXCHANGE] = GenesisAccount(1)
    base = development_genesis(CHAIN_ID)
    values = {name: getattr(base, name) for name in Genesis.__slots__}
    return Genesis(**(values | {"alloc": base.alloc | alloc, "base_fee_per_gas": 10**9}))


def sides(index: int) -> tuple[int, int]:
    """The tokens of a market maker."""
    return index % TOKENS + 1, (index + 1 + index // TOKENS) % TOKENS + 1


@cache
def genesis_file(count: int) -> Path:
    """The same as a file in geth's form."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jovay-bench"
    base.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(Path(__file__).read_bytes() + artefact("Token")["runtime"].encode()).hexdigest()[:16]
    path = base / f"genesis-{count}-{key}.json"
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(to_json(genesis(count))))
        part.replace(path)
    return path
