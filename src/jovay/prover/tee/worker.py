"""A TEE prover: takes batches from the controller, has an enclave state and sign them, reports.

Everything it holds may be lost at any time: the enclave with its key (a new one is registered), the worker itself (its
lease runs out). A key that is about to expire is replaced by that of a second enclave, which is registered meanwhile.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from jovay.bridge.controller_client import TEE, ControllerClient
from jovay.bridge.errors import BridgeError, ControllerRefusalError
from jovay.chain.settlement import Settlement
from jovay.prover.controller.service import LEASE_SECONDS
from jovay.prover.errors import ProverError
from jovay.prover.tee.errors import EnclaveError, EnclaveRefusedError, KeyRevokedError
from jovay.prover.tee.launch import ARENA_MIB, EnclaveProcess
from jovay.prover.tee.registration import KeyRecord, Registrar

log = logging.getLogger("jovay.prover")

#: Seconds between two looks for work, and after something went wrong.
_PAUSE, _PAUSE_AFTER_TROUBLE = 0.2, 2.0
#: The same once enclaves have ended over batches: doubling, since the registration of the next one's key costs gas.
_LONGEST_PAUSE = 600.0


class TeeWorker:
    """``run`` works until ``stop``, which any thread may call."""

    def __init__(
        self,
        controller: ControllerClient,
        registrar: Registrar,
        settlement: Settlement,
        platform: str,
        name: str = "",
        arena_mib: int = ARENA_MIB,
        workers: int = 1,
    ) -> None:
        self._controller, self._registrar, self._settlement = controller, registrar, settlement
        self._start = partial(EnclaveProcess, platform, arena_mib, workers)
        self.name = name or f"tee-{socket.gethostname()}-{os.getpid()}"
        self._enclave: EnclaveProcess | None = None
        self._next: EnclaveProcess | None = None
        self._over, self._told = threading.Event(), ""
        #: Enclaves that ended over a batch since one was attested.
        self._lost = 0

    def start(self) -> EnclaveProcess:
        """The enclave, started if there is none that runs. Raises EnclaveError."""
        if self._enclave is None or not self._enclave.is_alive:
            self._end()
            self._enclave = self._start()
            known = self._enclave.identity
            log.info(
                "enclave started",
                extra={
                    "platform": known.platform,
                    "enclave": known.enclave,
                    "measurement": known.measurement,
                },
            )
        return self._enclave

    def run(self) -> None:
        """Work; what goes wrong is told once and tried again."""
        while not self._over.is_set():
            try:
                pause = 0.0 if self.turn() else _PAUSE
            except Exception as error:  # a full disk, too, is no reason to stop for good
                self._tell(error)
                if isinstance(error, KeyRevokedError):
                    self._end()
                pause = self.rest
            self._over.wait(pause)
        self._end()

    @property
    def rest(self) -> float:
        """Seconds until the next turn after one that failed."""
        return min(_PAUSE_AFTER_TROUBLE * (1 << min(self._lost, 16)), _LONGEST_PAUSE)

    def stop(self) -> None:
        """End after the batch at hand."""
        self._over.set()

    def kill(self) -> None:
        """End the enclaves, whatever they do."""
        self._over.set()
        for enclave in (self._enclave, self._next):
            if enclave is not None:
                enclave.kill()

    def turn(self) -> bool:
        """Whether there was a batch to prove, and a key to sign with. Raises ProverError, BridgeError."""
        enclave = self.start()
        record = self._registrar.admitted(enclave)
        if record is None:
            return False
        ready = self._renewed(enclave, record)
        if ready is None:
            return False
        known = ready.identity
        about = {
            "platform": known.platform,
            "measurement": f"0x{known.measurement.hex()}",
            "enclave": f"0x{known.enclave.hex()}",
        }
        lease = self._controller.call("lease", type=TEE, worker=self.name, about=about)
        self._told = ""
        if lease["lease"] is None:
            return False
        self._prove(ready, lease["lease"], lease["index"])
        return True

    def _renewed(self, enclave: EnclaveProcess, record: KeyRecord) -> EnclaveProcess | None:
        """The enclave whose key is to be used: the next one's, once the first comes to its end and L1 has the next.

        None while the first has expired and L1 does not have the next.
        """
        now = self._registrar.now()
        if now < record.replace_at:
            return enclave
        if self._next is None or not self._next.is_alive:
            self._next = self._start()
        if self._registrar.admitted(self._next) is None:
            return enclave if now <= record.expires_at else None
        log.info("key replaced", extra={"old": enclave.identity.enclave, "new": self._next.identity.enclave})
        enclave.close()
        self._enclave, self._next = self._next, None
        return self._enclave

    def _prove(self, enclave: EnclaveProcess, lease: str, index: int) -> None:
        try:
            task = self._controller.task(lease)
            with self._kept(lease):
                statement, signature = enclave.prove(self._settlement.tee_verifier, task)
        except EnclaveRefusedError as error:
            log.error("batch refused", extra={"batch": index, "reason": str(error)})
            self._controller.call("report_proof", lease=lease, error=str(error)[:4096], refused=error.final)
        except EnclaveError as error:
            self._lost += 1
            if not self._over.is_set():
                self._controller.call("report_proof", lease=lease, error=str(error)[:4096])
            raise
        else:
            self._controller.call(
                "report_proof", index=index, type=TEE, worker=self.name,
                statement=statement.to_json(), proof=f"0x{signature.hex()}",
            )  # fmt: skip
            self._lost = 0
            log.info("batch attested", extra={"batch": index, "statement": statement.hash})

    @contextmanager
    def _kept(self, lease: str) -> Iterator[None]:
        """The lease is renewed until the block ends."""
        is_over = threading.Event()

        def renew() -> None:
            while not is_over.wait(LEASE_SECONDS / 4):
                try:
                    self._controller.call("renew_lease", lease=lease)
                except ControllerRefusalError:
                    return  # whoever has the batch now reports it
                except BridgeError as error:
                    log.warning("lease not renewed", extra={"reason": str(error)})

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()

    def _end(self) -> None:
        for enclave in (self._enclave, self._next):
            if enclave is not None:
                enclave.close()
        self._enclave = self._next = None

    def _tell(self, error: Exception) -> None:
        """The same trouble is told once."""
        if str(error) != self._told and not self._over.is_set():
            self._told = str(error)
            expected = isinstance(error, ProverError | BridgeError)
            log.warning(
                "TEE prover waits", extra={"reason": self._told}, exc_info=None if expected else error
            )
