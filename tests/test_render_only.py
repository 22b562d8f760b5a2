"""Only some blocks: their files are made, all others and what the ledgers say of them stay as they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gridgeo.errors import InputError, Problem
from gridgeo.render import render_index, render_notices, render_site
from gridgeo.render.checking import check_notices
from gridgeo.render.scene import make_scene
from gridgeo.render.selection import blocks_of
from gridgeo.render.site_check import check_site
from gridgeo.town import Town
from tests.conftest import run_gridgeo
from tests.render_towns import make_town, standard_people

ONE, OTHER = "310112999001001", "310112999003001"
GRID = "310112999001"  # of two blocks


def changed_town() -> Town:
    """The town with other people: each of its notices says something else than before."""
    return make_town(people=standard_people())


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(folder: Path, ledger: str) -> dict[str, Any]:
    """Return what a ledger says of each file."""
    held = json.loads((folder / ledger).read_text(encoding="utf-8"))
    return {row["file"]: row for key in ("files", "sheets") for row in held.get(key, [])}


def make_all_of(town: Town, out: Path, only: Sequence[str] | None = None) -> list[Path]:
    made = render_notices(town, out, formats=("pdf", "png"), papers=("A2",), tiles="A3", only=only)
    return [*made, *render_site(town, out, only=only), *render_index(town, out, only=only)]


def test_naming_no_block_is_a_mistake() -> None:
    with pytest.raises(InputError, match="none is named"):
        blocks_of(make_scene(make_town()), [])


def test_only_what_concerns_those_blocks_is_told(tmp_path: Path) -> None:
    town, said = make_town(people=()), list[Problem]()
    for render in (render_notices, render_site, render_index):
        render(town, tmp_path, only=[ONE], warnings=said)
    assert {problem.where for problem in said if "no block head" in problem.text("en")} == {
        f"杜行居委会 第1责任块 ({ONE})"
    }


def test_one_name_may_be_given_without_a_list(tmp_path: Path) -> None:
    town = make_town()
    assert blocks_of(make_scene(town), GRID) == blocks_of(make_scene(town), [GRID])
    (made,) = render_notices(town, tmp_path, formats="pdf", papers="A4", only=ONE)  # type: ignore[arg-type]
    assert made.name == f"{ONE}-A4.pdf"


def test_paper_that_there_is_not_is_told_before_anything_is_made(tmp_path: Path) -> None:
    for wrong in ({"papers": ["B5"]}, {"tiles": "B5"}, {"orientation": "up"}, {"formats": ["docx"]}):
        with pytest.raises(ValueError, match="is none of"):
            render_notices(make_town(), tmp_path, **wrong)  # type: ignore[arg-type]
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("codes", "blocks", "grids"), [([OTHER], [OTHER], ["310112999003"]), ([GRID], [ONE, f"{GRID}002"], [GRID])]
)
def test_only_the_files_of_those_blocks_are_made(
    tmp_path: Path, codes: list[str], blocks: list[str], grids: list[str]
) -> None:
    make_all_of(make_town(people=()), tmp_path)
    before, ledgers = files_of(tmp_path), {name: rows(tmp_path, name) for name in ("ledger.json", "site.json")}
    wanted = {f"notices/{code}{end}" for code in blocks for end in ("-A2.pdf", "-A2-tiles-A3.pdf", ".png")}
    wanted |= {f"site/{code}.html" for code in blocks} | {f"index/{grid}.pdf" for grid in grids}
    made = make_all_of(changed_town(), tmp_path, codes)
    assert {str(path.relative_to(tmp_path)) for path in made} == wanted
    after = files_of(tmp_path)
    assert {file for file in after if after[file] != before.get(file)} == wanted | {"ledger.json", "site.json"}
    for name, held in ledgers.items():
        assert {file for file, row in rows(tmp_path, name).items() if row != held[file]} <= {
            file.removeprefix("site/") for file in wanted
        }
    assert check_notices(changed_town(), tmp_path, only=codes)[1] == []
    assert check_site(changed_town(), tmp_path, only=codes)[1] == []


def test_they_are_the_files_that_all_would_be(tmp_path: Path) -> None:
    town = changed_town()
    render_notices(town, tmp_path / "all")
    (made,) = render_notices(town, tmp_path / "one", only=[OTHER])
    assert made.read_bytes() == (tmp_path / "all" / "notices" / made.name).read_bytes()
    assert check_notices(town, tmp_path / "one", only=[OTHER]) == (1, [])
    assert check_notices(town, tmp_path / "one")[1]  # the others were never made


def test_who_gives_a_code_of_nobody_is_told_those_near_it(tmp_path: Path) -> None:
    town = make_town()
    with pytest.raises(InputError) as told:
        render_notices(town, tmp_path, only=["310112999001003", "杜行居委会", "nonsense", OTHER])
    lines = [problem.text("en") for problem in told.value.problems]
    assert len(lines) == 3
    assert f"{ONE}," in lines[0]
    assert lines[1].endswith(f"no block or grid has the code 杜行居委会; near it are {GRID}")
    assert lines[2].endswith("no block or grid has the code nonsense")
    assert not list(tmp_path.iterdir())


def test_codes_name_blocks_and_grids() -> None:
    scene = make_scene(make_town())
    assert blocks_of(scene, None) == frozenset(range(6))
    codes = scene.blocks["code"].tolist()
    assert {codes[k] for k in blocks_of(scene, [GRID, OTHER])} == {ONE, f"{GRID}002", OTHER}


def test_the_command_takes_codes_with_commas(drafted_town: Town, tmp_path: Path) -> None:
    path = drafted_town.path
    run = run_gridgeo(
        "render", path, tmp_path, "--only", "310112999003001，310112999401001", "--only", "310112999002001"
    )
    assert (run.status, run.out) == (0, "")
    assert sorted(file.stem for file in (tmp_path / "notices").iterdir()) == [
        "310112999002001",
        "310112999003001",
        "310112999401001",
    ]
    assert not (tmp_path / "map.html").exists()
    run = run_gridgeo("render", path, tmp_path, "--only", "310112999003001,31011299940100")
    assert run.status == 2
    (line,) = run.err.strip().splitlines()
    assert "no block or grid has the code 31011299940100; near it are 310112999401001" in line
