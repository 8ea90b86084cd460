"""What the simulated platform measures: every file that the enclave's process has loaded, and the kernel's object code.

A real trust domain is measured by its hardware from the firmware up, and this is not asked. Without hardware nobody
vouches for the digest; it says what ran if the one who started it is honest.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_MAPS = Path("/proc/self/maps")


def image_digest(kernel: bytes) -> bytes:
    """SHA-256 over names and SHA-256 of all that is loaded, 32 bytes.

    Modules by their names, programs and shared objects by those of their files: the folders that they lie in do not
    matter. Where compiled Python files are not read (``launch``), a module's source is what runs.
    """
    parts = sorted({*_modules(), *_objects(), ("kernel", hashlib.sha256(kernel).digest())})
    whole = hashlib.sha256()
    for name, digest in parts:
        whole.update(len(name).to_bytes(4, "big") + name.encode() + digest)
    return whole.digest()


def _modules() -> Iterator[tuple[str, bytes]]:
    for name, module in sorted(sys.modules.items()):
        origin = getattr(getattr(module, "__spec__", None), "origin", None)
        if origin and os.path.isfile(origin):
            yield f"module {name}", _digest(Path(origin))


def _objects() -> Iterator[tuple[str, bytes]]:
    """Files mapped for execution: the interpreter, libraries, whatever the loader was told to add."""
    paths = set()
    for line in _MAPS.read_text().splitlines():
        _, rights, _, _, _, *path = line.split(maxsplit=5)
        if "x" in rights and path and path[0].startswith("/"):
            paths.add(Path(path[0]))
    return ((f"object {path.name}", _digest(path)) for path in sorted(paths))


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
