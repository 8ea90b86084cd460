"""The fixture rig: all cases are found, and samples are spread and repeatable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rigs import fixtures

Spread = Callable[..., list[tuple[str, dict[str, Any]]]]


def test_sample_is_spread_over_forks_and_folders() -> None:
    refs = [
        fixtures.Ref(f"state_tests/{folder}/{i}.json", f"{folder}-{fork}-{i}", fork)
        for fork in ("Cancun", "Osaka")
        for folder, size in (("a", 50), ("b", 3), ("c", 1))
        for i in range(size)
    ]
    chosen = fixtures.pick(refs, 12, seed=1)
    assert len(set(chosen)) == 12
    assert Counter(ref.fork for ref in chosen) == {"Cancun": 6, "Osaka": 6}
    assert {ref.folder for ref in chosen} == {f"state_tests/{name}" for name in "abc"}
    assert chosen == fixtures.pick(list(reversed(refs)), 12, seed=1)
    assert chosen != fixtures.pick(refs, 12, seed=2)
    assert len(fixtures.pick(refs, 10_000)) == len(refs)


def test_archive_and_folder_read_alike(eest_spread: Spread) -> None:
    sample = eest_spread(30, seed=7, under="state_tests/osaka")
    assert len(sample) == 30
    assert sample == eest_spread(30, seed=7, under="state_tests/osaka")
    for name, case in sample:
        assert name
        assert {"env", "pre", "transaction", "post"} <= case.keys()
        assert len(case["post"]) == 1


def test_cases_can_be_limited_to_a_fork(eest_spread: Spread) -> None:
    del eest_spread
    under = "state_tests/cancun/eip1153_tstore"
    named = dict(fixtures.cases(under))
    osaka = dict(fixtures.cases(under, forks={"Osaka"}))
    assert 0 < len(osaka) < len(named)
    assert all(set(case["post"]) == {"Osaka"} for case in osaka.values())
    assert osaka.items() <= named.items()


def test_unpacked_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "state_tests" / "cancun"
    folder.mkdir(parents=True)
    (folder / "x.json").write_bytes(msgspec.json.encode({"one": {"post": {"Cancun": [{}]}}}))
    monkeypatch.setenv("JOVAY_FIXTURES", str(tmp_path))
    assert fixtures.index() == [fixtures.Ref("state_tests/cancun/x.json", "one", "Cancun")]
