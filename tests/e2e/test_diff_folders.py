"""``mtlbench diff`` of two boards or results folders: what moved, and whether seeds alone would move it."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from mtlbench.cli import main
from mtlbench.testing.records import made_up_record, store_records

CLAIM = """[[claim]]
text = "PCGrad scores better than MTL"
method = "pcgrad"
against = "mtl"
quantity = "average"
direction = "better"
"""


def records(variant, values, **more):
    return [made_up_record(variant, {"a": value, "b": value}, seed=seed, **more) for seed, value in enumerate(values)]


MTL = records("mtl", [70.0, 71.0, 72.5])


@pytest.fixture
def diff(tmp_path, capsys):
    def answer(first, second, *words):
        folders = [store_records(some, tmp_path / name) for name, some in (("first", first), ("second", second))]
        capsys.readouterr()
        code = main(["diff", *map(str, folders), *words])
        return code, capsys.readouterr().out.splitlines()

    return answer


def cells(lines, first, title="Rows", second=None):
    """The cells of the one line below a title that has these two first ones."""
    split = [re.split(r"\s{2,}", line) for line in lines[lines.index(title) :]]
    wanted = [cell for cell in (first, second) if cell is not None]
    [found] = [line for line in split if line[: len(wanted)] == wanted]
    return found


def row(lines, method):
    """What is said of a method on the board of the digits."""
    return cells(lines, "digits", "Rows", method)


def test_a_row_that_moved_more_than_its_seeds_do_is_beyond_noise(diff):
    code, lines = diff(MTL + records("pcgrad", [72.0, 73.0, 74.0]), MTL + records("pcgrad", [76.0, 77.1, 77.9]))
    assert code == 0
    # differences 4, 4.1, 3.9: mean 4, SD 0.1, half 4.303 x 0.1 / sqrt 3 = 0.25
    assert row(lines, "pcgrad") == [
        *("digits", "pcgrad", "3", "73.00 ± 1.00", "3", "77.00 ± 0.95", "+4.00", "+4.00 ± 0.25 (3)"),
        "beyond noise: better",
    ]
    assert "1 rows have the same runs in both." in lines
    assert "3 cells have the same outcome in both." in lines


def test_a_loss_that_seeds_explain_is_within_noise(diff):
    _, lines = diff(records("pcgrad", [72.0, 73.0, 74.0]), records("pcgrad", [70.0, 74.0, 73.0]))
    assert row(lines, "pcgrad")[-1] == "within noise"


def test_where_less_is_better_a_lower_average_is(diff):
    low = {"higher_is_better": False, "metric": "error"}
    _, lines = diff(records("pcgrad", [9.0, 9.5, 9.9], **low), records("pcgrad", [5.0, 5.6, 5.8], **low))
    assert row(lines, "pcgrad")[-1] == "beyond noise: better"


def test_added_seeds_move_a_mean_and_no_pair(diff):
    _, lines = diff(records("pcgrad", [72.0, 73.0]), records("pcgrad", [72.0, 73.0, 80.0]))
    assert row(lines, "pcgrad")[-3:] == ["+2.50", "0.00 (2)", "the same at shared seeds"]


@pytest.mark.parametrize("second", [[75.0], [75.0, 76.0, 77.0]])
def test_one_pair_or_equal_differences_decide_nothing(diff, second):
    _, lines = diff(records("pcgrad", [72.0, 73.0, 74.0]), records("pcgrad", second))
    assert row(lines, "pcgrad")[-1] == "undecided"


def test_runs_on_other_data_are_not_paired(diff):
    others = records("pcgrad", [80.0, 81.0, 82.0], fingerprint="e" * 64)
    _, lines = diff(records("pcgrad", [72.0, 73.0, 74.0]), others)
    assert row(lines, "pcgrad")[-2:] == ["–", "beyond noise: better, unpaired"]


def test_rows_of_one_folder_alone_are_named(diff):
    _, lines = diff(MTL + records("pcgrad", [72.0]), MTL + records("swep", [72.0]))
    assert row(lines, "pcgrad")[-1] == "only in the first"
    assert row(lines, "swep")[-1] == "only in the second"


def test_a_record_measured_anew_is_counted(diff):
    _, lines = diff(MTL, [*MTL[:2], *records("mtl", [70.0, 71.0, 72.5], seconds=11.0)[2:]])
    assert "3 cells have the same outcome in both, 1 of them in another file: measured or made anew." in lines
    assert "1 rows have the same runs in both." in lines


def test_forty_cells_are_listed_and_all_when_asked_for(diff):
    many = records("swep", [70.0 + seed / 10 for seed in range(50)])
    _, lines = diff(MTL, MTL + many)
    assert sum("only in the second" in line for line in lines) == 40 + 1 + 1
    assert "10 cells are not shown (50 only in the second in all); --full shows them." in lines
    _, lines = diff(MTL, MTL + many, "--full")
    assert sum("only in the second" in line for line in lines) == 50 + 1


def test_two_boards_are_compared_by_their_results_and_verdicts(tmp_path, capsys):
    for name, gain in (("first", 0.1), ("second", 9.0)):
        own = records("pcgrad", [70.0 + gain, 71.5 + 1.02 * gain, 72.4 + gain])
        store_records(MTL + own, tmp_path / name / "results")
        (tmp_path / name / "claims.toml").write_text(CLAIM)
        assert main(["leaderboard", "--results", str(tmp_path / name / "results"), "--out", str(tmp_path / name)]) == 0
    capsys.readouterr()
    assert main(["diff", str(tmp_path / "first"), str(tmp_path / "second")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert row(lines, "pcgrad")[-1] == "beyond noise: better"
    verdict = cells(lines, "pcgrad-scores-better-than-mtl", "Verdicts on claims")
    assert verdict[:2] == ["pcgrad-scores-better-than-mtl", "digits"]
    assert verdict[2] != verdict[3]
    assert main(["diff", str(tmp_path / "first"), str(tmp_path / "first/results")]) == 0
    assert "Verdicts" not in capsys.readouterr().out
    (tmp_path / "second/tables/all-verdicts.json").write_text(json.dumps({"verdicts": 1}))
    assert main(["diff", str(tmp_path / "first"), str(tmp_path / "second")]) == 2
    assert "tables/all-verdicts.json of one of the boards: not a list of verdicts" in capsys.readouterr().err


def test_a_suite_called_results_is_no_board(tmp_path, capsys):
    store_records(records("mtl", [70.0], suite="results"), tmp_path / "first")
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    assert main(["diff", str(tmp_path / "first"), str(tmp_path / "second")]) == 0
    assert "1 cells have the same outcome in both." in capsys.readouterr().out
