"""A stack as `jovay up` starts it, until both real proofs stand: batches are final, and a withdrawal is paid."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jovay.bridge.errors import AnvilError
from rigs import process
from rigs.paths import MissingToolError
from rigs.running_stack import launch

#: Seconds for the proofs of all batches of the walk; the set-up is made before, once on a machine.
PROOF_TIME = 2_400


@pytest.mark.slow
def test_the_walk_ends_with_a_withdrawal_that_both_proofs_let_go(tmp_path: Path) -> None:
    try:
        stack = launch(tmp_path / "stack", process.free_ports(4))
    except (AnvilError, MissingToolError) as missing:
        pytest.skip(str(missing))
    try:
        words = ["demo", "--json", "--node", stack.url, "--l1", stack.l1_url, "--timeout", str(PROOF_TIME)]
        code = "from jovay.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            capture_output=True,
            text=True,
            timeout=PROOF_TIME,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr + stack.log.read_text()
        steps = {step["name"]: step for step in json.loads(done.stdout)["steps"]}
        paid = steps["the withdrawal is paid on L1"]
        assert paid["status"] == "done"
        assert stack.rpc().call("eth_getBlockByNumber", "finalized", False)["number"] != "0x0"
    finally:
        stack.stop()
