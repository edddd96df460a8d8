from __future__ import annotations

import copy
import math
import random

import pytest

from mtlbench.interface.errors import BadRecord
from mtlbench.leaderboard.board import Reading
from mtlbench.leaderboard.checks import sifted
from mtlbench.leaderboard.entries import entry_of
from mtlbench.leaderboard.model import boards_of
from mtlbench.leaderboard.page import rendered
from mtlbench.leaderboard.reading import entries_of
from mtlbench.testing.records import made_up_record


def refusals(*records):
    entries, problems = entries_of(records)
    assert not problems
    return [problem.text for problem in sifted(entries)[1]]


def test_a_good_record_is_shown():
    assert refusals(made_up_record(), made_up_record("pcgrad"), made_up_record(seed=1)) == []


def test_a_record_whose_audit_disagrees_is_refused_with_the_difference():
    assert refusals(made_up_record(audit="backward passes: 3 metered, 9 seen")) == [
        "the audit counted otherwise than the meter: backward passes: 3 metered, 9 seen"
    ]


@pytest.mark.parametrize(
    ("gradients", "refusal"),
    [
        (1601, "spent 1601 gradients of a budget of 1600"),
        (1600, None),
        (1599, None),
        (1300, "spent only 1300 gradients of a budget of 1600"),
    ],
)
def test_a_record_must_have_spent_its_budget_and_no_more(gradients, refusal):
    assert refusals(made_up_record(gradients=gradients)) == ([refusal] if refusal else [])


@pytest.mark.parametrize("block", ["settings", "options", "protocol"])
def test_a_cell_of_megabytes_is_refused(block):
    (reason,) = refusals(made_up_record(**{block: {"note": "x" * 10_000_000}}))
    assert reason.endswith("characters, and 20000 are allowed")
    assert refusals(made_up_record(**{block: {"note": "x" * 10_000}})) == []


@pytest.mark.parametrize("block", ["counts", "extra"])
def test_a_long_name_of_a_count_or_of_a_further_metric_is_refused(block):
    record = made_up_record()
    outcome = record["outcome"]
    (outcome["counts"] if block == "counts" else outcome["scores"]["a"]["test"]["extra"])["x" * 1000] = 1
    assert refusals(record) == ["has a name of 1000 characters, and 200 are allowed"]


def test_a_refusal_says_which_cell_it_is_of():
    (problem,) = sifted(entries_of([made_up_record("pcgrad", seed=3, audit="3 seen")])[0])[1]
    assert problem.line().startswith(f"{problem.where} (digits, pcgrad, seed 3): the audit counted otherwise")
    record = made_up_record("x" * 10_000, seed=3)
    record["outcome"]["tasks"] = None
    (problem,) = entries_of([record])[1]
    assert problem.cell == f"digits, {'x' * 120}, seed 3"


def test_a_diverged_run_need_not_have_spent_its_budget():
    assert refusals(made_up_record(gradients=100, status="diverged")) == []


def test_a_curve_that_ends_elsewhere_than_the_counts_is_refused():
    record = made_up_record()
    record["outcome"]["curve"][-1]["gradients"] = 1500
    assert refusals(record) == ["the curve ends at 1500 gradients, the counts say 1600"]


def test_a_second_record_of_one_key_is_refused():
    assert refusals(made_up_record(), made_up_record()) == ["a second record of this key, with the same outcome"]
    other = made_up_record(scores={"a": 1.0, "b": 2.0})
    assert refusals(made_up_record(), other) == ["a second record of this key, with another outcome"]


def test_a_record_with_other_tasks_than_its_board_is_refused():
    records = [made_up_record(seed=seed) for seed in range(2)]
    assert refusals(*records, made_up_record(scores={"z": 99.0}, seed=2)) == [
        "its tasks are not those of other records with the same suite and data"
    ]


def test_a_stored_average_is_not_believed():
    record = made_up_record(scores={"a": 1.0, "b": 2.0})
    record["outcome"]["average"] = 99.0
    assert entry_of(record).average == 1.5


def test_scores_of_tasks_that_the_record_does_not_list_count_for_nothing():
    record = made_up_record(scores={"a": 1.0, "b": 2.0})
    record["outcome"]["scores"]["c"] = {"test": {"value": 100.0}}
    assert entry_of(record).average == 1.5


def test_a_field_of_the_wrong_type_is_told_of():
    record = made_up_record()
    record["outcome"]["scores"]["a"]["test"]["value"] = "80"
    with pytest.raises(BadRecord, match="expected a number, found '80'"):
        entry_of(record)
    record["outcome"]["scores"]["a"]["test"]["value"] = float("inf")
    with pytest.raises(BadRecord, match="not JSON compliant"):
        entry_of(record)


def refusal_with(path, value, **made):
    """What is said of a record with another value at a place of it."""
    record = made_up_record(unseen={"u": 1.0}, **made)
    node = record
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] = value
    entries, problems = entries_of([record])
    return [problem.text for problem in problems + sifted(entries)[1]]


@pytest.mark.parametrize(
    ("path", "value", "refusal"),
    [
        (("outcome", "scores", "a", "test", "value"), 1e200, "a test score is 1e+200, and none below -1e+12 or "),
        (("outcome", "scores", "a", "test", "value"), -1.1e12, "a test score is -1.1e+12, and none below -1e+12 or "),
        (("outcome", "scores", "a", "test", "value"), 10**400, "not a record that a board can read: a number in it is"),
        (("outcome", "unseen", "u", "test", "value"), 1e308, "a zero-shot score is 1e+308, and none below -1e+12 or "),
        (("outcome", "curve", 1, "dev", "a"), 1e160, "a mean dev score is 5e+159, and none below -1e+12 or "),
        (("outcome", "curve", 1, "train_loss"), 1e300, "a number of its curve is 1e+300, and none below -1e+100 "),
        (("outcome", "curve", 1, "train_loss"), math.inf, "a number of its curve is inf, and none below -1e+100 or "),
        (("outcome", "curve", 1, "dev", "a"), -math.inf, "a mean dev score is -inf, and none below -1e+12 or "),
        (("outcome", "curve", 1, "probes", "cosine", "mean"), -math.inf, "a cosine is -inf, and none "),
        (
            ("outcome", "curve", 1, "train_loss"),
            True,
            "not a record that a board can read: expected a number, found Tr",
        ),
        (("outcome", "curve", 1, "dev"), [1.0], "not a record that a board can read: expected an object, found [1.0]"),
        (
            ("outcome", "curve", 1, "probes"),
            {"distance": {"l2": "2"}},
            "not a record that a board can read: expected a ",
        ),
        (
            ("outcome", "curve", 1, "gradients"),
            400.5,
            "not a record that a board can read: expected a whole number of ",
        ),
        (("outcome", "curve"), {}, "not a record that a board can read: expected a list, found {}"),
        (("outcome", "curve", 1, "dev"), "", "not a record that a board can read: expected an object, found ''"),
        (("outcome", "curve"), {"a": 1}, "not a record that a board can read: expected a list, found {'a': 1}"),
        (("outcome", "curve", 1, "gradients"), 900, "the points of its curve are not in the order of gradients"),
        (
            ("outcome", "probes", "cosine", "mean"),
            -1e308,
            "a cosine is -1e+308, and none below -1.000001 or above 1.000001 can be",
        ),
        (
            ("outcome", "curve", 1, "probes", "cosine", "mean"),
            7.0,
            "a cosine is 7, and none below -1.000001 or above 1.0",
        ),
        (
            ("outcome", "probes", "cosine", "mean"),
            1.01,
            "a cosine is 1.01, and none below -1.000001 or above 1.000001 can be",
        ),
        (("outcome", "probes", "distance"), {"l2": 1e308}, "a probe's number is 1e+308, and none below -1e+100 or "),
        (("outcome", "curve", 1, "probes"), {"distance": {"l2": 1e308}}, "a number of its curve is 1e+308, and none "),
        (("outcome", "trace"), {"all": [[0, 0.0, 1e308]]}, "a point of its path is 1e+308, and none below -1e+100 "),
        (("outcome", "counts", "tokens"), -1, "a count is -1, and none below 0 or above 9223372036854775807 can be"),
        (("measured", "seconds", "train"), -5.0, "a number of seconds is -5, and none below 0 or above 1e+09 can be"),
        (("measured", "seconds", "train"), 1e10, "a number of seconds is 1e+10, and none below 0 or above 1e+09"),
        (("measured", "step_seconds"), -1e-3, "a number of seconds is -0.001, and none below 0 or above 1e+09"),
        (("measured", "total_seconds"), 1e10, "a number of seconds is 1e+10, and none below 0 or above 1e+09"),
        (("measured", "peak_bytes"), -1, "peak_bytes is -1, and none below 0 or above 1e+18 can be"),
        (("cell", "seed"), -1, "the seed is -1, and none below 0 or above 9223372036854775807 can be"),
        (("cell", "seed"), 2**63, "the seed is 9223372036854775808, and none below 0 or above 9223372036854775807"),
        (("cell", "seed"), 10**30, "the seed is a whole number of 31 digits, and none below 0 or above 92233720368"),
    ],
)
def test_a_number_that_no_run_can_have_is_refused_in_one_line(path, value, refusal):
    [told] = refusal_with(path, value)
    assert told.startswith(refusal)
    assert len(told) < 200


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("outcome", "scores", "a", "test", "value"), 1e12),
        (("cell", "seed"), 2**63 - 1),
        (("measured", "seconds", "train"), 0.0),
        (("outcome", "curve", 1, "train_loss"), 3.4e38),
    ],
)
def test_a_number_at_its_bound_is_none_of_them(path, value):
    assert refusal_with(path, value) == []


@pytest.mark.parametrize("name", ["forwards", "backwards"])
def test_an_audit_that_agrees_with_other_counts_is_refused(name):
    metered = refusal_with(("outcome", "counts", name), 1500)
    assert metered == [
        f"the audit counted otherwise than the meter: {name}: 1500 metered, 1600 seen, and it says that both agree"
    ]
    assert refusal_with(("outcome", "audit", name), None)[0].endswith(
        "1600 metered, None seen, and it says that both agree"
    )


def test_no_mutation_of_a_record_breaks_the_page():
    rng = random.Random(0)
    whole = made_up_record(unseen={"x": 1.0})
    shown = 0
    for _ in range(150):
        entries, problems = entries_of([_mutated(copy.deepcopy(whole), rng), made_up_record("stl")])
        kept, refused = sifted(entries)
        files = rendered(Reading(boards_of(kept), sorted(problems + refused)))
        assert len(kept) + len(problems) + len(refused) == 2
        shown += len(kept)
        "".join(files.values()).encode("utf-8", "backslashreplace")
    assert 150 < shown < 300


def _mutated(record, rng):
    """One random place of a record, header apart, with something else in it or taken away."""
    values = [None, True, -1, 3, 1e308, float("nan"), "", "text", "\ud800", [], [1], {}, {"a": 1}]
    node = record
    while True:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        key = rng.choice([key for key in keys if key not in ("key", "schema")])
        child = node[key]
        if isinstance(child, (dict, list)) and child and rng.random() < 0.8:
            node = child
        elif rng.random() < 0.2:
            del node[key]
            return record
        else:
            node[key] = rng.choice(values)
            return record


@pytest.mark.parametrize(
    ("path", "value", "same"),
    [
        (("curve", 1, "dev", "a"), 1.5, False),
        (("curve", 1, "dev", "b"), 1.5, False),
        (("curve", 1, "train_loss"), 1.5, False),
        (("curve", 1, "gradients"), 401, False),
        (("scores", "a", "dev", "value"), 1.5, False),
        (("unseen", "u", "test", "value"), 1.5, False),
        (("curve", 1, "probes", "cosine", "mean"), 0.5, True),
        (("curve", 1, "probes", "distance"), {"l2": 0.5}, True),
        (("curve", 1, "probes", "mlm"), {"seen": 0.5, "unseen": 0.5}, True),
        (("probes",), {}, True),
    ],
)
def test_two_runs_are_one_where_what_training_decides_is_the_same(path, value, same):
    record, other = made_up_record(unseen={"u": 1.0}), made_up_record(unseen={"u": 1.0})
    node = other["outcome"]
    for name in path[:-1]:
        node = node[name]
    assert node.get(path[-1]) != value
    node[path[-1]] = value
    assert (entry_of(other).digest == entry_of(record).digest) is same


@pytest.mark.parametrize("points", [1, 2, 199, 200, 201, 400, 1001])
def test_a_path_keeps_its_first_and_last_point_and_about_two_hundred(points):
    record = made_up_record()
    record["outcome"]["trace"] = {"all": [[place, 0.5, 2.0 * place] for place in range(points)]}
    path = entry_of(record).paths["all"]
    assert path[:3].tolist() == [0, 0.5, 0.0]
    assert path[-3:].tolist() == [points - 1, 0.5, 2.0 * (points - 1)]
    assert min(points, 100) <= len(path) / 3 <= 201
