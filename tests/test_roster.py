"""People, tasks and services arrive from the tables that offices keep, and no identity number gets through."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from gridgeo.town._file import read_town_file
from gridgeo.town.roster import Roster, Units, read_roster

IDENTITY = "11010519491231002X"  # the specimen of the national standard GB 11643
GRIDS = {"310112114001": "甲居委", "310112114002": "乙居委"}
UNITS = Units("310112114", GRIDS, None)
HEADERS = ["单元", "角色", "姓名", "单位", "电话", "手机", "接待时间", "照片"]
ROW = ["310112114001", "块长", "张三", "居委会", "021-12345678", "13800138000", "周一至周五", ""]


def roster(folder: Path, toml: str, units: Units | None = UNITS) -> Roster:
    (folder / "gridgeo.toml").write_text(f'[town]\nname = "x"\n[layers.a]\nfile = "a.gpkg"\n{toml}\n', encoding="utf-8")
    town_file, problems = read_town_file(folder / "gridgeo.toml")
    assert problems == []
    return read_roster(town_file, units)


def table(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def people_of(folder: Path, rows: Sequence[Sequence[str]], encoding: str = "utf-8", **units: Units) -> Roster:
    (folder / "people.csv").write_text(table(rows), encoding=encoding)
    return roster(folder, '[people]\nfile = "people.csv"')


def lines(found: Roster, language: str = "en") -> list[str]:
    return [problem.text(language) for problem in found.problems]  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------------- what is understood


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_in_the_usual_encodings_and_delimiters(tmp_path: Path, encoding: str, delimiter: str) -> None:
    (tmp_path / "人员.csv").write_text(table([HEADERS, ROW], delimiter), encoding=encoding)
    found = roster(tmp_path, '[people]\nfile = "人员.csv"')
    assert found.problems == found.warnings == ()
    (person,) = found.people
    assert (person.unit, person.role, person.name) == ("310112114001", "head", "张三")
    assert (person.organisation, person.phone, person.mobile) == ("居委会", "021-12345678", "13800138000")
    assert (person.hours, person.photo) == ("周一至周五", None)


def test_rare_characters_of_names_survive_gb18030(tmp_path: Path) -> None:
    (person,) = people_of(tmp_path, [HEADERS, [*ROW[:2], "㛃䶮𫍯", *ROW[3:]]], "gb18030").people
    assert person.name == "㛃䶮𫍯"


def test_english_headers_and_words_in_any_case_and_order(tmp_path: Path) -> None:
    found = people_of(tmp_path, [["Name", "ROLE", "unit"], ["Li", "Urban Management", "310112114002"]])
    (person,) = found.people
    assert (person.unit, person.role, person.name) == ("310112114002", "urban-management", "Li")


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("块长", "head"),
        ("网格巡查员", "patroller"),
        ("三长", "three-heads"),
        ("社区民警", "police"),
        ("城管", "urban-management"),
        ("市场监管", "market-supervision"),
        ("律师", "lawyer"),
        ("志愿者", "volunteer"),
        ("three-heads", "three-heads"),
    ],
)
def test_roles_in_both_languages(tmp_path: Path, word: str, role: str) -> None:
    assert people_of(tmp_path, [HEADERS, [ROW[0], word, *ROW[2:]]]).people[0].role == role


def test_blanks_around_texts_are_trimmed_and_blank_rows_passed_over(tmp_path: Path) -> None:
    rows = [[f" {h}\u3000" for h in HEADERS], [""] * 8, [f"\u3000{cell} " for cell in ROW], [" "] * 8]
    (person,) = people_of(tmp_path, rows).people
    assert (person.unit, person.name) == ("310112114001", "张三")


def test_people_keep_the_order_of_the_file_then_of_the_rows(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(table([HEADERS, ROW, [*ROW[:2], "李四", *ROW[3:]]]), encoding="utf-8")
    found = roster(
        tmp_path,
        '[people]\nfile = "p.csv"\n'
        '[[people.rows]]\n"单元" = "310112114002"\nrole = "police"\n"姓名" = "王五"\nphone = 110\n',
    )
    assert [person.name for person in found.people] == ["张三", "李四", "王五"]
    assert found.people[2].phone == "110"


def test_own_headers_can_be_mapped(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(table([["块", "岗", "谁"], ROW[:3]]), encoding="utf-8")
    columns = 'columns = { "块" = "unit", "岗" = "role", "谁" = "name" }'
    assert roster(tmp_path, f'[people]\nfile = "p.csv"\n{columns}').people[0].name == "张三"


def workbook(path: Path, rows: Sequence[Sequence[object]], title: str = "人员", merge: Sequence[str] = ()) -> Workbook:
    book = Workbook()
    page = book.active
    page.title = title
    for row in rows:
        page.append(list(row))
    for area in merge:
        page.merge_cells(area)
    book.save(path)
    return book


def test_spreadsheet_cells_arrive_as_they_are_seen(tmp_path: Path) -> None:
    row = [310112114001, "块长", "张三", None, 2112345678.0, 13800138000, dt.datetime(2026, 11, 1), None]
    workbook(tmp_path / "p.xlsx", [["示例镇网格人员名册"], HEADERS, row], merge=["A1:H1"])
    found = roster(tmp_path, '[people]\nfile = "p.xlsx"')
    assert found.problems == ()
    (person,) = found.people
    assert (person.unit, person.phone, person.mobile) == ("310112114001", "2112345678", "13800138000")
    assert person.hours == "2026-11-01"
    assert person.organisation == ""


def test_leading_zeros_of_a_number_format_are_kept(tmp_path: Path) -> None:
    book = workbook(tmp_path / "p.xlsx", [HEADERS, [*ROW[:4], 2112345678, *ROW[5:]]])
    book.active["E2"].number_format = "00000000000"
    book.save(tmp_path / "p.xlsx")
    assert roster(tmp_path, '[people]\nfile = "p.xlsx"').people[0].phone == "02112345678"


def test_a_cell_merged_over_rows_counts_for_each(tmp_path: Path) -> None:
    rows = [HEADERS, ROW, [None, "律师", "李四", *ROW[3:]], ["310112114002", *ROW[1:]]]
    workbook(tmp_path / "p.xlsx", rows, merge=["A2:A3"])
    found = roster(tmp_path, '[people]\nfile = "p.xlsx"')
    assert [person.unit for person in found.people] == ["310112114001", "310112114001", "310112114002"]


def test_the_sheet_can_be_named(tmp_path: Path) -> None:
    book = workbook(tmp_path / "p.xlsx", [["说明"], ["另见第二页"]], title="说明")
    second = book.create_sheet("人员")
    for row in (HEADERS, ROW):
        second.append(row)
    book.save(tmp_path / "p.xlsx")
    assert len(roster(tmp_path, '[people]\nfile = "p.xlsx"\nsheet = "人员"').people) == 1
    (said,) = lines(roster(tmp_path, '[people]\nfile = "p.xlsx"\nsheet = "名册"'))
    assert "人员" in said


def test_tasks_and_services_in_both_languages(tmp_path: Path) -> None:
    tasks = [
        ["网格类型", "类别", "事项", "自选"],
        ["居委", "环境卫生", "楼道堆物", "否"],
        ["street", "秩序", "占道", "是"],
    ]
    (tmp_path / "tasks.csv").write_text(table(tasks), encoding="gbk")
    services = [["服务", "单元", "时间", "地点"], ["法律咨询", "310112114001", "每周三", "居委会"]]
    (tmp_path / "services.csv").write_text(table(services), encoding="utf-8")
    found = roster(
        tmp_path,
        '[tasks]\nfile = "tasks.csv"\n[[tasks.rows]]\nkind = "extended"\ntext = "x"\nlocal = true\n'
        '[services]\nfile = "services.csv"',
    )
    assert found.problems == ()
    assert [(task.kind, task.group, task.text, task.local, task.unit) for task in found.tasks] == [
        ("residential", "环境卫生", "楼道堆物", False, None),
        ("street", "秩序", "占道", True, None),
        ("extended", "", "x", True, None),
    ]
    (service,) = found.services
    assert (service.text, service.kind, service.unit, service.hours) == ("法律咨询", None, "310112114001", "每周三")


def test_photos_are_found_with_and_without_their_ending(tmp_path: Path) -> None:
    (tmp_path / "照片").mkdir()
    (tmp_path / "照片" / "张三.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "p.csv").write_text(
        table([HEADERS, [*ROW[:7], "张三.jpg"], [*ROW[:7], "张三"], [*ROW[:7], "张三.jpeg"]]), encoding="utf-8"
    )
    found = roster(tmp_path, '[people]\nfile = "p.csv"\nphotos = "照片"')
    assert [person.photo for person in found.people] == [tmp_path / "照片" / "张三.jpg"] * 2
    (said,) = lines(found)
    assert "line 4" in said
    assert 'did you mean "张三.jpg"?' in said
    assert str(tmp_path.absolute() / "照片" / "张三.jpeg") in said


# -------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({1: "块张"}, 'did you mean "块长"?'),
        ({1: "emperor"}, "known are: head 块长"),
        ({2: ""}, "name is blank"),
        ({0: ""}, "unit is blank"),
        ({5: "1.38E+10"}, "shortened"),
        ({0: "3.10112E+14"}, "shortened"),
        ({7: "nobody.jpg"}, "the photo is not there"),
        ({2: f"张三{IDENTITY}"}, "identity number"),
    ],
)
def test_a_mistake_names_its_line(tmp_path: Path, change: Mapping[int, str], said: str) -> None:
    bad = [change.get(position, cell) for position, cell in enumerate(ROW)]
    found = people_of(tmp_path, [HEADERS, ROW, bad])
    (text,) = lines(found)
    assert "people.csv, line 3: " in text
    assert said in text
    assert len(found.people) == 1


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    found = people_of(tmp_path, [HEADERS, [*ROW[:6], "周一\n周二", ""], [*ROW[:2], "", *ROW[3:]]])
    (text,) = lines(found)
    assert "line 4" in text


def test_all_mistakes_of_all_tables_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(table([HEADERS, [ROW[0], "a", "b"], [ROW[0], "c", "d"]]), encoding="utf-8")
    (tmp_path / "t.csv").write_text(table([["kind", "text"], ["street", ""]]), encoding="utf-8")
    found = roster(tmp_path, '[people]\nfile = "p.csv"\n[tasks]\nfile = "t.csv"\n[services]\nfile = "s.csv"')
    assert len(found.problems) == 4


@pytest.mark.parametrize(
    "cell",
    [
        IDENTITY,
        IDENTITY.lower(),
        f"身份证：{IDENTITY}，男",
        "110105 19491231 0021",
        "110105-1949-1231-002X",
        "310112198001010000",  # as a spreadsheet rounds it
        "３１０１１２１９８００１０１００１Ｘ",
    ],
)
@pytest.mark.parametrize("column", [2, 4, 6, 8])
def test_identity_numbers_are_refused_in_any_cell_and_never_echoed(tmp_path: Path, cell: str, column: int) -> None:
    row = [*ROW, "备注"]
    row[column] = cell
    found = people_of(tmp_path, [[*HEADERS, "备注"], row])
    assert found.people == ()
    for language in ("en", "zh"):
        for text in lines(found, language):
            assert not re.search(r"\d{17}", text.replace(" ", "").replace("-", ""))
    assert any("identity number" in text for text in lines(found))


def test_a_column_for_identity_numbers_is_refused_even_when_it_is_masked(tmp_path: Path) -> None:
    (text,) = lines(people_of(tmp_path, [[*HEADERS, "身份证号"], [*ROW, "1101**********002X"]]))
    assert "身份证号" in text


def test_a_rounded_identity_number_of_a_spreadsheet_is_refused(tmp_path: Path) -> None:
    workbook(tmp_path / "p.xlsx", [[*HEADERS, "证号"], [*ROW, 310112198001011234]])
    found = roster(tmp_path, '[people]\nfile = "p.xlsx"')
    assert any("identity number" in text for text in lines(found))


@pytest.mark.parametrize("cell", ["310112114001001", "021-12345678 13800138000", "310112114001001001", "2026-11-01"])
def test_codes_and_telephone_numbers_are_no_identity_numbers(tmp_path: Path, cell: str) -> None:
    assert people_of(tmp_path, [HEADERS, [*ROW[:6], cell, ""]]).problems == ()


def test_a_missing_column_is_said_once_with_the_nearest_header(tmp_path: Path) -> None:
    found = people_of(tmp_path, [["单元", "角色", "姓 名"], *([ROW[:3]] * 5)])
    (text,) = lines(found)
    assert '"姓 名"' in text
    assert "columns = {" in text


def test_two_columns_of_one_meaning_are_refused(tmp_path: Path) -> None:
    (text,) = lines(people_of(tmp_path, [["单元", "角色", "姓名", "name"], [*ROW[:3], "x"]]))
    assert '"姓名" and "name"' in text


def test_a_repeated_header_is_refused(tmp_path: Path) -> None:
    (text,) = lines(people_of(tmp_path, [["单元", "角色", "姓名", "姓名"], [*ROW[:3], "x"]]))
    assert "twice" in text


def test_columns_that_are_not_used_get_a_warning(tmp_path: Path) -> None:
    found = people_of(tmp_path, [[*HEADERS, "备注"], [*ROW, "x"]])
    assert len(found.people) == 1
    (warning,) = found.warnings
    assert "备注" in warning.text("en")


@pytest.mark.parametrize(
    ("columns", "said"),
    [('{ "姓名" = "nmae" }', 'did you mean "name"?'), ('{ "名" = "name" }', 'the file has no column "名"')],
)
def test_wrong_mappings_of_headers_are_named(tmp_path: Path, columns: str, said: str) -> None:
    (tmp_path / "p.csv").write_text(table([HEADERS, ROW]), encoding="utf-8")
    texts = lines(roster(tmp_path, f'[people]\nfile = "p.csv"\ncolumns = {columns}'))
    assert any(said in text for text in texts)


def test_a_row_longer_than_the_headers_is_refused(tmp_path: Path) -> None:
    (text,) = lines(people_of(tmp_path, [HEADERS[:3], [*ROW[:3], "left over"]]))
    assert "left over" in text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.csv", None, "no such file"),
        ("p.csv", b"", "no rows"),
        ("p.csv", b'a,b\n"unclosed,1\n', "quotation mark"),
        ("p.csv", b"a,b\n\xff\xff,\x80\n", "neither UTF-8 nor GBK"),
        ("p.xlsx", b"PK\x03\x04 not a workbook", "not a sound XLSX"),
        ("p.xlsx", b"nothing of the kind", "not a sound XLSX"),
        ("p.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old or a password-protected Excel"),
        ("p.docx", b"text", "no CSV or XLSX"),
    ],
)
def test_files_that_are_no_tables_get_one_line(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    (text,) = lines(roster(tmp_path, f'[people]\nfile = "{name}"'))
    assert said in text
    assert name in text


def test_an_error_of_a_formula_is_named(tmp_path: Path) -> None:
    workbook(tmp_path / "p.xlsx", [HEADERS, [*ROW[:2], "#REF!", *ROW[3:]]])
    assert any("#REF!" in text for text in lines(roster(tmp_path, '[people]\nfile = "p.xlsx"')))


def test_many_missing_photos_are_one_mistake(tmp_path: Path) -> None:
    rows = [[*ROW[:7], f"{number}.jpg"] for number in range(9)]
    (text,) = lines(people_of(tmp_path, [HEADERS, *rows]))
    assert "line 2" in text
    assert "nor are 8 others" in text


def test_a_missing_photo_folder_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(table([HEADERS, [*ROW[:7], "a.jpg"], [*ROW[:7], "b.jpg"]]), encoding="utf-8")
    (text,) = lines(roster(tmp_path, '[people]\nfile = "p.csv"\nphotos = "fotos"'))
    assert "[people] photos" in text


def test_a_unit_given_by_name_leads_to_its_id(tmp_path: Path) -> None:
    drafted = Units("310112114", GRIDS, {"310112114001001": "第1责任块"})
    (tmp_path / "p.csv").write_text(table([HEADERS, ["乙居委", *ROW[1:]]]), encoding="utf-8")
    (text,) = lines(roster(tmp_path, '[people]\nfile = "p.csv"', drafted))
    assert 'did you mean "310112114002"?' in text


def test_nothing_is_said_of_units_when_the_grids_could_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(table([HEADERS, ["anything", *ROW[1:]]]), encoding="utf-8")
    found = roster(tmp_path, '[people]\nfile = "p.csv"', None)
    assert found.problems == found.warnings == ()
