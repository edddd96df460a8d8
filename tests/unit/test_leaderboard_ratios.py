"""The benchmarks' ratios as the leaderboard reads and shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mtlbench.interface import BadSetting
from mtlbench.leaderboard.board import Reading
from mtlbench.leaderboard.companions import Companions, read_companions
from mtlbench.leaderboard.page import PAGE, rendered
from mtlbench.leaderboard.ratios import FILE, Ratio, ratios_table, read_ratios

SHIPPED = Path(__file__).parents[2] / "leaderboard"
ROW = {"ratio": 1.0274, "low": 1.02, "high": 1.03, "rounds": 15.0, "goal": 1.02, "at_least": False}
MACHINE = {"fingerprint": "0123456789ab", "cpu": "a make", "cores": 2, "device": "cpu"}


def told(path: Path, rows: Any, **more: Any) -> Path:
    path.write_text(json.dumps({"machine": MACHINE, "versions": {"torch": "2", "python": "3"}, "rows": rows, **more}))
    return path


def test_every_row_says_what_was_measured_and_whether_the_goal_was_met(tmp_path: Path) -> None:
    rows = {
        "step, T = 12": ROW,
        "step, T = 4": {**ROW, "ratio": 1.02},
        "error": {**ROW, "ratio": 5.191e-9, "low": 5e-9, "high": 6e-9, "goal": 1e-6},
        "gain": {**ROW, "ratio": 1.84, "high": 1.9, "goal": 1.85, "at_least": True},
        "alone": {**ROW, "goal": None},
        "MiB": {**ROW, "ratio": 382.31, "low": 380.0, "high": 400.0, "goal": 1024},
    }
    table = ratios_table(read_ratios(told(tmp_path / FILE, rows)))
    assert table is not None
    assert table.rows == [
        ["MiB", "382.3", "380 to 400", "≤ 1024", "yes", "15"],
        ["alone", "1.027", "1.020 to 1.030", "–", "–", "15"],
        ["error", "5.191e-09", "5e-09 to 6e-09", "≤ 1e-06", "yes", "15"],
        ["gain", "1.840", "1.020 to 1.900", "≥ 1.85", "no", "15"],
        ["step, T = 4", "1.020", "1.020 to 1.030", "≤ 1.02", "yes", "15"],
        ["step, T = 12", "1.027", "1.020 to 1.030", "≤ 1.02", "no", "15"],
    ]
    assert "On one machine: cpu, a make, 2 cores (01234567); python 3, torch 2." in table.notes


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"a": {**ROW, "ratio": True}}, "row 'a': ratio must be a number from 0, found True"),
        ({"a": {**ROW, "low": -1}}, "row 'a': low must be a number from 0, found -1"),
        ({"a": {**ROW, "high": "1"}}, "row 'a': high must be a number from 0, found '1'"),
        ({"a": {**ROW, "goal": 10**400}}, "row 'a': goal must be a number from 0, found 1000"),
        ({"a": {key: ROW[key] for key in ("ratio", "low")}}, "row 'a': must be an object with ratio, low"),
        ({"a": {**ROW, "rounds": 0.5}}, "row 'a': rounds must be a whole number from 1, found 0.5"),
        ({"a": {**ROW, "rounds": 1e300}}, "row 'a': rounds must be a whole number from 1, found 1e"),
        ({"a": {**ROW, "low": 1.029}}, "row 'a': ratio must lie between low and high, found 1.0274"),
        ({"a": 3}, "row 'a': must be an object"),
        ([], "must hold the objects machine, versions, rows"),
    ],
)
def test_a_bad_file_is_named_with_its_row(rows: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=words) as raised:
        read_ratios(told(tmp_path / FILE, rows))
    assert FILE in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\ud800", '{"machine": NaN}'])
def test_a_file_that_is_no_json_object_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(BadSetting, match=FILE):
        read_ratios(tmp_path / FILE)


def test_a_folder_without_the_file_has_no_such_table(tmp_path: Path) -> None:
    assert read_ratios(tmp_path / FILE) is None
    assert ratios_table(None) is None
    assert "tables/all-ratios.md" not in rendered(Reading([], []), None, read_companions(tmp_path))


def test_a_goal_at_its_edge_is_met() -> None:
    assert Ratio("a", 1.02, 1.0, 1.1, 3, 1.02, at_least=False).met is True
    assert Ratio("a", 1.85, 1.8, 1.9, 3, 1.85, at_least=True).met is True
    assert Ratio("a", 1.0, 1.0, 1.0, 3, None, at_least=True).met is None


def test_the_committed_ratios_stand_on_the_front_page() -> None:
    ratios = read_ratios(SHIPPED / FILE)
    assert ratios is not None
    files = rendered(Reading([], []), None, Companions(ratios=ratios))
    assert "## Compute efficiency of the engine" in files[PAGE]
    for row in ratios.rows:
        assert row.name in files["tables/all-ratios.csv"].replace('""', '"')
