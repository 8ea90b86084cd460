"""Where state tests stand: JSON files, folders of them, and tar archives, read in place."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst")


class SourceError(Exception):
    """A path that holds no state tests; the message names it."""


def files(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every JSON file in ``paths``; raises ``SourceError``."""
    for path in paths:
        count = 0
        try:
            for name, content in _files_of(path):
                count += 1
                yield name, content
        except (OSError, tarfile.TarError) as error:
            raise SourceError(f"{path}: {error}") from error
        if not count:
            raise SourceError(f"{path}: no JSON files in there")


def _files_of(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            # Fixture releases carry an index beside the tests.
            if file.parent.name != ".meta":
                yield str(file), file.read_bytes()
    elif path.name.endswith(ARCHIVES):
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                content = archive.extractfile(member) if _is_test(member) else None
                if content is not None:
                    yield member.name, content.read()
    else:
        yield str(path), path.read_bytes()


def _is_test(member: tarfile.TarInfo) -> bool:
    return member.isfile() and member.name.endswith(".json") and "/.meta/" not in f"/{member.name}"
