"""Messages: the language in force decides, and values from files can't steer the reader's screen."""

import pytest

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message, current_language, locale_language, one_line, use_language

MISSING = Message("{file}: no such file", "{file}：文件不存在")


def test_a_message_is_put_into_the_language_in_force() -> None:
    with use_language("zh"):
        assert MISSING.text(file="a.gpkg") == "a.gpkg：文件不存在"
        with use_language("en"):
            assert MISSING.text(file="a.gpkg") == "a.gpkg: no such file"
        assert current_language() == "zh"


@pytest.mark.parametrize(
    ("environment", "language"),
    [({"LANG": "zh_CN.UTF-8"}, "zh"), ({"LANG": "en_GB.UTF-8"}, "en"), ({"LC_ALL": "zh_TW", "LANG": "en_US"}, "zh")],
)
def test_the_locale_decides_by_default(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], language: str
) -> None:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert locale_language() == language


@pytest.mark.parametrize("hostile", ["a\nb", "a\x1b]0;owned\x07b", "a\u202eb", "a\u2028b", "a\r\n\tb", "a\x00b"])
def test_values_stay_on_one_line_without_control_characters(hostile: str) -> None:
    shown = one_line(hostile)
    assert shown.startswith("a")
    assert shown.endswith("b")
    assert shown.isprintable()


def test_braces_in_values_are_plain_text() -> None:
    assert MISSING.text("en", file="{0.__class__}") == "{0.__class__}: no such file"


def test_an_input_error_says_all_its_problems_one_line_each() -> None:
    error = InputError([Problem("a.gpkg, feature 7", MISSING, {"file": "x\ny"}), Problem("", MISSING, {"file": "z"})])
    with use_language("en"):
        assert str(error).splitlines() == ["a.gpkg, feature 7: x y: no such file", "z: no such file"]
