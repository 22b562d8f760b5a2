"""The printed notice: one A3 page whose every word can be found and seen, whatever the words are."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pypdf
import pypdfium2
import pytest

from gridgeo.errors import InputError, Problem
from gridgeo.render import file_names, render_notices
from gridgeo.render.columns import Level, balance, plan_columns
from gridgeo.render.notice import compose_notices, texts_of
from gridgeo.render.photos import HEIGHT, WIDTH, prepare_photo
from gridgeo.render.poster import LEVELS
from gridgeo.render.scene import make_scene
from gridgeo.town import Person, Publication, Service, Task, Town
from tests.render_towns import TOWN_CODE, make_town, standard_people

MILLIMETRES = 25.4 / 72


def portrait(path: Path, size: tuple[int, int] = (900, 700)) -> Path:
    """Write a photo with a place and an orientation in its hidden data."""
    from PIL import Image

    picture = Image.new("RGB", size, "#88AACC")
    picture.paste("#553322", (300, 200, 600, 700))
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned
    exif.get_ifd(0x8825)[2] = (31.0, 5.0, 12.0)
    exif[0x010F] = "SECRETCAMERA"
    picture.save(path, exif=exif)
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    portrait(folder / "zhang.jpg")
    return folder


@pytest.fixture(scope="module")
def posters(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("out")
    files = render_notices(make_town(people=standard_people(photos)), out)
    return {file.stem: file.read_bytes() for file in files}


def render(town: Town, folder: Path, code: str = "310112999001001") -> bytes:
    return next(file for file in render_notices(town, folder) if file.stem == code).read_bytes()


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def text_of(content: bytes) -> str:
    return squeezed("".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages))


def assert_found_and_seen(content: bytes, wanted: list[str]) -> None:
    """Find each string in the text of the page, and ink of its own at every one of its places."""
    page = pypdfium2.PdfDocument(content)[0]
    picture = page.render(scale=2).to_pil().convert("L")
    text_page = page.get_textpage()
    whole = text_of(content)
    for words in wanted:
        assert squeezed(words) in whole, f"{words!r} is not in the text"
        search = text_page.search(words, match_case=True)
        while (place := search.get_next()) is not None:
            for k in range(place[0], place[0] + place[1]):
                left, bottom, right, top = text_page.get_charbox(k)
                if right - left < 0.5 or text_page.get_text_range(k, 1).isspace():
                    continue
                high = picture.height
                box = picture.crop(
                    (int(2 * left), high - int(2 * top) - 1, int(2 * right) + 1, high - int(2 * bottom) + 1)
                )
                low, most = box.getextrema()
                assert most - low > 40, f"no ink at a character of {words!r}"


def test_one_a3_page_for_each_block(posters: dict[str, bytes]) -> None:
    assert len(posters) == 6
    for content in posters.values():
        (page,) = pypdf.PdfReader(io.BytesIO(content)).pages
        assert round(page.mediabox.width * MILLIMETRES) == 297  # type: ignore[operator]
        assert round(page.mediabox.height * MILLIMETRES) == 420  # type: ignore[operator]


def test_everything_that_a_notice_says_is_found_and_seen(posters: dict[str, bytes]) -> None:
    from gridgeo.render.notice import compose_notices
    from gridgeo.render.scene import make_scene

    notice = compose_notices(make_scene(make_town()))[0]
    words = [text for _, text in texts_of(notice) if text]
    words += ["责任网格管理示意图", "居委网格", "块长", "网格巡查员", "社区民警", "东至", "南至", "西至", "北至"]
    words += [
        "巡查事项",
        "服务项目",
        "规定事项",
        "自选事项",
        "前端处置",
        "1–3 日",
        "联勤联动",
        "再 4 日",
        "7 日办结",
        "监督电话",
    ]
    assert_found_and_seen(posters[notice.code], words)


def test_the_names_on_the_map_are_text_and_ink(posters: dict[str, bytes]) -> None:
    assert_found_and_seen(posters["310112999001001"], ["第1责任块", "第2责任块", "沈杜公路", "本责任块", "北"])


def test_each_kind_of_grid_has_its_own_words(posters: dict[str, bytes]) -> None:
    assert "街面网格" in text_of(posters["310112999005001"])
    assert "拓展网格" in text_of(posters["310112999004001"])
    assert "村委网格" in text_of(posters["310112999003001"])


def test_the_watermark_is_by_the_title_and_under_the_map(posters: dict[str, bytes], tmp_path: Path) -> None:
    content = posters["310112999001001"]
    page = pypdfium2.PdfDocument(content)[0].get_textpage()
    search, heights = page.search("示例数据"), []
    while (place := search.get_next()) is not None:
        heights.append(page.get_charbox(place[0])[3] * MILLIMETRES)
    assert max(heights) > 390
    assert any(100 < height < 300 for height in heights)
    assert "示例数据" not in text_of(render(make_town(watermark=""), tmp_path))


def test_it_is_made_for_archives_and_for_screen_readers(posters: dict[str, bytes]) -> None:
    reader = pypdf.PdfReader(io.BytesIO(posters["310112999001001"]))
    metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()  # type: ignore[index]
    assert re.search(r"pdfaid:part[^0-9]*2", metadata)
    assert re.search(r"pdfaid:conformance[^A-Z]*A", metadata)
    assert "pdfuaid:part" in metadata
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert root["/Lang"].startswith("zh")  # type: ignore[index]
    fonts = reader.pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    names = {str(font.get_object()["/BaseFont"]) for font in fonts.values()}  # type: ignore[union-attr]
    assert all(re.fullmatch(r"/[A-Z]{6}\+Noto(Sans|Serif)SC-Regular(-Identity-H)?", name) for name in names), names


def test_same_input_same_bytes(posters: dict[str, bytes], photos: Path, tmp_path: Path) -> None:
    again = render_notices(make_town(people=standard_people(photos)), tmp_path)
    assert {file.stem: file.read_bytes() for file in again} == posters


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "${alert(1)}",
    '#panic("boom")',
    "*bold* _it_ $x^2$ `raw`",
    "= 标题 \\ // 注释 /* x */",
    "@ref <label> [a](b) ~ -- ---",
    "=cmd|' /C calc'!A0",
    "{{7*7}} %s {0}",
]


def test_markup_of_any_kind_is_shown_as_written(tmp_path: Path) -> None:
    people = [Person("310112999001001", "head", HOSTILE[0], HOSTILE[1], HOSTILE[2], hours=HOSTILE[3])]
    people += [Person(TOWN_CODE, "police", words) for words in HOSTILE]
    tasks = [Task("residential", words, words, local=k % 2 == 0) for k, words in enumerate(HOSTILE)]
    services = [Service(words, place=words, hours=words) for words in HOSTILE]
    publication = Publication(
        issuer=HOSTILE[2], version=HOSTILE[3], supervision_phone=HOSTILE[4], disclaimer=HOSTILE[5]
    )
    town = make_town(people=people, tasks=tasks, services=services, publication=publication, name=HOSTILE[0])
    content = render(town, tmp_path)
    assert len(pypdf.PdfReader(io.BytesIO(content)).pages) == 1
    whole = text_of(content)
    for words in HOSTILE:
        assert squeezed(words) in whole.replace("\u200b", "")


def test_right_to_left_marks_do_not_turn_a_name(tmp_path: Path) -> None:
    people = [Person("310112999001001", "head", "张\u202e三\u2067丰\u200f")]
    assert "张三丰" in text_of(render(make_town(people=people), tmp_path))


@pytest.mark.parametrize(("officers", "items"), [(0, 0), (1, 5), (6, 10), (12, 20), (40, 40)])
def test_one_page_for_few_and_for_many(officers: int, items: int, tmp_path: Path) -> None:
    people = [Person("310112999001001", "head", "张三丰", "杜行居委会", "021-54321001")]
    people += [
        Person(
            TOWN_CODE,
            "police" if k % 2 else "volunteer",
            f"王小{k:02d}",
            "示例派出所",
            f"021-5432{k:04d}",
            hours="周三",
        )
        for k in range(officers)
    ]
    tasks = [Task("residential", f"第{k % 3}类", f"第{k}项巡查内容的说明文字", k % 5 == 0) for k in range(items)]
    warnings: list[Problem] = []
    town = make_town(people=people, tasks=tasks)
    files = render_notices(town, tmp_path, warnings=warnings)
    content = files[0].read_bytes()
    assert len(pypdf.PdfReader(io.BytesIO(content)).pages) == 1
    whole = text_of(content)
    assert all(f"王小{k:02d}" in whole and f"021-5432{k:04d}" in whole for k in range(officers))
    assert all(f"第{k}项巡查内容的说明文字" in whole for k in range(items))
    if officers <= 12:
        assert not any("points" in problem.text("en") for problem in warnings)


def test_very_long_names_stay_on_the_page(tmp_path: Path) -> None:
    people = [
        Person(
            "310112999001001",
            "head",
            "阿布都热合曼·买买提江·吐尔逊" * 3,
            "机构" * 40,
            "021-54321001 转 8001",
            hours="全天 " * 20,
        )
    ]
    people += [Person(TOWN_CODE, "police", "W" * 120, "x" * 90, "1" * 60)]
    content = render(make_town(people=people), tmp_path)
    page = pypdfium2.PdfDocument(content)[0]
    text_page = page.get_textpage()
    for k in range(text_page.count_chars()):
        left, _, right, _ = text_page.get_charbox(k)
        if text_page.get_text_range(k, 1).isspace():
            continue
        assert -1 < left <= right < page.get_width() + 1
    assert "W" * 120 in text_of(content).replace("\u200b", "")


def test_small_print_is_announced_and_what_cannot_fit_is_refused_by_name(tmp_path: Path) -> None:
    long = [Task("residential", f"第{k % 3}类", f"{k}" + "很长的事项说明" * 12) for k in range(40)]
    warnings: list[Problem] = []
    render_notices(make_town(tasks=long), tmp_path, warnings=warnings)
    assert any("310112999001001" in p.text("en") and "points" in p.text("en") for p in warnings)
    endless = [Task("residential", "卫生", f"{k}" + "很长的事项说明" * 30) for k in range(120)]
    with pytest.raises(InputError) as refused:
        render_notices(make_town(tasks=endless), tmp_path / "other")
    texts = [problem.text("en") for problem in refused.value.problems]
    assert len(texts) == 3  # the residential blocks; the others were printed
    assert all("don't fit on one page" in text for text in texts)
    assert len(list((tmp_path / "other" / "notices").iterdir())) == 3


def test_photos_are_shown_turned_upright_and_bare(posters: dict[str, bytes], photos: Path) -> None:
    content = posters["310112999001001"]
    assert b"SECRETCAMERA" in (photos / "zhang.jpg").read_bytes()
    assert b"SECRETCAMERA" not in content
    assert b"Exif" not in content
    pictures = list(pypdf.PdfReader(io.BytesIO(content)).pages[0].images)
    assert len(pictures) == 1
    assert pictures[0].image is not None
    assert pictures[0].image.size == (WIDTH, HEIGHT)
    assert not pictures[0].image.getexif()
    assert len(content) < 400_000


@pytest.mark.parametrize("mode", ["RGBA", "L", "P", "CMYK", "I;16"])
def test_photos_of_any_kind_are_read(mode: str, tmp_path: Path) -> None:
    from PIL import Image

    file = tmp_path / ("x.tif" if mode in ("CMYK", "I;16") else "x.png")
    Image.new(mode, (37, 211)).save(file)
    with Image.open(io.BytesIO(prepare_photo(file))) as prepared:
        assert (prepared.mode, prepared.size) == ("RGB", (37, 49))  # cropped 3 by 4, not blown up


def test_large_photos_become_small(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (3000, 2500)).save(tmp_path / "x.jpg")
    with Image.open(io.BytesIO(prepare_photo(tmp_path / "x.jpg"))) as prepared:
        assert prepared.size == (WIDTH, HEIGHT)


def test_an_unreadable_photo_becomes_a_tile_and_a_warning(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    people = [
        Person("310112999001001", "head", "张三丰", photo=broken),
        Person("310112999001002", "head", "李四", photo=tmp_path / "missing.jpg"),
    ]
    warnings: list[Problem] = []
    files = render_notices(make_town(people=people), tmp_path / "out", warnings=warnings)
    texts = [problem.text("en") for problem in warnings if "can't be read" in problem.text("en")]
    assert len(texts) == 2
    assert "broken.jpg" in texts[0]
    assert "张三丰" in texts[0]
    assert "missing.jpg" in texts[1]
    assert not list(pypdf.PdfReader(files[0]).pages[0].images)


def test_the_qr_code_leads_to_the_blocks_page(posters: dict[str, bytes], tmp_path: Path) -> None:
    zxingcpp = pytest.importorskip("zxingcpp")
    picture = pypdfium2.PdfDocument(posters["310112999001002"])[0].render(scale=1).to_pil()
    codes = zxingcpp.read_barcodes(picture)
    assert [code.text for code in codes] == ["https://grid.example.cn/310112999001002.html"]
    bare = render(make_town(publication=Publication()), tmp_path)
    assert not zxingcpp.read_barcodes(pypdfium2.PdfDocument(bare)[0].render(scale=1).to_pil())


def test_an_address_too_long_for_a_qr_code_is_refused_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too long for a QR code"):
        render_notices(make_town(publication=Publication(web="https://a.cn/" + "x" * 4000)), tmp_path)


def test_what_is_not_given_is_not_printed(tmp_path: Path) -> None:
    whole = text_of(render(make_town(publication=Publication(), tasks=(), services=()), tmp_path))
    for words in ("审图号", "监督电话", "版本", "巡查事项", "服务项目"):
        assert words not in whole
    assert "示意图" in whole
    assert "界线仅供网格管理" in whole
    numbered = text_of(render(make_town(publication=Publication(approval_number="沪S(2026)001号")), tmp_path / "b"))
    assert "审图号：沪S(2026)001号" in numbered


def test_texts_that_cannot_be_set_stop_the_run_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="赵😀"):
        render_notices(make_town(people=[Person(TOWN_CODE, "police", "赵😀")]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_codes_become_safe_and_distinct_file_names() -> None:
    codes = ["../../etc/passwd", "a/b", "a\\b", "a:b", "A/B", "", "..", "CON", "x" * 300, "责任块-001", "a\x00b", " "]
    names = file_names(codes)
    assert len({name.casefold() for name in names}) == len(codes)
    assert all(re.fullmatch(r"[\w][\w.-]*", name) and len(name) <= 90 for name in names)
    assert "责任块-001" in names
    assert not {"con", "prn"} & {name.casefold() for name in names}


def test_only_pdf_is_made() -> None:
    with pytest.raises(ValueError, match="pdf"):
        render_notices(make_town(), "nowhere", formats=("docx",))


def test_lists_are_set_in_even_columns_without_a_class_name_at_the_foot() -> None:
    level: Level = LEVELS[3]
    rows = []
    for group in range(4):
        rows.append({"kind": "class", "text": f"类{group}"})
        rows += [
            {"kind": "item", "text": f"{group}-{k}", "local": False, "detail": ""} for k in range(3 + 5 * (group % 2))
        ]
    for count in (1, 2, 3, 4, 5):
        columns = balance(rows, count, 60, level)
        assert [row for column in columns for row in column] == rows
        assert len(columns) <= count
        assert all(column[-1]["kind"] == "item" for column in columns)
        assert max(map(len, columns)) <= 2.2 * len(rows) / count


def test_lists_on_a_phone_stand_in_no_more_than_two_columns() -> None:
    """Three classes, each of which could have a column of its own: on a phone these would be six letters wide."""
    scene = make_scene(make_town(services=()))
    notice = next(notice for notice in compose_notices(scene) if len(notice.classes) == 3)
    on_paper = plan_columns(notice, LEVELS[0], 267.0)
    assert len(on_paper["tasks"]) == 3
    on_a_phone = plan_columns(notice, replace(LEVELS[0], list_columns=2), 134.0)
    assert len(on_a_phone["tasks"]) == 2
