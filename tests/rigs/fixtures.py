"""Conformance fixtures: execution-spec-tests and ethereum/tests basics, read where they lie.

The fixtures are no part of the repository. They are looked for as archives (`<name>.tar.xz`) or unpacked
folders in `$JOVAY_FIXTURES`, then in `~/.cache/jovay-fixtures`, then in `../shared/fixtures` beside the
checkout. An unpacked folder is named after the archive, or is its content itself
(a folder that holds `state_tests/`).
"""

from __future__ import annotations

import os
import random
import tarfile
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rigs.paths import ROOT, cache_dir

STATE_TESTS = "eest-state-tests"
BLOCK_TESTS = "eest-blockchain-samples"
BASICS = "ethereum-tests-basics"
JOVAY_VECTORS = "jovay-vectors"
_MARKS = {
    STATE_TESTS: "state_tests",
    BLOCK_TESTS: "prague/eip7251_consolidations",
    BASICS: "RLPTests",
    JOVAY_VECTORS: "jovay-vectors",
}


class MissingFixturesError(Exception):
    """None of the known places holds the fixtures; the message names them."""


class _Post(msgspec.Struct):
    post: dict[str, msgspec.Raw]


_HEADERS = msgspec.json.Decoder(dict[str, _Post])
_BODIES = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Ref:
    """Where a state test stands: file within the archive, name within the file, the one fork it is for."""

    file: str
    name: str
    fork: str

    @property
    def folder(self) -> str:
        return self.file.rpartition("/")[0]


def locate(name: str = STATE_TESTS) -> Path:
    """The archive or unpacked folder of `name`; raises MissingFixturesError."""
    places = [Path(os.environ["JOVAY_FIXTURES"])] if os.environ.get("JOVAY_FIXTURES") else []
    places += [cache_dir("jovay-fixtures"), ROOT.parent / "shared" / "fixtures"]
    for place in places:
        if place.is_file() and place.name == f"{name}.tar.xz":
            return place
        for candidate in (place / name, place, place / f"{name}.tar.xz"):
            if candidate.is_file() or (candidate / _MARKS[name]).is_dir():
                return candidate
    raise MissingFixturesError(f"no {name} in {', '.join(map(str, places))} (set JOVAY_FIXTURES)")


def files(name: str = STATE_TESTS, under: str = "", suffix: str = ".json") -> Iterator[tuple[str, bytes]]:
    """(path within the archive, content) of the files below the folder or file `under`, sorted by folder."""
    source = locate(name)
    prefix = under.rstrip("/")

    def wanted(path: str) -> bool:
        below = not prefix or path == prefix or path.startswith(prefix + "/")
        return below and path.endswith(suffix)

    if source.is_dir():
        for path in sorted(source.rglob(f"*{suffix}")):
            relative = path.relative_to(source).as_posix()
            if wanted(relative):
                yield relative, path.read_bytes()
        return
    with tarfile.open(source, "r|xz") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() and wanted(member.name) else None
            if content is not None:
                yield member.name, content.read()


def cases(
    under: str = "state_tests", forks: Collection[str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, case) of every state test below `under`, of the named forks or of all.

    A case is the state-test object (`env`, `pre`, `transaction`, `post`); its `post` has one fork.
    """
    for _, content in files(STATE_TESTS, under):
        headers = _HEADERS.decode(content)
        chosen = [
            name
            for name, header in headers.items()
            if forks is None or not header.post.keys().isdisjoint(forks)
        ]
        if chosen:
            bodies = _BODIES.decode(content)
            for name in chosen:
                yield name, msgspec.json.decode(bodies[name])


def index(under: str = "state_tests") -> list[Ref]:
    """Every state test below `under`, without its body (a second or two for the whole archive)."""
    refs = []
    for file, content in files(STATE_TESTS, under):
        for name, header in _HEADERS.decode(content).items():
            refs += [Ref(file, name, fork) for fork in header.post]
    return refs


def spread(
    n: int, seed: int = 0, forks: Collection[str] | None = None, under: str = "state_tests"
) -> list[tuple[str, dict[str, Any]]]:
    """`n` state tests (all, if there are fewer), spread evenly over forks and over folders within each fork.

    The same arguments give the same tests in the same order.
    """
    refs = [ref for ref in index(under) if forks is None or ref.fork in forks]
    picked = pick(refs, n, seed)
    by_file: dict[str, set[str]] = defaultdict(set)
    for ref in picked:
        by_file[ref.file].add(ref.name)
    bodies: dict[str, dict[str, Any]] = {}
    for file, content in files(STATE_TESTS, under):
        if file in by_file:
            raw = _BODIES.decode(content)
            bodies.update((name, msgspec.json.decode(raw[name])) for name in by_file[file])
    return [(ref.name, bodies[ref.name]) for ref in picked]


def pick(refs: Collection[Ref], n: int, seed: int = 0) -> list[Ref]:
    """Chooses `n` of `refs`: forks take turns, and within a fork its folders take turns."""
    strata: dict[str, dict[str, list[Ref]]] = defaultdict(lambda: defaultdict(list))
    for ref in sorted(refs, key=lambda ref: (ref.fork, ref.file, ref.name)):
        strata[ref.fork][ref.folder].append(ref)
    dice = random.Random(seed)
    queues = {}
    for fork, folders in strata.items():
        for members in folders.values():
            dice.shuffle(members)
        order = list(folders.values())
        dice.shuffle(order)
        queues[fork] = list(_take_turns(order))
    chosen = _take_turns(list(queues.values()))
    return [ref for ref, _ in zip(chosen, range(n), strict=False)]


def _take_turns(rows: list[list[Ref]]) -> Iterator[Ref]:
    for column in range(max(map(len, rows), default=0)):
        for row in rows:
            if column < len(row):
                yield row[column]
