from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from mtlbench.interface import BadSetting, GoldenCase, Segment, TrainingProtocol, build
from mtlbench_methods import recadam
from mtlbench_methods.recadam import RecAdam


def segment(values, pretrained=True, start=None):
    values = torch.as_tensor(values, dtype=torch.float64).clone()
    return Segment(
        "shared",
        values,
        values.clone() if start is None else torch.as_tensor(start, dtype=torch.float64),
        None,
        pretrained,
    )


def optimizer_of(method, segments, **protocol):
    return method.optimizer(SimpleNamespace(protocol=TrainingProtocol(**protocol), segments=segments))


def gradients(count, size, seed=0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def reference(theta, start, grads, lr, method, *, eps=1e-8, decay=0.0, betas=(0.9, 0.999), pretrained=True):
    """The four lines of METHODS, number by number."""
    theta, m, v = list(theta), [0.0] * len(theta), [0.0] * len(theta)
    for t, grad in enumerate(grads, start=1):
        anneal = method.anneal(t) if pretrained else 1.0
        size = math.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t) if method.correct_bias else 1.0
        for i, g in enumerate(grad):
            m[i] = betas[0] * m[i] + (1 - betas[0]) * g
            v[i] = betas[1] * v[i] + (1 - betas[1]) * g * g
            theta[i] -= lr * anneal * size * m[i] / (math.sqrt(v[i]) + eps)
            if pretrained:
                theta[i] -= lr * (1 - anneal) * method.gamma * (theta[i] - start[i])
            theta[i] -= lr * decay * theta[i]
    return theta


@pytest.mark.parametrize("curve", ["sigmoid", "linear", "constant"])
@pytest.mark.parametrize("correct_bias", [True, False])
@pytest.mark.parametrize("pretrained", [True, False])
def test_steps_follow_the_four_lines(curve, correct_bias, pretrained, monkeypatch):
    monkeypatch.setattr(recadam, "_CHUNK", 3)  # seven numbers then take three chunks, the last of one
    method = RecAdam(curve, gamma=3.0, k=0.7, t0=4.0, correct_bias=correct_bias)
    theta, start, grads = gradients(1, 7, 1)[0], gradients(1, 7, 2)[0], gradients(8, 7)
    mine = segment(theta, pretrained, start)
    optimizer = optimizer_of(method, [mine], eps=1e-3, weight_decay=0.1)
    for grad in grads:
        optimizer.step([grad.clone()], 0.05)
    want = reference(
        theta.tolist(), start.tolist(), grads.tolist(), 0.05, method, eps=1e-3, decay=0.1, pretrained=pretrained
    )
    assert mine.values.tolist() == pytest.approx(want, rel=1e-12)


def test_without_annealing_it_is_adamw_but_for_the_place_of_epsilon():
    theta, grads = gradients(1, 50, 1)[0], gradients(40, 50)
    theirs = torch.nn.Parameter(theta.clone())
    adamw = torch.optim.AdamW([theirs], lr=0.01, weight_decay=0.0)
    mine = segment(theta)
    optimizer = optimizer_of(RecAdam("constant"), [mine])
    for grad in grads:
        theirs.grad = grad.clone()
        adamw.step()
        optimizer.step([grad], 0.01)
    assert float((mine.values - theirs.detach()).abs().max()) < 1e-6


def test_held_fast_the_distance_from_the_start_shrinks_by_one_minus_lr_gamma():
    mine = segment([1.0, -2.0], start=[0.0, 0.0])
    optimizer = optimizer_of(RecAdam(t0=1e6, gamma=5.0), [mine])
    for step in range(1, 6):
        optimizer.step([torch.ones(2, dtype=torch.float64)], 0.02)
        assert mine.values.tolist() == pytest.approx([0.9**step, -2 * 0.9**step], rel=1e-12)


def test_held_fast_at_the_start_it_never_moves():
    mine = segment([1.0, -2.0])
    optimizer = optimizer_of(RecAdam(t0=1e6), [mine])
    for grad in gradients(5, 2):
        optimizer.step([grad], 3e-5)
    assert mine.values.tolist() == [1.0, -2.0]


def test_the_curves():
    assert [RecAdam("linear", t0=4).anneal(t) for t in (1, 2, 4, 9)] == [0.25, 0.5, 1.0, 1.0]
    assert RecAdam("linear", t0=0).anneal(1) == RecAdam("constant").anneal(1) == 1.0
    sigmoid = RecAdam(k=0.5, t0=250)
    assert sigmoid.anneal(250) == 0.5
    assert sigmoid.anneal(1) == pytest.approx(math.exp(-124.5))
    assert RecAdam(k=50.0, t0=1e6).anneal(1) == 0.0  # no overflow on either side
    assert RecAdam(k=50.0, t0=0).anneal(10**6) == 1.0


def test_a_scheduled_rate_scales_both_the_step_and_the_pull():
    for rates in ([0.1, 0.1], [0.1, 0.0]):
        mine = segment([1.0], start=[0.0])
        optimizer = optimizer_of(RecAdam("linear", t0=10, gamma=1.0), [mine])
        for rate in rates:
            before = float(mine.values)
            optimizer.step([torch.ones(1, dtype=torch.float64)], rate)
            assert (float(mine.values) == before) == (rate == 0.0)


def test_a_segment_without_gradient_waits_with_its_moments_and_its_count():
    grads = gradients(3, 2)
    waiting, eager = segment([1.0, 2.0], pretrained=False), segment([1.0, 2.0], pretrained=False)
    optimizer = optimizer_of(RecAdam(), [waiting, segment([0.0, 0.0])])
    for live in (True, False, False, True):
        optimizer.step([grads[0] if live else None, grads[1]], 0.1)
    alone = optimizer_of(RecAdam(), [eager])
    for _ in range(2):
        alone.step([grads[0]], 0.1)
    assert torch.equal(waiting.values, eager.values)


def test_float32_is_stepped_in_float32():
    start = torch.randn(100, generator=torch.Generator().manual_seed(0))
    mine = Segment("shared", start.clone(), start, None, True)
    optimizer = optimizer_of(RecAdam(gamma=1.0, k=1.0, t0=3), [mine])
    grads = gradients(5, 100)
    for grad in grads:
        optimizer.step([grad.float()], 0.01)
    want = reference(start.tolist(), start.tolist(), grads.tolist(), 0.01, RecAdam(gamma=1.0, k=1.0, t0=3))
    assert mine.values.dtype == torch.float32
    assert mine.values.tolist() == pytest.approx(want, abs=2e-6)


def test_a_resumed_optimizer_goes_on_where_the_other_stopped():
    grads = gradients(6, 4)
    whole, half = segment(grads[0]), segment(grads[0])
    first, second = optimizer_of(RecAdam(t0=3, gamma=2.0), [whole]), optimizer_of(RecAdam(t0=3, gamma=2.0), [half])
    for grad in grads[:3]:
        first.step([grad], 0.1)
        second.step([grad], 0.1)
    third = optimizer_of(RecAdam(t0=3, gamma=2.0), [half])
    third.load_state_dict(second.state_dict())
    for grad in grads[3:]:
        first.step([grad], 0.1)
        third.step([grad], 0.1)
    assert torch.equal(whole.values, half.values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"curve": "sigmod"}, "sigmoid"),
        ({"k": 0.0}, "stays at 1/2"),
        ({"gamma": -1.0}, "gamma must not be negative"),
        ({"t0": -1.0}, "t0 must not be negative"),
    ],
)
def test_bad_settings_are_refused(values, said):
    with pytest.raises(BadSetting, match=said):
        build(RecAdam, values, "method recadam")


def test_it_warns_of_a_curve_that_outlasts_the_run_and_of_a_pull_that_overshoots():
    told = RecAdam().warnings(TrainingProtocol(budget=1600, rows=8, lr=1e-3))
    assert len(told) == 2
    assert "200 optimizer steps" in told[0]
    assert "gamma 5000 is 2 or more" in told[1]
    assert RecAdam(t0=50).warnings(TrainingProtocol(budget=1600, rows=8, lr=3e-5)) == []
    assert RecAdam("constant").warnings(TrainingProtocol(budget=16, lr=1.0)) == []


@pytest.mark.parametrize(
    ("params", "anneal"),
    [
        ({"kind": "sigmoid", "gamma": 1.0, "k": 0.0, "t0": 3}, 0.5),
        ({"kind": "constant"}, 1.0),
        ({"kind": "linear", "gamma": 1.0, "t0": 4, "k": 0}, 0.25),
    ],
)
def test_a_replay_reads_what_its_curve_needs(bench, params, anneal):
    params = {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0, "correct_bias": True, "lr": 0.1, **params}
    got = RecAdam.replay(GoldenCase("case", {"theta": [1.0], "pretrained": [0.0], "grads": [[1.0]]}, {}, params), bench)
    assert got["steps"][0]["anneal"] == anneal
