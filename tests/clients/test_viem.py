"""viem against anvil and against our node."""

from __future__ import annotations

from rigs.endpoint import Endpoint


def test_viem(endpoint: Endpoint) -> None:
    endpoint.run("viem.mjs", account=1)
