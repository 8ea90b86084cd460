"""What a proof takes, told beforehand by how high its tables are: memory, and time for each stage."""

from __future__ import annotations

import os
from pathlib import Path

from jovay.native.memory import memory

from .errors import ProofTooLargeError
from .field import ELEMENT
from .layout import Layout, filled
from .setup import Setup
from .threads import workers

#: Nanoseconds of a processor that stages take, for each of what they take it for.
CELL_COMMITTED, LEAF_SUMMED, CELL_SUMMED, ELEMENT_REDUCED, ELEMENT_OPENED = 250, 270, 80, 55, 4_500
#: Bytes of the process besides all vectors: code, the program, the set-up's part that is in use.
PROCESS = 800 << 20
_CGROUP = Path("/sys/fs/cgroup")


def work(layout: Layout) -> dict[str, float]:
    """Nanoseconds that the stages of ``prover.prove`` take, in order."""
    cells, pieces = filled(layout.own), layout.own_pieces << layout.variables
    return {
        "columns": CELL_COMMITTED * cells,
        "messages": LEAF_SUMMED << layout.leaves,
        "rows": CELL_SUMMED * cells,
        "pieces": ELEMENT_REDUCED * pieces,
        "opening": ELEMENT_OPENED << layout.variables,
    }


def needed(layout: Layout) -> int:
    """Bytes at the highest point of a proof about tables of these heights, which are among them."""
    pieces = (layout.own_pieces << layout.variables) + (layout.fixed_pieces << layout.fixed_variables)
    heights = zip(layout.chips, layout.heights, strict=True)
    columns = sum(len(chip.names) << height for chip, height in heights)
    stages = (
        columns + pieces // 2,  # columns move into pieces, which take the memory of those before
        pieces + (2 << layout.leaves),  # all layers above the leaves
        pieces + columns // 2,  # columns with one variable bound
        2 * pieces
        + (workers() << layout.variables),  # pieces, and both they and weights with one variable bound
        pieces + (5 + 5 * workers() << layout.variables),  # what is opened and left of it; sums over buckets
    )
    return ELEMENT * max(stages) + PROCESS


def available() -> int:
    """Bytes that this process may have, those of its vectors included: of the machine's, and of its control group's."""
    free = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")]
    if (path := Path("/proc/meminfo")).exists():
        lines = (line.split() for line in path.read_text().splitlines())
        free = [1024 * int(words[1]) for words in lines if words[0] == "MemAvailable:"] or free
    most, now = _CGROUP / "memory.max", _CGROUP / "memory.current"
    if most.exists() and (limit := most.read_text().strip()) != "max":
        free.append(int(limit) - int(now.read_text()))
    return min(free) + memory().lent


def check(layout: Layout, setup: Setup, allowed: int | None = None) -> None:
    """Raises ``ProofTooLargeError`` where a proof does not fit: into ``allowed`` bytes, or what is available."""
    if (size := 1 << layout.variables) > len(setup.first):
        raise ProofTooLargeError("powers of τ", size, len(setup.first))
    if (bytes_ := needed(layout)) > (most := available() if allowed is None else allowed):
        raise ProofTooLargeError("bytes of memory", bytes_, most)
