"""`gridgeo render --check`: finished notices are reopened, and what is wrong with them is named."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest

from gridgeo.errors import InputError
from gridgeo.render import render_index, render_notices
from gridgeo.render.boxes import Boxes
from gridgeo.render.checking import check_notices
from gridgeo.render.fingerprint import Fingerprints
from gridgeo.render.labels import Glyphs, Label
from gridgeo.render.ledger import read_ledger, write_ledger
from gridgeo.render.notice import Notice, compose_notices, retold_to
from gridgeo.render.poster import Press
from gridgeo.render.scene import make_scene
from gridgeo.render.sheet import PICTURE, sheet
from gridgeo.render.verify import verify_notice, verify_tiles
from gridgeo.town import Person, Town
from tests.hostile_text import CODES, hostile_town
from tests.render_towns import blocks_frame, make_town


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    render_notices(make_town(), out, papers=["A3", "A1"], formats=["pdf", "png"], tiles="A3")
    render_index(make_town(), out)
    return out


@pytest.fixture(scope="module")
def notice() -> Notice:
    return compose_notices(make_scene(make_town()))[0]


def findings(content: bytes, notice: Notice, labels: tuple[Label, ...] = ()) -> list[str]:
    return [problem.text("en") for problem in verify_notice(content, notice, sheet(), labels, "x.pdf")]


def rewritten(content: bytes, change: object) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(content))
    change(writer)  # type: ignore[operator]
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_sound_notices_of_all_sheets_have_no_findings(made: Path) -> None:
    """Six notices on A3, on A1, on tiles and as pictures; the town and five grids."""
    assert check_notices(make_town(), made) == (30, [])


def test_a_text_that_is_missing_is_named(made: Path, notice: Notice) -> None:
    content = (made / "notices" / f"{notice.code}.pdf").read_bytes()
    assert findings(content, notice) == []
    assert findings(content, replace(notice, issuer="别的单位")) == ["x.pdf: lacks the text 别的单位"]
    other = replace(notice, address="https://example.org/")
    assert ["leads to" in text for text in findings(content, other)] == [True]


def test_text_that_is_there_but_painted_over_is_found(made: Path, notice: Notice) -> None:
    """All of it can be extracted: only a look at the page tells."""
    content = (made / "notices" / f"{notice.code}.pdf").read_bytes()

    def paint_over(writer: pypdf.PdfWriter) -> None:
        page = writer.pages[0]
        white = pypdf.generic.StreamObject()
        white.set_data(b"q 1 1 1 rg 0 0 2000 2000 re f Q")
        streams = [page.raw_get("/Contents"), writer._add_object(white)]
        page[pypdf.generic.NameObject("/Contents")] = pypdf.generic.ArrayObject(streams)

    texts = findings(rewritten(content, paint_over), notice)
    assert sum("can hardly be seen" in text for text in texts) > 20
    assert any("QR code can't be read" in text for text in texts)


def test_pages_size_tags_and_links_are_looked_at(made: Path, notice: Notice) -> None:
    content = (made / "notices" / f"{notice.code}.pdf").read_bytes()
    assert any("2 pages" in t for t in findings(rewritten(content, lambda w: w.add_blank_page(100, 100)), notice))
    large = (made / "notices" / f"{notice.code}-A1.pdf").read_bytes()
    assert any("594 x 841 mm instead of 297 x 420 mm" in text for text in findings(large, notice))

    def untag(writer: pypdf.PdfWriter) -> None:
        del writer.root_object["/MarkInfo"]

    assert any("not tagged" in text for text in findings(rewritten(content, untag), notice))

    def link(writer: pypdf.PdfWriter) -> None:
        writer.add_uri(0, "https://example.org", (0, 0, 50, 50))

    assert any("refers to something outside" in text for text in findings(rewritten(content, link), notice))
    assert findings(b"%PDF-1.7 nothing", notice)[0].startswith("x.pdf: can't be opened")


def test_names_that_touch_are_found(made: Path, notice: Notice) -> None:
    content = (made / "notices" / f"{notice.code}.pdf").read_bytes()
    run = Glyphs("东", (0.0,), (0.0,), (0.0,))
    labels = tuple(Label((run,), 9.0, Boxes.upright(x + 2.5, 2.5, 5, 5)) for x in (0.0, 4.0, 20.0))
    assert findings(content, notice, labels) == ["x.pdf: two names on the map touch: 东 and 东"]


def test_pictures_are_looked_at(notice: Notice) -> None:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (800, 900), "white").save(out, "PNG")
    texts = [problem.text("en") for problem in verify_notice(out.getvalue(), notice, PICTURE, (), "x.png")]
    assert texts == ["x.png: is 800 pixels wide instead of 1080", "x.png: is blank"]


class Picture:
    """The first notice as a picture, and its twin."""

    def __init__(self, folder: Path, town: Town, made: Path) -> None:
        scene = make_scene(town)
        self.notice = retold_to("wechat", scene, compose_notices(scene))[0]
        self.content = (made / "notices" / f"{self.notice.code}.png").read_bytes()
        self.twin = Press(scene, folder, PICTURE, Fingerprints(scene)).twin(self.notice)

    def findings(self, content: bytes | None = None) -> list[str]:
        found = verify_notice(content or self.content, self.notice, PICTURE, (), "x.png", twin=self.twin)
        return [problem.text("en") for problem in found]


def test_words_and_qr_code_of_a_picture_are_seen_or_missed(made: Path, tmp_path: Path) -> None:
    from PIL import Image, ImageDraw

    picture = Picture(tmp_path, make_town(), made)
    assert picture.findings() == []
    with Image.open(io.BytesIO(picture.content)) as opened:
        spoilt = opened.convert("RGB")
    ImageDraw.Draw(spoilt).rectangle((0, spoilt.height - 420, spoilt.width, spoilt.height), fill="white")
    out = io.BytesIO()
    spoilt.save(out, "PNG")
    texts = picture.findings(out.getvalue())
    assert any("the text 021-12345678 can hardly be seen" in text for text in texts)
    assert "x.png: its QR code can't be read" in texts
    assert not any("杜行居委会" in text for text in texts)


def test_a_picture_with_another_name_in_the_place_of_one_is_found(made: Path, tmp_path: Path) -> None:
    """There is ink of good contrast, but it is of other letters."""
    town = make_town()
    people = [replace(one, name="王健图") if one.name == "王建国" else one for one in town.people]
    texts = Picture(tmp_path, replace(town, people=tuple(people)), made).findings()
    assert "x.png: doesn't show the text 王健图 where it should be" in texts
    # the version may stand in the mark too, which is another one then
    assert set(texts) <= {f"x.png: doesn't show the text {text} where it should be" for text in ("王健图", "1")}


def test_an_index_sheet_that_lacks_a_row_is_found(made: Path) -> None:
    town = make_town(people=[Person("310112999001002", "head", "另一个人")])
    _, found = check_notices(town, made)
    index = [problem.text("en") for problem in found if f"{made / 'index'}" in problem.where]
    assert f"{made / 'index' / '310112999001.pdf'}: lacks the text 另一个人" in index
    assert not any("town.pdf" in text for text in index)


def test_tiles_must_show_their_parts_of_the_notice(made: Path, notice: Notice) -> None:
    page = (made / "notices" / f"{notice.code}-A1.pdf").read_bytes()
    tiles = (made / "notices" / f"{notice.code}-A1-tiles-A3.pdf").read_bytes()
    words = [notice.title, notice.name, notice.head.name]

    def found(content: bytes, source: bytes = page) -> list[str]:
        looks = verify_tiles(content, source, words, (594.0, 841.0), "A3", "x.pdf")
        return [problem.text("en") for problem in looks]

    assert found(tiles) == []

    def swap(writer: pypdf.PdfWriter) -> None:
        kids = writer.root_object["/Pages"]["/Kids"]
        kids[2], kids[3] = kids[3], kids[2]

    assert found(rewritten(tiles, swap)) == [f"x.pdf: sheet {k} doesn't show its part of the notice" for k in (2, 3)]
    assert found(rewritten(tiles, lambda writer: writer.remove_page(4))) == ["x.pdf: has 6 pages instead of 7"]
    other = sorted((made / "notices").glob("*-A1.pdf"))[-1].read_bytes()
    assert any("doesn't show its part" in text for text in found(tiles, other))


def test_tiles_that_begin_between_two_pixels_are_sound(tmp_path: Path) -> None:
    """On A0 across a part begins at 389.5 millimetres, and the QR code fills much of the last one."""
    town = make_town(frame=blocks_frame().iloc[:1])
    render_notices(town, tmp_path, papers=["A0"], orientation="landscape", tiles="A3")
    assert check_notices(town, tmp_path) == (2, [])


def test_tiles_of_an_older_notice_are_named(tmp_path: Path) -> None:
    town = make_town(frame=blocks_frame().iloc[:1])
    render_notices(town, tmp_path, papers=["A1"], tiles="A3")
    changed = replace(town, publication=replace(town.publication, version="2"))
    render_notices(changed, tmp_path, papers=["A1"])
    _, found = check_notices(changed, tmp_path)
    assert ["was cut of an older notice" in problem.text("en") for problem in found] == [True]


def test_files_lost_touched_or_never_made_are_named(tmp_path: Path) -> None:
    files = render_notices(make_town(), tmp_path)
    files[0].unlink()
    files[1].write_bytes(b"%PDF-")
    held = read_ledger(tmp_path)
    write_ledger(tmp_path, [entry for file, entry in held.items() if not file.endswith(files[2].name)])
    count, problems = check_notices(make_town(), tmp_path)
    assert count == 5
    texts = sorted(problem.text("en") for problem in problems)
    assert [any(words in text for text in texts) for words in ("is gone", "was changed", "has no notice")] == [True] * 3
    assert len(texts) == 3


def test_a_folder_without_notices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no notices made by gridgeo render"):
        check_notices(make_town(), tmp_path)


@pytest.mark.parametrize("first", [0, 19])
def test_hostile_texts_are_plain_text_to_be_read_and_to_be_seen(first: int, tmp_path: Path) -> None:
    town = hostile_town(first=first, codes=CODES if first else ())
    render_notices(town, tmp_path)
    count, problems = check_notices(town, tmp_path)
    assert count == 6
    assert [problem.text("en") for problem in problems] == []


def test_rare_characters_of_names_are_printed(tmp_path: Path) -> None:
    """From the list of 8,105 standard characters, those that fonts for the web lack, and from GB 18030 level 2."""
    names = ("李䶮", "王㛃", "张𬱖", "赵𬍛", "禤翀", "旸𫖯", "骉犇", "㐀鿌")
    town = make_town(people=[Person("310112999", "police", name, name + "所") for name in names])
    render_notices(town, tmp_path)
    assert check_notices(town, tmp_path) == (6, [])
