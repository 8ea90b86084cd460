"""A chain under test as client programs see it: addresses, id, and what it is excused from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rigs.accounts import KEYS
from rigs.node_scripts import run_node
from rigs.rpc import Rpc
from rigs.solidity import load

CONTRACTS = ("Child", "Counter", "Factory", "Token")


@dataclass(frozen=True)
class Endpoint:
    """Where a chain listens, its id, and the steps it is excused from (name → reason)."""

    name: str
    url: str
    ws_url: str
    chain_id: int
    lacks: dict[str, str]

    def rpc(self) -> Rpc:
        """A fresh client of its own connection."""
        return Rpc(self.url)

    def run(self, program: str, account: int) -> None:
        """Runs a client program of tests/clients with a funded account of its own.

        Raises AssertionError with what each failed step said.
        """
        payload: dict[str, Any] = {
            "url": self.url,
            "wsUrl": self.ws_url,
            "chainId": self.chain_id,
            "key": KEYS[account],
            "contracts": {name: vars(load(name)) for name in CONTRACTS},
            "skip": self.lacks,
        }
        steps: dict[str, str] = run_node(program, payload)
        failed = {name: outcome for name, outcome in steps.items() if outcome not in ("ok", "skipped")}
        if failed:
            raise AssertionError("\n\n".join(f"{program} {name}: {text}" for name, text in failed.items()))
        if list(steps.values()).count("ok") < 10:
            raise AssertionError(f"{program} ran too little: {steps}")
