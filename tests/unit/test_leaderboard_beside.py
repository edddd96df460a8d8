from __future__ import annotations

import pytest

from mtlbench.leaderboard.beside import beside_table
from mtlbench.leaderboard.checks import sifted
from mtlbench.leaderboard.model import boards_of
from mtlbench.leaderboard.paper import PaperValue
from mtlbench.leaderboard.reading import entries_of
from mtlbench.testing.records import made_up_record


@pytest.fixture
def boards():
    records = [made_up_record("mtl", {"a": 50.0 + seed, "b": 60.0}, seed=seed, unseen={"u": 9.0}) for seed in range(3)]
    return boards_of(sifted(entries_of([*records, made_up_record("pcgrad", seed=0)])[0])[0])


def cells(value, boards):
    table = beside_table([value], boards)
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def value(number, **more):
    return PaperValue("digits", "mtl", number, "Someone 2000, table 1", **more)


@pytest.mark.parametrize(
    ("number", "verdict"),
    [(55.5, "agrees"), (55.6, "agrees"), (40.0, "higher"), (70.0, "lower")],
)
def test_the_verdict_asks_whether_the_papers_value_lies_in_our_interval(number, verdict, boards):
    # Averages 55, 55.5, 56: mean 55.5, SD 0.5, half an interval of 4.303 * 0.5 / sqrt(3) = 1.24.
    (row,) = cells(value(number), boards)
    assert (row["Ours"], row["n"], row["Verdict"]) == ("55.50 ± 1.24", "3", verdict)


def test_single_tasks_and_zero_shot_scores_stand_beside_the_papers(boards):
    assert cells(value(50.0, task="a"), boards)[0]["Difference"] == "+1.00"
    assert cells(value(8.0, quantity="zero-shot", task="u"), boards)[0]["Ours"] == "9.00"


def test_values_that_find_no_runs_are_counted(boards):
    values = [value(50.0), value(50.0, task="gone"), value(1.0, quantity="masked-seen", task="a")]
    table = beside_table(values, boards)
    assert len(table.rows) == 1
    assert "2 of 3 values have no runs here to stand beside." in table.notes


def test_a_value_of_another_setting_gets_no_verdict(boards):
    assert cells(value(40.0, note="eight data sets"), boards)[0]["Verdict"] == "not alike: eight data sets"


def test_one_seed_is_too_few(boards):
    (row,) = cells(PaperValue("digits", "pcgrad", 70.0, "Someone"), boards)
    assert row["Verdict"] == "too few runs"


def test_a_table_without_a_value_to_show_is_empty_and_says_so(boards):
    for values in ([], [PaperValue("elsewhere", "mtl", 1.0, "Someone")], [PaperValue("digits", "reptile", 1.0, "S")]):
        table = beside_table(values, boards)
        assert table.rows == []
        assert "There is no row: no value that was read from the paper has runs on these boards." in table.notes
    assert beside_table(None, boards) is None
