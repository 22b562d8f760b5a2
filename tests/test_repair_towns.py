"""Random faulty towns: every promise of a repair holds in each; a thousand of them are in ``benchmarks/repair.py``."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faulty_towns import check, check_whole, faulty_town


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1_000))
def test_every_promise_is_kept(seed: int) -> None:
    assert check(faulty_town(seed)).broken == []


@pytest.mark.parametrize("seed", [1, 2])
def test_every_promise_is_kept_for_whole_towns(seed: int, tmp_path: Path) -> None:
    assert check_whole(tmp_path, seed).broken == []
