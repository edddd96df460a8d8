"""The study files of the paper's experiments can be run as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mtlbench.interface import Config, Suite, SuiteContext
from mtlbench.leaderboard.figures.sweeps import sweeps
from mtlbench.leaderboard.model import boards_of
from mtlbench.leaderboard.reading import entries_of
from mtlbench.plugins import load_registry
from mtlbench.study.files import read_study
from mtlbench.study.grid import resolve
from mtlbench.testing.records import made_up_record

HOME = Path(__file__).parents[2] / "leaderboard" / "studies"
SMALL = [HOME / "smoke.toml", HOME / "above-chance.toml"]
"""Those that run on samples of the data, on a CPU."""
SWEEPS = HOME / "sweeps.toml"
"""At several values of a setting, on an embedded suite."""
SCRATCH = HOME / "scratch.toml"
"""Controls beside two rows of the default study, on the same suite."""
STUDIES = sorted(set(HOME.glob("*.toml")) - {*SMALL, SWEEPS, SCRATCH})
TABLES = [path for path in STUDIES if path.stem.startswith("table")]


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
    assert len(grid.cells) >= 3 * 9
    assert {cell.protocol["budget"] for cell in grid.cells} == {40_000}
    assert path.stem == "figure4" or {"stl", "mtl", "mtl[rows=1]"} <= {cell.variant for cell in grid.cells}
    assert not grid.warnings


def test_the_cosines_of_figure_4_are_measured_on_the_cells_of_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {cell.key for path in TABLES for cell in cells(path, monkeypatch).cells}
    shown = cells(HOME / "figure4.toml", monkeypatch).cells
    assert {cell.suite for cell in shown} == {"tydiqa", "wikiann", "squad-mlqa", "mnli-xnli"}
    assert {cell.key for cell in shown} <= known


def test_figures_7_and_8_share_what_they_have_in_common_and_sweep_a_setting_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seventh, eighth = (cells(HOME / f"figure{number}.toml", monkeypatch).cells for number in (7, 8))
    assert len({cell.key for cell in seventh} & {cell.key for cell in eighth}) == 3 * 9
    assert len({cell.protocol["lr"] for cell in seventh if cell.method == "sequential-reptile"}) == 4
    assert len({cell.settings["inner_steps"] for cell in eighth if cell.method == "sequential-reptile"}) == 4


@pytest.mark.parametrize("number", [5, 6])
def test_forgetting_is_measured_on_seen_and_unseen_languages(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for cell in cells(HOME / f"figure{number}.toml", monkeypatch).cells:
        assert cell.options["mlm_texts"] == "statmt/cc100"
        assert cell.options["mlm_sentences"] == 5000
        suite = load_registry(Config()).suite(cell.suite).cls(**cell.options)
        wanted = {*suite.seen_languages(), *suite.other_languages()}
        assert {code.partition("-")[0] for code in suite.mlm_languages} == wanted


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


def test_the_sweeps_make_a_board_with_a_figure_of_the_rate_and_one_of_the_inner_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grid = cells(SWEEPS, monkeypatch)
    assert [line.partition(":")[0] for line in grid.warnings] == ["lookahead"]  # its rounds are long for half a budget
    assert len(grid.cells) == 3 * 11
    assert {"stl", "mtl[rows=1]", "lookahead"} <= {cell.variant for cell in grid.cells}
    records = [
        made_up_record(
            cell.variant,
            seed=cell.seed,
            suite=cell.suite,
            settings=cell.settings,
            options=cell.options,
            protocol=cell.protocol,
            budget=cell.protocol["budget"],
        )
        for cell in grid.cells
    ]
    (board,) = boards_of(entries_of(records)[0])
    assert board.reference is not None
    assert {figure.stem: sorted({float(row["x"]) for row in figure.sheet.records()}) for figure in sweeps(board)} == {
        "cldr-ner-sweep-sequential-reptile-inner-steps": [2, 7, 20, 70],
        "cldr-ner-sweep-sequential-reptile-lr": [0.0005, 0.0015, 0.005, 0.015],
    }


def test_the_sweeps_are_of_another_budget_than_the_main_board(monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = {
        path.stem: {cell.protocol["budget"] for cell in cells(path, monkeypatch).cells if cell.suite == "cldr-ner"}
        for path in (SWEEPS, HOME.parent / "study.toml")
    }
    assert budgets == {"sweeps": {800}, "study": {1600}}


def test_the_controls_from_random_weights_share_a_board_with_the_default_study(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {cell.key for cell in cells(HOME.parent / "study.toml", monkeypatch).cells}
    found = cells(SCRATCH, monkeypatch).cells
    assert {cell.variant for cell in found if cell.key in known} == {"mtl", "sequential-reptile"}
    assert {cell.variant for cell in found if cell.key not in known} == {"mtl[rows=1]", "lookahead"}
    assert len(found) == 4 * 5
