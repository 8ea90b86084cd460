"""The command line: ``jovay``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    # Asking for the version must not wait for a command line library to load.
    if sys.argv[1:] in (["--version"], ["-V"]):
        from jovay import __version__

        print(f"jovay {__version__}")
        return
    from jovay.cli.app import app

    app(prog_name="jovay")
