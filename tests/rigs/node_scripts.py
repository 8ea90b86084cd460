"""Runs programs for Node that take one JSON value on standard input and end with one on standard output."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from rigs.paths import CLIENTS, NODE_MODULES, MissingToolError, node_binary


class NodeProgramError(Exception):
    """The program ended with an error; the message carries what it said."""


def run_node(script: str | Path, payload: Any, timeout: float = 120.0) -> Any:
    """Runs `script` (a path, or a name within tests/clients) and returns the JSON value of its last line.

    Lines before the last are the program's talk and show up in the error message if it fails. Raises
    MissingToolError without Node or its packages, NodeProgramError when the program fails or runs too long.
    """
    path = CLIENTS / script
    if not NODE_MODULES.is_dir():
        raise MissingToolError(
            "node packages are not installed: run `npm ci --ignore-scripts` in tests/clients"
        )
    try:
        done = subprocess.run(
            [node_binary(), path],
            input=json.dumps(payload).encode(),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        said = ((late.stdout or b"") + (late.stderr or b"")).decode(errors="replace")
        raise NodeProgramError(f"{path.name} ran longer than {timeout} s:\n{said[-4_000:]}") from late
    out = done.stdout.decode()
    if done.returncode != 0:
        said = out + done.stderr.decode(errors="replace")
        raise NodeProgramError(f"{path.name} ended with {done.returncode}:\n{said[-4_000:]}")
    lines = out.strip().splitlines()
    if not lines:
        raise NodeProgramError(f"{path.name} printed nothing")
    return json.loads(lines[-1])
