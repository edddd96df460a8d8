"""The plane: its wells, what a path is said to be, and where the methods go."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
import torch

from mtlbench import BadSetting, Config, SuiteContext, build
from mtlbench.engine.training import train_cell
from mtlbench.interface.method import Method
from mtlbench.plugins import Registry, load_registry
from mtlbench.study.files import parse_study
from mtlbench.study.grid import resolve
from mtlbench.testing.golden import replay_folder
from mtlbench_tasks.synthetic import CENTRES, STARTS, Synthetic, region

SHARED = Path(os.environ.get("MTLBENCH_SHARED", Path(__file__).parents[3] / "shared"))


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(Config())


@pytest.fixture
def suite() -> Synthetic:
    suite = Synthetic()
    suite.open(SuiteContext())
    return suite


def at(suite, point):
    model = suite.model(0)
    with torch.no_grad():
        model.encoder.phi.copy_(torch.tensor(point, dtype=torch.float64))
    return model


def train(registry, method, **protocol):
    values = "".join(f"{name} = {value}\n" for name, value in protocol.items())
    study = parse_study(f'suites = ["synthetic"]\nmethods = ["{method}"]\n[protocol]\n{values}', "test")
    (cell,) = resolve(study, registry, SuiteContext()).cells
    return train_cell(cell, registry, SuiteContext())["outcome"]


# Wells --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", CENTRES)
def test_a_loss_is_the_papers_formula_with_the_distance_not_squared(suite, task):
    distance = math.hypot(20 - CENTRES[task][0], 5 - CENTRES[task][1])
    loss = suite.loss(at(suite, (20, 5)), suite.batch(task, "train", [0]), task)
    assert loss.dtype == torch.float64
    assert float(loss.detach()) == pytest.approx(-200 * math.exp(-0.2 * distance), rel=1e-14)


@pytest.mark.parametrize("task", CENTRES)
def test_the_gradient_at_a_kink_is_zero_and_beside_it_40(suite, task):
    x, y = CENTRES[task]
    for point, length in (((x, y), 0.0), ((x + 3e-9, y - 4e-9), 40.0)):
        model = at(suite, point)
        suite.loss(model, suite.batch(task, "train", [0]), task).backward()
        assert float(model.encoder.phi.grad.norm()) == pytest.approx(length, rel=1e-6)


@torch.no_grad()
def test_a_score_is_the_loss_at_phi_and_lower_is_better(suite):
    for task in suite.tasks():
        assert not task.higher_is_better
        centre, away = (suite.score(at(suite, point), task.name, "test") for point in (CENTRES[task.name], (30, 30)))
        assert (centre.value, centre.examples) == (-200.0, 1)
        assert -200 < away.value < 0
        assert suite.score(at(suite, (3, 1)), task.name, "dev") == suite.score(at(suite, (3, 1)), task.name, "test")


@pytest.mark.parametrize("start", STARTS)
def test_every_start_is_outside_the_triangle_and_not_at_rest(start):
    suite = build(Synthetic, {"start": start}, "suite synthetic")
    suite.open(SuiteContext())
    model = suite.model(3)
    assert suite.trace(model) == list(STARTS[start])
    assert region(STARTS[start]) == "outside"
    sum(suite.loss(model, suite.batch(task.name, "train", [0]), task.name) for task in suite.tasks()).backward()
    assert float(model.encoder.phi.grad.norm()) > 1


def test_an_unknown_start_is_refused_with_the_known_ones():
    with pytest.raises(BadSetting, match="'start' must be one of east, north, south-west, south-east, found 'west'"):
        build(Synthetic, {"start": "west"}, "suite synthetic")


def test_noise_multiplies_the_point_before_the_wells_see_it(suite):
    model = at(suite, (4.0, 3.0))
    batch = suite.batch("x2", "train", [0])
    hidden, mask = suite.hidden(model, batch, "x2")
    assert hidden.tolist() == [[[4.0, 3.0]]]
    assert mask.tolist() == [[True]]
    handle = suite.noise_point(model).register_forward_hook(lambda _module, _inputs, output: output * 2)
    doubled = suite.loss(model, batch, "x2")
    handle.remove()
    assert doubled == suite.loss(at(suite, (8.0, 6.0)), batch, "x2")


# Paths --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "name"),
    [
        ((0.3, 9.7), "x1"),
        ((-0.2, 0.1), "x2"),
        ((10.1, -0.3), "x3"),
        ((3.6, 3.0), "centroid"),
        ((0.56, 0.56), "inside"),
        ((5.0, 5.0), "inside"),
        ((11.1, -0.3), "outside"),
        ((-0.7, -0.7), "outside"),
    ],
)
def test_regions(point, name):
    assert region(point) == name


def test_a_summary_is_of_the_last_fifth_of_the_path(suite):
    # Far out on the diagonal, the three directions are unit vectors at known angles: cosines by hand.
    far = [[step, 50.0, 50.0] for step in range(80)] + [[step, 1e6, 1e6] for step in range(80, 101)]
    summary = suite.summary(far)
    assert summary["end"] == [1e6, 1e6]
    assert summary["region"] == "outside"
    assert summary["cosine"] == pytest.approx(1.0)
    assert suite.summary([[0, 10.0, 0.0]])["cosine"] == pytest.approx(math.sqrt(0.5) / 3), "a zero gradient counts as 0"


def test_the_best_possible_cosine_inside_the_triangle_is_minus_a_third(suite):
    for x in range(1, 9):
        for y in range(1, 10 - x):
            assert suite.summary([[0, float(x), float(y)]])["cosine"] < -1 / 3 + 1e-12


# Methods ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (SHARED / "golden").is_dir(), reason="the golden vectors are not beside this checkout")
def test_values_and_first_steps_of_every_golden_path_come_out(registry):
    replays = list(replay_folder(SHARED / "golden", registry, "synthetic"))
    assert [str(replay) for replay in replays if not replay.ok] == []
    assert len(replays) == 7


def test_what_is_recommended_suits_the_installed_methods(registry):
    for name in registry.methods:
        method = build(registry.method(name).cls, Synthetic().recommended(name).settings, name)
        assert isinstance(method, Method)
        assert not set(Synthetic().recommended(name).protocol) & method.unused_protocol


def test_joint_training_ends_in_a_well_reptile_between_them_sequential_reptile_outside(registry):
    joint = train(registry, "mtl", budget=3600, evaluations=1)["summary"]["all"]
    between = train(registry, "reptile", budget=3600, evaluations=1)["summary"]["all"]
    outside = train(registry, "sequential-reptile", budget=3600, evaluations=1)["summary"]["all"]
    assert joint["region"] == "x3"
    assert between["region"] == "centroid"
    assert outside["region"] == "outside"
    assert between["cosine"] < -0.3 < joint["cosine"] < 0.3 < outside["cosine"]


def test_every_task_alone_walks_into_its_own_well(registry):
    summaries = train(registry, "stl", budget=6000, evaluations=1)["summary"]
    assert {task: found["region"] for task, found in summaries.items()} == {task: task for task in CENTRES}


def test_the_fingerprint_needs_no_data_and_stays():
    assert Synthetic().fingerprint(SuiteContext(seed=0)) == Synthetic(start="north").fingerprint(SuiteContext(seed=5))


SGD = {"name": "sgd", "lr": 0.1}


class TestReplaysOfPaths:
    """What a case says of a path is kept, or refused by its name."""

    def told(self, registry, tmp_path, **params):
        case = {"name": "path", "params": params, "inputs": {"init": [20.0, 5.0], "steps": 2}, "expected": {"phi": 0}}
        content = {"format": "mtlbench-golden/1", "method": "synthetic", "cases": [case]}
        (tmp_path / "synthetic.json").write_text(json.dumps(content), encoding="utf-8")
        (replay,) = replay_folder(tmp_path, registry)
        return str(replay)

    @pytest.mark.parametrize(
        ("method", "one", "other"),
        [
            ("recadam", {"lr": 0.2, "gamma": 1.0, "k": 0.0, "t0": 1}, {"lr": 0.2, "gamma": 1.0, "k": 1.0, "t0": 1}),
            ("recadam", {"lr": 0.2, "t0": 4, "gamma": 1.0}, {"lr": 0.2, "t0": 4, "gamma": 1.0, "kind": "linear"}),
            ("recadam", {"lr": 0.2, "gamma": 0.0}, {"lr": 0.2, "gamma": 0.0, "weight_decay": 0.1}),
            ("recadam", {"lr": 0.2, "t0": 1}, {"lr": 0.2, "t0": 1, "betas": [0.5, 0.5]}),
            ("recadam", {"lr": 0.2, "t0": 1}, {"lr": 0.2, "t0": 1, "correct_bias": False}),
            ("gradnorm", {"optimizer": SGD, "weight_lr": 0.0}, {"optimizer": SGD, "weight_lr": 0.1}),
            (
                "reptile",
                {"inner_optimizer": {"name": "adamw", "lr": 0.1}, "inner_steps": 2, "inner_state": "reset"},
                {"inner_optimizer": {"name": "adamw", "lr": 0.1}, "inner_steps": 2, "inner_state": "persist"},
            ),
        ],
    )
    def test_a_setting_changes_the_path(self, registry, tmp_path, method, one, other):
        paths = [self.told(registry, tmp_path, method=method, **params) for params in (one, other)]
        assert all("phi: got [[" in path for path in paths)
        assert paths[0] != paths[1]

    @pytest.mark.parametrize(
        ("params", "said"),
        [
            ({"method": "mtl", "optimizer": SGD, "momentum": 0.9}, "'momentum'"),
            ({"method": "recadam", "lr": 0.1, "kind": "cosine"}, "'curve'"),
            ({"method": "gradnorm", "optimizer": SGD, "norm_columns": [0, 1]}, "'norm_columns'"),
            ({"method": "reptile", "optimizer": SGD, "eta_schedule": "linear"}, "'eta_schedule'"),
            ({"method": "pcgrad", "optimizer": SGD, "orders": [[[1, 2], [0, -1], [0, 1]]]}, "found -1"),
            ({"method": "pcgrad", "optimizer": SGD, "orders": [[[1, 2], [0, 3], [0, 1]]]}, "found 3"),
            ({"method": "sequential_reptile", "optimizer": SGD, "sequences": [[0, -1]]}, "task -1"),
        ],
    )
    def test_what_cannot_be_kept_is_refused_aloud(self, registry, tmp_path, params, said):
        assert said in self.told(registry, tmp_path, **params)

    def test_values_are_known_by_their_points(self, registry, tmp_path):
        case = {
            "name": "elsewhere",
            "inputs": {"points": [[0.0, 0.0]]},
            "expected": {"losses": [[-27.06705664732254, -200.0, -27.06705664732254]]},
        }
        content = {"format": "mtlbench-golden/1", "method": "synthetic", "cases": [case]}
        (tmp_path / "synthetic.json").write_text(json.dumps(content), encoding="utf-8")
        assert [str(replay) for replay in replay_folder(tmp_path, registry)] == ["synthetic/elsewhere ok"]
