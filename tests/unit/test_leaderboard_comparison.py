from __future__ import annotations

import json

import pytest

from mtlbench.interface.errors import BadSetting
from mtlbench.leaderboard.alarms import alarms
from mtlbench.leaderboard.board import boards_of
from mtlbench.leaderboard.claims import Claim, claims_table, read_claims
from mtlbench.leaderboard.comparison import comparison_table, transfer_table
from mtlbench.leaderboard.cost import cost_table
from mtlbench.leaderboard.efficiency import efficiency_table, first_crossing, score_at
from mtlbench.leaderboard.entries import Point
from mtlbench.leaderboard.profile import profile_table
from mtlbench.leaderboard.reading import entries_of
from mtlbench.leaderboard.scores import intervals_table
from mtlbench.leaderboard.standing import places, rank_summary, standing_table, verdicts
from mtlbench.testing.records import made_up_record


def board(scores, **changes):
    """From variant to a list of {task: score}, one per seed."""
    records = [
        made_up_record(variant, by_task, seed=seed, **changes)
        for variant, by_seed in scores.items()
        for seed, by_task in enumerate(by_seed)
    ]
    entries, problems = entries_of(records)
    assert not problems
    [only] = boards_of(entries)
    return only


def line(table, name):
    [row] = [row for row in table.rows if row[0] == name]
    return dict(zip(table.columns, row, strict=True))


def single(*values):
    return [{"a": value} for value in values]


def test_differences_are_paired_by_seed():
    # Seeds differ by tens, the methods by 1, 2, 3: mean 2, half of the interval 4.3027 / sqrt(3) = 2.48, p = 0.074.
    found = line(comparison_table(board({"mtl": single(10, 20, 30), "pcgrad": single(11, 22, 33)})), "pcgrad")
    assert found["To mtl"] == "+2.00 ± 2.48"
    assert (found["Shared"], found["p"], found["Flip p"]) == ("3", "0.074", "0.250")


def test_seeds_that_only_one_of_them_has_do_not_count():
    found = line(comparison_table(board({"mtl": single(10, 20), "pcgrad": single(11, 22, 99)})), "pcgrad")
    assert found["Shared"] == "2"
    assert found["To mtl"].startswith("+1.50")


def test_a_difference_is_positive_where_the_method_is_better():
    low = board({"mtl": single(10, 20), "pcgrad": single(9, 18)}, higher_is_better=False)
    assert line(comparison_table(low), "pcgrad")["To mtl"].startswith("+1.50")


def test_delta_m_by_hand():
    # Per seed: ((60/50 - 1) + (20/25 - 1)) / 2 = 0 % and ((75/50 - 1) + (25/25 - 1)) / 2 = 25 %: mean 12.5.
    found = comparison_table(
        board({"stl": [{"a": 50, "b": 25}] * 2, "pcgrad": [{"a": 60, "b": 20}, {"a": 75, "b": 25}]})
    )
    assert line(found, "pcgrad")["Δm %"].startswith("+12.50 ±")


def test_delta_m_counts_a_lower_loss_as_a_gain():
    # Accuracy 50 to 60 is +20 %, loss 10 to 9 is +10 %: Δm = 15.
    found = comparison_table(
        board({"stl": [{"a": 50, "b": 10}], "pcgrad": [{"a": 60, "b": 9}]}, higher_is_better={"a": True, "b": False})
    )
    assert line(found, "pcgrad")["Δm %"] == "+15.00"


def test_delta_m_keeps_its_sign_below_zero():
    # Losses of -100 alone and -50 together: half of the depth is lost, so Δm = -50.
    found = comparison_table(
        board({"stl": [{"a": -100, "b": -100}], "mtl": [{"a": -50, "b": -50}]}, higher_is_better=False)
    )
    assert line(found, "mtl")["Δm %"] == "-50.00"


def test_delta_m_is_refused_without_single_task_runs():
    table = comparison_table(board({"mtl": single(1), "pcgrad": single(2)}))
    assert line(table, "pcgrad")["Δm %"] == "–"
    assert "there is none, because there are no stl runs" in table.notes[-1]


def test_tasks_below_single_task_learning_are_counted_and_named():
    stl = [{"a": 80.0, "b": 50.0}, {"a": 81.0, "b": 51.0}, {"a": 82.0, "b": 52.0}]
    hurt = [{"a": 70.1, "b": 55.0}, {"a": 71.0, "b": 56.5}, {"a": 71.9, "b": 56.0}]
    found = line(transfer_table(board({"stl": stl, "pcgrad": hurt, "mtl": stl[::-1]})), "pcgrad")
    assert (found["Below"], found["Tasks below"]) == ("1 of 2", "a")
    assert found["a"] == "-10.00 ± 0.10"


def test_a_large_steady_gain_is_better_and_a_steady_loss_worse():
    scores = {
        "mtl": single(50.0, 50.2, 49.9, 50.1),
        "pcgrad": single(55.1, 55.2, 55.0, 55.3),
        "gradvac": single(45.2, 45.1, 45.3, 45.0),
        "swep": single(50.1, 50.0, 50.0, 50.2),
    }
    adjusted, verdict = verdicts(board(scores))
    assert verdict == {"pcgrad": "better", "gradvac": "worse", "swep": "tied"}
    assert adjusted["pcgrad"] < 0.01
    assert places(board(scores)) == {"pcgrad": 1, "mtl": 2, "swep": 2, "gradvac": 4}


def test_methods_that_share_a_place_do_not_differ_significantly():
    # b is tied with a and c, and a differs from c, which therefore begins a place, and so does d, which differs from c.
    scores = {
        "mtl": single(60.0, 60.1, 59.9, 60.2, 60.0),
        "pcgrad": single(59.0, 61.0, 58.0, 61.5, 58.5),
        "swep": single(58.0, 58.1, 57.8, 58.2, 58.1),
        "gradvac": single(50.0, 50.1, 49.9, 50.3, 50.0),
    }
    assert places(board(scores)) == {"mtl": 1, "pcgrad": 1, "swep": 3, "gradvac": 4}


def test_the_same_difference_at_every_seed_is_called_that():
    one = board({"stl": single(50, 50, 50), "mtl": single(10, 10, 10), "pcgrad": single(90, 90, 90)})
    assert verdicts(one)[1] == {"pcgrad": "no spread", "stl": "no spread"}
    two = board({"stl": [{"a": 50, "b": 5}] * 3, "mtl": [{"a": 10, "b": 5}] * 3})
    assert line(transfer_table(two), "mtl")["Below"] == "0 of 2 (1 no spread)"
    assert verdicts(board({"mtl": single(1, 1), "pcgrad": single(1, 1)}))[1] == {"pcgrad": "tied"}


def test_many_seeds_decide_without_spread():
    one = board({"mtl": single(*[10] * 8), "pcgrad": single(*[90] * 8)})
    assert verdicts(one)[1] == {"pcgrad": "better"}


def test_what_mtl_at_another_seed_would_reach_is_tied():
    # Always 0.5 better at the same seed, while MTL itself moves by 10 from seed to seed.
    scores = {"mtl": single(40.0, 50.0, 60.0, 45.0), "pcgrad": single(40.5, 50.4, 60.6, 45.5)}
    assert verdicts(board(scores))[1] == {"pcgrad": "tied with another seed"}


def test_ranks_by_hand():
    # Pairs of (seed, task): mtl wins a at seed 0, ties b at seed 0, loses both at seed 1.
    scores = {"mtl": [{"a": 2, "b": 1}, {"a": 1, "b": 1}], "pcgrad": [{"a": 1, "b": 1}, {"a": 2, "b": 2}]}
    found = rank_summary(board(scores))
    assert found["mtl"].mean == (1 + 1.5 + 2 + 2) / 4
    assert found["pcgrad"].mean == (2 + 1.5 + 1 + 1) / 4
    assert found["mtl"].wins == (1 + 0.5) / 4
    assert found["pcgrad"].wins == (0.5 + 1 + 1) / 4
    assert found["mtl"].first < found["pcgrad"].first
    assert found["mtl"].low <= found["mtl"].mean <= found["mtl"].high


def test_a_method_that_always_wins_is_first_in_every_resample():
    found = rank_summary(board({"mtl": single(1, 2, 3), "pcgrad": single(2, 3, 4)}))
    assert (found["pcgrad"].first, found["pcgrad"].low, found["pcgrad"].high) == (1.0, 1.0, 1.0)
    assert found["mtl"].first == 0.0


def test_permutation_tests_against_mtl_and_stl_are_adjusted_over_all_methods():
    gains = {"pcgrad": (1, 2, 3, 4, 5), "swep": (1, -2, 3, 4, 5)}
    scores = {"mtl": single(0, 10, 20, 30, 40), "stl": single(0, 10, 20, 30, 40.5)}
    scores |= {name: single(*(10 * place + gain for place, gain in enumerate(own))) for name, own in gains.items()}
    table = standing_table(board(scores))
    # Of 16 pairs of opposite sign patterns, 1 is as far from 0 as 1 + 2 + 3 + 4 + 5 and 3 as 1 - 2 + 3 + 4 + 5;
    # stl differs from mtl at one seed alone.
    told = {name: line(table, name) for name in ("pcgrad", "swep", "stl", "mtl")}
    assert [told[name]["Holm flip p (mtl)"] for name in told] == ["0.188", "0.375", "1.000", "–"]
    assert [told[name]["Holm flip p (stl)"] for name in told] == ["0.188", "0.375", "–", "1.000"]
    # t tests: scipy.stats.ttest_1samp gives 0.01324, 0.1508 and 0.3739 against mtl.
    assert [told[name]["Holm p (mtl)"] for name in told] == ["0.040", "0.302", "0.374", "–"]


def test_every_task_has_its_interval():
    made = board({"mtl": [{"a": 10.0, "b": 5.0}, {"a": 11.0, "b": 5.0}, {"a": 12.0, "b": 5.0}]}, unseen={"u": 7.0})
    # 4.3027 / sqrt(3) = 2.48
    assert line(intervals_table(made), "mtl") == {
        "Method": "mtl", "n": "3", "a": "11.00 ± 2.48", "b": "5.00", "Zero-shot": "7.00", "u": "7.00"
    }  # fmt: skip


def test_a_method_with_fewer_seeds_than_the_others_has_no_rank_and_a_note_says_so():
    table = standing_table(board({"mtl": single(1, 2), "pcgrad": single(2, 3), "swep": single(9)}))
    assert line(table, "swep")["Rank"] == "–"
    assert line(table, "pcgrad")["Rank"] == "1.00"
    assert (
        "Ranks are over the 2 seeds at which 2 methods have every task; "
        "without one, because a task is missing at one of these or the run is: swep." in table.notes
    )


@pytest.mark.parametrize("fuller", ["mtl", "pcgrad", "swep"])
def test_one_more_seed_of_one_method_changes_nobodys_rank(fuller):
    scores = {"mtl": single(1, 2, 3), "pcgrad": single(2, 3, 4), "swep": single(5, 1, 1)}
    more = {**scores, fuller: [*scores[fuller], {"a": 0.0}]}
    assert rank_summary(board(more)) == rank_summary(board(scores))
    assert len(rank_summary(board(more))) == 3


def test_rows_without_a_seed_in_common_have_no_ranks():
    records = [made_up_record("mtl", seed=0), made_up_record("pcgrad", seed=1)]
    [one] = boards_of(entries_of(records)[0])
    assert rank_summary(one) == {}
    assert "No ranks: no two methods have every task at the same seeds." in standing_table(one).notes


def test_a_newcomer_changes_nobodys_comparison():
    scores = {"mtl": single(10, 20, 30), "stl": single(9, 18, 28), "pcgrad": single(11, 22, 33)}
    more = {**scores, "swep": single(50, 60, 70)}
    for make in (comparison_table, profile_table, efficiency_table):
        before, after = make(board(scores)), make(board(more))
        assert [row for row in after.rows if row[0] != "swep"] == before.rows


def test_a_profile_counts_pairs_relative_to_mtl():
    table = profile_table(board({"mtl": single(100, 100, 100, 100), "pcgrad": single(89, 96, 100, 111)}))
    assert line(table, "pcgrad") == {
        "Method": "pcgrad", "Pairs": "4 of 4", "≥ 0.9": "75 %", "≥ 0.95": "75 %", "≥ 0.98": "50 %", "≥ 1": "50 %",
        "≥ 1.02": "25 %", "≥ 1.05": "25 %", "≥ 1.1": "25 %",
    }  # fmt: skip
    assert profile_table(board({"pcgrad": single(1)})) is None


def shares(table, name):
    found = line(table, name)
    return found["Pairs"], found["≥ 0.9"], found["≥ 1"]


def test_a_profile_counts_zeros_and_missing_and_diverged_runs_as_not_reached():
    one = board({"mtl": [{"a": 50, "b": 50}] * 3, "pcgrad": [{"a": 51, "b": 0}] * 3, "swep": [{"a": 51, "b": None}]})
    assert shares(profile_table(one), "pcgrad") == ("6 of 6", "50 %", "50 %")
    assert shares(profile_table(one), "swep") == ("1 of 6", "17 %", "17 %")
    records = [made_up_record("mtl", {"a": 50.0}, seed=seed) for seed in range(5)]
    records += [made_up_record("swep", {"a": 51.0}, seed=seed, status="diverged") for seed in range(1, 5)]
    records += [made_up_record("swep", {"a": 51.0}, seed=0)]
    [one] = boards_of(entries_of(records)[0])
    assert shares(profile_table(one), "swep") == ("1 of 5", "20 %", "20 %")


def test_a_profile_over_a_zero_of_mtl_is_reached_by_all_that_are_no_worse():
    one = board({"mtl": [{"a": 0, "b": 0}], "pcgrad": [{"a": 0, "b": 3}]})
    assert line(profile_table(one), "pcgrad")["≥ 1.1"] == "50 %"
    assert line(profile_table(one), "pcgrad")["≥ 1"] == "100 %"
    losses = board({"mtl": [{"a": 2, "b": 0}], "pcgrad": [{"a": 0, "b": 1}]}, higher_is_better=False)
    assert line(profile_table(losses), "pcgrad")["≥ 1.1"] == "50 %"


def test_scores_below_zero_have_no_profile_and_the_reason_stands_there():
    table = profile_table(board({"mtl": single(-1, 2), "pcgrad": single(-2, 3)}, higher_is_better=False))
    assert table.rows == []
    assert table.notes == ["There is no profile: mtl has scores below zero, of which multiples say nothing."]


CURVE = (Point(0, 0.0), Point(100, 10.0), Point(200, None), Point(300, 30.0), Point(400, 20.0))


@pytest.mark.parametrize(
    ("target", "gradients"),
    [(-1.0, 0.0), (0.0, 0.0), (5.0, 50.0), (10.0, 100.0), (20.0, 200.0), (30.0, 300.0), (31.0, None)],
)
def test_the_first_crossing_is_linear_between_points_and_never_is_none(target, gradients):
    assert first_crossing(CURVE, target, 1.0) == gradients


def test_a_falling_curve_crosses_from_above():
    falling = tuple(Point(point.gradients, point.dev and -point.dev) for point in CURVE)
    assert first_crossing(falling, -20.0, -1.0) == 200.0


@pytest.mark.parametrize(
    ("gradients", "score"), [(0, 0.0), (50, 5.0), (200, 20.0), (350, 25.0), (400, 20.0), (401, None)]
)
def test_a_score_between_points_is_linear(gradients, score):
    assert score_at(CURVE, gradients) == score


def test_cost_to_mtls_score():
    # The made-up dev curve is at 0, 50, 66.7, 83.3 and 100 % of the final score at quarters of the budget. Twice MTL's
    # score is therefore level with MTL's end at a quarter of 1600 gradients and of 30 seconds.
    records = [made_up_record("mtl", {"a": 10.0}), made_up_record("pcgrad", {"a": 20.0}, seconds=30.0)]
    records += [made_up_record("stl", {"a": 9.0})]
    [one] = boards_of(entries_of(records)[0])
    table = efficiency_table(one)
    assert line(table, "pcgrad")["Gradients to mtl"] == "400.0"
    assert line(table, "pcgrad")["Seconds to mtl"] == "7.5"
    assert line(table, "mtl")["Gradients to mtl"] == "1600.0"
    assert line(table, "stl")["Gradients to mtl"] == "never"
    # A third of pcgrad's seconds: between 50 % (quarter) and 66.7 % (half) of 20, a third of the way: 55.6 %.
    assert line(table, "pcgrad")["At mtl's seconds"] == "11.11"
    assert line(table, "pcgrad")["At half budget"] == "13.33"


def efficiency(records):
    [one] = boards_of(entries_of(records)[0])
    return one, efficiency_table(one)


def test_costs_are_paired_by_seed():
    # The machine is five times as slow at seeds 2 and 3, for both; pcgrad has no run at seed 3.
    slow = (1.0, 1.0, 5.0, 5.0)
    records = [
        made_up_record(variant, {"a": 50.0 + seed}, seed=seed, seconds=10 * slow[seed] * factor)
        for variant, factor, seeds in (("mtl", 1.0, range(4)), ("pcgrad", 1.5, range(3)))
        for seed in seeds
    ]
    one, table = efficiency(records)
    assert line(cost_table(one), "pcgrad")["Seconds ratio"] == "1.50"
    assert line(cost_table(one), "mtl")["Seconds ratio"] == "1.00"
    # MTL at its own seconds is MTL; the made-up dev score at two thirds is 77.8 % of 50, 51 and 52.
    assert line(table, "mtl")["At mtl's seconds"] == "51.50 ± 1.29"
    assert line(table, "pcgrad")["At mtl's seconds"] == "39.67 ± 0.78"


def test_a_score_at_equal_seconds_needs_the_reference_at_that_seed_and_machine():
    other = {"fingerprint": "b" * 12, "cpu": "Fast", "cores": 2, "device": "cpu"}
    records = [made_up_record("mtl", {"a": 50.0}), made_up_record("mtl", {"a": 50.0}, seed=1)]
    records += [made_up_record("pcgrad", {"a": 50.0}, machine=other), made_up_record("swep", {"a": 50.0}, seed=2)]
    one, table = efficiency(records)
    for variant in ("pcgrad", "swep"):
        assert line(table, variant)["At mtl's seconds"] == "–"
        assert line(table, variant)["At mtl's memory"] == "–"
        assert line(cost_table(one), variant)["Step"] == "–"


@pytest.mark.parametrize(("peaks", "cell"), [((102, 90, 150), "51.00 ± 1.00"), ((103, 104, 90), "over")])
def test_a_score_at_equal_memory_is_that_of_a_method_that_needs_no_more(peaks, cell):
    records = [made_up_record("mtl", {"a": 40.0 + seed}, seed=seed, peak_bytes=100) for seed in range(3)]
    records += [
        made_up_record("swep", {"a": 50.0 + seed}, seed=seed, peak_bytes=peak) for seed, peak in enumerate(peaks)
    ]
    assert line(efficiency(records)[1], "swep")["At mtl's memory"] == cell


def test_steps_that_took_longer_at_some_seeds_raise_an_alarm():
    def of(*steps):
        records = [made_up_record("mtl", {"a": 1.0}, seed=seed, step_seconds=step) for seed, step in enumerate(steps)]
        return alarms(boards_of(entries_of(records)[0]))

    assert of(1.0, 1.4, 2.0) == []
    [told] = of(1.0, 1.4, 2.1)
    assert told.startswith("digits: steps took longer at some seeds than at others (mtl 2.1-fold): ")


def copied(record, seed):
    twin = made_up_record(record["variant"], seed=seed)
    return {**twin, "outcome": record["outcome"]}


def test_a_run_that_was_copied_under_another_seed_raises_an_alarm():
    records = [made_up_record(variant, {"a": 1.0 + seed}, seed=seed) for variant in ("mtl", "swep") for seed in (0, 1)]
    [one] = boards_of(entries_of([*records, copied(records[0], 5)])[0])
    assert alarms([one]) == ["digits: mtl came out bitwise the same at seeds 0, 5: a copied run?"]


def test_a_row_that_is_one_run_under_many_seeds_raises_an_alarm_where_the_start_depends_on_the_seed():
    mtl = made_up_record("mtl", {"a": 1.0})
    swep = [made_up_record("swep", {"a": 1.0 + seed}, seed=seed) for seed in range(3)]
    records = [mtl, copied(mtl, 1), *swep]
    assert alarms(boards_of(entries_of(records)[0])) == []  # made-up curves start at 0, whatever the seed
    for record in swep:
        record["outcome"]["curve"][0]["dev"]["a"] = float(record["cell"]["seed"])
    assert alarms(boards_of(entries_of(records)[0])) == [
        "digits: mtl came out bitwise the same at seeds 0, 1: a copied run?"
    ]


def test_where_the_seed_decides_nothing_a_run_on_another_machine_raises_no_alarm():
    mtl = made_up_record("mtl", {"a": 1.0})
    far = made_up_record("mtl", {"a": 1.0 + 1e-12}, seed=5, machine={"fingerprint": "another"})
    for record in (mtl, far):
        record["outcome"]["curve"][0]["dev"]["a"] = record["outcome"]["scores"]["a"]["test"]["value"]
    records = [mtl, copied(mtl, 1), far]
    assert alarms(boards_of(entries_of(records)[0])) == []
    far["measured"]["machine"] = mtl["measured"]["machine"]
    assert alarms(boards_of(entries_of(records)[0])) == [
        "digits: mtl came out bitwise the same at seeds 0, 1: a copied run?"
    ]


def test_runs_that_are_bitwise_the_same_raise_an_alarm_that_names_both():
    copied = made_up_record("mtl", {"a": 1.0})
    twin = made_up_record("pcgrad", {"a": 1.0})
    twin["outcome"]["curve"] = copied["outcome"]["curve"]
    [one] = boards_of(entries_of([copied, twin, made_up_record("stl", {"a": 1.0})])[0])
    assert alarms([one]) == ["digits: mtl and pcgrad came out bitwise the same at seed 0"]


def claim(**changes):
    given = {
        "text": "PCGrad is better",
        "method": "pcgrad",
        "against": "mtl",
        "quantity": "average",
        "direction": "better",
    }
    return Claim(**{**given, **changes})


@pytest.mark.parametrize(
    ("gain", "verdict"), [((5.0, 5.1, 5.2), "holds"), ((-5.0, -5.1, -5.2), "fails"), ((5.0, -5.0, 1.0), "undecided")]
)
def test_a_claim_holds_fails_or_is_undecided(gain, verdict):
    one = board({"mtl": single(10, 20, 30), "pcgrad": single(*(10 * i + 10 + g for i, g in enumerate(gain)))})
    [row] = claims_table([claim()], [one]).rows
    assert row[5] == verdict
    assert row[3] == "3"


def test_a_claim_that_a_control_explains_says_so():
    scores = {"mtl": single(10, 20, 30), "pcgrad": single(15, 25.1, 35.2), "mtl[rows=1]": single(15.2, 25, 35)}
    [row] = claims_table([claim(controls=("mtl[rows=1]", "lookahead"))], [board(scores)]).rows
    assert row[5] == "holds, but not against mtl[rows=1]; controls not run: lookahead"
    assert row[6].startswith("mtl[rows=1]: undecided (+0.03 ± ")
    assert row[6].endswith("; lookahead: no runs")


def test_a_claim_whose_controls_were_not_run_says_so():
    scores = {"mtl": single(10, 20, 30), "pcgrad": single(15, 25.1, 35.2)}
    [row] = claims_table([claim(controls=("mtl[rows=1]", "lookahead"))], [board(scores)]).rows
    assert row[5] == "holds, controls not run: mtl[rows=1], lookahead"
    [row] = claims_table([claim(controls=("mtl[rows=1]",), direction="worse")], [board(scores)]).rows
    assert row[5] == "fails"


ALL = {"mtl": single(10, 20, 30), "stl": single(1, 11, 21.1), "pcgrad": single(15, 25.1, 35.2)}


@pytest.mark.parametrize(
    ("more", "effect", "verdict"),
    [
        ({}, "+5.10 ± 0.25 (to mtl, least of 2)", "holds"),
        # Over swep the differences are 1, 2, -1: the least, and not significant.
        ({"swep": single(14, 23.1, 36.2)}, "+0.67 ± 3.79 (to swep, least of 3)", "undecided"),
        ({"swep": single(25, 35, 45.2)}, "-9.97 ± 0.14 (to swep, least of 3)", "fails"),
        # Of one shared seed nothing can be said; other settings of the same method are no other method.
        ({"swep": single(99), "pcgrad[lr=1]": single(99, 99, 98)}, "+5.10 ± 0.25 (to mtl, least of 2)", "holds"),
    ],
)
def test_a_claim_against_all_shows_the_method_that_comes_closest(more, effect, verdict):
    [row] = claims_table([claim(against="all")], [board({**ALL, **more})]).rows
    assert (row[4], row[5]) == (effect, verdict)


def test_a_control_is_judged_apart_from_all_others():
    scores = {**ALL, "mtl[rows=1]": single(15, 25.2, 35.2)}
    [row] = claims_table([claim(against="all", controls=("mtl[rows=1]",))], [board(scores)]).rows
    assert (row[4], row[5]) == ("+5.10 ± 0.25 (to mtl, least of 2)", "holds, but not against mtl[rows=1]")


def test_a_claim_against_all_is_adjusted_for_the_number_of_methods():
    gains = (5.0, 5.1, 8.0)  # mean 6.03, SD 1.70: t = 6.13, p = 0.026, over two methods 0.051
    own = {"pcgrad": single(*(seed + gain for seed, gain in enumerate(gains)))}
    others = {name: single(0, 1, 2) for name in ("mtl", "stl", "swep")}
    verdicts = [
        claims_table([claim(against="all")], [board({**own, **dict(list(others.items())[:count])})]).rows[0][5]
        for count in (1, 2, 3)
    ]
    assert verdicts == ["holds", "undecided", "undecided"]


def test_a_claim_about_loss_respects_the_direction():
    one = board({"mtl": single(10, 20, 30), "pcgrad": single(5, 14.9, 24.8)}, higher_is_better=False)
    [row] = claims_table([claim()], [one]).rows
    assert row[5] == "holds"


def test_a_claim_about_some_tasks_averages_over_these_alone():
    scores = {"mtl": [{"a": 10, "b": 50}, {"a": 20, "b": 60}], "pcgrad": [{"a": 15, "b": 1}, {"a": 25, "b": 2}]}
    [one] = claims_table([claim(tasks=("a",))], [board(scores)]).rows
    [both] = claims_table([claim(tasks=("a", "b"))], [board(scores)]).rows
    assert one[4].startswith("+5.00")
    assert both[4].startswith("-24.25")
    assert claims_table([claim(tasks=("a", "c"))], [board(scores)]).rows == []


def test_gradients_to_mtls_score_count_the_whole_budget_for_a_run_that_never_gets_there():
    # A made-up curve is half way at a quarter of the budget: 20 is met at once half way to 40, and by 10 never.
    one = board({"mtl": single(20, 20), "pcgrad": single(40, 40), "stl": single(10, 10)})
    asked = {"quantity": "gradients", "direction": "lower"}
    [fast] = claims_table([claim(**asked)], [one]).rows
    [slow] = claims_table([claim(method="stl", **asked)], [one]).rows
    assert fast[4].startswith("+1200")
    assert slow[4].startswith("0.00") or slow[4].startswith("+0.00")


def test_claims_without_runs_are_named_below_the_table():
    table = claims_table([claim(method="swep", text="SWEP is better")], [board({"mtl": single(1)})])
    assert table.rows == []
    assert table.notes[-1] == "No runs to judge by: SWEP is better."
    assert claims_table([], []) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("claim = 3", "holds [[claim]] tables"),
        ("[[claims]]", "found claims"),
        ('[[claim]]\ntext = "x"', "claim 1: lacks method, against, quantity, direction"),
        ('[[claim]]\nquantitty = "x"', "claim 1: no key 'quantitty'; did you mean 'quantity'?"),
        ("[[claim]]\ntext = 3", "claim 1: text must be text, found 3"),
        ('[[claim]]\nsuites = "digits"', "claim 1: suites must be a list of texts"),
        ("not toml", "cannot be read as TOML"),
    ],
)
def test_a_bad_claims_file_is_told_of(tmp_path, text, message):
    path = tmp_path / "claims.toml"
    path.write_text(text)
    with pytest.raises(BadSetting) as raised:
        read_claims(path)
    assert message in str(raised.value)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantity": "speed"}, "quantity must be one of average"),
        ({"quantity": "zero-shot", "tasks": ["a"]}, "tasks go with the quantity average, found 'zero-shot'"),
        ({"quantity": "cosine"}, "direction of cosine must be higher or lower, found 'better'"),
    ],
)
def test_a_claim_of_an_unknown_quantity_or_direction_is_refused(tmp_path, changes, message):
    given = {"text": "x", "method": "a", "against": "b", "quantity": "average", "direction": "better", **changes}
    path = tmp_path / "claims.toml"
    path.write_text("[[claim]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items()))
    with pytest.raises(BadSetting, match=message):
        read_claims(path)


def test_the_projects_own_claims_can_be_read():
    from pathlib import Path

    path = Path(__file__).parents[2] / "leaderboard/claims.toml"
    assert len(read_claims(path)) > 5
