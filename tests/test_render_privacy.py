"""What must not be published is in no file of the products for the web, in whatever shape, nor in a file's name."""

from __future__ import annotations

import base64
import datetime as dt
import html
import io
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from gridgeo.errors import InputError, Problem
from gridgeo.render import render_map, render_notices
from gridgeo.render.notice import compose_notices
from gridgeo.render.people import shown_phone
from gridgeo.render.publishing import mask_mobiles, publishable
from gridgeo.render.scene import make_scene
from gridgeo.render.site import render_site
from gridgeo.town import AUDIENCES, Audience, Person, PersonalField, Privacy, Publication, Service, Task, Town
from tests.render_towns import TOWN_CODE, barriers, blocks_frame, layers, make_town

CODE = "310112999001001"
DAY = dt.date(2026, 11, 1)
SECRET = "13812345678"
WAYS_TO_WRITE = (
    "13812345678",
    "138 1234 5678",
    "138-1234-5678",
    "1381 2345 678",
    "+8613812345678",
    "0086 138 1234 5678",
    "+86-138-1234-5678",
    "１３８１２３４５６７８",
    "138.1234.5678",
    "(138)12345678",
    "138—1234—5678",
    "手机13812345678找我",
)


def only_digits(text: str) -> str:
    """Return the digits of a text, full-width ones too, with all that is commonly put between them taken out."""
    plain = "".join(str(int(c)) if c.isdecimal() else c for c in text)
    return re.sub(r"(?<=\d)[^\dA-Za-z\u4e00-\u9fff<>\"',:;#=/]{1,3}(?=\d)", "", plain)


@pytest.mark.parametrize("written", WAYS_TO_WRITE)
def test_a_mobile_number_is_masked_however_it_is_written(written: str) -> None:
    shown = publishable(written)
    assert SECRET not in only_digits(shown)
    assert "138****5678" in shown


@pytest.mark.parametrize(
    "written",
    [
        "138/1234/5678",
        "138_1234_5678",
        "138 - 1234 - 5678",
        "138~1234~5678",
        "138，1234，5678",
        "138:1234:5678",
        "138|1234|5678",
        "1 3 8 1 2 3 4 5 6 7 8",
        "1-3-8-1-2-3-4-5-6-7-8",
        "一三八一二三四五六七八",
        "幺三八幺二三四五六七八",
        "①③⑧①②③④⑤⑥⑦⑧",
        "𝟏𝟑𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖",
        "138\u3000１２３４\u30005678",
    ],
)
def test_a_mobile_number_is_masked_in_odd_notations_too(written: str) -> None:
    assert mask_mobiles(f"手机{written}，白天") == "手机138****5678，白天"


@pytest.mark.parametrize("given", ["138 1234 567", "12345678901", "+852 9123 4567", "66123", "138123456789"])
def test_a_number_in_the_column_of_mobiles_is_masked_though_it_is_none(given: str) -> None:
    shown = shown_phone("", given)
    assert "****" in shown
    assert len(re.sub(r"\D", "", shown)) <= len(re.sub(r"\D", "", given)) - 4
    assert shown_phone("", given, in_full=True) == given


@pytest.mark.parametrize(
    "text",
    [
        "021-54321000",
        "8:30-11:30 13:30-17:00",
        "13.30-16.30 9.00-11.00",
        "13.30 - 16.30, 9.00 - 11.00",
        "1500-1800，1900-2100",
        "一三五 9:00-11:00，二四六 13:00-16:00",
        "19:00-21:00/13:00-15:00",
        "310112999001001",
        "400-820-8820",
        "1330-1700 1830-2000",
        "12345",
        "1.5米",
    ],
)
def test_what_is_no_mobile_number_stays(text: str) -> None:
    assert mask_mobiles(text) == text


def photo_with_place(path: Path) -> Path:
    """Write a photo that says where and by whom it was taken."""
    exif = Image.Exif()
    exif[0x010E] = "EXIF-SECRET"
    exif[0x8825] = {1: "N", 2: (31.0, 3.0, 0.0)}
    Image.new("RGB", (300, 400), "#aa8866").save(path, exif=exif, comment=b"COMMENT-SECRET")
    return path


def secretive_town(folder: Path) -> Town:
    """Return a town with secrets of people wherever somebody could have put them."""
    photo = photo_with_place(folder / f"张三{SECRET}.jpg")
    hidden = photo_with_place(folder / "hidden.jpg")
    written = iter([*WAYS_TO_WRITE] * 4)
    people = [
        Person(CODE, "head", "张三", phone="021-54321000", mobile=SECRET, photo=photo),
        Person("310112999001002", "head", f"李四 {next(written)}", f"居委 {next(written)}", mobile=next(written)),
        Person("310112999002001", "head", "王五", phone=next(written), hours=f"周五，{next(written)}"),
        # agreed for the wall, not for the web; and agreed for the web, but only until October
        Person("310112999003001", "head", "赵六", mobile=SECRET, photo=hidden, publish=frozenset({("mobile", "wall")})),
        Person(
            "310112999004001",
            "head",
            "钱七",
            mobile=SECRET,
            photo=hidden,
            publish=frozenset({("mobile", "web"), ("photo", "web")}),
            publish_until=(("mobile", "web", dt.date(2026, 10, 31)), ("photo", "web", dt.date(2026, 10, 31))),
        ),
        Person(TOWN_CODE, "police", "孙八", phone="110", mobile=SECRET, publish=frozenset()),
    ]
    frame = blocks_frame()
    frame["name"] = [f"{name} {next(written)}" for name in frame["name"]]
    roads = barriers()
    lines = roads.lines.copy()
    lines["name"] = [f"路{next(written)}" for _ in range(len(lines))]
    grids = dict(layers())
    grids["villages"] = grids["villages"].with_frame(grids["villages"].frame.assign(name=f"村{next(written)}"))
    publication = Publication(
        issuer=f"中心 {next(written)}",
        date=DAY,
        version=f"1 {next(written)}",
        supervision_phone=next(written),
        disclaimer=f"示意图 {next(written)}",
        web="https://grid.example.cn",
    )
    town = make_town(
        people=people,
        frame=frame,
        barrier=replace(roads, lines=lines),
        tasks=[Task("residential", f"类{next(written)}", f"事项{next(written)}")],
        services=[Service(f"服务{next(written)}", place=next(written), hours=next(written))],
        publication=publication,
        name=f"示例镇{next(written)}",
        watermark=next(written),
    )
    town = replace(town, attribution=f"底图 {next(written)}")
    return replace(town, layers=grids, privacy=Privacy(web=("photo", "mobile")))


def texts_of(folder: Path) -> Iterable[tuple[str, str]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.name, file.name
            content = file.read_text(encoding="utf-8")
            # fonts and photos are no texts; what is in photos is looked at below
            yield file.name, re.sub(r"base64,[A-Za-z0-9+/=]+", "base64,", content)


def test_no_secret_is_in_any_file_of_the_site_or_the_map(tmp_path: Path) -> None:
    town = secretive_town(tmp_path)
    warnings: list[Problem] = []
    render_site(town, tmp_path / "out", warnings=warnings)
    render_map(town, tmp_path / "out" / "map.html", title=f"总览图 {SECRET}")
    count = 0
    for name, text in texts_of(tmp_path / "out"):
        count += 1
        assert SECRET not in only_digits(text), name
        assert SECRET not in only_digits(html.unescape(text)), name
        assert "SECRET" not in text
        assert "hidden" not in re.sub(r"\bhidden\b(?!\.jpg)", "", text), name
    assert count == 2 * (1 + 2 + len(blocks_frame()) + 1)
    page = (tmp_path / "out/site" / f"{CODE}.html").read_text(encoding="utf-8")
    assert "138****5678" in page
    assert "021-54321000" in page
    assert any("钱七" in problem.text("en") and "2026-10-31" in problem.text("en") for problem in warnings)
    assert any("masked" in problem.text("en") for problem in warnings), "a name of a place that holds a number"


def test_photos_on_the_web_are_bare_and_shown_by_consent_alone(tmp_path: Path) -> None:
    render_site(secretive_town(tmp_path), tmp_path / "out")
    shown = {}
    for file in (tmp_path / "out/site").glob("3*.html"):
        for data in re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", file.read_text(encoding="utf-8")):
            content = base64.b64decode(data)
            shown[file.stem] = content
            assert b"SECRET" not in content
            assert b"Exif" not in content
            with Image.open(io.BytesIO(content)) as picture:
                assert not picture.getexif()
                assert "comment" not in picture.info
    assert set(shown) == {CODE}, "those of the others are for the wall, or no more"


@pytest.mark.parametrize("audience", AUDIENCES)
def test_each_field_ends_on_its_own_day(audience: Audience) -> None:
    fields: tuple[PersonalField, ...] = ("photo", "mobile")
    person = Person(
        CODE,
        "head",
        "张三",
        mobile=SECRET,
        photo=Path("z.jpg"),
        publish=frozenset((field, whom) for field in fields for whom in AUDIENCES),
        consent_until=dt.date(2027, 1, 1),
        publish_until=(("photo", "wall", dt.date(2026, 10, 1)), ("mobile", "web", dt.date(2026, 11, 1))),
    )
    privacy = Privacy(web=("photo", "mobile"))

    def shown(day: dt.date) -> tuple[bool, bool]:
        town = replace(make_town(people=[person], publication=Publication(date=day)), privacy=privacy)
        card = next(n.head for n in compose_notices(make_scene(town), audience=audience) if n.code == CODE)
        return card.photo is not None, SECRET in card.phone

    assert shown(dt.date(2026, 9, 1)) == (True, True)
    assert shown(DAY) == (audience != "wall", True)
    assert shown(dt.date(2026, 11, 2)) == (audience != "wall", audience != "web")
    assert shown(dt.date(2027, 1, 2)) == (False, False), "the end for all fields holds too"


def test_the_wall_and_the_web_are_told_different_things(tmp_path: Path) -> None:
    """The folder of the site has nothing that was made for other readers."""
    person = Person(CODE, "head", "张三", mobile=SECRET, publish=frozenset({("mobile", "wall")}))
    town = make_town(people=[person])
    render_notices(town, tmp_path)
    render_site(town, tmp_path)
    site = tmp_path / "site"
    assert {file.suffix for file in site.rglob("*")} == {".html"}
    assert all("notices/" not in text for _, text in texts_of(site)), "nor does it lead to them"
    assert all(SECRET not in text for _, text in texts_of(site))


IDENTITY = "11010519491231002X"


@pytest.mark.parametrize(
    "town",
    [
        make_town(people=[Person(CODE, "head", IDENTITY)]),
        make_town(people=[Person(CODE, "head", "张三", organisation=IDENTITY)]),
        make_town(people=[Person(CODE, "head", "张三", phone=f"电话{IDENTITY}")]),
        make_town(people=[Person(CODE, "head", "张三", mobile=IDENTITY)]),
        make_town(people=[Person(CODE, "head", "张三", hours=IDENTITY)]),
        make_town(tasks=[Task("residential", "类", IDENTITY)]),
        make_town(services=[Service("甲", hours=IDENTITY)]),
        make_town(publication=Publication(issuer=IDENTITY)),
        make_town(name=IDENTITY),
    ],
    ids=["name", "organisation", "phone", "mobile", "hours", "task", "service", "issuer", "town"],
)
def test_identity_numbers_are_refused_wherever_they_stand(tmp_path: Path, town: Town) -> None:
    with pytest.raises(InputError) as refused:
        render_site(town, tmp_path / "out")
    assert "identity number" in refused.value.problems[0].text("en")
    assert IDENTITY not in refused.value.problems[0].text("en")
    assert not (tmp_path / "out").exists()


def test_an_identity_number_in_the_name_of_a_place_is_masked_and_told(tmp_path: Path) -> None:
    frame = blocks_frame()
    frame["name"] = "块 11010519491231002X"
    warnings: list[Problem] = []
    render_site(make_town(frame=frame), tmp_path, warnings=warnings)
    assert any("masked" in problem.text("en") for problem in warnings)
    assert all("11010519491231002" not in text for _, text in texts_of(tmp_path))
