"""What a notice says: who is on it, what it lists, and what it refuses."""

from __future__ import annotations

import pytest

from gridgeo.errors import InputError, Problem
from gridgeo.render.notice import Notice, compose_notices
from gridgeo.render.scene import make_scene
from gridgeo.town import Person, Publication, Service, Task, Town
from tests.render_towns import TOWN_CODE, make_town, standard_people


def notices(town: Town, warnings: list[Problem] | None = None) -> dict[str, Notice]:
    return {notice.code: notice for notice in compose_notices(make_scene(town), warnings=warnings)}


def test_each_block_has_one_notice_in_order_of_code() -> None:
    found = list(notices(make_town()))
    assert found == sorted(found)
    assert len(found) == 6


def test_heads_given_by_grid_are_handed_out_in_code_order() -> None:
    found = notices(make_town())
    assert found["310112999001001"].head.name == "张三丰"
    assert found["310112999001002"].head.name == "李䶮"


def test_a_head_of_the_blocks_own_code_comes_first() -> None:
    own = Person("310112999001001", "head", "陈静")
    found = notices(make_town(people=(*standard_people(), own)))
    assert found["310112999001001"].head.name == "陈静"
    assert found["310112999001002"].head.name == "张三丰"


def test_a_second_head_of_the_same_block_is_not_lost() -> None:
    both = [Person("310112999002001", "head", name) for name in ("陈静", "何平")]
    notice = notices(make_town(people=both))["310112999002001"]
    assert notice.head.name == "陈静"
    assert [card.name for card in notice.officers] == ["何平"]


def test_a_block_without_head_says_so_and_is_reported() -> None:
    warnings: list[Problem] = []
    found = notices(make_town(), warnings)
    assert found["310112999003001"].head.name == "待定"
    texts = [problem.text("en") for problem in warnings]
    assert any("310112999003001" in text and "no block head" in text for text in texts)


def test_heads_without_a_block_and_people_of_unknown_units_are_reported_by_name() -> None:
    people = [Person("310112999002", "head", name) for name in ("陈静", "何平")]
    people += [Person("nowhere", "police", "赵铁军"), Person(TOWN_CODE, "head", "周全")]
    warnings: list[Problem] = []
    notices(make_town(people=people), warnings)
    texts = "\n".join(problem.text("en") for problem in warnings)
    assert "何平" in texts
    assert "赵铁军" in texts
    assert "nowhere" in texts
    assert "周全" in texts


def test_officers_of_the_town_are_on_every_notice_and_a_grids_own_only_there() -> None:
    found = notices(make_town())
    assert all("王建国" in [card.name for card in notice.officers] for notice in found.values())
    with_lawyer = [code for code, notice in found.items() if "吴文博" in [card.name for card in notice.officers]]
    assert with_lawyer == ["310112999004001"]


def test_office_phone_first_and_mobile_numbers_masked_wherever_they_stand() -> None:
    people = [
        Person("310112999001001", "head", "张三", "联系 13912345678", "021-1", "13812345678"),
        Person("310112999001002", "head", "李四", phone="13812345678"),
    ]
    services = [Service("上门服务，电话 137 1234 5678")]
    found = notices(make_town(people=people, services=services))
    assert found["310112999001001"].head.phone == "021-1"
    assert found["310112999001001"].head.organisation == "联系 139****5678"
    assert found["310112999001002"].head.phone == "138****5678"
    assert found["310112999001001"].services[0].text == "上门服务，电话 137****5678"


def test_patrol_items_are_those_of_the_kind_and_the_block_base_before_local() -> None:
    tasks = [
        Task("residential", "卫生", "自选一", local=True),
        Task("residential", "卫生", "规定一"),
        Task("residential", "秩序", "仅本块", unit="310112999001001"),
        Task("village", "卫生", "村里的"),
    ]
    found = notices(make_town(tasks=tasks))
    first = found["310112999001001"].classes
    assert [(group.name, [item.text for item in group.items]) for group in first] == [
        ("卫生", ["规定一", "自选一"]),
        ("秩序", ["仅本块"]),
    ]
    assert [item.local for item in first[0].items] == [False, True]
    assert [group.name for group in found["310112999001002"].classes] == ["卫生"]


def test_each_kind_has_its_own_words() -> None:
    kinds = {notice.kind: notice.kind_name for notice in notices(make_town()).values()}
    assert kinds == {"residential": "居委网格", "village": "村委网格", "street": "街面网格", "extended": "拓展网格"}


def test_web_address_and_approval_number_only_where_given() -> None:
    bare = notices(make_town(publication=Publication()))["310112999001001"]
    assert (bare.address, bare.approval_number, bare.supervision_phone, bare.date) == ("", "", "", "")
    full = notices(make_town(publication=Publication(approval_number="沪S(2026)1号", web="https://a.cn/x/")))
    assert full["310112999001001"].address == "https://a.cn/x/310112999001001.html"
    assert full["310112999001001"].approval_number == "沪S(2026)1号"


def test_every_character_that_no_font_has_is_named_with_its_person_at_once() -> None:
    people = [Person(TOWN_CODE, "police", "赵😀"), Person("310112999001001", "head", "李四", organisation="\ue000处")]
    with pytest.raises(InputError) as refused:
        notices(make_town(people=people))
    texts = [problem.text("en") for problem in refused.value.problems]
    assert len(texts) == 2
    assert any("赵😀" in text and "U+1F600" in text for text in texts)
    assert any("块长 李四" in text and "U+E000" in text for text in texts)


def test_direction_marks_and_control_characters_never_reach_a_notice() -> None:
    people = [Person("310112999001001", "head", "张\u202e三\u200f\x00\n丰")]
    assert notices(make_town(people=people))["310112999001001"].head.name == "张三 丰"


def test_no_blocks_is_said_in_one_line() -> None:
    town = make_town()
    empty = make_town(frame=town.blocks.frame.iloc[:0])  # type: ignore[union-attr]
    with pytest.raises(InputError, match="gridgeo partition"):
        make_scene(empty)


def test_missing_columns_are_all_named() -> None:
    town = make_town()
    bare = make_town(frame=town.blocks.frame.drop(columns=["grid", "serial"]))  # type: ignore[union-attr]
    with pytest.raises(InputError) as refused:
        make_scene(bare)
    assert len(refused.value.problems) == 2
