"""Compiles the contracts of this folder into build/: `python tests/contracts/compile.py`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rigs.paths import CONTRACTS
from rigs.solidity import BUILD, compile_sources


def main() -> None:
    BUILD.mkdir(exist_ok=True)
    for name, artifact in sorted(compile_sources(CONTRACTS.glob("*.sol")).items()):
        path = BUILD / f"{name}.json"
        path.write_text(artifact.to_json())
        print(f"{name}: {len(artifact.runtime) // 2 - 1} bytes")


if __name__ == "__main__":
    main()
