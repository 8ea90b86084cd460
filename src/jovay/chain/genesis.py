"""Genesis files in geth's JSON form: read strictly, with the JSON path and the value in every error.

Numbers may be decimal or 0x-hex strings or JSON numbers, as geth's ``HexOrDecimal64/256`` accept; alloc
addresses may lack the 0x; storage keys and values may be shorter than 32 bytes. Unlike geth, duplicate keys
are errors.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from jovay.kernel.protocol.forks import FORKS

from .errors import GenesisError
from .forks import TIME_FORKS, ChainConfig, parse_config
from .json_values import bytes_at, number_at, object_at
from .settled import FIXED
from .settlement import PATH, Settlement, settlement_from_json

U64_MAX, U256_MAX = (1 << 64) - 1, (1 << 256) - 1
MAX_CODE = 24_576
"""EIP-170."""
INITIAL_BASE_FEE = 1_000_000_000
"""EIP-1559, when the first block is London or later and the file does not say."""
MIN_GAS_LIMIT, MAX_GAS_LIMIT = 5_000, (1 << 63) - 1

Json = dict[str, Any]
MAX_DEPTH = 64
_OPENING, _CLOSING = [ord(sign) for sign in "[{"], [ord(sign) for sign in "]}"]


@dataclass(frozen=True, slots=True)
class GenesisAccount:
    """An account of the alloc. Storage maps 32-byte keys to 32-byte values, none of them zero."""

    balance: int
    nonce: int = 0
    code: bytes = b""
    storage: dict[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Genesis:
    """A chain's beginning; ``alloc`` maps 20-byte addresses to accounts. Fields without a value are None.

    With a ``settlement`` it is a settled chain's, and every field of its blocks follows from the configuration there.
    """

    config: ChainConfig
    alloc: dict[bytes, GenesisAccount]
    gas_limit: int
    difficulty: int = 0
    nonce: int = 0
    timestamp: int = 0
    extra_data: bytes = b""
    mix_hash: bytes = bytes(32)
    coinbase: bytes = bytes(20)
    number: int = 0
    gas_used: int = 0
    parent_hash: bytes = bytes(32)
    base_fee_per_gas: int | None = None
    excess_blob_gas: int | None = None
    blob_gas_used: int | None = None
    settlement: Settlement | None = None


def _word_at(value: object, path: str) -> bytes:
    """Storage keys and values: hex of up to 32 bytes, filled with zeros on the left."""
    raw = bytes_at(value, path, prefix=False)
    if len(raw) > 32:
        raise GenesisError(path, value, "must have at most 32 bytes")
    return raw.rjust(32, b"\0")


def _account(value: object, path: str) -> GenesisAccount:
    fields = object_at(value, path)
    if "balance" not in fields:
        raise GenesisError(path, fields, "must have a balance")
    code = bytes_at(fields.get("code", "0x"), f"{path}.code")
    if len(code) > MAX_CODE:
        raise GenesisError(
            f"{path}.code", f"{len(code)} bytes", f"must have at most {MAX_CODE} bytes (EIP-170)"
        )
    storage: dict[bytes, bytes] = {}
    for name, word in object_at(fields.get("storage", {}), f"{path}.storage").items():
        place = f"{path}.storage.{name}"
        key = _word_at(name, place)
        if key in storage:
            raise GenesisError(place, word, "stands here twice")
        storage[key] = _word_at(word, place)
    return GenesisAccount(
        balance=number_at(fields["balance"], f"{path}.balance", U256_MAX),
        nonce=number_at(fields.get("nonce", 0), f"{path}.nonce", U64_MAX),
        code=code,
        storage={key: content for key, content in storage.items() if any(content)},
    )


def _alloc(value: object) -> dict[bytes, GenesisAccount]:
    alloc: dict[bytes, GenesisAccount] = {}
    for name, account in object_at(value, "alloc").items():
        path = f"alloc.{name}"
        address = bytes_at(name, path, 20, prefix=False)
        if address in alloc:
            raise GenesisError(path, name, "stands here twice")
        alloc[address] = _account(account, path)
    return alloc


def from_json(value: object) -> Genesis:
    """Check a decoded genesis file; raises ``GenesisError``."""
    top = object_at(value, "")
    for name in ("config", "gasLimit", "difficulty", "alloc"):
        if top.get(name) is None:
            raise GenesisError(name, None, "is required")

    def optional(name: str, maximum: int) -> int | None:
        return None if top.get(name) is None else number_at(top[name], name, maximum)

    config = parse_config(top["config"])
    settlement = config.extra.pop("settlement", None)
    genesis = Genesis(
        config=config,
        alloc=_alloc(top["alloc"]),
        gas_limit=number_at(top["gasLimit"], "gasLimit", MAX_GAS_LIMIT),
        difficulty=number_at(top["difficulty"], "difficulty", U256_MAX),
        nonce=optional("nonce", U64_MAX) or 0,
        timestamp=optional("timestamp", U64_MAX) or 0,
        extra_data=bytes_at(top.get("extraData") or "0x", "extraData"),
        mix_hash=bytes_at(top.get("mixHash") or "0x" + "00" * 32, "mixHash", 32),
        coinbase=bytes_at(top.get("coinbase") or "0x" + "00" * 20, "coinbase", 20),
        number=optional("number", U64_MAX) or 0,
        gas_used=optional("gasUsed", MAX_GAS_LIMIT) or 0,
        parent_hash=bytes_at(top.get("parentHash") or "0x" + "00" * 32, "parentHash", 32),
        base_fee_per_gas=optional("baseFeePerGas", U256_MAX),
        excess_blob_gas=optional("excessBlobGas", U64_MAX),
        blob_gas_used=optional("blobGasUsed", U64_MAX),
        settlement=None if settlement is None else settlement_from_json(settlement),
    )
    return _complete(genesis)


def _complete(genesis: Genesis) -> Genesis:
    """Checks across fields, and the defaults that follow from the forks."""
    if genesis.gas_limit < MIN_GAS_LIMIT:
        raise GenesisError("gasLimit", genesis.gas_limit, f"must be at least {MIN_GAS_LIMIT}")
    if len(genesis.extra_data) > 32:
        raise GenesisError("extraData", "0x" + genesis.extra_data.hex(), "must have at most 32 bytes")
    if genesis.gas_used > genesis.gas_limit:
        raise GenesisError("gasUsed", genesis.gas_used, f"must be at most the gas limit, {genesis.gas_limit}")
    values = {name: getattr(genesis, name) for name in Genesis.__slots__}
    active = genesis.config.active(genesis.number, genesis.timestamp)
    if "London" in active and genesis.base_fee_per_gas is None:
        values["base_fee_per_gas"] = INITIAL_BASE_FEE
    if "Cancun" in active:
        values["excess_blob_gas"] = genesis.excess_blob_gas or 0
        values["blob_gas_used"] = genesis.blob_gas_used or 0
    complete = Genesis(**values)
    if complete.settlement is not None:
        check_settlement(complete, complete.settlement)
    return complete


def check_settlement(genesis: Genesis, settlement: Settlement) -> None:
    """Whether block 0 and the forks are those of the proven configuration. Raises ``GenesisError``."""
    config, schedule = settlement.config, genesis.config
    for path, stated, given in (
        ("chainId", config.chain_id, schedule.chain_id),
        ("gasLimit", config.gas_limit, genesis.gas_limit),
        ("coinbase", config.coinbase, int.from_bytes(genesis.coinbase, "big")),
    ):
        if stated != given:
            raise GenesisError(f"{PATH}.config.{path}", stated, f"must be the chain's, {given}")
    fee = genesis.base_fee_per_gas or 0
    if fee < config.base_fee or (config.base_fee_rule == FIXED and fee != config.base_fee):
        raise GenesisError("baseFeePerGas", fee, f"must be that of {PATH}.config, {config.base_fee}")
    seconds = {second for second, _ in config.forks} | {genesis.timestamp}
    seconds |= {second for name, second in schedule.forks.items() if name in TIME_FORKS}
    for second in sorted(second for second in seconds if second >= genesis.timestamp):
        proven = max((number for start, number in config.forks if start <= second), default=0)
        if FORKS[schedule.fork(0, second)] != proven:
            raise GenesisError(
                f"{PATH}.config.forks", second, "is a second with another fork than the chain's"
            )
    if genesis.number:
        raise GenesisError("number", genesis.number, "must be 0")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> Json:
    result: Json = {}
    for key, value in pairs:
        if key in result:
            raise GenesisError(key, value, "stands in one object twice")
        result[key] = value
    return result


def parse(text: str | bytes) -> Genesis:
    """Read a genesis file's text; raises ``GenesisError``."""
    raw = np.frombuffer(text.encode() if isinstance(text, str) else text, np.uint8)
    depth = np.cumsum(
        np.isin(raw, _OPENING).view(np.int8) - np.isin(raw, _CLOSING).view(np.int8), dtype=np.int32
    )
    # Where a library has raised the recursion limit, json crashes the interpreter on deep nesting.
    if len(raw) and int(depth.max()) > MAX_DEPTH:
        raise GenesisError("", f"{int(depth.max())} levels", f"must nest at most {MAX_DEPTH} levels")
    try:
        return from_json(json.loads(text, object_pairs_hook=_no_duplicates))
    except ValueError as error:
        raise GenesisError("", str(error), "is no JSON") from error


def read(path: str | Path) -> Genesis:
    """Read a genesis file; raises ``GenesisError`` also when it cannot be read."""
    try:
        return parse(Path(path).read_bytes())
    except OSError as error:
        raise GenesisError("", str(path), f"cannot be read ({error.strerror})") from error


def to_json(genesis: Genesis) -> Json:
    """The genesis as geth writes it; ``from_json`` gives the same genesis back."""
    alloc: Json = {}
    for address, account in genesis.alloc.items():
        entry: Json = {"balance": hex(account.balance)}
        if account.nonce:
            entry["nonce"] = hex(account.nonce)
        if account.code:
            entry["code"] = "0x" + account.code.hex()
        if account.storage:
            slots = account.storage.items()
            entry["storage"] = {"0x" + key.hex(): "0x" + word.hex() for key, word in slots}
        alloc["0x" + address.hex()] = entry
    result: Json = {
        "config": genesis.config.to_json(),
        "nonce": hex(genesis.nonce),
        "timestamp": hex(genesis.timestamp),
        "extraData": "0x" + genesis.extra_data.hex(),
        "gasLimit": hex(genesis.gas_limit),
        "difficulty": hex(genesis.difficulty),
        "mixHash": "0x" + genesis.mix_hash.hex(),
        "coinbase": "0x" + genesis.coinbase.hex(),
        "alloc": alloc,
        "number": hex(genesis.number),
        "gasUsed": hex(genesis.gas_used),
        "parentHash": "0x" + genesis.parent_hash.hex(),
    }
    for name, value in (
        ("baseFeePerGas", genesis.base_fee_per_gas),
        ("excessBlobGas", genesis.excess_blob_gas),
        ("blobGasUsed", genesis.blob_gas_used),
    ):
        if value is not None:
            result[name] = hex(value)
    if genesis.settlement is not None:
        result["config"]["settlement"] = genesis.settlement.to_json()
    return result


def alloc_digest(genesis: Genesis) -> bytes:
    """SHA-256 over the alloc in address order, and over where the chain settles: what tells two geneses apart whose
    headers are alike.
    """
    digest = hashlib.sha256()
    for address, account in sorted(genesis.alloc.items()):
        head = account.balance.to_bytes(32, "big") + account.nonce.to_bytes(8, "big")
        sizes = len(account.code).to_bytes(8, "big") + len(account.storage).to_bytes(8, "big")
        digest.update(address + head + sizes + account.code)
        for key, value in sorted(account.storage.items()):
            digest.update(key + value)
    if genesis.settlement is not None:
        digest.update(json.dumps(genesis.settlement.to_json(), sort_keys=True).encode())
    return digest.digest()
