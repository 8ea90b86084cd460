"""The configuration of a settled chain, whose hash both provers state and L1 knows (docs/settlement.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from jovay.kernel.block.system import HISTORY_STORAGE, HISTORY_WINDOW
from jovay.kernel.programs import settled_config as layout
from jovay.kernel.protocol.forks import CANCUN, FORKS

from .errors import GenesisError
from .forks import TIME_FORKS
from .json_values import bytes_at, exactly, number_at, object_at

#: Base-fee rules.
FIXED, EIP1559 = layout.FIXED, layout.EIP1559
Place = tuple[int, int]
"""An account and one of its storage slots."""
#: Bytes that a block's transactions take where they are published, at most: they fit any batch of six blobs.
MOST_BLOCK_BYTES = 600_000


@dataclass(frozen=True, slots=True)
class SettledConfig:
    """Everything about blocks' environments that neither published data nor state say; wei, seconds.

    ``base_fee`` is the fee, or under EIP-1559 the least. ``forks``: first second and number of each, in order.
    """

    chain_id: int
    gas_limit: int
    coinbase: int
    base_fee: int
    forks: tuple[tuple[int, int], ...]
    base_fee_rule: int = FIXED
    fees_to_coinbase: bool = True
    l1_fee: Place = (0, 0)
    l2_msg_root: Place = (0, 0)

    def slots_of(self, number: int, ancestors: int) -> list[Place]:
        """What provers read of the state beside what block ``number`` touches, where it asks for the hashes of so many
        blocks before it: the slots named here, and those of EIP-2935 with the hashes, but for its parent's.
        """
        older = range(max(0, number - ancestors), number - 1)
        named = [place for place in (self.l1_fee, self.l2_msg_root) if place[0]]
        return [*named, *((HISTORY_STORAGE, block % HISTORY_WINDOW) for block in older)]

    def encode(self) -> bytes:
        """The words that the kernel reads."""
        if len(self.forks) > layout.FORK_PLACES:
            raise ValueError(f"{len(self.forks)} forks, and a configuration holds {layout.FORK_PLACES}")
        words = [
            layout.VERSION,
            self.chain_id,
            self.gas_limit,
            self.coinbase,
            self.base_fee_rule,
            self.base_fee,
        ]
        words += [int(self.fees_to_coinbase), *self.l1_fee, *self.l2_msg_root]
        for fork in self.forks:
            words += fork
        words += [0] * (layout.WORDS - len(words))
        return b"".join(word.to_bytes(32, "big") for word in words)

    @classmethod
    def decode(cls, data: bytes) -> SettledConfig:
        """The inverse of ``encode``; ``ValueError`` for anything else."""
        words = [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]
        if len(data) != layout.SIZE or words[0] != layout.VERSION:
            raise ValueError(f"a chain configuration of {len(data)} bytes, {data[:32].hex()}")
        pairs = [(words[at], words[at + 1]) for at in range(11, layout.WORDS, 2)]
        found = cls(
            chain_id=words[1],
            gas_limit=words[2],
            coinbase=words[3],
            base_fee=words[5],
            forks=tuple(pair for pair in pairs if pair[1]),
            base_fee_rule=words[4],
            fees_to_coinbase=bool(words[6]),
            l1_fee=(words[7], words[8]),
            l2_msg_root=(words[9], words[10]),
        )
        if found.encode() != data:
            raise ValueError("a chain configuration with words that mean nothing")
        return found

    @property
    def hash(self) -> bytes:
        """``chainConfigHash``."""
        return keccak(self.encode())


U64_MAX, U256_MAX = (1 << 64) - 1, (1 << 256) - 1
_RULES = {"fixed": FIXED, "eip1559": EIP1559}
#: Forks whose blocks can be proven.
_FORKS = {name: FORKS[name] for name in TIME_FORKS if FORKS[name] >= CANCUN}
_KEYS = {
    "chainId",
    "gasLimit",
    "coinbase",
    "baseFeeRule",
    "baseFee",
    "feesToCoinbase",
    "forks",
    "l1Fee",
    "l2MsgRoot",
}


def config_to_json(config: SettledConfig) -> dict[str, Any]:
    """The configuration as it stands in a genesis file; ``config_from_json`` gives it back."""

    def place(at: Place) -> dict[str, str]:
        return {"address": _address(at[0]), "slot": hex(at[1])}

    names = {number: name for name, number in _FORKS.items()}
    return {
        "chainId": config.chain_id,
        "gasLimit": hex(config.gas_limit),
        "coinbase": _address(config.coinbase),
        "baseFeeRule": {rule: name for name, rule in _RULES.items()}[config.base_fee_rule],
        "baseFee": hex(config.base_fee),
        "feesToCoinbase": config.fees_to_coinbase,
        "forks": {names[number]: second for second, number in config.forks},
        "l1Fee": place(config.l1_fee),
        "l2MsgRoot": place(config.l2_msg_root),
    }


def config_from_json(value: object, path: str) -> SettledConfig:
    """Check a configuration; raises ``GenesisError``."""
    entries = exactly(value, path, _KEYS)

    def number(key: str, maximum: int = U64_MAX) -> int:
        return number_at(entries[key], f"{path}.{key}", maximum)

    def place(key: str) -> Place:
        where = exactly(entries[key], f"{path}.{key}", {"address", "slot"})
        address = bytes_at(where["address"], f"{path}.{key}.address", 20)
        return int.from_bytes(address, "big"), number_at(where["slot"], f"{path}.{key}.slot", U256_MAX)

    if entries["baseFeeRule"] not in _RULES:
        raise GenesisError(f"{path}.baseFeeRule", entries["baseFeeRule"], f"must be {' or '.join(_RULES)}")
    if not isinstance(entries["feesToCoinbase"], bool):
        raise GenesisError(f"{path}.feesToCoinbase", entries["feesToCoinbase"], "must be true or false")
    return SettledConfig(
        chain_id=number("chainId"),
        gas_limit=number("gasLimit"),
        coinbase=int.from_bytes(bytes_at(entries["coinbase"], f"{path}.coinbase", 20), "big"),
        base_fee=number("baseFee"),
        forks=_forks(entries["forks"], f"{path}.forks"),
        base_fee_rule=_RULES[entries["baseFeeRule"]],
        fees_to_coinbase=entries["feesToCoinbase"],
        l1_fee=place("l1Fee"),
        l2_msg_root=place("l2MsgRoot"),
    )


def _forks(value: object, path: str) -> tuple[tuple[int, int], ...]:
    """Names of forks and their first seconds, in the forks' order."""
    starts = object_at(value, path)
    if not starts or len(starts) > layout.FORK_PLACES:
        raise GenesisError(path, value, f"must name from 1 to {layout.FORK_PLACES} forks")
    for name in starts:
        if name not in _FORKS:
            raise GenesisError(f"{path}.{name}", starts[name], f"is no fork of {', '.join(_FORKS)}")
    seconds = {name: number_at(second, f"{path}.{name}", U64_MAX) for name, second in starts.items()}
    forks = tuple((seconds[name], number) for name, number in _FORKS.items() if name in seconds)
    if list(forks) != sorted(forks):
        raise GenesisError(path, value, "must not begin before the fork before them")
    return forks


def _address(number: int) -> str:
    return "0x" + number.to_bytes(20, "big").hex()
