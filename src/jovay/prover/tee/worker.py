"""A TEE prover: takes batches from the controller, has an enclave state and sign them, reports.

Everything it holds may be lost at any time: the enclave with its key (a new one is registered), the worker itself (its
lease runs out). A key that is about to expire is replaced by that of a second enclave, which is registered meanwhile.
"""

from __future__ import annotations

import logging
from functools import partial

from jovay.bridge.controller_client import TEE, ControllerClient
from jovay.chain.settlement import Settlement
from jovay.prover.tee.errors import EnclaveError, EnclaveRefusedError, KeyRevokedError
from jovay.prover.tee.launch import ARENA_MIB, EnclaveProcess
from jovay.prover.tee.registration import KeyRecord, Registrar
from jovay.prover.worker import Worker

log = logging.getLogger("jovay.prover")


class TeeWorker(Worker):
    """After enclaves that ended over batches it rests longer, since registering the next one's key costs gas."""

    kind = TEE

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
        super().__init__(controller, name)
        self._registrar, self._settlement = registrar, settlement
        self._start = partial(EnclaveProcess, platform, arena_mib, workers)
        self._enclave: EnclaveProcess | None = None
        self._next: EnclaveProcess | None = None

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

    def kill(self) -> None:
        """End the enclaves, whatever they do."""
        self._over.set()
        for enclave in (self._enclave, self._next):
            if enclave is not None:
                enclave.kill()

    def turn(self) -> bool:
        """Whether there was a batch to prove, and a key to sign with. Raises ProverError, BridgeError."""
        try:
            return self._turn(self.start())
        except KeyRevokedError:
            self._end()
            raise

    def _turn(self, enclave: EnclaveProcess) -> bool:
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
        if (leased := self._leased(about)) is None:
            return False
        self._prove(ready, *leased)
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
            self._report_failure(lease, error, error.final)
        except EnclaveError as error:
            self._lost += 1
            if not self._over.is_set():
                self._report_failure(lease, error)
            raise
        else:
            self._report(index, statement, signature)
            log.info("batch attested", extra={"batch": index, "statement": statement.hash})

    def _end(self) -> None:
        for enclave in (self._enclave, self._next):
            if enclave is not None:
                enclave.close()
        self._enclave = self._next = None
