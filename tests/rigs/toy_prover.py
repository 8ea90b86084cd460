"""A prover of nothing, to see what the process around provers does: the task says what happens."""

from __future__ import annotations

import json
import os
import time

from jovay.bridge.wire.statement import Statement
from jovay.prover.errors import BatchMismatchError
from jovay.prover.zk.errors import ZkError
from jovay.prover.zk.process import Answer
from jovay.prover.zk.progress import Tell


class ToyProver:
    """Tells twice, then does what the task's text says."""

    def prove(self, task: bytes, tell: Tell) -> Answer:
        asked = json.loads(task)
        tell("begins", 0.25)
        match asked["do"]:
            case "prove":
                tell("ends", 1.0)
                return Statement.from_json(asked["statement"]), b"proof"
            case "refuse":
                raise BatchMismatchError("number of chunks", 1, 2)
            case "fail":
                raise ZkError("too large")
            case "sleep":
                time.sleep(60)
        os._exit(7)
