"""Trials of tuning: the same training as a cell's, looked at through dev scores alone."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import pytest

from mtlbench import Cell, Method, Probe, Score, SuiteContext, Task, values_of
from mtlbench.engine.training import train_cell
from mtlbench.plugins import load_registry
from mtlbench.testing.toy_suite import ToySuite, small_settings

METHODS = {name: entry.cls for name, entry in load_registry().methods.items()}


@dataclass
class Sealed(ToySuite):
    """The toy suite with a test split and an unseen task that nobody may look at."""

    name = "sealed"
    splits_scored: ClassVar[list[tuple[str, str]]] = []

    def unseen(self) -> list[Task]:
        return [Task("elsewhere", 0)]

    def examples(self, task: str, split: Any) -> Any:
        assert split != "test", f"the test split of {task} was read"
        return super().examples(task, split)

    def score(self, model: Any, task: str, split: Any) -> Score:
        assert split != "test", f"the test split of {task} was scored"
        self.splits_scored.append((task, split))
        return super().score(model, task, split)


class Curious(Probe):
    """A probe that must not be asked."""

    name = "curious"

    def measure(self, view: Any) -> NoReturn:
        raise AssertionError("a probe was asked")


def cell_on_sealed(cls: type[Method]) -> Cell:
    settings = values_of(cls(**small_settings(cls)))
    protocol = values_of(dataclasses.replace(Sealed().protocol, evaluations=3))
    return Cell(cls.name, settings, Sealed.name, {}, protocol, 0, "x", key="0" * 64)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_no_trial_of_any_method_asks_for_a_test_split_an_unseen_task_or_a_probe(name, registry_of):
    Sealed.splits_scored.clear()
    registry = registry_of(METHODS[name], suites=(Sealed,), probes=(Curious,))
    trial = train_cell(cell_on_sealed(METHODS[name]), registry, SuiteContext(), selecting=True)
    tasks = ["first", "second", "third", "fourth"]
    assert sorted(Sealed.splits_scored) == sorted((task, "dev") for task in tasks)  # each once, at the end
    assert list(trial["outcome"]["dev"]) == tasks
    assert trial["outcome"]["divergence"] is None


def test_the_sealed_suite_is_sealed(registry_of):
    with pytest.raises(AssertionError, match="test split"):
        train_cell(cell_on_sealed(METHODS["mtl"]), registry_of(METHODS["mtl"], suites=(Sealed,)), SuiteContext())


def test_a_trial_is_trained_as_its_cell_is(registry_of, cell_of):
    cell, registry = cell_of(evaluations=3), registry_of()
    ordinary = train_cell(cell, registry, SuiteContext())["outcome"]
    trial = train_cell(cell, registry, SuiteContext(), selecting=True)["outcome"]
    assert trial["dev"] == {task: scores["dev"] for task, scores in ordinary["scores"].items()}
    assert trial["counts"] == ordinary["counts"]
    assert trial["audit"]["agrees"]


def test_scores_where_lower_is_better_count_negatively(registry_of, cell_of):
    trial = train_cell(cell_of(), registry_of(), SuiteContext(), selecting=True)["outcome"]
    values = [score["value"] for score in trial["dev"].values()]
    assert trial["average"] == pytest.approx(-sum(values) / len(values))
    assert trial["lower_is_better"] == ["t0", "t1", "t2", "t3"]


def test_a_diverged_trial_has_no_scores(registry_of, cell_of):
    trial = train_cell(cell_of(optimizer="sgd", lr=1e30), registry_of(), SuiteContext(), selecting=True)["outcome"]
    assert (trial["dev"], trial["average"]) == ({}, None)
    assert trial["divergence"]["gradients"] > 0


def test_an_interrupted_trial_goes_on_to_the_same_scores(registry_of, cell_of, tmp_path):
    steps = []

    @dataclass
    class Halting(Method):
        name = "halting"

        def step(self, oracle: Any) -> None:
            steps.append(oracle.remaining)
            if len(steps) == 5:
                raise KeyboardInterrupt
            super().step(oracle)

    cell, registry = cell_of(Halting), registry_of(Halting)
    where = {"checkpoint": tmp_path / "checkpoint", "checkpoint_seconds": 0.0}
    with pytest.raises(KeyboardInterrupt):
        train_cell(cell, registry, SuiteContext(), selecting=True, **where)
    resumed = train_cell(cell, registry, SuiteContext(), selecting=True, **where)["outcome"]
    assert steps[4] == steps[5]  # it went on where it was
    assert resumed == train_cell(cell, registry, SuiteContext(), selecting=True)["outcome"]
