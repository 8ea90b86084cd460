"""The rules that a test's blocks are under: one fork, or two with the time of the change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jovay.chain.rules import BlobRules
from jovay.conformance.state_tests import DEFAULT_BLOB_SCHEDULE, number
from jovay.kernel.protocol.forks import CANCUN, FORKS, OSAKA, PARIS, PRAGUE, SHANGHAI

_TRANSITION = re.compile(r"(\w+)To(\w+)AtTime(\d+)(k?)")
#: Forks that change blob parameters only (EIP-7892).
_BLOB_FORK = re.compile(r"BPO\d+")


class UnsupportedNetworkError(Exception):
    """A network whose blocks are not judged here; the message names it."""


@dataclass(frozen=True)
class Fork:
    """The rules of one fork, from ``time`` on."""

    name: str
    rules: int  # the kernel's number
    time: int
    blobs: BlobRules

    @property
    def header_fields(self) -> int:
        """How many fields a header has."""
        return (
            21
            if self.rules >= PRAGUE
            else 20
            if self.rules >= CANCUN
            else 17
            if self.rules >= SHANGHAI
            else 16
        )


@dataclass(frozen=True)
class Network:
    """A test's chain: forks in the order of their times."""

    chain_id: int
    forks: tuple[Fork, ...]

    def fork(self, timestamp: int) -> Fork:
        """The fork in force."""
        return next(fork for fork in reversed(self.forks) if fork.time <= timestamp or fork is self.forks[0])


def rules_of(name: str) -> int:
    """The kernel's number of a fork; raises ``UnsupportedNetworkError`` for what is older than Paris or unknown."""
    rules = OSAKA if _BLOB_FORK.fullmatch(name) else FORKS.get(name, -1)
    if rules < PARIS:
        raise UnsupportedNetworkError(f"blocks of {name} are not supported")
    return rules


def network_of(name: str, config: Mapping[str, Any]) -> Network:
    """The chain of a test of network ``name``; raises ``UnsupportedNetworkError``."""
    found = _TRANSITION.fullmatch(name)
    times = {name: 0}
    if found:
        times = {found[1]: 0, found[2]: int(found[3]) * (1000 if found[4] else 1)}
    schedule = DEFAULT_BLOB_SCHEDULE | (config.get("blobSchedule") or {})
    forks = [Fork(fork, rules_of(fork), time, _blobs(schedule.get(fork))) for fork, time in times.items()]
    return Network(number(config.get("chainid"), 1), tuple(forks))


def _blobs(entry: Mapping[str, Any] | None) -> BlobRules:
    if not entry:
        return BlobRules()
    return BlobRules(number(entry["target"]), number(entry["max"]), number(entry["baseFeeUpdateFraction"]))
