"""Faults that nesting, seams, barriers and exceptions are about are found once each, and nothing else is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def planted_claims(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "validate", raising=False)
    import planted_claims

    yield planted_claims
    for name in ("planted_claims", "validate"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("seed", [0, 1])
def test_every_kind_is_found_once_and_nothing_else(planted_claims, seed: int, capsys: pytest.CaptureFixture) -> None:
    status = planted_claims.main(500, 2, seed)
    lines = capsys.readouterr().out.splitlines()
    assert status == 0, "\n".join(lines)
    assert len(lines) == 1 + len(planted_claims.KINDS)
    assert all("planted 0" not in line for line in lines)
