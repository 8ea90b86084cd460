"""A spread of all suites on the checked build of the whole kernel: nothing is touched that may not be."""

from __future__ import annotations

import pytest

from jovay.conformance.checked import SUITES, run_suite


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_the_checked_build_is_silent(suite, capfd):
    silent = run_suite(suite, quick=True, fixtures=None)
    said = capfd.readouterr()
    if "no fixtures" in said.out:
        pytest.skip("no fixtures")
    assert silent, said.out + said.err
