"""Reptile, Sequential Reptile and look-ahead MTL, through the real engine."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mtlbench.interface import BadSetting, GoldenCase, TrainingProtocol
from mtlbench_methods.lookahead import LookaheadMTL
from mtlbench_methods.reptile import Reptile
from mtlbench_methods.sequential_reptile import SequentialReptile

SGD = {"name": "sgd", "lr": 0.1}
ADAMW = {"name": "adamw", "lr": 0.05, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01}
START = [1.5, -2.0, 0.5]

_RNG = np.random.default_rng(0)
MATRICES = [matrix @ matrix.T / 3 + np.eye(3) / 2 for matrix in _RNG.standard_normal((3, 3, 3))]
CENTRES = _RNG.standard_normal((3, 4, 3))
NAMES = ["a", "b", "c"]


def quadratic(task):
    matrix, centres = torch.tensor(MATRICES[task]), torch.tensor(CENTRES[task])
    return lambda x, batch: 0.5 * (x - centres[batch]) @ matrix @ (x - centres[batch])


LOSSES = {name: quadratic(task) for task, name in enumerate(NAMES)}


def gradient(task, x, batch=0):
    return MATRICES[task] @ (np.asarray(x) - CENTRES[task][batch])


def descend(start, visits, optimizer):
    """A bare torch.optim run over (task, batch) pairs; returns the optimizer and its vector."""
    x = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    values = {key: value for key, value in optimizer.items() if key != "name"}
    run = (torch.optim.SGD if optimizer["name"] == "sgd" else torch.optim.AdamW)([x], **values)
    follow(x, run, visits)
    return x, run


def follow(x, run, visits):
    for task, batch in visits:
        run.zero_grad()
        LOSSES[task](x, batch).backward()
        run.step()


def numbers(x):
    return pytest.approx(x.tolist(), rel=1e-9)


# Reptile ------------------------------------------------------------------------------------------------------


def test_one_inner_step_of_sgd_is_a_step_along_the_mean_gradient(bench):
    path = bench.train(Reptile(inner_steps=1, eta=0.3), LOSSES, START, steps=2, optimizer=SGD)
    x = np.array(START)
    for got in path.phi:
        x = x - 0.3 * 0.1 * np.mean([gradient(task, x) for task in range(3)], axis=0)
        assert got == numbers(x)
    assert path.gradients == 2 * 3


def test_eta_zero_leaves_phi_and_eta_one_with_one_row_gives_theta(bench):
    still = bench.train(Reptile(inner_steps=4, eta=0.0), LOSSES, START, steps=2, optimizer=ADAMW)
    assert still.phi == [START, START]
    one = bench.train(Reptile(inner_steps=4, eta=1.0), LOSSES, START, steps=2, optimizer=ADAMW, picks=[["b"], ["c"]])
    assert one.phi == [pytest.approx(ends[0], abs=1e-15) for ends in one.ends]
    assert one.gradients == 8


@pytest.mark.parametrize("inner_state", ["reset", "persist"])
def test_copies_start_at_phi_and_optimizers_start_anew_or_wait_for_their_task(bench, inner_state):
    picks = [["a", "b"], ["c", "a"], ["b", "a"]]
    method = Reptile(inner_steps=3, eta=0.5, inner_state=inner_state)
    path = bench.train(method, LOSSES, START, steps=3, optimizer=ADAMW, picks=picks)
    phi, runs = torch.tensor(START, dtype=torch.float64), {}
    for tasks, got, ends in zip(picks, path.phi, path.ends, strict=True):
        thetas = []
        for task in tasks:
            x, run = descend(phi.tolist(), [], ADAMW)
            if inner_state == "persist" and task in runs:
                run.load_state_dict(runs[task])
            follow(x, run, [(task, 0)] * 3)
            runs[task] = run.state_dict()
            thetas.append(x.detach().clone())
        assert ends == [numbers(theta) for theta in thetas]
        phi = phi - 0.5 * torch.stack([phi - theta for theta in thetas]).mean(0)
        assert got == numbers(phi)


@pytest.mark.parametrize(("state", "optimizer"), list(itertools.product(["reset", "persist"], [SGD, ADAMW])))
def test_one_row_is_sequential_reptile_on_that_task(bench, state, optimizer):
    settings = {"inner_steps": 5, "eta": 0.3, "inner_state": state}
    only = {"a": LOSSES["a"]}
    script = {"steps": 3, "optimizer": optimizer, "batches": {"a": [0, 2, 1, 3, 0] * 3}}
    one = bench.train(Reptile(**settings), only, START, **script)
    other = bench.train(SequentialReptile(**settings), only, START, **script)
    assert one == other


def test_a_round_that_the_budget_cuts_shares_what_is_left(bench):
    path = bench.train(Reptile(inner_steps=10, eta=1.0), LOSSES, START, steps=9, optimizer=SGD, budget=8)
    assert path.gradients == 8
    thetas = [descend(START, [(name, 0)] * steps, SGD)[0] for name, steps in zip(NAMES, (3, 3, 2), strict=True)]
    assert path.ends == [[numbers(theta) for theta in thetas]]
    assert path.phi == [numbers(torch.stack([theta.detach() for theta in thetas]).mean(0))]


def test_a_round_with_fewer_gradients_than_tasks_leaves_some_copies_out(bench):
    path = bench.train(Reptile(inner_steps=10, eta=1.0), LOSSES, START, steps=9, optimizer=SGD, budget=2)
    assert (path.gradients, len(path.ends[0])) == (2, 2)


# Sequential Reptile -------------------------------------------------------------------------------------------

VISITS = [("a", 0), ("c", 1), ("b", 0), ("b", 2), ("a", 3), ("c", 0), ("a", 1), ("b", 1), ("c", 2), ("c", 3)]


def sequential(bench, visits=VISITS, optimizer=ADAMW, **settings):
    method = SequentialReptile(**settings)
    return bench.train(
        method,
        LOSSES,
        START,
        steps=len(visits),
        optimizer=optimizer,
        picks=[[task] for task, _ in visits],
        batches={name: [batch for task, batch in visits if task == name] for name in NAMES},
        budget=len(visits),
    )


def test_one_inner_step_at_eta_one_is_ordinary_training(bench):
    path = sequential(bench, inner_steps=1, eta=1.0)
    assert path.phi[-1] == numbers(descend(START, VISITS, ADAMW)[0])
    assert path.gradients == len(VISITS)


def test_at_eta_one_a_persistent_optimizer_makes_one_unbroken_run(bench):
    path = sequential(bench, inner_steps=4, eta=1.0)
    assert path.phi == [numbers(descend(START, VISITS[:stop], ADAMW)[0]) for stop in (4, 8, 10)]


@pytest.mark.parametrize("state", ["reset", "persist"])
def test_it_is_the_lookahead_wrapper_around_mixed_task_training(bench, state):
    path = sequential(bench, inner_steps=4, eta=0.3, inner_state=state)
    fast, run = descend(START, [], ADAMW)
    slow = fast.detach().clone()
    for start in (0, 4, 8):
        if state == "reset":
            fast, run = descend(slow.tolist(), [], ADAMW)
        follow(fast, run, VISITS[start : start + 4])
        slow += 0.3 * (fast.detach() - slow)
        with torch.no_grad():
            fast.copy_(slow)
        assert path.phi[start // 4] == numbers(slow)
    assert len(path.phi) == 3


def test_a_round_costs_k_gradients_and_a_cut_one_what_is_left(bench):
    assert sequential(bench, visits=VISITS[:8], inner_steps=4).gradients == 8
    assert len(sequential(bench, inner_steps=7, eta=0.5).phi) == 2


def test_the_same_script_gives_the_same_bits(bench):
    assert sequential(bench, inner_steps=3, eta=0.7) == sequential(bench, inner_steps=3, eta=0.7)


def test_over_both_orders_of_a_pass_the_second_order_term_is_the_slope_of_the_inner_product(bench):
    rate, x = 1e-2, np.array(START)
    ends = [
        sequential(bench, [(one, 0), (other, 0)], {"name": "sgd", "lr": rate}, inner_steps=2, eta=1.0).phi[0]
        for one, other in (("a", "b"), ("b", "a"))
    ]
    first, second = gradient(0, x), gradient(1, x)
    slope = MATRICES[0] @ second + MATRICES[1] @ first  # of <g_a, g_b>
    assert (x - np.mean(ends, axis=0)) / rate == pytest.approx(first + second - rate / 2 * slope, rel=1e-9)


def _oracle(probabilities, picked=None):
    tasks = [SimpleNamespace(name=name, probability=p) for name, p in probabilities.items()]
    return SimpleNamespace(
        tasks=tasks, generator=torch.Generator().manual_seed(0), pick=lambda n, distinct: [picked(n, distinct)]
    )


def test_the_epoch_sampler_makes_passes_that_begin_with_probable_tasks():
    passes = SequentialReptile(sampler="epoch")._passes(_oracle({"a": 0.6, "b": 0.3, "c": 0.1}))
    orders = [tuple(itertools.islice(passes, 3)) for _ in range(3000)]
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
    first = {name: sum(order[0] == name for order in orders) / 3000 for name in "abc"}
    assert first == {
        "a": pytest.approx(0.6, abs=0.03),
        "b": pytest.approx(0.3, abs=0.03),
        "c": pytest.approx(0.1, abs=0.03),
    }
    # Without replacement: after a, b comes before c in three of four passes.
    after = [order[1] for order in orders if order[0] == "a"]
    assert after.count("b") / len(after) == pytest.approx(0.75, abs=0.03)


def test_the_categorical_sampler_draws_one_task_at_a_time_independently():
    asked = []
    draws = SequentialReptile()._draws(_oracle({"a": 1.0}, lambda n, distinct: asked.append((n, distinct)) or "a"))
    assert list(itertools.islice(draws, 3)) == ["a", "a", "a"]
    assert asked == [(1, False)] * 3


def test_an_epoch_run_visits_every_task_before_any_twice(bench):
    seen = []

    def seeing(name):
        return lambda x, _batch: seen.append(name) or 0.5 * (x * x).sum()

    losses = {name: seeing(name) for name in NAMES}
    bench.train(SequentialReptile(inner_steps=7, sampler="epoch"), losses, START, steps=1, optimizer=SGD)
    assert len(seen) == 7
    assert sorted(seen[:3]) == sorted(seen[3:6]) == NAMES


def replayed(bench, method, rounds):
    problem = {"matrices": [m.tolist() for m in MATRICES], "centres": CENTRES.tolist()}
    params = {"inner_optimizer": SGD, "eta": 0.5, "inner_state": "reset"}
    return method.replay(GoldenCase("case", {"problem": problem, "phi": START, "rounds": rounds}, {}, params), bench)


def test_replays_cut_the_last_round_short_as_the_case_does(bench):
    got = replayed(bench, SequentialReptile, [[[0, 1], [2, 0], [1, 3]], [[2, 2]]])
    first = descend(START, [("a", 1), ("c", 0), ("b", 3)], SGD)[0]
    phi = (torch.tensor(START, dtype=torch.float64) + first.detach()) / 2
    second = descend(phi.tolist(), [("c", 2)], SGD)[0]
    assert [entry["end"] for entry in got["rounds"]] == [numbers(first), numbers(second)]
    assert got["gradient_count"] == 4
    got = replayed(
        bench, Reptile, [{"tasks": [0, 2], "batches": [[1, 1], [0, 3]]}, {"tasks": [1, 0], "batches": [[2, 0], [3]]}]
    )
    assert [len(entry["ends"]) for entry in got["rounds"]] == [2, 2]
    assert got["rounds"][1]["ends"][1] == numbers(descend(got["rounds"][0]["phi"], [("a", 3)], SGD)[0])
    assert got["gradient_count"] == 7


def test_replays_follow_rounds_and_tasks_of_different_lengths(bench):
    got = replayed(bench, SequentialReptile, [[[0, 1]], [[2, 2], [0, 0]]])
    assert got["rounds"][1]["end"] == numbers(descend(got["rounds"][0]["phi"], [("c", 2), ("a", 0)], SGD)[0])
    got = replayed(
        bench, Reptile, [{"tasks": [0, 2], "batches": [[1], [0, 3, 2]]}, {"tasks": [1], "batches": [[2, 0, 1, 1]]}]
    )
    assert got["rounds"][0]["ends"][1] == numbers(descend(START, [("c", 0), ("c", 3), ("c", 2)], SGD)[0])
    assert got["gradient_count"] == 8


# Look-ahead MTL -----------------------------------------------------------------------------------------------


def test_lookahead_makes_joint_steps_inside_and_sequential_reptiles_outer_step(bench):
    path = bench.train(LookaheadMTL(inner_steps=4, eta=0.3), LOSSES, START, steps=3, optimizer=ADAMW)
    joint = lambda x: sum(LOSSES[name](x, 0) for name in NAMES)  # noqa: E731
    x = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    run = torch.optim.AdamW([x], **{key: value for key, value in ADAMW.items() if key != "name"})
    slow = x.detach().clone()
    for got in path.phi:
        for _ in range(4):
            run.zero_grad()
            joint(x).backward()
            run.step()
        slow += 0.3 * (x.detach() - slow)
        with torch.no_grad():
            x.copy_(slow)
        assert got == numbers(slow)
    assert path.gradients == 3 * 4 * 3


def test_lookahead_spends_a_budget_that_ends_inside_a_step(bench):
    path = bench.train(LookaheadMTL(inner_steps=4), LOSSES, START, steps=9, optimizer=SGD, budget=17)
    assert (path.gradients, len(path.phi)) == (17, 2)


def test_lookahead_is_a_control():
    assert LookaheadMTL.control
    assert not SequentialReptile.control


# All three ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [Reptile, SequentialReptile, LookaheadMTL])
def test_eta_falls_linearly_to_zero_over_the_budget(bench, method):
    rows = 1 if method is SequentialReptile else 3
    budget = 4 * 2 * rows
    falling = method(inner_steps=2, eta=0.8, eta_schedule="linear")
    path = bench.train(falling, LOSSES, START, steps=9, optimizer=SGD, budget=budget)
    before = np.array(START)
    for phi, ends, eta in zip(path.phi, path.ends, (0.8, 0.6, 0.4, 0.2), strict=True):
        assert phi == pytest.approx(before + eta * (np.mean(ends, axis=0) - before), rel=1e-9)
        before = np.array(phi)


@pytest.mark.parametrize("method", [Reptile, SequentialReptile, LookaheadMTL])
@pytest.mark.parametrize("values", [{"inner_steps": 0}, {"eta": 1.5}, {"eta": -0.1}])
def test_bad_settings_are_refused(method, values):
    with pytest.raises(BadSetting, match=next(iter(values))):
        method(**values)


@pytest.mark.parametrize(
    ("method", "budget", "said"),
    [
        (SequentialReptile(inner_steps=1000), 900, "not even one whole round"),
        (SequentialReptile(inner_steps=1000), 9_000, "only 9 whole rounds"),
        (SequentialReptile(inner_steps=1000), 10_000, None),
        (Reptile(inner_steps=100), 7_999, "only 9 whole rounds"),
        (Reptile(inner_steps=100), 8_000, None),
        (LookaheadMTL(), 1600, "only 1 whole rounds"),
    ],
)
def test_rounds_that_are_long_for_the_budget_are_warned_of(method, budget, said):
    told = method.warnings(TrainingProtocol(budget=budget, rows=8))
    assert [said in line for line in told] == ([True] if said else [])
