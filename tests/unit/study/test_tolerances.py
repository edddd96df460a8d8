from __future__ import annotations

import copy

import pytest

from mtlbench.study.tolerances import Within, outside, row_of
from mtlbench.testing.records import made_up_record


def row(values=(60.0, 61.0, 62.0, 63.0, 64.0)):
    """Records of five seeds; the sample SD of all but the first is 1.29."""
    return [made_up_record("pcgrad", {"a": value, "b": value}, seed=seed) for seed, value in enumerate(values)]


def moved(record, **scores):
    again = copy.deepcopy(record)
    for task, value in scores.items():
        again["outcome"]["scores"][task]["test"]["value"] = value
    values = [one["test"]["value"] for one in again["outcome"]["scores"].values()]
    again["outcome"]["average"] = sum(values) / len(values)
    return again


def test_an_equal_outcome_is_within_all_tolerances():
    record, *others = row()
    found = outside(record, record, others)
    assert isinstance(found, Within)
    assert found.scores == 5  # two starts, an average, two tests
    assert found.probes == 4


@pytest.mark.parametrize(("apart", "is_within"), [(5.1, True), (-5.1, True), (5.2, False), (-5.2, False)])
def test_four_sds_of_the_other_seeds_are_allowed(apart, is_within):
    record, *others = row()
    found = outside(moved(record, a=60.0 + apart), record, [record, *others])
    assert isinstance(found, Within) == is_within
    if not is_within:
        assert "the test score of a is" in found
        assert "5.16 allowed (4 SDs of other seeds)" in found


def test_a_task_whose_few_seeds_agree_may_be_off_as_far_as_all_tasks_spread():
    records = [
        made_up_record("pcgrad", {"a": 60.0, "b": 60.0 + 2 * seed, "c": 60.0 + 2 * seed}, seed=seed)
        for seed in range(5)
    ]
    # SDs of the last four: 0, 2.58, 2.58, together sqrt(2 x 2.58^2 / 3) = 2.11
    found = outside(moved(records[0], a=68.5), records[0], records)
    assert found.endswith("8.5 apart, 8.43 allowed (4 SDs of other seeds over all tasks)")


def test_the_record_in_question_does_not_widen_its_own_tolerance():
    record, *others = row()
    forged = moved(record, a=99.0, b=99.0)
    assert outside(forged, record, [forged, *others]).startswith("the average is 99 in the record and 60 now: 39 apart")


@pytest.mark.parametrize(("value", "is_within"), [(64.79, True), (64.81, False)])
def test_where_seeds_nearly_agree_eight_hundredths_are_allowed(value, is_within):
    record, *others = row([60.0, 60.0, 60.0, 60.0, 60.01])
    assert isinstance(outside(moved(record, a=value, b=value), record, others), Within) == is_within


@pytest.mark.parametrize(("value", "is_within"), [(89.9, True), (90.1, False)])
def test_with_few_seeds_or_equal_ones_a_score_may_be_off_by_half_and_the_average_by_a_tenth(value, is_within):
    for record, *others in (row()[:3], row([60.0] * 5)):
        assert isinstance(outside(moved(record, a=value, b=120.0 - value), record, others), Within) == is_within
        told = outside(moved(record, a=67.0, b=67.0), record, others)
        assert told.endswith("7 apart, 6 allowed (10 % of 60, for want of 3 other seeds that differ)")


def probed(record, *path, value):
    again = copy.deepcopy(record)
    place = again["outcome"]["probes"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return again


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("cosine", "mean"), "the cosine"),
        (("distance", "l2"), "the distance from the start"),
        (("mlm", "seen"), "the masked-LM loss, seen"),
        (("mlm", "unseen"), "the masked-LM loss, unseen"),
    ],
)
def test_what_probes_found_may_be_off_as_seeds_are(path, name):
    records = [probed(record, *path, value=2.0 + number) for number, record in enumerate(row())]
    # The SD of the last four is 1.29.
    for apart, is_within in ((5.1, True), (-5.1, True), (5.2, False), (-5.2, False)):
        told = outside(probed(records[0], *path, value=2.0 + apart), records[0], records)
        assert isinstance(told, Within) == is_within
        if not is_within:
            assert told.startswith(f"{name} is ")
            assert told.endswith("5.16 allowed (4 SDs of other seeds)")
    alike = [probed(record, *path, value=2.0) for record in row()]
    allowed = 0.2 if name == "the cosine" else 1.0
    for apart, is_within in ((0.99 * allowed, True), (1.01 * allowed, False)):
        found = outside(probed(alike[0], *path, value=2.0 + apart), alike[0], alike)
        assert isinstance(found, Within) == is_within


def test_a_cosine_over_the_path_counts_where_a_suite_tells_one():
    record, *others = row()
    record["outcome"]["summary"] = {"all": {"cosine": 0.1}}
    again = probed(record, "cosine", "mean", value=-0.9)
    assert isinstance(outside(again, record, others), Within)
    again["outcome"]["summary"] = {"all": {"cosine": -0.9}}
    assert outside(again, record, others).startswith("the cosine is -0.9 in the record and 0.1 now: 1 apart")


def test_probes_that_the_record_lacks_are_found():
    record, *others = row()
    again = copy.deepcopy(record)
    again["outcome"]["probes"] = {}
    assert outside(again, record, others).startswith("the cosine is none in the record")
    assert isinstance(outside(again, again, others), Within)


def test_a_start_that_is_another_is_found():
    record, *others = row()
    again = copy.deepcopy(record)
    record["outcome"]["curve"][0]["dev"]["a"] = 6.1
    assert outside(record, again, others).startswith(
        "the dev score of a is 6.1 in the record and 0 now: 6.1 apart, 6 all"
    )
    record["outcome"]["curve"][0]["dev"]["a"] = 5.9
    assert isinstance(outside(record, again, others), Within)


def test_a_missing_score_is_found():
    record, *others = row()
    without = moved(record)
    del without["outcome"]["scores"]["b"]
    assert outside(without, record, others) == "the test score of b is none in the record and 60 now"
    without["outcome"]["average"] = None
    assert outside(without, record, others) == "the average is none in the record and 60 now"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("counts", "tokens"), 1, "outcome.counts.tokens is 1 in the record and 640000 now"),
        (("audit", "forwards"), 1, "outcome.audit.forwards is 1 in the record and 1600 now"),
        (("parameters", "shared"), 1, "outcome.parameters.shared is 1 in the record and 600000 now"),
        (("tasks", 0, "size"), 1, "outcome.tasks[0].size is 1 in the record and 100 now"),
    ],
)
def test_what_no_machine_changes_must_be_the_same(path, value, told):
    record, *others = row()
    again = copy.deepcopy(record)
    node = record["outcome"]
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] = value
    assert outside(record, again, others) == told


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ((101, 99), None),
        ((102, 98), "outcome.tasks[0].size is 102 in the record and 100 now"),
        ((101, 100), "the tasks' sizes come to 201 in the record and to 200 now"),
        ((100.0, 100), "outcome.tasks[0].size is 100.0 in the record and 100 now"),
    ],
)
def test_tasks_formed_by_features_may_swap_a_hundredth_of_their_examples(sizes, told):
    record, *others = row()
    again = copy.deepcopy(record)
    for task, size in zip(record["outcome"]["tasks"], sizes, strict=True):
        task["size"] = size
    found = outside(record, again, others)
    assert isinstance(found, Within) if told is None else found == told


@pytest.mark.parametrize(
    ("tokens", "is_within"), [(646_400, True), (646_401, False), (633_600, True), (633_599, False)]
)
def test_tokens_may_differ_by_a_hundredth(tokens, is_within):
    record, *others = row()
    again = copy.deepcopy(record)
    record["outcome"]["counts"]["tokens"] = tokens
    assert isinstance(outside(record, again, others), Within) == is_within


def test_a_run_that_diverged_must_diverge_again():
    diverged, done = made_up_record("pcgrad", status="diverged", gradients=80), made_up_record("pcgrad")
    later = made_up_record("pcgrad", status="diverged", gradients=88)
    assert outside(diverged, done, []) == "status is diverged in the record and done now"
    assert isinstance(outside(diverged, later, []), Within)


def test_rows_are_told_apart_by_all_but_seed_and_data():
    one, other = made_up_record("pcgrad"), made_up_record("pcgrad", seed=1, fingerprint="e" * 64)
    assert row_of(one) == row_of(other)
    assert row_of(one) != row_of(made_up_record("pcgrad", budget=800))
