"""By which configuration a batch is proven, as far as the genesis file knows."""

from __future__ import annotations

from dataclasses import replace

from jovay.bridge.l1.following_errors import UnknownRulesError
from jovay.chain.settled import SettledConfig


def rules_of(config_hash: bytes | None, config: SettledConfig, index: int) -> SettledConfig:
    """``config``, or what it was before its last forks were added to it. Raises ``UnknownRulesError``."""
    for count in range(len(config.forks), 0, -1):
        found = replace(config, forks=config.forks[:count])
        if found.hash == config_hash:
            return found
    raise UnknownRulesError(index, config_hash)
