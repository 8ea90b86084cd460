"""That nobody ends a process by JSON that is nested deeply: the limit of recursion is Python's own in all programs."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "cli.full_stack",
        "bridge.follower.follower",
        "bridge.relayer.relayer",
        "prover.controller.server",
        "prover.tee.worker",
    ],
)
def test_programs_survive_nested_json(module: str) -> None:
    program = (
        f"import json, msgspec, jovay.{module}, jovay.bridge.l1.keys, jovay.bridge.development\n"
        "for decode in (json.loads, msgspec.json.decode):\n"
        "    try:\n"
        "        decode(b'[' * 1_000_000)\n"
        "    except RecursionError:\n"
        "        print('refused')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "refused\nrefused\n"), ended.stderr
