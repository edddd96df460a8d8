"""The study files of the paper's experiments can be run as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mtlbench.interface import Config, Suite, SuiteContext
from mtlbench.plugins import load_registry
from mtlbench.study.files import read_study
from mtlbench.study.grid import resolve

HOME = Path(__file__).parents[2] / "leaderboard" / "studies"
SMALL = [HOME / "smoke.toml", HOME / "above-chance.toml"]
"""Those that run on samples of the data, on a CPU."""
STUDIES = sorted(set(HOME.glob("*.toml")) - set(SMALL))


def cells(path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    registry = load_registry(Config())

    def no_data(self: Suite, context: SuiteContext) -> str:
        return "f" * 64

    for entry in registry.suites.values():
        monkeypatch.setattr(entry.cls, "fingerprint", no_data)
    return resolve(read_study(path), registry, SuiteContext())


def real_suites() -> set[str]:
    return {name for name, entry in load_registry(Config()).suites.items() if not entry.cls.embedded}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_resolves_to_cells_of_equal_budget(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = cells(path, monkeypatch)
    assert len(grid.cells) >= 3 * 10
    assert {cell.protocol["budget"] for cell in grid.cells} == {40_000}
    assert {"stl", "mtl", "mtl[rows=1]"} <= {cell.variant for cell in grid.cells}
    assert not grid.warnings


def test_there_is_a_study_for_every_suite_of_real_data() -> None:
    assert {ask.name for path in STUDIES for ask in read_study(path).suites} == real_suites()


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
def test_the_small_studies_have_every_suite_of_real_data_and_resolve(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = cells(path, monkeypatch)
    assert {cell.suite for cell in grid.cells} == real_suites()
    # Budgets this small are warned of; what is asked for must be trained all the same.
    assert not [warning for warning in grid.warnings if "left out" in warning]
    for cell in grid.cells:  # neither a checkpoint nor a data set is downloaded for them
        assert cell.options["encoder_name"] in ("cldr-mini", "tiny-random:resnet")


def test_the_smoke_study_tries_all_of_our_methods_and_the_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = cells(HOME / "smoke.toml", monkeypatch)
    ours = {
        entry.cls for entry in load_registry(Config()).methods.values() if "mtlbench_methods." in entry.cls.__module__
    }
    for suite in real_suites():
        tried = {cell.method for cell in grid.cells if cell.suite == suite}
        assert tried == {cls.name for cls in ours} - ({"swep"} if suite == "vision" else set())
        assert "mtl[rows=1]" in {cell.variant for cell in grid.cells if cell.suite == suite}
