from __future__ import annotations

import copy
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
