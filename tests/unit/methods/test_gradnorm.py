from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlbench.interface import BadSetting, ParameterInfo, TaskGradients
from mtlbench_methods.gradnorm import GradNorm

PARAMS = [
    ParameterInfo("encoder.words", torch.zeros(2, 2), None, True, True),
    ParameterInfo("encoder.last", torch.zeros(1, 3), None, True, True),
    ParameterInfo("encoder.bias", torch.zeros(1), None, True, True),
    ParameterInfo("head", torch.zeros(2, 1), None, False, False),
]
BLOCKS = {info.name: info.tensor.numel() for info in PARAMS}


def started(tasks=3, params=PARAMS, **settings):
    method = GradNorm(**settings)
    names = [SimpleNamespace(name=f"task-{task}") for task in range(tasks)]
    method.start(SimpleNamespace(tasks=names, params=params))
    return method


def gradients(rows, losses=None, ids=None, own=None):
    matrix = torch.tensor(np.asarray(rows), dtype=torch.float64)
    plain = TaskGradients.from_matrix(matrix, blocks=BLOCKS if matrix.shape[1] == 10 else None)
    ids = list(range(len(matrix))) if ids is None else ids
    return TaskGradients(
        matrix,
        tasks=[f"task-{task}" for task in ids],
        task_ids=ids,
        losses=torch.tensor(losses, dtype=torch.float64) if losses else plain.losses,
        layout=plain.layout,
        own=own,
    )


def slopes_by_autograd(weights, norms, ratios, alpha):
    """Slope of sum |w n - c|, the targets c held fixed: an independent derivation by torch."""
    w = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    n, ratio = torch.tensor(norms), torch.tensor(ratios)
    target = ((w * n).mean() * (ratio / ratio.mean()) ** alpha).detach()
    (w * n - target).abs().sum().backward()
    return w.grad


@given(st.integers(0, 10_000), st.floats(0, 3))
def test_weights_follow_the_slope_of_the_l1_loss_and_are_renormalised(seed, alpha):
    rng = np.random.default_rng(seed)
    method = started(alpha=alpha, norm_over="all")
    firsts = rng.uniform(0.5, 2, 3)
    method.combine(gradients(rng.standard_normal((3, 5)), list(firsts)))
    for _ in range(3):
        rows, losses = rng.standard_normal((3, 5)), rng.uniform(0.1, 3, 3)
        before = list(method.weights)
        slopes = slopes_by_autograd(before, np.linalg.norm(rows, axis=1), losses / firsts, alpha)
        direction = method.combine(gradients(rows, list(losses)))
        assert direction.shared.numpy() == pytest.approx(np.array(before) @ rows, rel=1e-12)
        moved = (torch.tensor(before, dtype=torch.float64) - 0.025 * slopes).clamp_min(1e-4)
        assert method.weights == pytest.approx((3 * moved / moved.sum()).tolist(), rel=1e-9)
        assert sum(method.weights) == pytest.approx(3)
        assert min(method.weights) > 0


def test_the_first_step_by_hand():
    # Norms 3, 1, 2: mean 2, equal rates: task 0 above, task 1 below, task 2 on its target.
    method = started(weight_lr=0.1, norm_over="all")
    method.combine(gradients([[3.0, 0.0], [0.0, 1.0], [2.0, 0.0]]))
    moved = [1 - 0.3, 1 + 0.1, 1.0]
    assert method.weights == pytest.approx([3 * weight / sum(moved) for weight in moved])


def test_equal_norms_and_equal_rates_leave_the_weights_as_they_are():
    method = started()
    for height in (1.0, 0.5, 0.1):
        rows = np.random.default_rng(0).standard_normal(10)
        method.combine(gradients([rows, -rows, rows], [2 * height, height, 5 * height]))
        assert method.weights == pytest.approx([1.0, 1.0, 1.0], abs=1e-12)


def test_rounding_does_not_choose_a_sign():
    method = started(2, norm_over="all")
    method.combine(gradients([[1.0], [1.0 + 1e-7]]))
    assert method.weights == [1.0, 1.0]


def test_alpha_zero_gives_equal_targets_whatever_the_losses():
    rows = np.random.default_rng(1).standard_normal((3, 10))
    first, second = started(alpha=0.0), started(alpha=0.0)
    for losses, other in (([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]), ([0.1, 2.0, 1.0], [3.0, 0.2, 0.7])):
        first.combine(gradients(rows, losses))
        second.combine(gradients(rows, other))
    assert first.weights == second.weights


def test_one_task_keeps_the_weight_one():
    method = started(1)
    for loss in (3.0, 1.0, 0.2):
        method.combine(gradients(np.ones((1, 10)), [loss]))
        assert method.weights == [1.0]


def test_a_zero_gradient_has_no_slope():
    method = started(2, norm_over="all")
    method.combine(gradients([[0.0, 0.0], [1.0, 0.0]]))
    # Only task 1, above the mean, moves: 1 and 1 - 0.025.
    assert method.weights == pytest.approx([2 / 1.975, 1.95 / 1.975])


def test_no_weight_falls_below_its_floor_before_renormalisation():
    method = started(2, weight_lr=10.0, weight_min=0.01, norm_over="all")
    method.combine(gradients([[3.0], [1.0]]))
    assert method.weights == pytest.approx([2 * 0.01 / 11.01, 2 * 11 / 11.01])


def test_a_slow_task_gains_weight():
    method = started(2, norm_over="all")
    rows = [[1.0, 0.0], [0.0, 1.0]]
    method.combine(gradients(rows, [1.0, 1.0]))
    method.combine(gradients(rows, [1.0, 0.2]))
    assert method.weights[0] > 1 > method.weights[1]


def test_the_first_loss_of_a_task_is_taken_when_it_is_first_drawn():
    method = started(3)
    method.combine(gradients(np.ones((2, 10)), [2.0, 4.0], ids=[0, 2]))
    assert method.first_losses == [2.0, None, 4.0]
    method.combine(gradients(np.ones((2, 10)), [1.0, 8.0], ids=[2, 1]))
    assert method.first_losses == [2.0, 8.0, 4.0]


def test_tasks_that_were_not_drawn_are_renormalised_too():
    method = started(3, norm_over="all")
    method.combine(gradients([[3.0], [1.0]], ids=[0, 1]))
    moved = [1 - 0.025 * 3, 1 + 0.025, 1.0]
    assert method.weights == pytest.approx([3 * weight / sum(moved) for weight in moved])


def test_rows_of_one_task_are_averaged():
    rows = np.random.default_rng(3).standard_normal((3, 10))
    averaged = np.stack([(rows[0] + rows[2]) / 2, rows[1]])
    first, second = started(2, alpha=1.0), started(2, alpha=1.0)
    for scale in (1.0, 0.5):
        losses = [scale, 1.0, 3 * scale]
        got = first.combine(gradients(rows, losses, ids=[0, 1, 0]))
        want = second.combine(gradients(averaged, [2 * scale, 1.0]))
        assert got.shared.numpy() == pytest.approx(want.shared.numpy(), rel=1e-12)
        assert got.rows == want.rows == 2
        assert first.weights == pytest.approx(second.weights, rel=1e-12)


def test_heads_get_their_gradient_times_the_weight_of_their_task():
    method = started(2, norm_over="all")
    method.weights = [0.5, 1.5]
    own = [{"task-0": torch.tensor([2.0])}, {"task-1": torch.tensor([4.0])}]
    direction = method.combine(gradients([[1.0], [1.0]], own=own))
    assert {name: part.tolist() for name, part in direction.own.items()} == {"task-0": [1.0], "task-1": [6.0]}


def test_norms_are_taken_on_the_last_matrix_of_the_encoder():
    rows = np.zeros((2, 10))
    rows[:, 4:7] = 1.0  # encoder.last: equal norms; everywhere else the tasks differ
    rows[0, :4], rows[1, 7:] = 5.0, 2.0
    method = started(2)
    method.combine(gradients(rows))
    assert method.weights == pytest.approx([1.0, 1.0])
    over_all = started(2, norm_over="all")
    over_all.combine(gradients(rows))
    assert over_all.weights[0] < 1 < over_all.weights[1]


def test_an_encoder_without_a_matrix_is_measured_as_a_whole():
    flat = [ParameterInfo("encoder.x", torch.zeros(2), None, True, False)]
    method, whole = started(2, params=flat), started(2, params=flat, norm_over="all")
    for one in (method, whole):
        one.combine(gradients([[3.0, 0.0], [0.0, 1.0]]))
    assert method.weights == whole.weights != [1.0, 1.0]


@pytest.mark.parametrize(
    ("losses", "settings"),
    [([0.0, 1.0], {}), ([-1.0, 1.0], {}), ([-200.0, 1.0], {"loss_floor": -200.0}), ([0.0, 1.0], {"loss_floor": None})],
)
def test_a_loss_at_or_below_its_floor_is_refused_with_its_task(losses, settings):
    with pytest.raises(BadSetting, match="task-0 has a loss of"):
        started(2, **settings).combine(gradients(np.ones((2, 10)), losses))


def test_a_later_loss_may_reach_the_floor_but_not_pass_it():
    method = started(2, norm_over="all")
    rows = [[3.0], [1.0]]
    method.combine(gradients(rows, [1.0, 1.0]))
    method.combine(gradients(rows, [0.0, 1.0]))
    method.combine(gradients(rows, [0.0, 0.0]))
    assert all(np.isfinite(method.weights))
    with pytest.raises(BadSetting, match="loss_floor"):
        method.combine(gradients(rows, [-0.1, 1.0]))


def test_a_floor_shifts_losses_and_none_takes_them_as_they_are():
    rows = np.random.default_rng(5).standard_normal((2, 10))
    shifted, lifted, raw = started(2, loss_floor=-200.0), started(2), started(2, loss_floor=None)
    for losses in ([-20.0, -3.0], [-100.0, -4.0]):
        shifted.combine(gradients(rows, losses))
        lifted.combine(gradients(rows, [loss + 200 for loss in losses]))
        raw.combine(gradients(rows, losses))
    assert shifted.weights == lifted.weights
    assert raw.weights != shifted.weights


def test_state_survives_a_resume():
    first, second = started(2), started(2)
    first.combine(gradients(np.random.default_rng(0).standard_normal((2, 10)), [1.0, 3.0]))
    second.load_state_dict(first.state_dict())
    assert (second.weights, second.first_losses) == (first.weights, [1.0, 3.0])


@pytest.mark.parametrize("values", [{"alpha": -1.0}, {"weight_lr": 0.0}, {"weight_min": 0.0}, {"weight_min": 1.0}])
def test_bad_settings_are_refused(values):
    with pytest.raises(BadSetting, match=next(iter(values))):
        GradNorm(**values)
