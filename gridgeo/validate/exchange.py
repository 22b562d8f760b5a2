"""The report in the forms that pipelines read: SARIF 2.1.0, JUnit XML and GitHub annotations.

Each function takes the report as the plain mapping of the schema ``gridgeo-report/1`` and returns text. What a fault
says is the same everywhere; only the wrapping differs. The sources name the file of each layer, for viewers that open
it.
"""

from __future__ import annotations

import hashlib
import json
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from gridgeo.language import one_line

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_GITHUB_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def to_sarif(
    report: Mapping[str, Any],
    *,
    sources: Mapping[str, str] | None = None,
    rules: Mapping[str, str] | None = None,
    version: str = "0",
) -> str:
    """Return the report as a SARIF 2.1.0 log.

    Parameters
    ----------
    report : mapping
        A report of the schema ``gridgeo-report/1``.
    sources : mapping of str to str, optional
        File of each layer, by the layer's key.
    rules : mapping of str to str, optional
        What each fault code means, in one sentence.
    version : str
        Version of gridgeo.

    Returns
    -------
    str
        JSON. Features stand as logical locations, because a map file has no lines; the place, area and width of a fault
        are in its property bag. Fingerprints rest on the claim, code and features, so that a viewer can tell old faults
        from new ones.
    """
    sources, rules = sources or {}, rules or {}
    codes = sorted({fault["code"] for fault in report["faults"]} | set(rules))
    driver = {
        "name": "gridgeo",
        "version": version,
        "semanticVersion": version if version.count(".") == 2 else f"{version}.0.0",
        "rules": [{"id": code, "shortDescription": {"text": rules.get(code, code)}} for code in codes],
    }
    results = [_sarif_result(fault, codes, sources) for fault in report["faults"]]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=1) + "\n"


def _sarif_result(fault: Mapping[str, Any], codes: list[str], sources: Mapping[str, str]) -> dict[str, Any]:
    files = sorted({sources[layer] for layer in fault["layers"] if layer in sources})
    features = [
        {"name": one_line(feature), "fullyQualifiedName": one_line(f"{'+'.join(fault['layers'])}/{feature}")}
        for feature in fault["features"]
    ]
    location: dict[str, Any] = {"logicalLocations": features} if features else {}
    places = [location | {"physicalLocation": {"artifactLocation": {"uri": _uri(file)}}} for file in files]
    identity = json.dumps([fault["claim"], fault["code"], fault["layers"], fault["features"]], ensure_ascii=False)
    return {
        "ruleId": fault["code"],
        "ruleIndex": codes.index(fault["code"]),
        "level": _SARIF_LEVELS[fault["severity"]],
        "message": {"text": f"{one_line(fault['message'])} {one_line(fault['action'])}".strip()},
        "locations": places or ([location] if location else []),
        "partialFingerprints": {"gridgeo/1": hashlib.sha256(identity.encode()).hexdigest()},
        "properties": {key: fault[key] for key in ("claim", "area", "width", "length", "iso19157", "geometry")},
    }


def to_junit(report: Mapping[str, Any]) -> str:
    """Return the report as JUnit XML: a suite a claim, a failed case a fault, one passed case for a sound claim.

    Warnings are cases that pass and carry their text as output: JUnit knows no other way to show them without failing.
    """
    suites = ElementTree.Element("testsuites", name="gridgeo")
    claims = {claim["claim"]: claim for claim in report["claims"]}
    for name in dict.fromkeys([*claims, *(fault["claim"] for fault in report["faults"])]):
        faults = [fault for fault in report["faults"] if fault["claim"] == name]
        failures = [fault for fault in faults if fault["severity"] == "error"]
        count = len(faults) or 1
        suite = ElementTree.SubElement(
            suites, "testsuite", name=_xml(name), tests=str(count), failures=str(len(failures)), errors="0", skipped="0"
        )
        if not faults:
            ElementTree.SubElement(suite, "testcase", classname=_xml(f"gridgeo.{name}"), name="no fault")
        earlier: Counter[str] = Counter()
        for fault in faults:
            title = f"{fault['code']} {', '.join(map(one_line, fault['features']))}".strip()
            earlier[title] += 1
            if earlier[title] > 1:  # readers take cases of one name for one case
                title += f" #{earlier[title]}"
            case = ElementTree.SubElement(suite, "testcase", classname=_xml(f"gridgeo.{name}"), name=_xml(title))
            said = _xml(f"{fault['message']} {fault['action']}".strip())
            if fault["severity"] == "error":
                failure = ElementTree.SubElement(case, "failure", type=fault["code"], message=_xml(fault["message"]))
                failure.text = said
            else:
                ElementTree.SubElement(case, "system-out").text = said
    for attribute in ("tests", "failures"):
        suites.set(attribute, str(sum(int(suite.get(attribute, "0")) for suite in suites)))
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def to_github(report: Mapping[str, Any], *, sources: Mapping[str, str] | None = None) -> str:
    """Return the report as GitHub workflow commands, one line a fault, which show as annotations of a run."""
    sources = sources or {}
    lines = []
    for fault in report["faults"]:
        files = sorted({sources[layer] for layer in fault["layers"] if layer in sources})
        properties = {"file": files[0]} if files else {}
        properties["title"] = f"gridgeo {fault['code']}"
        shown = ",".join(f"{key}={_github_property(value)}" for key, value in properties.items())
        said = _github_text(f"{fault['message']} {fault['action']}".strip())
        lines.append(f"::{_GITHUB_COMMANDS[fault['severity']]} {shown}::{said}")
    return "".join(f"{line}\n" for line in lines)


def _uri(file: str) -> str:
    """Return a file's path as a URI reference; relative paths stay relative, so that a viewer finds them."""
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _xml(text: object) -> str:
    """Return text that XML 1.0 can carry: its grammar has no control characters, lone surrogates or non-characters."""
    return "".join(c for c in one_line(text) if not ("\ud800" <= c <= "\udfff" or c in "\ufffe\uffff"))


def _github_text(text: str) -> str:
    return one_line(text).replace("%", "%25")


def _github_property(text: str) -> str:
    return _github_text(text).replace(":", "%3A").replace(",", "%2C")
