"""Benchmarks of the node, one file each: ``jovay bench`` runs the main ones; see docs/benchmarks.md."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Anvil, child processes and contracts are rigs of the tests.
sys.path.insert(0, str(ROOT / "tests"))
