"""What of a person is shown to whom: by duty, by consent, until consent ends."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from gridgeo.errors import Problem
from gridgeo.render import render_notices
from gridgeo.render.notice import compose_notices, retold_to
from gridgeo.render.people import Card
from gridgeo.render.scene import make_scene
from gridgeo.town import AUDIENCES, Audience, Board, Person, Privacy, Publication, Town, read_town
from tests.render_towns import make_town
from tests.test_render_poster import portrait, text_of

CODE = "310112999001001"
DAY = dt.date(2026, 11, 1)


def head(person: Person, audience: Audience = "wall", *, day: dt.date | None = DAY, **privacy: object) -> Card:
    town = replace(make_town(people=[person], publication=Publication(date=day)), privacy=Privacy(**privacy))  # type: ignore[arg-type]
    (card,) = [notice.head for notice in compose_notices(make_scene(town), audience=audience) if notice.code == CODE]
    return card


def zhang(**fields: object) -> Person:
    return Person(CODE, "head", "张三", phone="021-54321000", mobile="13812345678", photo=Path("z.jpg"), **fields)  # type: ignore[arg-type]


def test_without_a_word_on_consent_mobiles_are_masked_and_photos_shown() -> None:
    card = head(zhang())
    assert (card.phone, card.photo) == ("021-54321000", Path("z.jpg"))
    assert head(replace(zhang(), phone="")).phone == "138****5678"


def test_only_what_a_person_agreed_to_is_shown_and_only_to_whom() -> None:
    person = zhang(publish=frozenset({("photo", "wall"), ("mobile", "wechat")}))
    cards = {audience: head(person, audience) for audience in AUDIENCES}
    shown = {audience: (card.photo is not None, card.phone) for audience, card in cards.items()}
    assert shown == {
        "wall": (True, "021-54321000"),
        "wechat": (False, "021-54321000，13812345678"),
        "web": (False, "021-54321000"),
    }


def test_the_town_may_show_less_than_people_agreed_to() -> None:
    person = zhang(publish=frozenset((field, audience) for field in ("photo", "mobile") for audience in AUDIENCES))
    assert head(person, "web").phone == "021-54321000"  # no mobile number on the web by default
    card = head(person, "wall", wall=())
    assert (card.photo, card.phone) == (None, "021-54321000")


@pytest.mark.parametrize(
    ("until", "day", "shown"),
    [(DAY, DAY, True), (dt.date(2026, 10, 31), DAY, False), (None, DAY, True), (DAY, None, False), (None, None, True)],
)
def test_consent_counts_up_to_its_last_day(until: dt.date | None, day: dt.date | None, shown: bool) -> None:
    person = zhang(publish=frozenset({("photo", "wall"), ("mobile", "wall")}), consent_until=until)
    card = head(person, day=day)
    assert (card.photo is not None) == shown
    assert ("13812345678" in card.phone) == shown


def test_an_ended_consent_is_told_by_name() -> None:
    person = zhang(publish=frozenset({("photo", "wall")}), consent_until=dt.date(2026, 10, 31))
    warnings: list[Problem] = []
    town = make_town(people=[person], publication=Publication(date=DAY))
    compose_notices(make_scene(town), warnings=warnings)
    assert any("张三" in problem.text("en") and "2026-10-31" in problem.text("en") for problem in warnings)


def test_a_notice_retold_differs_in_its_people_alone() -> None:
    person = zhang(publish=frozenset({("photo", "wall")}))
    scene = make_scene(make_town(people=[person], publication=Publication(date=DAY)))
    wall = compose_notices(scene)
    web = retold_to("web", scene, wall)
    assert [replace(a, head=b.head, officers=b.officers) for a, b in zip(wall, web, strict=True)] == web
    assert web == compose_notices(scene, audience="web")


def test_the_poster_shows_what_the_wall_may_and_no_more(tmp_path: Path) -> None:
    import io

    import pypdf

    photo = portrait(tmp_path / "z.jpg")
    agreed = replace(zhang(publish=frozenset({("mobile", "wall"), ("photo", "wall")})), photo=photo)
    silent = replace(zhang(publish=frozenset()), photo=photo)
    contents = []
    for name, person in (("a", agreed), ("b", silent)):
        files = render_notices(make_town(people=[person]), tmp_path / name)
        contents.append(files[0].read_bytes())
    pictures = [len(pypdf.PdfReader(io.BytesIO(content)).pages[0].images) for content in contents]
    assert pictures == [1, 0]
    assert "13812345678" in text_of(contents[0])
    assert "13812345678" not in text_of(contents[1])


def test_both_numbers_of_a_head_are_as_large_as_what_else_is_read_from_afar(tmp_path: Path) -> None:
    import pypdfium2

    person = zhang(publish=frozenset({("mobile", "wall")}))
    (file,) = render_notices(make_town(people=[person]), tmp_path, only=[CODE])
    with pypdfium2.PdfDocument(file) as document:
        words = document[0].get_textpage()
        for number in ("021-54321000", "13812345678"):
            found = words.search(number).get_next()
            assert found is not None
            left, _, right, _ = words.get_charbox(found[0])
            assert right - left >= 0.5 * 13  # a digit is a little more than half as wide as the print is high


def project(folder: Path, people: str, toml: str = "") -> Path:
    import geopandas as gpd
    import shapely

    town = gpd.GeoDataFrame({"code": ["310112999001"]}, geometry=[shapely.box(121.5, 31.0, 121.51, 31.01)], crs=4490)
    town.to_file(folder / "town.gpkg", layer="communities")
    (folder / "people.csv").write_text(people, encoding="utf-8")
    (folder / "gridgeo.toml").write_text(
        '[town]\nname = "示例镇"\ncode = "310112999"\n[layers.communities]\nfile = "town.gpkg"\nid = "code"\n'
        f'kind = "residential"\n[people]\nfile = "people.csv"\n{toml}',
        encoding="utf-8",
    )
    return folder / "gridgeo.toml"


def people_of(town: Town) -> list[Person]:
    return list(town.people)


def test_consent_is_read_from_the_table_in_both_languages(tmp_path: Path) -> None:
    rows = "单元,角色,姓名,手机,公开,同意期限\n310112999,民警,甲,13812345678,照片、手机@微信,2027年1月31日\n"
    rows += "310112999,律师,乙,13812345678,,\n310112999,城管,丙,,photo mobile＠wall,2027-02-01\n"
    toml = '[privacy]\nwall = ["照片"]\nweb = []\n'
    town = read_town(project(tmp_path, rows, toml))
    first, second, third = people_of(town)
    assert first.publish == {("photo", "wall"), ("photo", "wechat"), ("photo", "web"), ("mobile", "wechat")}
    assert first.consent_until == dt.date(2027, 1, 31)
    assert second.publish == frozenset()
    assert third.publish is not None
    assert ("mobile", "wall") in third.publish
    assert ("mobile", "web") not in third.publish
    assert town.privacy == Privacy(wall=("photo",), web=())


def test_a_field_may_have_its_own_last_day(tmp_path: Path) -> None:
    rows = "单元,角色,姓名,手机,公开\n310112999,民警,甲,13812345678,照片@墙：2027-01-31、手机至2026年12月1日\n"
    (person,) = people_of(read_town(project(tmp_path, rows)))
    assert person.publish == {("photo", "wall"), *(("mobile", audience) for audience in AUDIENCES)}
    assert person.agreed_until("photo", "wall") == dt.date(2027, 1, 31)
    assert {person.agreed_until("mobile", audience) for audience in AUDIENCES} == {dt.date(2026, 12, 1)}
    assert person.agreed_until("photo", "web") is None


def test_mistakes_in_consent_are_named(tmp_path: Path) -> None:
    from gridgeo.errors import InputError

    rows = "unit,role,name,publish,consent_until\n310112999,police,甲,photo@paper,soon\n"
    rows += "310112999,police,乙,address,\n310112999,police,丙,photo:later,\n"
    with pytest.raises(InputError) as refused:
        read_town(project(tmp_path, rows, '[privacy]\nwall = ["address"]\n'))
    texts = [problem.text("en") for problem in refused.value.problems]
    assert len(texts) == 5
    assert any('"photo:later"' in text for text in texts)
    assert any('"photo@paper"' in text for text in texts)
    assert any('"soon"' in text for text in texts)
    assert sum("address" in text for text in texts) == 2


def test_boards_are_read_from_a_table(tmp_path: Path) -> None:
    toml = '[[boards.rows]]\n"责任块" = "310112999001001"\n"地点" = "东门岗亭"\n'
    toml += '"核对码" = "7f3a-21c9"\n"张贴日期" = 2026-11-02\n'
    town = read_town(project(tmp_path, "unit,role,name\n310112999,police,甲\n", toml))
    assert town.boards == (Board("310112999001001", "东门岗亭", "7F3A-21C9", dt.date(2026, 11, 2)),)
