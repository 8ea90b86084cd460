"""ethers against anvil and against our node."""

from __future__ import annotations

from rigs.endpoint import Endpoint


def test_ethers(endpoint: Endpoint) -> None:
    endpoint.run("ethers.mjs", account=0)
