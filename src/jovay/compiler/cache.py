"""Where compiled artefacts live, and the keys they live under."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from functools import cache
from importlib.metadata import version
from pathlib import Path

from jovay import kernel

COMPILER_DIRECTORY = Path(__file__).parent
KERNEL_DIRECTORY = Path(kernel.__file__).parent


def cache_directory() -> Path:
    """``$JOVAY_CACHE``, else ``$XDG_CACHE_HOME/jovay``, else ``~/.cache/jovay``; created if missing."""
    base = os.environ.get("JOVAY_CACHE")
    path = Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "jovay"
    path.mkdir(parents=True, exist_ok=True)
    return path


def digest(*parts: str | bytes) -> str:
    """Hex SHA-256 over length-prefixed parts."""
    h = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        h.update(len(data).to_bytes(8, "little") + data)
    return h.hexdigest()


@cache
def toolchain_version() -> str:
    """Everything outside our sources that decides the generated code."""
    return f"python {sys.version_info[:2]} numba {version('numba')} llvmlite {version('llvmlite')}"


def source_digest(*directories: Path) -> str:
    """Digest of every Python file below ``directories``, with its relative path."""
    parts: list[str | bytes] = [toolchain_version()]
    for directory in directories:
        for path in sorted(directory.rglob("*.py")):
            parts += [str(path.relative_to(directory)), path.read_bytes()]
    return digest(*parts)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that readers see all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    temporary.write_bytes(data)
    temporary.replace(path)
