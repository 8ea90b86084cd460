"""Fixture archives (``$JOVAY_FIXTURES``, else ``../shared/fixtures`` beside the checkout), read in place."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).parents[3] / "shared" / "fixtures"


def archive(name: str) -> Path:
    """Path of an archive; skips the test, saying so, where it is absent."""
    path = Path(os.environ.get("JOVAY_FIXTURES", _BESIDE)) / name
    if not path.exists():
        pytest.skip(f"fixture archive {path} is absent")
    return path


def members(name: str, prefix: str, suffix: str = "") -> Iterator[tuple[str, bytes]]:
    """(path, contents) of the archive's files whose path begins with ``prefix`` and ends with ``suffix``."""
    with tarfile.open(archive(name)) as tar:
        for member in tar:
            path = member.name.removeprefix("./")
            if member.isfile() and path.startswith(prefix) and path.endswith(suffix):
                stream = tar.extractfile(member)
                assert stream is not None
                yield path, stream.read()


def json_members(name: str, prefix: str) -> Iterator[tuple[str, Any]]:
    """(path, parsed JSON) of the archive's ``.json`` files under ``prefix``."""
    for path, data in members(name, prefix, ".json"):
        yield path, json.loads(data)
