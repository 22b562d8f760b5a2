"""Only what has changed is made again, and the ledger tells which board is out of date."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.layers import write_layer
from gridgeo.network import Barriers
from gridgeo.render import render_index, render_notices
from gridgeo.render.boards import BoardLine, boards_csv, boards_text, list_boards
from gridgeo.render.ledger import Entry, read_issues, read_ledger, read_sheets
from gridgeo.render.printing import Made, make_all
from gridgeo.render.scene import make_scene
from gridgeo.town import Board, Person, Publication, Town
from tests.conftest import Run
from tests.render_towns import CRS, TOWN_CODE, barriers, blocks_frame, layers, make_town, place
from tests.test_render_poster import portrait, text_of

FIRST, SECOND, FAR = "310112999001001", "310112999001002", "310112999004001"


def made_again(town: Town, out: Path, changed: Town) -> set[str]:
    """Return the blocks whose notices a second run makes again."""
    for file in render_notices(town, out):
        os.utime(file, (1, 1))
    return {file.stem for file in render_notices(changed, out) if file.stat().st_mtime > 2}


def test_a_second_run_makes_nothing_and_changes_no_byte(tmp_path: Path) -> None:
    town = make_town()
    first = {file: file.read_bytes() for file in [*render_notices(town, tmp_path), tmp_path / "ledger.json"]}
    assert made_again(town, tmp_path, make_town()) == set()
    assert {file: file.read_bytes() for file in first} == first


def test_a_new_head_changes_one_notice(tmp_path: Path) -> None:
    town = make_town()
    changed = replace(town, people=(*town.people, Person(FAR, "patroller", "新来者")))
    assert made_again(town, tmp_path, changed) == {FAR}


def test_a_new_officer_of_the_town_changes_all(tmp_path: Path) -> None:
    town = make_town()
    changed = replace(town, people=(*town.people, Person(TOWN_CODE, "lawyer", "新来者")))
    assert len(made_again(town, tmp_path, changed)) == 6


def test_a_new_road_changes_the_maps_that_show_it(tmp_path: Path) -> None:
    town = make_town()
    lane = {"name": "新弄", "rank": "lane", "bridge": False, "tunnel": False, "level": 0}
    line = shapely.LineString([place(30, 500), place(200, 500)])
    added = gpd.GeoDataFrame([lane], geometry=[line], crs=CRS)
    lines = barriers().lines
    import pandas as pd

    more = gpd.GeoDataFrame(pd.concat([lines, added.reindex(columns=lines.columns)], ignore_index=True), crs=CRS)
    changed = replace(town, barriers=Barriers(more, barriers().surfaces))
    again = made_again(town, tmp_path, changed)
    assert FIRST in again
    assert FAR not in again


def test_a_photo_of_the_same_name_is_another_photo(tmp_path: Path) -> None:
    photo = portrait(tmp_path / "zhang.jpg")
    town = make_town(people=[Person(FIRST, "head", "张三", photo=photo)])
    assert made_again(town, tmp_path / "out", town) == set()
    portrait(photo, size=(800, 760))
    again = {file.stem for file in render_notices(town, tmp_path / "out") if file.stat().st_mtime > 2}
    assert again == {FIRST}


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: file.write_bytes(b"%PDF-")])
def test_a_file_that_was_lost_or_touched_is_made_again(spoil: Callable[[Path], object], tmp_path: Path) -> None:
    town = make_town()
    files = render_notices(town, tmp_path)
    whole = files[2].read_bytes()
    spoil(files[2])
    assert render_notices(town, tmp_path) == files
    assert files[2].read_bytes() == whole


def test_a_ledger_that_cannot_be_read_costs_time_only(tmp_path: Path) -> None:
    town = make_town()
    render_notices(town, tmp_path)
    for content in (
        "{",
        '{"schema": "gridgeo-ledger/9", "files": []}',
        '{"schema": "gridgeo-ledger/1", "files": [{}]}',
    ):
        (tmp_path / "ledger.json").write_text(content)
        assert read_ledger(tmp_path) == {}
        render_notices(town, tmp_path)
        assert len(read_ledger(tmp_path)) == 6


def test_a_ledger_that_cannot_be_read_is_set_aside_and_told(tmp_path: Path) -> None:
    for content in ("<<<<<<< HEAD", '{"schema": "gridgeo-ledger/9"}', '{"schema": "gridgeo-ledger/1", "files": [{}]}'):
        (tmp_path / "ledger.json").write_text(content)
        said: list[Problem] = []
        render_notices(make_town(), tmp_path, only=[FIRST], warnings=said)
        assert any("kept as ledger-unreadable.json" in problem.text("en") for problem in said)
        assert (tmp_path / "ledger-unreadable.json").read_text() == content
        said.clear()
        render_notices(make_town(), tmp_path, only=[FIRST], warnings=said)
        assert not any("ledger" in problem.text("en") for problem in said)


def test_what_a_broken_off_run_has_made_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "notices" / f"{FAR}.pdf").mkdir(parents=True)
    with pytest.raises(InputError, match="can't be written"):
        render_notices(make_town(), tmp_path)
    (tmp_path / "notices" / f"{FAR}.pdf").rmdir()
    made = set(tmp_path.glob("notices/*.pdf"))
    assert made
    for file in made:
        os.utime(file, (1, 1))
    everything = render_notices(make_town(), tmp_path)
    assert {file for file in everything if file.stat().st_mtime < 2} == made


def test_runs_at_the_same_time_don_t_lose_each_other_s_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = make_town()

    def with_another_run_meanwhile(*arguments: Any, **options: Any) -> Iterator[Made]:
        monkeypatch.undo()
        render_notices(town, tmp_path, only=[SECOND])
        render_index(town, tmp_path, only=[SECOND])
        yield from make_all(*arguments, **options)

    monkeypatch.setattr("gridgeo.render.printing.make_all", with_another_run_meanwhile)
    render_notices(town, tmp_path, papers=("A4",), only=[FIRST])
    assert set(read_ledger(tmp_path)) == {f"notices/{SECOND}.pdf", f"notices/{FIRST}-A4.pdf"}
    assert len(read_sheets(tmp_path)) == 1
    assert len(read_issues(tmp_path)) == 2


def test_the_mark_is_printed_and_changes_with_the_notice_and_with_nothing_else(tmp_path: Path) -> None:
    def marks(town: Town, out: Path) -> dict[str, str]:
        files = render_notices(town, out)
        entries = {Path(entry.file).stem: entry for entry in read_ledger(out).values()}
        for file in files:
            assert f"核对码{entries[file.stem].mark}" in text_of(file.read_bytes())
        return {code: entry.mark for code, entry in entries.items()}

    town = make_town()
    before = marks(town, tmp_path / "a")
    changed = replace(town, people=(*town.people, Person(FAR, "patroller", "新来者")))
    after = marks(changed, tmp_path / "b")
    assert {code for code in before if before[code] != after[code]} == {FAR}
    assert len(set(before.values())) == 6


def test_sheets_of_one_notice_bear_the_same_mark(tmp_path: Path) -> None:
    render_notices(make_town(), tmp_path, papers=["A3", "A0"])
    marks: dict[str, set[str]] = {}
    for entry in read_ledger(tmp_path).values():
        marks.setdefault(entry.code, set()).add(entry.mark)
    assert all(len(each) == 1 for each in marks.values())


def test_notices_of_blocks_that_are_no_more_are_named(tmp_path: Path) -> None:
    render_notices(make_town(), tmp_path)
    town = make_town()
    assert town.blocks is not None
    fewer = replace(town, blocks=town.blocks.with_frame(town.blocks.frame.iloc[:-1].reset_index(drop=True)))
    warnings: list[Problem] = []
    render_notices(fewer, tmp_path, warnings=warnings)
    gone = town.blocks.frame["code"].iloc[-1]
    assert any("no more" in problem.text("en") and gone in problem.text("en") for problem in warnings)


def test_the_ledger_is_plain_and_sorted(tmp_path: Path) -> None:
    render_notices(make_town(publication=Publication(version="7")), tmp_path)
    held = json.loads((tmp_path / "ledger.json").read_text(encoding="utf-8"))
    assert held["schema"] == "gridgeo-ledger/1"
    files = [row["file"] for row in held["files"]]
    assert files == sorted(files)
    assert files[0] == f"notices/{FIRST}.pdf"
    assert {row["version"] for row in held["files"]} == {"7"}
    assert set(held["files"][0]) == set(Entry.__dataclass_fields__)


def test_boards_that_are_out_of_date_or_missing_are_named(tmp_path: Path) -> None:
    render_notices(make_town(), tmp_path, papers=["A3", "A1"])
    mark = {entry.code: entry.mark for entry in read_ledger(tmp_path).values()}
    boards = (
        Board(FIRST, "东门岗亭", mark[FIRST]),
        Board(SECOND, "西门岗亭", "0000-0000"),
        Board(FAR, "厂区食堂"),
        Board("310112999009001", "老村口", "1111-1111"),
    )
    warnings: list[Problem] = []
    render_notices(replace(make_town(), boards=boards), tmp_path, warnings=warnings)
    said = "\n".join(problem.text("en") for problem in warnings)
    assert "东门岗亭" not in said
    assert f"西门岗亭 shows an older notice (mark 0000-0000, now {mark[SECOND]})" in said
    assert "厂区食堂 has no mark" in said
    assert "老村口 is of a block that is no more" in said
    assert "3 of 6 blocks have no board (50 % have one)" in said


def listed_boards(town: Town, out: Path) -> list[BoardLine]:
    return list_boards(make_scene(town), read_ledger(out).values(), read_issues(out))


def test_each_board_is_listed_with_what_it_shows_and_what_it_should(tmp_path: Path) -> None:
    first = make_town()
    render_notices(first, tmp_path)
    old = {entry.code: entry.mark for entry in read_ledger(tmp_path).values()}
    boards = (
        Board(FIRST, "东门岗亭", old[FIRST], dt.date(2026, 11, 3)),
        Board(SECOND, "西门岗亭", old[FAR]),
        Board(FAR, "=厂区食堂", "7777-7777"),
        Board("310112999009001", "老村口", "1111-1111"),
    )
    town = replace(first, publication=replace(first.publication, version="2"), boards=boards)
    warnings: list[Problem] = []
    render_notices(town, tmp_path, warnings=warnings)
    now = {entry.code: entry.mark for entry in read_ledger(tmp_path).values()}
    lines = listed_boards(town, tmp_path)
    assert [line.state for line in lines] == ["out-of-date", "other-block", "out-of-date", "no-block"] + [
        "no-board"
    ] * 3
    assert (lines[0].version, lines[0].version_now) == ("1 2026年11月1日", "2 2026年11月1日")
    assert (lines[0].posted, lines[0].now, lines[0].file) == ("2026-11-03", (now[FIRST],), f"notices/{FIRST}.pdf")
    assert lines[2].version == "", "nobody ever made a notice of this mark"
    assert any("shows the notice of another block" in problem.text("en") for problem in warnings)
    table = boards_csv(lines)
    assert table.splitlines()[1].startswith("已过期,310112999001001,杜行居委会 第1责任块,东门岗亭,2026-11-03")
    assert "'=厂区食堂" in table
    text = boards_text(lines)
    assert len(text.splitlines()) == len(lines) + 1
    renewed = replace(town, boards=(replace(boards[0], mark=now[FIRST]),))
    assert listed_boards(renewed, tmp_path)[0].state == "current"


TOWN = """
[town]
name = "示例镇"
code = "310112999"

[layers.communities]
file = "town.gpkg"
layer = "communities"
id = "code"
name = "name"
kind = "residential"

[partition]
layers = ["communities"]
count = 1
output = "blocks.gpkg"

[boards]
file = "boards.csv"
"""


def test_the_command_lists_boards_and_fails_while_one_is_out_of_date(
    gridgeo_command: Callable[..., Run], tmp_path: Path
) -> None:
    town, out = tmp_path / "gridgeo.toml", tmp_path / "out"
    town.write_text(TOWN, encoding="utf-8")
    write_layer(layers()["communities"].frame, tmp_path / "town.gpkg", layer="communities")
    write_layer(blocks_frame().iloc[:2], tmp_path / "blocks.gpkg", layer="blocks")

    def hang(mark: str) -> Run:
        rows = f"责任块,张贴地点,核对码,张贴日期\n{FIRST},东门岗亭,{mark},2026-11-03\n"
        (tmp_path / "boards.csv").write_text(rows, encoding="utf-8")
        return gridgeo_command("render", town, out, "--boards")

    stale = hang("1234-ABCD")
    assert stale.status == 1
    assert "out of date" in stale.out
    assert "1 boards, 1 to be seen to, 1 blocks without one" in stale.err
    made = hang(next(entry.mark for entry in read_ledger(out).values() if entry.code == FIRST))
    assert made.status == 0
    assert "up to date" in made.out
    assert "东门岗亭" in (out / "boards.csv").read_text(encoding="utf-8-sig")


def made_sheets_again(town: Town, out: Path, changed: Town) -> set[str]:
    """Return the index sheets and tiles that a second run makes again."""

    def make(town: Town) -> list[Path]:
        tiles = [file for file in render_notices(town, out, papers=["A1"], tiles="A3") if "tiles" in file.name]
        return [*tiles, *render_index(town, out)]

    for file in make(town):
        os.utime(file, (1, 1))
    return {file.stem for file in make(changed) if file.stat().st_mtime > 2}


def test_index_sheets_and_tiles_that_have_not_changed_are_not_made_again(tmp_path: Path) -> None:
    frame = make_town().blocks.frame.iloc[:3]  # type: ignore[union-attr]
    town = make_town(frame=frame)
    assert made_sheets_again(town, tmp_path, make_town(frame=frame)) == set()
    ledger = (tmp_path / "ledger.json").read_bytes()
    second = replace(town, people=(*town.people, Person(SECOND, "head", "新来者")))
    assert made_sheets_again(town, tmp_path, second) == {f"{SECOND}-A1-tiles-A3", "310112999001"}
    assert made_sheets_again(second, tmp_path, town) == {f"{SECOND}-A1-tiles-A3", "310112999001"}
    held = json.loads((tmp_path / "ledger.json").read_text("utf-8"))
    assert [held[key] for key in ("files", "sheets")] == [json.loads(ledger)[key] for key in ("files", "sheets")]


def test_spoilt_index_sheets_and_tiles_are_made_again(tmp_path: Path) -> None:
    town = make_town(frame=make_town().blocks.frame.iloc[:1])  # type: ignore[union-attr]
    files = [*render_notices(town, tmp_path, papers=["A1"], tiles="A3"), *render_index(town, tmp_path)]
    before = {file: file.read_bytes() for file in files}
    for file in files[1:]:
        file.write_bytes(b"%PDF-")
    render_notices(town, tmp_path, papers=["A1"], tiles="A3")
    render_index(town, tmp_path)
    assert {file: file.read_bytes() for file in files} == before


def test_index_sheets_of_grids_that_are_no_more_are_named(tmp_path: Path) -> None:
    town = make_town()
    render_index(town, tmp_path)
    fewer = make_town(frame=town.blocks.frame.iloc[:3])  # type: ignore[union-attr]
    said: list[Problem] = []
    render_index(fewer, tmp_path, warnings=said)
    texts = [problem.text("en") for problem in said if "grids that are no more" in problem.text("en")]
    assert len(texts) == 1
    assert "index/310112999004.pdf" in texts[0]
