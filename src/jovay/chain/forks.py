"""The ``config`` of a genesis file: chain id and when each fork begins, in geth's names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .errors import GenesisError
from .json_values import number_at, object_at

BLOCK_FORKS = {
    "Homestead": "homesteadBlock",
    "TangerineWhistle": "eip150Block",
    "SpuriousDragon": "eip158Block",
    "Byzantium": "byzantiumBlock",
    "Constantinople": "constantinopleBlock",
    "ConstantinopleFix": "petersburgBlock",
    "Istanbul": "istanbulBlock",
    "MuirGlacier": "muirGlacierBlock",
    "Berlin": "berlinBlock",
    "London": "londonBlock",
    "ArrowGlacier": "arrowGlacierBlock",
    "GrayGlacier": "grayGlacierBlock",
    "Paris": "mergeNetsplitBlock",
}
"""Forks that begin at a block number, oldest first: name (as in execution-specs) → key."""
TIME_FORKS = {
    "Shanghai": "shanghaiTime",
    "Cancun": "cancunTime",
    "Prague": "pragueTime",
    "Osaka": "osakaTime",
}
"""Forks that begin at a timestamp."""
U64_MAX = (1 << 64) - 1
_OPTIONAL = {"MuirGlacier", "ArrowGlacier", "GrayGlacier", "Paris"}
_BLOB_ONLY = tuple(f"bpo{n}Time" for n in range(1, 6))
_OTHER = ("daoForkBlock", "eip155Block", "terminalTotalDifficulty")


@dataclass(frozen=True, slots=True)
class BlobSchedule:
    """Blob parameters from a fork on (EIP-7840)."""

    target: int
    maximum: int
    base_fee_update_fraction: int


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """``forks`` maps fork names to block numbers or timestamps; forks that never begin are absent.

    ``extra`` keeps the entries of the file that have no meaning for the rules here (geth's and our own).
    """

    chain_id: int
    forks: dict[str, int]
    blob_schedule: dict[str, BlobSchedule] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def active(self, number: int, timestamp: int) -> set[str]:
        """Names of the forks whose rules hold in this block."""
        return {
            name
            for name, start in self.forks.items()
            if start <= (timestamp if name in TIME_FORKS else number)
        } | {"Frontier"}

    def fork(self, number: int, timestamp: int) -> str:
        """Name of the newest fork whose rules hold in this block."""
        active = self.active(number, timestamp)
        return next(
            name for name in (*reversed(TIME_FORKS), *reversed(BLOCK_FORKS), "Frontier") if name in active
        )

    def to_json(self) -> dict[str, Any]:
        """The ``config`` object of a genesis file."""
        keys = BLOCK_FORKS | TIME_FORKS
        result: dict[str, Any] = {"chainId": self.chain_id}
        result |= {keys[name]: self.forks[name] for name in keys if name in self.forks}
        if self.blob_schedule:
            result["blobSchedule"] = {
                name: {
                    "target": blob.target,
                    "max": blob.maximum,
                    "baseFeeUpdateFraction": blob.base_fee_update_fraction,
                }
                for name, blob in self.blob_schedule.items()
            }
        return result | self.extra


def parse_config(value: object) -> ChainConfig:
    """Check a ``config`` object; raises ``GenesisError``."""
    value = object_at(value, "config")
    if "chainId" not in value:
        raise GenesisError("config.chainId", None, "is required")
    # EIP-2294 bounds chain ids so that v = 2 * id + 36 fits into 64 bits
    chain_id = number_at(value["chainId"], "config.chainId", (1 << 63) - 19)
    if chain_id == 0:
        raise GenesisError("config.chainId", value["chainId"], "must not be 0")
    keys = BLOCK_FORKS | TIME_FORKS
    forks = {
        name: number_at(value[key], f"config.{key}", U64_MAX)
        for name, key in keys.items()
        if value.get(key) is not None
    }
    for key in (*_BLOB_ONLY, *_OTHER):
        if value.get(key) is not None:
            number_at(value[key], f"config.{key}", (1 << 256) - 1)
    _check_order(forks)
    taken = {"chainId", "blobSchedule", *keys.values()}
    extra = {key: entry for key, entry in value.items() if key not in taken}
    return ChainConfig(chain_id, forks, _blob_schedule(value.get("blobSchedule")), extra)


def _check_order(forks: dict[str, int]) -> None:
    """A fork begins no earlier than the one before it, and not without it (geth's rule)."""
    for kind in (BLOCK_FORKS, TIME_FORKS):
        before, start = None, 0
        for name, key in kind.items():
            if name in forks:
                if forks[name] < start:
                    raise GenesisError(
                        f"config.{key}", forks[name], f"begins before {before}, which is at {start}"
                    )
                before, start = name, forks[name]
            elif name not in _OPTIONAL:
                later = [other for other in list(kind)[list(kind).index(name) :] if other in forks]
                if later:
                    raise GenesisError(f"config.{key}", None, f"is required, since {later[0]} is set")
                break
    if "London" not in forks and any(name in forks for name in TIME_FORKS):
        raise GenesisError("config.londonBlock", None, "is required for forks that begin at a time")


def _blob_schedule(value: object) -> dict[str, BlobSchedule]:
    if value is None:
        return {}
    schedule = {}
    for name, entry in object_at(value, "config.blobSchedule").items():
        path = f"config.blobSchedule.{name}"
        if not isinstance(entry, dict) or not {"target", "max", "baseFeeUpdateFraction"} <= entry.keys():
            raise GenesisError(path, entry, "must have target, max and baseFeeUpdateFraction")
        target, maximum, fraction = (
            number_at(entry[key], f"{path}.{key}", U64_MAX)
            for key in ("target", "max", "baseFeeUpdateFraction")
        )
        if target > maximum or fraction == 0:
            raise GenesisError(path, entry, "target must not pass max, the fraction must not be 0")
        schedule[name] = BlobSchedule(target, maximum, fraction)
    return schedule
