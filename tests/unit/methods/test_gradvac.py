from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlbench.interface import BadSetting, TaskGradients, build
from mtlbench_methods.gradvac import GradVac, vaccinate
from mtlbench_methods.pcgrad import project


def reference(rows, tasks, orders, targets, beta):
    """One step on one group as METHODS writes it, on whole gradients; ``targets`` (T, T) is updated in place."""
    norms = [np.linalg.norm(row) for row in rows]
    edited, visits = [], []
    for i, order in enumerate(orders):
        h = rows[i].copy()
        for j in order:
            length = np.linalg.norm(h)
            if norms[j] == 0 or norms[i] == 0 or length <= 1e-6 * norms[i]:
                visits.append((i, j, None))
                continue
            c = min(1.0, max(-1.0, (h / length) @ (rows[j] / norms[j])))
            e = targets[tasks[i], tasks[j]]
            if c < e and 1 - e * e > 1e-12:
                step = length * (e * math.sqrt(1 - c * c) - c * math.sqrt(1 - e * e)) / math.sqrt(1 - e * e)
                h = h + step * (rows[j] / norms[j])
            targets[tasks[i], tasks[j]] = (1 - beta) * e + beta * c
            visits.append((i, j, c))
        edited.append(h)
    return np.array(edited), visits


def gram_space(rows, tasks, orders, targets, beta):
    table = targets.tolist()
    coefficients, visits = vaccinate((rows @ rows.T).tolist(), tasks, orders, table, beta)
    targets[:] = table
    return np.array(coefficients) @ rows, visits


def started(tasks, seed=0, **settings):
    method = GradVac(**settings)
    method.start(SimpleNamespace(generator=torch.Generator().manual_seed(seed), tasks=[None] * tasks))
    return method


@pytest.mark.parametrize("tasks", [1, 2, 3, 8, 12, 50])
def test_gram_space_gives_the_rows_and_targets_that_whole_gradients_give(rows_of, random_orders, tasks):
    for seed in range(3):
        mine = np.random.default_rng(seed).uniform(-0.3, 0.6, (tasks, tasks)) * (seed > 0)
        theirs = mine.copy()
        for step in range(3 if tasks < 50 else 1):
            rows = rows_of(tasks, 40, 10 * seed + step)
            orders = random_orders(tasks, step)
            got, met = gram_space(rows, range(tasks), orders, mine, 0.1)
            want, expected = reference(rows, range(tasks), orders, theirs, 0.1)
            # What 1 - c^2 loses at opposite rows, 1e-8, is lost with whole gradients too.
            size = np.maximum(np.linalg.norm(rows, axis=1), np.linalg.norm(want, axis=1))[:, None]
            assert (np.abs(got - want) / np.where(size > 0, size, 1)).max() < 2e-7
            assert [visit[:2] for visit in met] == [visit[:2] for visit in expected]
            assert [visit[2] is None for visit in met] == [visit[2] is None for visit in expected]
        # A row of 1e-5 of its length has lost ten of sixteen digits in any Gram matrix.
        assert np.abs(mine - theirs).max() < 1e-4


@given(st.integers(0, 10_000), st.floats(-0.99, 0.99))
def test_right_after_an_edit_the_cosine_is_the_target(seed, target):
    rows = np.random.default_rng(seed).standard_normal((2, 4))
    cosine = rows[0] @ rows[1] / np.prod(np.linalg.norm(rows, axis=1))
    h, _ = gram_space(rows, [0, 1], [[1], [0]], np.full((2, 2), target), 0.5)
    for i, j in ((0, 1), (1, 0)):
        got = h[i] @ rows[j] / np.linalg.norm(h[i]) / np.linalg.norm(rows[j])
        assert got == pytest.approx(max(cosine, target), abs=1e-9)


def test_a_conflict_below_a_target_near_one_makes_rows_much_longer_by_hand():
    # Across stays sin(130 deg) |g0|, the cosine becomes 0.999: |h| = 0.7660 / 0.04471 = 17.13 |g0|.
    angle = math.radians(130)
    rows = np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
    h, _ = gram_space(rows, [0, 1], [[1], [0]], np.full((2, 2), 0.999), 0.01)
    assert np.linalg.norm(h, axis=1) == pytest.approx([17.13, 17.13], abs=0.01)


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_without_targets_it_is_pcgrad(seed, tasks):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((tasks, 7))
    orders = [[int(j) for j in rng.permutation(tasks) if j != i] for i in range(tasks)]
    got, _ = gram_space(rows, range(tasks), orders, np.zeros((tasks, tasks)), 0.3)
    want = np.array(project((rows @ rows.T).tolist(), orders)) @ rows
    assert got == pytest.approx(want, rel=1e-9, abs=1e-9)


def test_with_beta_zero_it_stays_pcgrad(random_orders):
    targets = np.zeros((4, 4))
    for step in range(5):
        rows, orders = np.random.default_rng(step).standard_normal((4, 9)), random_orders(4, step)
        got, _ = gram_space(rows, range(4), orders, targets, 0.0)
        assert got == pytest.approx(np.array(project((rows @ rows.T).tolist(), orders)) @ rows, rel=1e-9, abs=1e-12)
    assert not targets.any()


def test_rows_that_agree_as_they_should_are_summed_exactly_as_mtl_does(as_gradients):
    grads = as_gradients(np.abs(np.random.default_rng(0).standard_normal((5, 30))))
    method = started(5)
    assert torch.equal(method.combine(grads).shared, grads.weighted([1.0] * 5).shared)
    assert all(0 < method.targets[0][i][j] < 0.02 for i in range(5) for j in range(5) if i != j)


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_targets_stay_cosines_and_two_tasks_share_theirs(seed, beta):
    rng, targets = np.random.default_rng(seed), np.zeros((2, 2))
    for _ in range(6):
        gram_space(rng.standard_normal((2, 3)), [0, 1], [[1], [0]], targets, beta)
        assert np.abs(targets).max() <= 1
        assert targets[0, 1] == pytest.approx(targets[1, 0], abs=1e-12)


def test_with_three_tasks_the_targets_need_not_be_symmetric(random_orders):
    targets = np.zeros((3, 3))
    gram_space(np.random.default_rng(4).standard_normal((3, 3)), range(3), random_orders(3, 0), targets, 0.5)
    assert not np.allclose(targets, targets.T)


def test_a_single_row_is_left_alone(as_gradients):
    grads = as_gradients([[0.3, -2.0]])
    assert torch.equal(started(3).combine(grads).shared, grads.matrix()[0])


def test_pairs_with_a_zero_row_are_passed_over_and_keep_their_targets():
    rows = np.array([[1.0, 0.0], [0.0, 0.0], [-1.0, 1.0]])
    targets = np.full((3, 3), 0.25)
    h, visits = gram_space(rows, range(3), [[1, 2], [0, 2], [1, 0]], targets, 0.5)
    assert [visit for visit in visits if visit[2] is None] == [(0, 1, None), (1, 0, None), (1, 2, None), (2, 1, None)]
    assert targets[0, 1] == targets[1, 2] == 0.25
    assert targets[0, 2] != 0.25
    assert h[1].tolist() == [0.0, 0.0]


def test_a_row_that_has_vanished_meets_nobody_any_more():
    rows = np.array([[1.0, 0.0], [-2.0, 0.0], [1.0, 1.0]])
    targets = np.zeros((3, 3))
    _, visits = gram_space(rows, range(3), [[1, 2], [0, 2], [0, 1]], targets, 0.5)
    assert visits[:2] == [(0, 1, -1.0), (0, 2, None)]
    assert targets[0].tolist() == [0.0, -0.5, 0.0]


def test_a_saturated_target_edits_nothing():
    rows = np.array([[1.0, 0.0], [-1.0, 1.0]])
    h, _ = gram_space(rows, [0, 1], [[1], [0]], np.ones((2, 2)), 0.5)
    assert h.tolist() == rows.tolist()


def test_opposite_float32_rows_never_give_nan(as_gradients):
    rng = np.random.default_rng(0)
    for trial in range(200):
        method = started(2, beta=0.5)
        row = rng.standard_normal(rng.integers(2, 30)).astype(np.float32)
        for _ in range(3):
            grads = as_gradients(np.stack([row, -np.float32(rng.uniform(0.1, 10)) * row]))
            assert torch.isfinite(method.combine(grads).shared).all(), trial
        assert all(math.isfinite(value) for line in method.targets[0] for value in line)


def test_two_rows_of_one_task_use_the_diagonal_of_the_table():
    matrix = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    plain = TaskGradients.from_matrix(matrix)
    grads = TaskGradients(matrix, tasks=["b", "b"], task_ids=[1, 1], losses=plain.losses, layout=plain.layout)
    method = started(2, beta=0.5)
    method.combine(grads)
    # Both pairs meet the cosine 1/sqrt 2: 0 -> c/2 -> 3c/4.
    assert method.targets == [[[0.0, 0.0], [0.0, pytest.approx(0.75 / math.sqrt(2))]]]


BLOCKS = {"encoder.layer.weight": 4, "encoder.layer.bias": 2, "encoder.last.weight": 3}


@pytest.mark.parametrize(("groups_by", "count"), [("whole", 1), ("layer", 2), ("matrix", 3)])
def test_every_group_has_its_own_targets_and_its_own_edit(groups_by, count):
    matrix = torch.randn(3, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    grads = TaskGradients.from_matrix(matrix, blocks=BLOCKS)
    method = started(3, groups_by=groups_by, beta=0.5)
    got = method.combine(grads).shared
    blocks = grads.blocks(groups_by)
    assert len(method.targets) == len(blocks) == count
    orders = started(3).orders(count, 3)
    for block, own_orders, targets in zip(blocks, orders, method.targets, strict=True):
        alone, table = grads.block(block).numpy(), np.zeros((3, 3))
        h, _ = reference(alone, range(3), own_orders, table, 0.5)
        assert got[block.start : block.stop].numpy() == pytest.approx(h.sum(0), rel=1e-12)
        assert np.array(targets) == pytest.approx(table, abs=1e-12)


def test_a_model_of_one_layer_is_the_same_whole_and_by_layer(as_gradients):
    grads = as_gradients(np.random.default_rng(0).standard_normal((4, 10)))
    assert torch.equal(
        started(4, groups_by="whole").combine(grads).shared, started(4, groups_by="layer").combine(grads).shared
    )


def test_targets_survive_a_resume(as_gradients):
    first = started(3)
    first.combine(as_gradients(np.random.default_rng(0).standard_normal((3, 8))))
    second = started(3)
    second.load_state_dict(first.state_dict())
    assert second.targets == first.targets != []


@pytest.mark.parametrize(("values", "said"), [({"beta": 1.5}, "beta must lie in"), ({"groups_by": "wole"}, "whole")])
def test_bad_settings_are_refused(values, said):
    with pytest.raises(BadSetting, match=said):
        build(GradVac, values, "method gradvac")
