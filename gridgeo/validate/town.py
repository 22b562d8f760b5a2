"""All claims of a town project, validated one after another into one report."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.progress import track
from gridgeo.town import Alignment, Claim, Consistency, Nesting, Seam, Staffing, StreetTiling, Tiling, Town
from gridgeo.town.duties import duties_of
from gridgeo.validate.borders import validate_alignment
from gridgeo.validate.consistency import validate_consistency
from gridgeo.validate.exceptions import with_exceptions
from gridgeo.validate.faults import Fault
from gridgeo.validate.nesting import validate_nesting
from gridgeo.validate.report import ClaimResult, Report
from gridgeo.validate.seams import validate_seam
from gridgeo.validate.sections import validate_sections
from gridgeo.validate.staffing import validate_staffing
from gridgeo.validate.subject import doubt
from gridgeo.validate.tiling import validate_tiling

_STEP = Message("validating", "校验")
_NO_CLAIM = Message(
    "the town claims nothing, so there is nothing to validate; add a table [claims.town]",
    "没有任何声明可校验；请添加 [claims.town] 表",
)
_UNKNOWN_CLAIM = Message("there is no claim {name}; there are: {names}", "没有名为 {name} 的声明；现有：{names}")
_NO_SECTIONS = Message(
    "claim {name} is about sections, which aren't drafted yet: run gridgeo partition first",
    "声明 {name} 涉及责任路段，但尚未划分：请先运行 gridgeo partition",
)
_NO_BLOCKS = Message(
    "claim {name} is about blocks, which aren't drafted yet: run gridgeo partition first",
    "声明 {name} 涉及责任块，但尚未划分：请先运行 gridgeo partition",
)


def validate_town(town: Town, *, claims: Sequence[str] | None = None) -> Report:
    """Validate the claims of a town project.

    Parameters
    ----------
    town : Town
    claims : sequence of str, optional
        Names of the claims to check; by default all. Claims about blocks that aren't drafted yet are then passed over
        with a warning, so that the grids can be validated first.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        For claims that don't exist, or, where nothing else is to be checked, that need blocks before these are drafted.
    """
    chosen, passed_over = chosen_claims(town, claims)
    tiled = {key for claim in chosen if isinstance(claim, Tiling) for key in claim.layers}
    reports = [_validate(town, claim, tiled) for claim in track(chosen, _STEP)]
    if any(not report.crs.equals(reports[0].crs) for report in reports):
        reports = [report.moved_to(town.working_crs) for report in reports]
    results = _once([result for report in reports for result in report.claims])
    results[0].faults.extend(
        [*(doubt(results[0].claim, (), problem) for problem in passed_over), *_doubts(town, results)]
    )
    sources = {key: file for report in reports for key, file in report.sources.items()}
    shapes = max((report.shapes for report in reports if report.shapes is not None), key=len, default=None)
    report = Report(
        results, crs=reports[0].crs, measure_crs=reports[0].measure_crs, shapes=shapes, sources=sources, title=town.name
    )
    return with_exceptions(report, town.exceptions, complete=not claims and not passed_over)


def chosen_claims(town: Town, names: Sequence[str] | None) -> tuple[list[Claim], list[Problem]]:
    """Return the claims of some names (by default all), and what to say of those that can't be checked yet.

    Raises
    ------
    InputError
        As `validate_town`.
    """
    known = {claim.name: claim for claim in town.claims}
    where = str(town.path)
    if not known:
        raise InputError(Problem(where, _NO_CLAIM))
    problems = [
        Problem(where, _UNKNOWN_CLAIM, {"name": name, "names": ", ".join(known)})
        for name in names or ()
        if name not in known
    ]
    chosen = [claim for claim in town.claims if not names or claim.name in names]
    has_blocks = town.blocks is not None or "blocks" in town.layers
    undrafted = [claim for claim in chosen if "blocks" in claim.keys and not has_blocks]
    unsectioned = [
        claim for claim in chosen if claim not in undrafted and "sections" in claim.keys and town.sections is None
    ]
    ready = [claim for claim in chosen if claim not in (*undrafted, *unsectioned)]
    too_early = [Problem(where, _NO_BLOCKS, {"name": claim.name}) for claim in undrafted]
    too_early += [Problem(where, _NO_SECTIONS, {"name": claim.name}) for claim in unsectioned]
    if names or not ready:
        problems += too_early
    if problems:
        raise InputError(problems)
    return ready, too_early


def _once(results: list[ClaimResult]) -> list[ClaimResult]:
    """Report what is wrong with a feature by itself in the first claim only that its layer belongs to."""
    said: set[tuple[object, ...]] = set()
    kept = []
    for result in results:
        faults = []
        for fault in result.faults:
            key = (fault.code, fault.layers, fault.features, fault.message("en"))
            if fault.kind.stage not in ("feature", "input") or key not in said:
                faults.append(fault)
            said.add(key)
        kept.append(replace(result, faults=faults))
    return kept


def _doubts(town: Town, results: list[ClaimResult]) -> list[Fault]:
    """Return what the reader of the town noticed and no layer's own claim has said."""
    layers = [*town.layers.values(), *([town.blocks] if town.blocks is not None else [])]
    claimed = {key for result in results for key in result.layers}
    said = {
        (problem.where, problem.text("en"))
        for layer in layers
        if layer.name in claimed or (layer is town.blocks and "blocks" in claimed)
        for problem in layer.problems
    }
    return [
        doubt(results[0].claim, (), problem)
        for problem in town.problems
        if (problem.where, problem.text("en")) not in said
    ]


def _validate(town: Town, claim: Claim, tiled: Collection[str]) -> Report:
    if isinstance(claim, Nesting):
        return validate_nesting(
            town.layer(claim.children),
            {key: town.layer(key) for key in claim.parents},
            parent_column=claim.parent_column,
            tolerance=claim.tolerance,
            among_children=claim.children not in tiled,
            name=claim.name,
        )
    if isinstance(claim, Alignment):
        return validate_alignment(
            {key: town.layer(key) for key in claim.layers},
            town.barriers,
            rank=claim.rank,
            tolerance=claim.tolerance,
            share=claim.share,
            parent_column=claim.parent_column,
            uncut_by=claim.uncut_by,
            name=claim.name,
        )
    if isinstance(claim, Seam):
        first, second = ({key: town.layer(key)} for key in claim.keys)
        return validate_seam(first, second, tolerance=claim.tolerance, name=claim.name)
    if isinstance(claim, Consistency):
        return validate_consistency(
            {claim.areas: town.layer(claim.areas)},
            {key: town.layer(key) for key in claim.blocks},
            tolerance=claim.tolerance,
            name=claim.name,
        )
    if isinstance(claim, StreetTiling):
        return validate_sections(
            town.layer(claim.sections),
            {key: town.layer(key) for key in claim.areas},
            town.barriers,
            rank=claim.rank,
            tolerance=claim.tolerance,
            name=claim.name,
        )
    if isinstance(claim, Staffing):
        return validate_staffing(
            town.layer(claim.sections),
            duties_of(town),
            town.shifts,
            least=claim.least,
            most=claim.most,
            name=claim.name,
        )
    return validate_tiling(
        {key: town.layer(key) for key in claim.layers},
        within=None if claim.within is None else town.layer(claim.within),
        tolerance=claim.tolerance,
        name=claim.name,
    )
