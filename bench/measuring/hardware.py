"""The machine, in a line; and how busy it was."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe() -> str:
    """Processor, cores, memory, system, Python."""
    from jovay.compiler.native import host_key

    fields = dict(
        line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line
    )
    name = next(
        (value.strip() for key, value in fields.items() if key.startswith("model name")), platform.machine()
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / (1 << 20)
    lanes = "AVX-512 IFMA" if "+avx512ifma" in host_key() else "no AVX-512 IFMA"
    core = host_key().split()[0]
    return (
        f"{name} ({core}, {lanes}), {os.cpu_count()} cores, {memory:.0f} GB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def load_average() -> float:
    """Runnable processes over the last minute: above the number of cores, figures are too low."""
    return os.getloadavg()[0]


def cpu_seconds(process: int) -> float:
    """Processor time that a running process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_megabytes(process: int) -> float:
    """Resident memory of a process."""
    fields = Path(f"/proc/{process}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
