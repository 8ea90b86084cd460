"""What the prover controller says of itself, asked again and again so that nobody who reads it waits for it."""

from __future__ import annotations

import threading
from typing import Any

from jovay.bridge.controller_client import ControllerClient
from jovay.bridge.errors import BridgeError

#: Seconds between two questions, and for an answer.
PAUSE, TIMEOUT = 2.0, 5.0


class ProverView:
    """The newest answer of the controller at ``url``; ``info`` is None while it gives none."""

    def __init__(self, url: str) -> None:
        self.info: dict[str, Any] | None = None
        self._client = ControllerClient(url, TIMEOUT)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="prover view", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._stopping.set()
        self._thread.join(TIMEOUT)

    def _ask(self) -> None:
        while True:
            try:
                self.info = self._client.info()
            except BridgeError:
                self.info = None
            if self._stopping.wait(PAUSE):
                return
