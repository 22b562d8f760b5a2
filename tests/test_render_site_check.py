"""The check of a site finds nothing in what was made, and each thing that somebody could break."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gridgeo.errors import InputError
from gridgeo.render import render_map
from gridgeo.render.ledger import read_sheets
from gridgeo.render.site import read_entries, render_site
from gridgeo.render.site_check import check_map, check_site
from gridgeo.town import Person, Privacy
from tests.conftest import Run
from tests.hostile_text import CODES, hostile_town
from tests.render_towns import blocks_frame, make_town

CODE = "310112999001001"


def told(town: object, out: Path) -> list[str]:
    _, findings = check_site(town, out)  # type: ignore[arg-type]
    return [problem.text("en") for problem in findings]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    render_site(make_town(), out := tmp_path_factory.mktemp("site"))
    return out


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "out")
    return tmp_path / "out"


def test_nothing_is_found_in_a_fresh_site(made: Path) -> None:
    assert check_site(make_town(), made) == (len(blocks_frame()) + 2, [])


def test_nothing_is_found_in_the_site_of_a_hostile_town(tmp_path: Path) -> None:
    town = hostile_town(codes=CODES)
    render_site(town, tmp_path)
    assert told(town, tmp_path) == []


def test_the_overview_map_beside_notices_and_site_is_checked_too(out: Path) -> None:
    town, file = make_town(), out / "map.html"
    render_map(town, file)
    assert check_map(town, file) == (1, [])
    content = file.read_text(encoding="utf-8")
    assert f'"page":"site/{CODE}.html"' in content
    (out / "site" / f"{CODE}.html").unlink()
    texts = {problem.text("en") for problem in check_map(town, file)[1]}
    assert texts == {f"{file}: has a link to site/{CODE}.html, which is not there"}
    file.write_text(content.replace(f'"code":"{CODE}"', '"code":"gone"'), encoding="utf-8")
    assert f"{file}: lacks the text {CODE}" in {problem.text("en") for problem in check_map(town, file)[1]}
    file.write_text(content.replace('"blocks":[', '"blocks":[,'), encoding="utf-8")
    assert f"{file}: its data can't be read" in {problem.text("en") for problem in check_map(town, file)[1]}
    file.unlink()
    assert ["is gone" in problem.text("en") for problem in check_map(town, file)[1]] == [True]


def test_a_map_in_a_ledger_is_told_to_be_touched_or_old(out: Path) -> None:
    town, file = make_town(), out / "map.html"
    render_map(town, file, ledger=out)
    made = file.read_bytes()
    assert check_map(town, file, ledger=out) == (1, [])
    file.write_bytes(made + b"\n")
    assert ["was changed" in problem.text("en") for problem in check_map(town, file, ledger=out)[1]] == [True]
    render_map(town, file, ledger=out)
    assert file.read_bytes() == made
    of_today = replace(town, name="另一个镇")
    assert ["as it once was" in problem.text("en") for problem in check_map(of_today, file, ledger=out)[1]] == [True]
    render_map(of_today, file, ledger=out)
    assert check_map(of_today, file, ledger=out) == (1, [])
    # a link less: a page has gone
    (out / "site" / f"{CODE}.html").unlink()
    assert check_map(of_today, file, ledger=out)[1]
    file.unlink()
    assert ["is gone" in problem.text("en") for problem in check_map(of_today, file, ledger=out)[1]] == [True]


def test_a_map_of_the_same_is_left_as_it_is(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town, file = make_town(), out / "map.html"
    render_map(town, file, ledger=out)
    monkeypatch.setattr("gridgeo.render.webmap._page", lambda _: pytest.fail("put together again"))
    render_map(town, file, ledger=out)
    assert read_sheets(out)["map.html"].kind == "map"


def test_index_and_map_of_the_site_are_told_to_be_touched(out: Path) -> None:
    for name in ("index.html", "map.html"):
        path = out / "site" / name
        path.write_bytes(path.read_bytes() + b"\n")
    assert told(make_town(), out) == [
        f"{out / 'site' / name}: was changed after it was made; run gridgeo render again"
        for name in ("index.html", "map.html")
    ]


def test_a_number_that_a_person_agreed_to_show_is_no_finding(tmp_path: Path) -> None:
    person = Person(CODE, "head", "张三", mobile="13812345678", publish=frozenset({("mobile", "web")}))
    town = replace(make_town(people=[person]), privacy=Privacy(web=("mobile",)))
    render_site(town, tmp_path)
    assert "13812345678" in (tmp_path / "site" / f"{CODE}.html").read_text(encoding="utf-8")
    assert told(town, tmp_path) == []
    silent = replace(town, people=(replace(person, publish=frozenset()),))
    assert any("138****5678" in text for text in told(silent, tmp_path)), "the index and the map are told apart"


def test_lost_missing_and_touched_pages_are_told(out: Path) -> None:
    (out / f"site/{CODE}.html").unlink()
    (out / "site/310112999002001.html").write_text("<html>", encoding="utf-8")
    texts = told(make_town(), out)
    assert len([text for text in texts if "gone" in text]) == 1
    assert len([text for text in texts if "changed after" in text]) == 1
    assert any("link to 310112999001001.html" in text for text in texts), "the index leads to it"
    entries = read_entries(out)
    assert len(entries) == len(blocks_frame())
    with pytest.raises(InputError, match="no site"):
        check_site(make_town(), out / "site")


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (("张三丰", "张三"), "lacks the text 张三丰"),
        (("</main>", "鑫</main>"), "fonts lack the characters 鑫"),
        (("</main>", '<img src="https://x.example/a.png" alt="a"></main>'), "asks for https://x.example/a.png"),
        (("</style>", "b{background:url(//x.example/a)}</style>"), "asks for //x.example/a"),
        (("default-src 'none'", "default-src *"), "no content security policy"),
        (("</main>", '<a href="https://x.example">a</a></main>'), "link to https://x.example"),
        (("</main>", '<a href="no.html">a</a></main>'), "link to no.html"),
        (("</main>", '<a href="#block=1">a</a></main>'), "link to #block=1"),
        (("</main>", "13912345678</main>"), "not for the web: 139****5678"),
        (("</main>", "11010519491231002X</main>"), "not for the web: 11****"),
        ((' lang="zh-CN"', ""), "by ear: html lang"),
        (("<h1>", "<h4>"), "by ear: h1"),
        (("</main>", '<img src="data:,"></main>'), "by ear: img alt"),
        (("</main>", "<table><tr><th>a</th></tr></table></main>"), "by ear: th scope"),
        (("</main>", '<p id="extent"></p></main>'), "by ear: id extent"),
        (("</main>", '<input id="other"></main>'), "by ear: input other"),
        (("</main>", "x" * 400_000 + "</main>"), "more than 400000"),
        (("</main>", "<script>alert(1)</script></main>"), "has a script (<script>)"),
        (("</main>", '<p onclick="alert(1)">a</p></main>'), "has a script (<p onclick>)"),
    ],
)
def test_what_is_wrong_in_a_page_is_told(
    out: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str], finding: str
) -> None:
    page = out / f"site/{CODE}.html"
    text = page.read_text(encoding="utf-8").replace(*change).replace("&#x27;none&#x27;", "'none'")
    if "default-src" in change[0]:
        text = text.replace(*change)
    page.write_text(text, encoding="utf-8")
    # as if it had been made so
    monkeypatch.setattr("gridgeo.render.site_check.hashlib.sha256", _any_digest(read_entries(out)[page.name].sha256))
    entries = {page.name: read_entries(out)[page.name]}
    monkeypatch.setattr("gridgeo.render.site_check.read_entries", lambda _: entries)
    texts = told(make_town(), out)
    assert any(finding in each for each in texts if page.name in each), texts


def _any_digest(wanted: str) -> Callable[[bytes], object]:
    class Digest:
        def __init__(self, content: bytes) -> None:
            del content

        def hexdigest(self) -> str:
            return wanted

    return Digest


def test_the_command_checks_the_site(gridgeo_command: Callable[..., Run], tmp_path: Path) -> None:
    import geopandas as gpd
    import shapely

    frame = gpd.GeoDataFrame({"code": ["310112999001"]}, geometry=[shapely.box(121.5, 31.0, 121.51, 31.01)], crs=4490)
    frame.to_file(tmp_path / "town.gpkg", layer="grids")
    (tmp_path / "gridgeo.toml").write_text(
        '[town]\nname = "示例镇"\ncode = "310112999"\n[layers.grids]\nfile = "town.gpkg"\nid = "code"\n'
        'kind = "residential"\n[partition]\noutput = "blocks.gpkg"\n',
        encoding="utf-8",
    )
    assert gridgeo_command("partition", str(tmp_path)).status == 0
    run = gridgeo_command("render", str(tmp_path), str(tmp_path / "out"), "--format", "html", "--check")
    assert run.status == 0, run.err
    assert (tmp_path / "out/site/index.html").is_file()
    assert "4 files checked" in run.err, "the index, its map, the page of the block and the overview map"
