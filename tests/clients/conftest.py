"""The nodes under test: anvil, so that the client programs are known to be right, and our own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from rigs import anvil as anvil_rig
from rigs import jovay_node as jovay_rig
from rigs.endpoint import Endpoint
from rigs.jovay_node import JovayNode

# Steps that anvil 1.7.1 cannot pass, each with what it does instead. Our own node passes every step.
ANVIL_LACKS: dict[str, str] = {}


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JovayNode]:
    """A development chain of ours, one for the session."""
    if find_spec("jovay.cli") is None:
        pytest.skip("module jovay.cli is not there")
    with jovay_rig.jovay_node(tmp_path_factory.mktemp("node") / "data") as started:
        yield started


@pytest.fixture(scope="session")
def anvil() -> Iterator[anvil_rig.Anvil]:
    """An anvil, one for the session."""
    with anvil_rig.anvil(extra=["--steps-tracing"]) as started:
        yield started


@pytest.fixture(scope="session", params=["anvil", "jovay"])
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """Each test that asks for it runs twice: on anvil and on our node."""
    if request.param == "anvil":
        peer: anvil_rig.Anvil = request.getfixturevalue("anvil")
        return Endpoint("anvil", peer.url, peer.ws_url, anvil_rig.CHAIN_ID, ANVIL_LACKS)
    own: JovayNode = request.getfixturevalue("node")
    return Endpoint("jovay", own.url, own.ws_url, jovay_rig.CHAIN_ID, {})
