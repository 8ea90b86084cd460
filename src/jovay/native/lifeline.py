"""Become another program that ends with the process that started it: ``python -m jovay.native.lifeline PID COMMAND…``.

Linux sends the signal when the parent ends, however it ends, ``kill -9`` included, and keeps that over ``exec``.
It goes by the thread that started the child, which must live as long as the child is to.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
#: How a shell says that a command cannot be run.
_NOT_RUN = 127


def tied(command: Sequence[str]) -> list[str]:
    """The command that runs ``command`` for as long as this process lives."""
    return [sys.executable, "-m", "jovay.native.lifeline", str(os.getpid()), *command]


def main(arguments: Sequence[str]) -> None:
    """Run the command with the lifeline; never returns."""
    parent, command = int(arguments[0]), list(arguments[1:])
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it has ended before it could be noticed
        sys.exit(128 + signal.SIGTERM)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(_NOT_RUN)


if __name__ == "__main__":
    main(sys.argv[1:])
