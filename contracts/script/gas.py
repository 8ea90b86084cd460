"""Renews the gas table of contracts/README.md from the snapshot of forge's tests: `python contracts/script/gas.py`.

`forge test --match-contract GasTest` writes the snapshot; pytest runs it as a check.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

CONTRACTS = Path(__file__).resolve().parents[1]
README = CONTRACTS / "README.md"
_TABLE = re.compile(r"(?<=<!-- gas -->\n).*?(?=<!-- /gas -->)", re.DOTALL)


def gas() -> str:
    """The README with the table that the snapshot gives."""
    snapshot = json.loads((CONTRACTS / "snapshots" / "gas.json").read_text())
    rows = [f"| {name} | {int(used):,} |\n" for name, used in snapshot.items()]
    return _TABLE.sub("".join(("| transaction | gas |\n|---|---|\n", *rows)), README.read_text())


if __name__ == "__main__":
    README.write_text(gas())
