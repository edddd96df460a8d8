"""The study files of the paper's experiments can be run as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mtlbench.interface import Config, Suite, SuiteContext
from mtlbench.plugins import load_registry
from mtlbench.study.files import read_study
from mtlbench.study.grid import resolve

STUDIES = sorted((Path(__file__).parents[2] / "leaderboard" / "studies").glob("*.toml"))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_resolves_to_cells_of_equal_budget(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = load_registry(Config())

    def no_data(self: Suite, context: SuiteContext) -> str:
        return "f" * 64

    for entry in registry.suites.values():
        monkeypatch.setattr(entry.cls, "fingerprint", no_data)
    grid: Any = resolve(read_study(path), registry, SuiteContext())
    assert len(grid.cells) >= 3 * 10
    assert {cell.protocol["budget"] for cell in grid.cells} == {40_000}
    assert {"stl", "mtl", "mtl[rows=1]"} <= {cell.variant for cell in grid.cells}
    assert not grid.warnings


def test_there_is_a_study_for_every_suite_of_real_data() -> None:
    suites = {ask.name for path in STUDIES for ask in read_study(path).suites}
    assert suites == {name for name, entry in load_registry(Config()).suites.items() if not entry.cls.embedded}
