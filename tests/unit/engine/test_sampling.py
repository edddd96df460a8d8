from __future__ import annotations

import pytest
import torch

from mtlbench.engine.sampling import DrawStream, TaskDraws, task_probabilities
from mtlbench.engine.streams import Streams


def test_probabilities_of_the_papers_nine_languages() -> None:
    # Table 6 of the paper: ar bn en fi id ko ru sw te.
    sizes = [14805, 2390, 3696, 6855, 5702, 1625, 6490, 2755, 5563]
    expected = [0.140, 0.097, 0.106, 0.120, 0.115, 0.090, 0.118, 0.100, 0.115]
    assert task_probabilities(sizes, 0.2) == pytest.approx(expected, abs=6e-4)


def test_q_zero_draws_all_tasks_alike_and_q_one_by_size() -> None:
    assert task_probabilities([1, 3], 0.0) == [0.5, 0.5]
    assert task_probabilities([1, 3], 1.0) == [0.25, 0.75]


def test_independent_draws_follow_the_probabilities() -> None:
    draws = TaskDraws([0.1, 0.2, 0.7], torch.Generator().manual_seed(0))
    counts = torch.bincount(torch.tensor(draws.pick(20_000, distinct=False)), minlength=3) / 20_000
    assert counts.tolist() == pytest.approx([0.1, 0.2, 0.7], abs=0.015)


def test_distinct_draws_never_repeat_and_take_every_task_at_most_once() -> None:
    draws = TaskDraws([0.1, 0.2, 0.3, 0.4], torch.Generator().manual_seed(0))
    assert all(len(set(draws.pick(3, distinct=True))) == 3 for _ in range(200))
    assert draws.pick(9, distinct=True) == [0, 1, 2, 3]


def test_distinct_draws_of_two_are_without_replacement_by_p() -> None:
    # P(first 0, then 1) = 0.5 * 0.3 / 0.5; P(1, 0) = 0.3 * 0.5 / 0.7; and so on: the first place follows p.
    draws = TaskDraws([0.5, 0.3, 0.2], torch.Generator().manual_seed(1))
    found = [tuple(draws.pick(2, distinct=True)) for _ in range(20_000)]
    share = {pair: found.count(pair) / len(found) for pair in set(found)}
    assert share[(0, 1)] == pytest.approx(0.5 * 0.3 / 0.5, abs=0.015)
    assert share[(1, 0)] == pytest.approx(0.3 * 0.5 / 0.7, abs=0.015)
    assert share[(2, 1)] == pytest.approx(0.2 * 0.3 / 0.8, abs=0.015)


def test_every_pass_over_a_task_holds_each_example_once() -> None:
    stream = DrawStream(10, 4, Streams("s", 0), "task")
    taken = [index for _ in range(5) for index in stream.next()]  # two passes
    assert sorted(taken[:10]) == list(range(10))
    assert sorted(taken[10:]) == list(range(10))
    assert taken[:10] != taken[10:]


def test_a_small_task_gives_batches_of_its_own_size() -> None:
    assert sorted(DrawStream(3, 16, Streams("s", 0), "task").next()) == [0, 1, 2]


def test_a_position_says_all_there_is_to_know_about_a_stream() -> None:
    walked, resumed = (DrawStream(10, 4, Streams("s", 0), "task") for _ in range(2))
    for _ in range(7):
        walked.next()
    resumed.position = walked.position
    assert [walked.next() for _ in range(5)] == [resumed.next() for _ in range(5)]


def test_streams_differ_by_suite_seed_and_name_and_by_nothing_else() -> None:
    seeds = {Streams(suite, seed).seed(name) for suite in "ab" for seed in (0, 1) for name in ("init", "data")}
    assert len(seeds) == 8
    assert Streams("a", 0).seed("init") == Streams("a", 0).seed("init")


@pytest.mark.parametrize(
    ("sizes", "q"), [([1e300, 3e300], 1.5), ([10**400, 3 * 10**400], 1.5), ([1e308, 3e307], 1.0), ([1e-200, 3e-200], 2)]
)
def test_sizes_beyond_a_floats_range_have_probabilities_by_their_ratios(sizes, q):
    ratio = sizes[1] / sizes[0]
    assert task_probabilities(sizes, q) == pytest.approx([1 / (1 + ratio**q), ratio**q / (1 + ratio**q)], rel=1e-12)
