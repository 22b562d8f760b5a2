"""How the parts of a notice stand: told before anything is set."""

from __future__ import annotations

import dataclasses

import pytest

from gridgeo.render.arrangement import arrange_team, foot_stands_beside, longest_word, usual_head
from gridgeo.render.extent import Extent
from gridgeo.render.notice import Notice, compose_notices
from gridgeo.render.people import PENDING, Card, organisations_of
from gridgeo.render.poster import LEVELS
from gridgeo.render.scene import make_scene
from gridgeo.render.theme import Sizes, Words
from tests.render_towns import make_town

HEAD = Card("head", "块长", "欧阳明月", "聚缘居委会", "021-54321002", "周二 14:00–16:00")
PLACES = ("聚缘居委会", "浦江派出所", "城管中队", "市场监督管理所")


def officers(count: int) -> list[Card]:
    roles = ("巡查员", "社区民警", "城管", "市场监管")
    return [
        Card("patroller", roles[k % 4], f"王{k}", PLACES[k % 4], "021-5550-4042", "周一至周五 9:00–11:00")
        for k in range(count)
    ]


def test_each_organisation_is_told_once_by_role_in_the_order_of_the_officers() -> None:
    told = organisations_of([*officers(9), dataclasses.replace(HEAD, role_name="城管")])
    assert told == [
        ("巡查员", ["聚缘居委会"]),
        ("社区民警", ["浦江派出所"]),
        ("城管", ["城管中队", "聚缘居委会"]),
        ("市场监管", ["市场监督管理所"]),
    ]


def test_the_head_stands_beside_the_officers_on_a_page_upright() -> None:
    """The organisations stand under the head only where they are on no card, and many officers are beside it."""
    for count in range(1, 41):
        teams = arrange_team(HEAD, officers(count), LEVELS, 267.0, across=False)
        assert "above" not in teams
        for level, team in zip(LEVELS, teams, strict=True):
            assert level.terse or team == "beside"
    crowded = arrange_team(HEAD, officers(24), LEVELS, 267.0, across=False)
    assert crowded[next(k for k, level in enumerate(LEVELS) if level.terse)] == "beside-with-organisations"


def test_a_head_that_nobody_has_named_takes_no_column() -> None:
    pending = Card("head", "块长", PENDING)
    for count in (2, 20):
        teams = arrange_team(pending, officers(count), LEVELS, 267.0, across=False)
        assert [team == "above" for team in teams] == [count > level.columns for level in LEVELS]


def test_across_the_head_goes_above_where_much_would_be_bare_beside_it() -> None:
    teams = {count: arrange_team(HEAD, officers(count), LEVELS, 180.0, across=True) for count in (3, 30)}
    assert "above" in teams[30]
    assert "above" not in [team for team, level in zip(teams[3], LEVELS, strict=True) if level.columns >= 3]
    assert arrange_team(HEAD, [], LEVELS, 180.0, across=True) == ["beside"] * len(LEVELS)


@pytest.mark.parametrize(
    ("side", "ems"),
    [("浦星公路", 4.0), ("浦星公路、鹤坡塘", 4.0), ("G1503", 3.0), ("", 0.0), ("一条名字特别长的河流", 8.0)],
)
def test_words_of_an_extent_need_as_much_room_as_the_longest_one(side: str, ems: float) -> None:
    assert longest_word(Extent("", side, "", "")) == pytest.approx(ems)


def test_latin_names_of_an_extent_break_at_blanks() -> None:
    assert longest_word(Extent("Pujiang Second Avenue", "", "", "")) == pytest.approx(0.6 * len("Pujiang"))


def test_the_foot_stands_beside_a_code_where_it_fits_on_a_line() -> None:
    notice: Notice = compose_notices(make_scene(make_town()), warnings=[])[0]
    told = dataclasses.replace(
        notice, address="https://grid.example.cn/1.html", issuer="浦江镇", supervision_phone="12345"
    )
    assert foot_stands_beside(told, Words(), 267.0)
    assert not foot_stands_beside(told, Words(), 120.0)
    assert not foot_stands_beside(dataclasses.replace(told, issuer="浦江镇城市运行管理中心" * 3), Words(), 267.0)
    assert not foot_stands_beside(dataclasses.replace(told, address=""), Words(), 267.0)


def test_heads_of_one_height_are_known_by_their_texts() -> None:
    notice: Notice = compose_notices(make_scene(make_town()), warnings=[])[0]
    usual = dataclasses.replace(notice, name="月桥雅居", town="浦江镇", grid="聚缘居委会", watermark="示例数据")

    def told(**changed: str) -> str:
        return usual_head(dataclasses.replace(usual, **changed), Sizes(), 267.0)  # type: ignore[arg-type]

    assert told() == told(name="聚缘村三") == "beside one another, 1"
    assert told(name="月桥雅居二村") == "beside one another, 0.95"
    assert told(name="聚缘居委会第二责任块一") == "below one another"
    # only setting tells these
    assert told(name="聚缘居委会" * 5) == told(town="浦江镇" * 12) == told(title="Our Notice") == ""
    assert usual_head(usual, Sizes(), 150.0) == ""
