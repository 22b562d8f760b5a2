"""What several test files share: the command line called in this process, and the demo's products, made once."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gridgeo.cli import main
from gridgeo.layers import write_layer
from gridgeo.partition import partition_town, sections_of_town
from gridgeo.sample import write_sample
from gridgeo.town import Town, read_town


@dataclass(frozen=True)
class Run:
    """What one call of the command line did."""

    status: int
    out: str
    err: str


def run_gridgeo(*arguments: object) -> Run:
    """Call the command line as a shell would, with English messages unless --lang is among the arguments."""
    words = [str(argument) for argument in arguments]
    if not any(word.startswith("--lang") for word in words):
        words = ["--lang", "en", *words]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as stop:
        main(words)
    return Run(int(stop.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def gridgeo_command() -> Callable[..., Run]:
    return run_gridgeo


@pytest.fixture(scope="session")
def drafted_town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Return the sample town with its blocks and sections drafted; its folder is not to be changed."""
    path = write_sample(tmp_path_factory.mktemp("drafted"), polygons=60)
    undrafted = read_town(path)
    blocks = partition_town(undrafted)
    write_layer(blocks, path.parent / "blocks.gpkg", layer="blocks")
    write_layer(sections_of_town(undrafted, blocks), path.parent / "sections.gpkg", layer="sections")
    return read_town(path)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """Folder with everything that ``gridgeo demo`` makes of the sample town, and what the command said."""
    out = tmp_path_factory.mktemp("demo") / "out"
    return out, run_gridgeo("demo", out)
