from __future__ import annotations

import random

import pytest

from mtlbench.leaderboard.analysis import analysis_table
from mtlbench.leaderboard.board import Reading, render_summary
from mtlbench.leaderboard.checks import sifted
from mtlbench.leaderboard.cost import cost_table
from mtlbench.leaderboard.entries import failure_of
from mtlbench.leaderboard.extras import extras_table
from mtlbench.leaderboard.html_page import HTML
from mtlbench.leaderboard.model import boards_of
from mtlbench.leaderboard.page import rendered
from mtlbench.leaderboard.reading import entries_of
from mtlbench.leaderboard.scores import scores_table, unseen_table
from mtlbench.testing.records import made_up_record


def boards(*records, failures=()):
    entries, problems = entries_of(records)
    kept, refused = sifted(entries)
    assert not problems
    assert not refused
    return boards_of(kept, failures)


def board(*records, failures=()):
    [only] = boards(*records, failures=failures)
    return only


def column(table, name):
    """Row name to cell."""
    index = table.columns.index(name)
    return {row[0]: row[index] for row in table.rows}


def test_an_average_is_over_tasks_and_its_deviation_over_seeds():
    # Averages over tasks: 70, 72, 77. Mean 73; squares 9 + 1 + 16 = 26, over n - 1 = 2: SD = sqrt(13) = 3.61.
    pairs = [(80.0, 60.0), (82.0, 62.0), (90.0, 64.0)]
    records = [made_up_record(scores={"a": a, "b": b}, seed=seed) for seed, (a, b) in enumerate(pairs)]
    table = scores_table(board(*records))
    assert column(table, "Average") == {"mtl": "73.00 ± 3.61"}
    assert column(table, "b") == {"mtl": "62.00 ± 2.00"}
    assert column(table, "n") == {"mtl": "3"}


def test_further_metrics_have_a_line_for_each_method_and_metric():
    def record(seed, extra, zero_shot):
        made = made_up_record(scores={"a": 80.0, "b": 60.0}, unseen={"far": 30.0}, seed=seed)
        made["outcome"]["scores"]["a"]["test"]["extra"] = extra
        made["outcome"]["unseen"]["far"]["test"]["extra"] = zero_shot
        return made

    table = extras_table(board(record(0, {"EM": 40.0, "odd": None}, {}), record(1, {"EM": 44.0}, {"EM": 9.0})))
    assert table.columns == ["Method", "Metric", "n", "Average", "Zero-shot", "a", "b", "far"]
    assert table.rows == [["mtl", "EM", "2", "42.00 ± 2.83", "9.00", "42.00 ± 2.83", "–", "9.00"]]
    assert extras_table(board(made_up_record())) is None


def test_one_seed_shows_no_deviation():
    assert column(scores_table(board(made_up_record(scores={"a": 50.0}))), "Average") == {"mtl": "50.00"}


def test_a_missing_task_stays_missing_and_blocks_the_average():
    table = scores_table(board(made_up_record(scores={"a": 80.0, "b": None})))
    assert column(table, "Average") == {"mtl": "–"}
    assert column(table, "a") == {"mtl": "80.00"}
    assert column(table, "b") == {"mtl": "–"}


def test_an_average_of_fewer_seeds_than_were_run_says_so():
    whole, part = made_up_record(scores={"a": 80.0, "b": 60.0}), made_up_record(scores={"a": 90.0, "b": None}, seed=1)
    assert column(scores_table(board(whole, part)), "Average") == {"mtl": "70.00 (n = 1)"}


def test_diverged_and_failed_runs_are_counted_and_never_averaged():
    lost = made_up_record(scores={"a": 1.0}, seed=1, status="diverged")
    failed = [
        failure_of({"variant": "mtl", "cell": made_up_record(scores={"a": 1.0}, seed=seed)["cell"]}) for seed in (2, 3)
    ]
    table = scores_table(board(made_up_record(scores={"a": 80.0}), lost, failures=failed))
    assert column(table, "Lost") == {"mtl": "1 d, 2 f"}
    assert column(table, "Average") == {"mtl": "80.00"}
    assert column(table, "n") == {"mtl": "1"}


def test_a_method_that_only_failed_has_a_row():
    cell = made_up_record("pcgrad")["cell"]
    table = scores_table(board(made_up_record(), failures=[failure_of({"variant": "pcgrad", "cell": cell})]))
    assert column(table, "Lost") == {"mtl": "0", "pcgrad": "1 f"}
    assert column(table, "Average")["pcgrad"] == "–"


@pytest.mark.parametrize(("higher", "order"), [(True, ["pcgrad", "mtl"]), (False, ["mtl", "pcgrad"])])
def test_the_best_row_stands_first_in_the_metrics_own_direction(higher, order):
    low = made_up_record("mtl", {"a": 1.0}, higher_is_better=higher)
    high = made_up_record("pcgrad", {"a": 2.0}, higher_is_better=higher)
    table = scores_table(board(low, high))
    assert [row[0] for row in table.rows] == order
    assert ("higher is better" if higher else "lower is better") in table.notes[0]


def test_tasks_of_opposite_directions_have_no_average():
    table = scores_table(board(made_up_record(higher_is_better={"a": True, "b": False})))
    assert column(table, "Average") == {"mtl": "–"}
    assert "lower is better for b" in table.notes[0]


def test_zero_shot_scores_have_an_average_and_a_table_of_their_own():
    with_unseen = made_up_record(unseen={"x": 30.0, "y": 50.0})
    both = board(with_unseen, made_up_record("stl"))
    assert column(scores_table(both), "Zero-shot") == {"mtl": "40.00", "stl": "–"}
    assert column(unseen_table(both), "y") == {"mtl": "50.00", "stl": "–"}
    assert unseen_table(board(made_up_record())) is None


def test_times_are_multiples_of_the_references_on_the_same_machine_alone():
    here = {"fingerprint": "aaaaaaaaaaaa", "cpu": "Slow", "cores": 2, "device": "cpu"}
    there = {"fingerprint": "bbbbbbbbbbbb", "cpu": "Fast", "cores": 2, "device": "cpu"}
    table = cost_table(
        board(
            made_up_record("mtl", machine=here, step_seconds=0.010, peak_bytes=100),
            made_up_record("mtl", machine=here, step_seconds=0.010, peak_bytes=100, seed=1),
            made_up_record("pcgrad", machine=here, step_seconds=0.015, peak_bytes=120, seconds=30.0),
            made_up_record("pcgrad", machine=there, step_seconds=0.001, peak_bytes=999, seconds=1.0, seed=1),
            made_up_record("gradvac", machine=there, step_seconds=0.001),
        )
    )
    assert column(table, "Step") == {"gradvac": "–", "mtl": "1.00", "pcgrad": "1.50"}
    assert column(table, "Memory") == {"gradvac": "–", "mtl": "1.00", "pcgrad": "1.20"}
    assert column(table, "Seconds") == {"gradvac": "–", "mtl": "10.0 ± 0.0", "pcgrad": "30.0"}
    assert "Slow" in table.notes[-1]
    assert "Fast" not in " ".join(table.notes)


def test_without_the_reference_there_are_seconds_but_no_multiples():
    table = cost_table(board(made_up_record("pcgrad")))
    assert column(table, "Step") == {"pcgrad": "–"}
    assert column(table, "Seconds") == {"pcgrad": "10.0"}


def test_probes_are_shown_where_there_are_any():
    record = made_up_record()
    record["outcome"]["probes"] = {
        "cosine": {"mean": 0.25},
        "distance": {"l2": 3.0},
        "mlm": {"seen": 4.0, "unseen": None},
    }
    table = analysis_table(board(record))
    assert table.columns == ["Method", "n", "Cosine", "L2", "Masked-LM loss, seen"]
    assert table.rows == [["mtl", "1", "0.2500", "3.000", "4.000"]]
    record["outcome"]["probes"] = {}
    assert analysis_table(board(record)) is None


def test_suites_with_other_options_or_budgets_are_other_boards():
    found = boards(
        made_up_record(),
        made_up_record(options={"width": 32}),
        made_up_record(options={"width": 64}, budget=400),
        made_up_record(suite="cldr-ner"),
    )
    assert [one.label for one in found] == [
        "cldr-ner",
        "digits[budget=1600,width=32]",
        "digits[budget=1600,width=none]",
        "digits[budget=400,width=64]",
    ]
    assert len({one.slug for one in found}) == 4


def test_data_that_changes_with_the_seed_is_one_board_and_changed_data_are_two():
    by_seed = [made_up_record(seed=seed, fingerprint=str(seed) * 64) for seed in range(3)]
    assert len(boards(*by_seed)) == 1
    changed = [made_up_record(seed=0, fingerprint=data * 64) for data in "ab"]
    assert [one.label for one in boards(*changed)] == ["digits[data=aaaaaaaa]", "digits[data=bbbbbbbb]"]


def test_rows_of_one_name_and_other_settings_are_told_apart():
    table = scores_table(
        board(
            made_up_record("mtl[rows=1]", protocol={"rows": 1, "lr": 1e-3}),
            made_up_record("mtl[rows=1]", protocol={"rows": 1, "lr": 3e-3}, seed=1),
            made_up_record("mtl"),
        )
    )
    assert sorted(row[0] for row in table.rows) == ["mtl", "mtl[lr=0.001,rows=1]", "mtl[lr=0.003,rows=1]"]


def test_files_do_not_depend_on_the_order_of_records():
    rng = random.Random(0)
    records = [
        made_up_record(variant, {"a": rng.gauss(80, 1), "b": rng.gauss(60, 1)}, seed=seed, suite=suite)
        for variant in ("mtl", "stl", "pcgrad")
        for seed in range(3)
        for suite in ("digits", "cldr-ner")
    ]
    files = rendered(Reading(boards(*records), []))
    rng.shuffle(records)
    assert rendered(Reading(boards(*records), [])) == files


def test_a_new_entry_leaves_the_lines_of_the_others_alone():
    records = [made_up_record(variant, seed=seed) for variant in ("mtl", "stl") for seed in range(2)]
    before = rendered(Reading(boards(*records), []))
    newcomer = made_up_record("a-method-with-a-very-long-name", {"a": 99.999, "b": 10.0})
    after = rendered(Reading(boards(*records, newcomer), []))
    for path in ("tables/digits-scores.md", "tables/digits-scores.csv", "tables/digits-scores.tex"):
        assert set(before[path].splitlines()) <= set(after[path].splitlines())


def test_nothing_rendered_names_a_date_or_a_host():
    text = "".join(rendered(Reading(boards(made_up_record()), [])).values())
    assert "2026" not in text


def test_the_summary_of_a_run_has_a_line_for_each_method_and_each_refusal():
    text = render_summary(
        [
            made_up_record("mtl", {"a": 80.0}),
            made_up_record("pcgrad", {"a": 82.0}),
            made_up_record("gradvac", audit="forward passes: 1 metered, 2 seen"),
        ]
    )
    assert text.index("pcgrad") < text.index("mtl")
    assert "digits (accuracy, 1600 gradients)" in text
    assert "not shown: " in text
    assert "1 metered, 2 seen" in text


def test_the_summary_leaves_tasks_out_where_they_do_not_fit():
    few = {"first": 1.0, "second": 2.0}
    many = {f"a-task-with-a-long-name-{number}": 1.0 for number in range(12)}
    assert "first" in render_summary([made_up_record(scores=few)])
    assert "a-task-with" not in render_summary([made_up_record(scores=many)])


def test_no_number_prints_as_negative_zero_or_nan():
    record = made_up_record(scores={"a": -0.00001, "b": 0.0})
    files = rendered(Reading(boards(record), []))
    text = "".join(files[path] for path in files if path != HTML)  # the page has a library, and values as they are
    assert "-0.0000" not in text
    assert "nan" not in text
