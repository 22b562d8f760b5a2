"""What a user may rely on of codes: how they are written, that they stay, and that none returns."""

from __future__ import annotations

import itertools

import geopandas as gpd
import pytest
import shapely

from gridgeo.errors import InputError
from gridgeo.partition.change import keep_codes
from gridgeo.partition.codes import CodeScheme

GRID = "310112114001"


def plan(*edges: float) -> gpd.GeoDataFrame:
    cells = [shapely.box(a, 0, b, 100) for a, b in itertools.pairwise(edges)]
    serials = list(range(1, len(cells) + 1))
    names = [f"杜行居委会 第{serial}责任块" for serial in serials]
    table = {"code": [f"{GRID}{s:03}" for s in serials], "name": names, "grid": GRID, "serial": serials}
    return gpd.GeoDataFrame(table, geometry=cells, crs="EPSG:32651")


def serials(blocks: gpd.GeoDataFrame) -> dict[float, str]:
    return {round(shape.bounds[0]): code[-3:] for shape, code in zip(blocks.geometry, blocks["code"], strict=True)}


def test_codes_stay_when_borders_move() -> None:
    kept, retired = keep_codes(plan(0, 110, 200, 300), plan(0, 100, 200, 300))
    assert serials(kept) == {0: "001", 110: "002", 200: "003"}
    assert retired == []


def test_a_split_keeps_one_code_and_adds_one_above_all() -> None:
    kept, retired = keep_codes(plan(0, 30, 100, 200, 300), plan(0, 100, 200, 300))
    assert serials(kept) == {0: "004", 30: "001", 100: "002", 200: "003"}
    assert retired == []
    assert kept["name"].tolist()[-1] == "杜行居委会 第4责任块"


def test_a_code_given_up_never_returns() -> None:
    merged, retired = keep_codes(plan(0, 100, 300), plan(0, 100, 200, 300))
    assert len(retired) == 1
    again, still = keep_codes(plan(0, 100, 200, 300), merged, retired=retired)
    assert still == retired
    assert not set(again["code"]) & set(retired)
    assert again["code"].is_unique
    once_more, _ = keep_codes(plan(0, 50, 100, 150, 200, 300), again, retired=still)
    assert not set(once_more["code"]) & set(retired)


def test_bad_input_is_told_and_inputs_stay() -> None:
    old, new = plan(0, 100, 200), plan(0, 50, 200)
    before = (old.to_wkb().to_csv(), new.to_wkb().to_csv())
    keep_codes(new, old)
    assert (old.to_wkb().to_csv(), new.to_wkb().to_csv()) == before
    with pytest.raises(InputError, match="serial"):
        keep_codes(new, old.drop(columns="serial"))
    with pytest.raises(InputError, match="twice"):
        keep_codes(new, old.assign(code="x"))


@pytest.mark.parametrize(
    "template", ["{serial}", "{grid}", "{grid}{serial:q}", "{grid}{serial}{0}", "{grid", "{x}{grid}{serial}"]
)
def test_templates_that_cannot_serve_are_refused(template: str) -> None:
    with pytest.raises(InputError, match="template"):
        CodeScheme(template)


def test_digital_community_has_twenty_digits() -> None:
    scheme = CodeScheme("digital-community", object="010100")
    assert scheme.code(GRID, 7) == "01010031011211400107"
    assert scheme.code(GRID, 1, divided=False).endswith("00")
    with pytest.raises(InputError, match="12-digit"):
        scheme.code("7", 1)
    with pytest.raises(InputError, match="2 digits"):
        scheme.code(GRID, 100)
    with pytest.raises(InputError, match="6 digits"):
        CodeScheme("digital-community")
