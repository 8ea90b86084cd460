"""The enclave as a process: whose key it shows, what it loads, and that nothing it is asked ends it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from io import BytesIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from jovay.prover.tee import protocol
from jovay.prover.tee.binding import report_data
from jovay.prover.tee.enclave import forbid, serve
from jovay.prover.tee.errors import EnclaveError, EnclaveRefusedError
from jovay.prover.tee.image import image_digest
from jovay.prover.tee.launch import EnclaveProcess, measurement_of
from jovay.prover.tee.protocol import QuoteRequest, Refusal
from jovay.prover.tee.simulated.authority import SimulatedAuthority
from jovay.prover.tee.simulated.collateral import simulated_collateral
from jovay.prover.tee.verify import verify

NOW = 1_800_000_000
ASKED = QuoteRequest(31337, b"\1" * 20, 5, b"\2" * 32)


@pytest.fixture(scope="module")
def enclave() -> Iterator[EnclaveProcess]:
    enclave = EnclaveProcess("simulated")
    yield enclave
    enclave.close()


def test_its_quote_binds_its_key_and_its_measurement(enclave: EnclaveProcess) -> None:
    authority = SimulatedAuthority.development()
    root = authority.root.public_bytes(Encoding.DER)
    found = verify(enclave.quote(ASKED), simulated_collateral(authority, NOW), NOW, root)
    assert enclave.identity.platform == "simulated"
    assert found.measurement == enclave.identity.measurement
    bound = (ASKED.l1_chain_id, ASKED.verifier, enclave.identity.enclave, ASKED.l1_block, ASKED.l1_block_hash)
    assert found.report_data == report_data(*bound)


def test_every_enclave_has_its_own_key_and_the_same_measurement(enclave: EnclaveProcess) -> None:
    other = EnclaveProcess("simulated")
    other.close()
    assert other.identity.enclave != enclave.identity.enclave
    assert other.identity.measurement == enclave.identity.measurement == measurement_of("simulated")


def test_what_it_does_not_understand_is_refused_and_it_goes_on(enclave: EnclaveProcess) -> None:
    for kind, body in ((99, b""), (protocol.QUOTE, b"short"), (protocol.REFUSED, b"")):
        with pytest.raises(EnclaveRefusedError) as refused:
            enclave._ask(60, kind, body)
        assert (refused.value.type, refused.value.final) == ("EnclaveError", True)
    assert enclave.quote(ASKED)


def test_an_error_that_nobody_foresaw_is_refused_and_it_goes_on() -> None:
    def answer(kind: int, body: bytes) -> tuple[bytes, ...]:
        if body:
            raise KeyError("unforeseen")
        return (b"fine",)

    broken: Any = SimpleNamespace(answer=answer)
    questions, answers = BytesIO(), BytesIO()
    for body in (b"x", b""):
        protocol.write_frame(questions, protocol.PROVE, body)
    serve(broken, BytesIO(questions.getvalue()), answers)
    answers.seek(0)
    kind, refused = protocol.read_frame(answers) or (0, b"")
    assert (kind, Refusal.decode(refused).type, Refusal.decode(refused).final) == (
        protocol.REFUSED,
        "KeyError",
        False,
    )
    assert protocol.read_frame(answers) == (protocol.DONE, b"fine")


def test_it_has_no_environment(enclave: EnclaveProcess) -> None:
    given = Path(f"/proc/{enclave.pid}/environ").read_bytes()
    assert not given or given.startswith(b"JOVAY_KERNEL=")


def test_one_that_ended_says_so() -> None:
    enclave = EnclaveProcess("simulated")
    os.kill(enclave.pid, 9)
    with pytest.raises(EnclaveError):
        enclave.quote(ASKED)
    assert not enclave.is_alive
    enclave.close()


def test_one_that_hangs_is_ended() -> None:
    enclave = EnclaveProcess("simulated")
    os.kill(enclave.pid, signal.SIGSTOP)
    with pytest.raises(EnclaveError):
        enclave._ask(0.2, protocol.HELLO)
    enclave.close()
    assert not enclave.is_alive


def test_it_ends_with_the_worker() -> None:
    """Its questions end when whoever asks them is killed."""
    enclave = EnclaveProcess("simulated")
    assert enclave._process.stdin
    enclave._process.stdin.close()
    assert enclave._process.wait(10) == 0
    enclave.close()


def test_a_platform_that_is_not_here_is_an_error() -> None:
    if not Path("/sys/kernel/config/tsm").exists():
        with pytest.raises(EnclaveError):
            EnclaveProcess("tsm")


def test_every_file_that_is_loaded_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = image_digest(b"kernel")
    assert image_digest(b"kernel") == before != image_digest(b"kernel of another")
    file = tmp_path / "planted.py"
    module = ModuleType("planted")
    module.__spec__ = ModuleSpec("planted", None, origin=str(file))
    monkeypatch.setitem(sys.modules, "planted", module)
    file.write_text("one")
    planted = image_digest(b"kernel")
    file.write_text("other")
    assert len({before, planted, image_digest(b"kernel")}) == 3


@pytest.mark.parametrize(
    "event", ["import", "socket.connect", "subprocess.Popen", "ctypes.dlopen", "os.fork"]
)
def test_an_enclave_at_work_loads_and_connects_to_nothing(event: str) -> None:
    with pytest.raises(EnclaveError):
        forbid(event, ())
    forbid("object.__getattr__", ())
