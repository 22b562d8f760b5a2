"""Random faulty towns: every promise of a repair holds in each; a thousand of them are in ``benchmarks/repair.py``.

The seeds are fixed, so that a run says the same about the same code: the first twenty, and those that once broke one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faulty_towns import check, check_whole, drifted_town, faulty_town


@pytest.mark.parametrize(
    "seed", [*range(20), 127, 183, 219, 288, 353, 439, 448, 454, 459, 489, 625, 657, 786, 946, 965]
)
def test_every_promise_is_kept(seed: int) -> None:
    assert check(faulty_town(seed)).broken == []


@pytest.mark.parametrize("seed", [616, 829, 934])
def test_every_promise_is_kept_where_features_have_drifted(seed: int) -> None:
    assert check(drifted_town(seed)).broken == []


@pytest.mark.parametrize("seed", [1, 2, 274, 349])
def test_every_promise_is_kept_for_whole_towns(seed: int, tmp_path: Path) -> None:
    assert check_whole(tmp_path, seed).broken == []
