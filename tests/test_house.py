"""The house keeps its own rules: who may import whom, and that every sentence exists in both languages."""

import ast
import string
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gridgeo"
SOURCES = sorted(PACKAGE.rglob("*.py"))

GROUND = {"errors", "language", "progress", "_files"}
KERNEL = {"coverage", "network", "crs"}
TOWN = {"town", "layers", "starter"}
PARTS = {"partition", "validate", "render", "sample", "repair"}
UPON = {"repair": {"validate"}, "accessor": {"validate"}, "checks": {"validate"}}
"""What stands upon a part, and may import it."""
COMMANDS = {"cli", "__init__", "__main__"}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    """Parts of gridgeo that a module imports anywhere in it, also inside functions; not those for type hints alone."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.dump(branch.test)
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} uses a relative import"
            names = [node.module] if node.module != "gridgeo" else [f"gridgeo.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("gridgeo.")}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_down_only(path: Path) -> None:
    part, imports = part_of(path), imported_parts(path)
    imports.discard(part)
    if part in GROUND:
        assert imports <= GROUND
    elif part in KERNEL:
        assert not imports & (PARTS | TOWN - {"layers"} | {"cli"})
    elif part not in COMMANDS:
        strange = imports & (PARTS | COMMANDS) - UPON.get(part, set())
        assert not strange, "partition, validate, render and sample don't know each other"


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_sentence_is_whole_in_both_languages(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Message"):
            continue
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        texts = [ast.literal_eval(argument) for argument in given if isinstance(argument, ast.Constant)]
        if len(texts) == 2:
            english, chinese = texts
            assert english.strip(), f"{path.name}:{node.lineno} has an empty sentence"
            assert chinese.strip(), f"{path.name}:{node.lineno} has an empty sentence"
            assert fields(english) == fields(chinese), f"{path.name}:{node.lineno} says different things"


def test_sources_name_no_machine() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert "/work/" not in text, f"{path} names a path of somebody's machine"
        assert "/tmp/" not in text, f"{path} names a path of somebody's machine"
