from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlbench.interface import BadSetting, GoldenCase, TaskGradients
from mtlbench_methods.pcgrad import PCGrad, project


def reference(rows, orders):
    """PCGrad as the paper writes it, on whole gradients."""
    norms = np.linalg.norm(rows / np.abs(rows).max(initial=1e-300), axis=1) * np.abs(rows).max(initial=1e-300)
    edited = []
    for i, order in enumerate(orders):
        h = rows[i].copy()
        for j in order:
            if norms[j] == 0:
                continue
            unit = rows[j] / norms[j]
            product = h @ unit
            if product < 0:
                h = h - product * unit
        edited.append(h)
    return np.array(edited)


def edited_rows(rows, orders):
    return np.array(project((rows @ rows.T).tolist(), orders)) @ rows


def started(seed=0):
    method = PCGrad()
    method.start(SimpleNamespace(generator=torch.Generator().manual_seed(seed)))
    return method


@pytest.mark.parametrize("tasks", [1, 2, 3, 8, 12, 50])
def test_gram_space_gives_the_rows_that_whole_gradients_give(rows_of, random_orders, tasks):
    for seed in range(5):
        rows = rows_of(tasks, 40, seed)
        orders = random_orders(tasks, seed)
        want = reference(rows, orders)
        sizes = np.linalg.norm(rows, axis=1, keepdims=True)
        off = np.abs(edited_rows(rows, orders) - want) / np.where(sizes > 0, sizes, 1)
        assert off.max() < 1e-12


def test_two_rows_in_conflict_by_hand(as_gradients):
    # h0 = (1,0) - (-1/2)(-1,1) = (1/2,1/2); h1 = (-1,1) - (-1)(1,0) = (0,1).
    direction = started().combine(as_gradients([[1.0, 0.0], [-1.0, 1.0]]))
    assert direction.shared.tolist() == [0.5, 1.5]
    assert direction.rows == 2


def test_rows_without_conflict_are_summed_exactly_as_mtl_does(as_gradients):
    rows = np.abs(np.random.default_rng(0).standard_normal((5, 30)))
    grads = as_gradients(rows)
    assert torch.equal(started().combine(grads).shared, grads.weighted([1.0] * 5).shared)


def test_orthogonal_rows_are_no_conflict():
    assert project([[1.0, 0.0], [0.0, 1.0]], [[1], [0]]) == [[1.0, 0.0], [0.0, 1.0]]


@given(st.integers(0, 10_000), st.floats(-8, 8))
def test_after_a_conflict_of_two_the_sum_opposes_neither(seed, log_scale):
    first, other = np.random.default_rng(seed).standard_normal((2, 6))
    rows = np.stack([first, (other - 2 * abs(first @ other) / (first @ first) * first) * 10.0**log_scale])
    assert rows[0] @ rows[1] < 0
    h = edited_rows(rows, [[1], [0]])
    sizes = np.linalg.norm(rows, axis=1)
    assert abs(h[0] @ rows[1]) <= 1e-12 * sizes[0] * sizes[1]
    assert abs(h[1] @ rows[0]) <= 1e-12 * sizes[0] * sizes[1]
    assert all(h.sum(0) @ row >= -1e-12 * np.linalg.norm(h.sum(0)) * np.linalg.norm(row) for row in rows)


@pytest.mark.parametrize("factor", [1.0, 2.0, 1e-20, 1e15, 0.3])
def test_two_opposite_rows_cancel(factor):
    row = np.random.default_rng(1).standard_normal(50)
    rows = np.stack([row, -factor * row])
    assert np.abs(edited_rows(rows, [[1], [0]])).max() <= 1e-15 * max(1.0, factor) * np.abs(row).max()


@given(st.integers(0, 10_000), st.integers(2, 7))
def test_no_row_grows_and_none_opposes_the_row_it_visited_last(seed, tasks):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((tasks, 5))
    orders = [[int(j) for j in rng.permutation(tasks) if j != i] for i in range(tasks)]
    h = edited_rows(rows, orders)
    for i, order in enumerate(orders):
        assert np.linalg.norm(h[i]) <= np.linalg.norm(rows[i]) * (1 + 1e-12)
        assert h[i] @ rows[order[-1]] >= -1e-12 * np.linalg.norm(rows[i]) * np.linalg.norm(rows[order[-1]])


def test_scaling_all_rows_scales_the_result(random_orders):
    rows, orders = np.random.default_rng(2).standard_normal((5, 9)), random_orders(5, 0)
    plain = edited_rows(rows, orders)
    for factor in (1e-20, 0.5, 1e20):
        assert edited_rows(factor * rows, orders) == pytest.approx(factor * plain, rel=1e-9)


def test_relabelling_rows_relabels_what_becomes_of_them(random_orders):
    rows, orders = np.random.default_rng(3).standard_normal((4, 6)), random_orders(4, 1)
    new = [2, 0, 3, 1]  # row i of the new numbering is row new[i] of the old one
    old_of = {old: place for place, old in enumerate(new)}
    relabelled = edited_rows(rows[new], [[old_of[j] for j in orders[old]] for old in new])
    assert relabelled == pytest.approx(edited_rows(rows, orders)[new], rel=1e-12)


def test_with_three_tasks_the_sum_may_oppose_one_of_them_and_depends_on_the_orders():
    rng = np.random.default_rng(0)
    opposing = depending = 0
    for _ in range(400):
        rows = rng.standard_normal((3, 3))
        first, second = (
            edited_rows(rows, orders).sum(0) for orders in ([[1, 2], [0, 2], [0, 1]], [[2, 1], [2, 0], [1, 0]])
        )
        opposing += (rows @ first).min() < -1e-9
        depending += not np.allclose(first, second)
    assert 30 < opposing < 80  # 13 % of random triples
    assert depending > 0


def test_zero_rows_neither_change_nor_are_changed():
    rows = np.array([[1.0, 0.0], [0.0, 0.0], [-1.0, 1.0]])
    assert edited_rows(rows, [[1, 2], [0, 2], [1, 0]]).tolist() == [[0.5, 0.5], [0.0, 0.0], [0.0, 1.0]]


def test_a_row_whose_square_underflows_is_passed_over():
    assert project([[0.0, -1e-200], [-1e-200, 1.0]], [[1], [0]])[1] == [0.0, 1.0]


def test_heads_keep_their_plain_gradients():
    rows = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])
    own = [{"a": torch.tensor([3.0])}, {"b": torch.tensor([5.0])}]
    plain = TaskGradients.from_matrix(rows)
    grads = TaskGradients(rows, tasks=["a", "b"], task_ids=[0, 1], losses=plain.losses, layout=plain.layout, own=own)
    direction = started().combine(grads)
    assert {name: part.tolist() for name, part in direction.own.items()} == {"a": [3.0], "b": [5.0]}


def test_every_row_visits_all_others_once_in_every_order_alike():
    method, seen = started(), {}
    for _ in range(1800):
        for i, order in enumerate(method.orders(1, 4)[0]):
            assert sorted([*order, i]) == [0, 1, 2, 3]
            seen[i, tuple(order)] = seen.get((i, tuple(order)), 0) + 1
    assert len(seen) == 4 * 6
    assert all(230 < count < 370 for count in seen.values())


def test_orders_come_from_the_oracles_generator_alone():
    torch.manual_seed(1)
    first = started(5).orders(1, 6)
    torch.manual_seed(2)
    assert started(5).orders(1, 6) == first != started(6).orders(1, 6)


@pytest.mark.parametrize("orders", [[[1], [-1]], [[2], [0]], [[0], [0]], [[1]]])
def test_a_replay_refuses_orders_that_name_no_other_row(bench, orders):
    case = GoldenCase("case", {"grads": [[1.0, 0.0], [-1.0, 1.0]], "orders": orders}, {})
    with pytest.raises(BadSetting, match="orders"):
        PCGrad.replay(case, bench)
