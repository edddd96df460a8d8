from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from mtlbench import BadPlugin, BadSetting, GradientMethod, Method, Probe, SuiteContext, hookimpl
from mtlbench.engine.training import train_cell
from mtlbench.plugins import build_registry, of_object


def _bytes(result: dict[str, Any]) -> str:
    return json.dumps(result["outcome"], sort_keys=True, allow_nan=False)


@dataclass
class Wanderer(Method):
    """Uses everything that a resume must restore: branches, slots, its generator, state, dropout."""

    name = "wanderer"
    state_fields = ("rounds",)

    def start(self, oracle: Any) -> None:
        self.rounds = 0

    def step(self, oracle: Any) -> None:
        self.rounds += 1
        rate = float(torch.rand(1, generator=oracle.generator)) / self.rounds

        def deltas() -> Any:
            for task in oracle.pick(2):
                with oracle.branch(slot=task) as branch:
                    for _ in oracle.take(3):
                        oracle.descend(oracle.draw(task=task))
                yield branch.delta

        oracle.move(deltas(), rate)


@dataclass
class Alone(Method):
    """One model a task."""

    name = "alone"

    def groups(self, tasks: Any) -> list[list[str]]:
        return [[task] for task in tasks]


@dataclass
class Summing(GradientMethod):
    name = "summing"

    def combine(self, grads: Any) -> Any:
        return grads.weighted([1.0] * len(grads))


def test_a_cell_spends_its_budget_exactly_and_tells_what_it_did(train: Any) -> None:
    outcome = train(budget=61)["outcome"]
    assert outcome["counts"]["gradients"] == 61
    assert outcome["counts"]["optimizer_steps"] == 21  # twenty of three and one of one
    assert outcome["audit"]["agrees"] is True
    assert [point["gradients"] for point in outcome["curve"]] == [0, 21, 42, 61]
    assert set(outcome["scores"]) == {"t0", "t1", "t2", "t3"}
    assert outcome["average"] == pytest.approx(sum(found["test"]["value"] for found in outcome["scores"].values()) / 4)
    assert outcome["probes"]["distance"]["l2"] > 0
    assert outcome["curve"][0]["probes"]["distance"]["l2"] == 0
    assert -1 <= outcome["probes"]["cosine"]["mean"] <= 1


def test_the_same_cell_gives_the_same_bytes(train: Any) -> None:
    assert _bytes(train(Wanderer)) == _bytes(train(Wanderer))
    assert _bytes(train(Wanderer)) != _bytes(train(Wanderer, seed=1))


def test_the_process_around_a_cell_does_not_shift_it(train: Any) -> None:
    first = _bytes(train())
    torch.rand(17)
    assert _bytes(train()) == first


@pytest.mark.parametrize("method", [Wanderer, Alone, Summing])
@pytest.mark.parametrize("stop_after", [1, 3, 7])
def test_an_interrupted_cell_goes_on_to_the_same_bytes(
    train: Any, registry_of: Any, cell_of: Any, tmp_path: Path, method: type[Method], stop_after: int
) -> None:
    class Killed(BaseException):
        pass

    calls = 0
    whole = train(method)

    class Interrupting:
        @hookimpl
        def mtlbench_step_finished(self) -> None:
            nonlocal calls
            calls += 1
            if calls == stop_after + 1:  # after the checkpoint of step ``stop_after``
                raise Killed

    registry = registry_of(method)
    registry.add(Interrupting(), "interrupting")
    with pytest.raises(Killed):
        train_cell(cell_of(method), registry, SuiteContext(), checkpoint=tmp_path, checkpoint_seconds=0)
    torch.manual_seed(12345)
    rest = train_cell(cell_of(method), registry_of(method), SuiteContext(), checkpoint=tmp_path)
    assert _bytes(rest) == _bytes(whole)
    assert rest["measured"]["seconds"]["train"] > 0


def test_a_checkpoint_of_another_cell_is_not_continued(registry_of: Any, cell_of: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    context = SuiteContext()
    train_cell(cell_of(Wanderer), registry_of(Wanderer), context, checkpoint=tmp_path, checkpoint_seconds=0)
    other = replace(cell_of(Wanderer, seed=5), key="1" * 64)
    fresh = train_cell(other, registry_of(Wanderer), context)
    assert _bytes(train_cell(other, registry_of(Wanderer), context, checkpoint=tmp_path)) == _bytes(fresh)


def test_one_model_a_task_shares_the_budget_and_the_start(train: Any) -> None:
    outcome = train(Alone, budget=61)["outcome"]
    assert outcome["models"] == 4
    assert outcome["counts"]["gradients"] == 61
    assert "cosine" not in outcome["probes"]
    assert [point["gradients"] for point in outcome["curve"]] == [0, 21, 41, 61]  # shares of 16, 15, 15, 15
    assert set(outcome["curve"][1]["dev"]) == {"t0", "t1", "t2", "t3"}


def test_a_budget_too_small_for_all_models_is_a_clear_mistake(train: Any) -> None:
    with pytest.raises(BadSetting, match="method alone trains 4 models, too many for 3 gradients"):
        train(Alone, budget=3)


def test_methods_see_the_same_start_and_the_same_batches(train: Any, oracle_of: Any) -> None:
    joint, summing = (train(method)["outcome"] for method in (Wanderer, Summing))
    assert joint["curve"][0] == summing["curve"][0]
    drawn = [[batch.payload[0] for batch in oracle_of(method).draw(3)] for method in (Wanderer(), Summing())]
    assert all(torch.equal(a, b) for a, b in zip(*drawn, strict=True))


def test_a_method_that_trains_behind_the_meter_is_caught(train: Any) -> None:
    @dataclass
    class Cheat(Method):
        name = "cheat"

        def step(self, oracle: Any) -> None:
            batches = oracle.draw()
            hidden = oracle._suite.loss(oracle.model, batches[0].payload, batches[0].task)
            hidden.backward()
            oracle.descend(batches)

    audit = train(Cheat)["outcome"]["audit"]
    assert audit["agrees"] is False
    assert audit["difference"] == "forward passes: 60 metered, 80 seen; backward passes: 60 metered, 80 seen"


def test_a_step_that_spends_nothing_is_refused(train: Any) -> None:
    @dataclass
    class Idle(Method):
        name = "idle"

        def step(self, oracle: Any) -> None:
            oracle.pick()

    with pytest.raises(BadPlugin, match="method idle: a step spent no gradient"):
        train(Idle)


def test_a_diverged_cell_keeps_its_curve_and_has_no_scores(train: Any) -> None:
    outcome = train(lr=1e30, optimizer="sgd")["outcome"]
    assert outcome["divergence"]["gradients"] < 60
    assert "is " in outcome["divergence"]["reason"]
    assert outcome["scores"] == {}
    assert outcome["average"] is None
    assert outcome["curve"][0]["gradients"] == 0
    _bytes({"outcome": outcome})  # strict JSON: no NaN anywhere


def test_observers_hear_of_a_run_and_do_not_change_it(train: Any, registry_of: Any, cell_of: Any) -> None:
    heard: list[str] = []

    class Listener:
        @hookimpl
        def mtlbench_train_started(self, run: Any) -> None:
            heard.append("started")
            torch.rand(3)

        @hookimpl
        def mtlbench_gradients_computed(self, run: Any, gram: Any, tasks: Any) -> None:
            assert gram.shape == (len(tasks), len(tasks))
            heard.append("gradients")

        @hookimpl
        def mtlbench_step_finished(self, run: Any, step: int) -> None:
            assert run.meter["gradients"] == 3 * step
            heard.append("step")

        @hookimpl
        def mtlbench_evaluated(self, run: Any, point: Any) -> None:
            heard.append("evaluated")

        @hookimpl
        def mtlbench_train_finished(self, run: Any) -> None:
            heard.append("finished")

        @hookimpl
        def mtlbench_record_extras(self, run: Any) -> dict[str, Any]:
            return {"steps": heard.count("step")}

    registry = build_registry(
        [
            of_object(plugin, name=name, distribution=name)
            for name, plugin in [("listener", Listener()), ("fake", _fake(registry_of(Summing)))]
        ]
    )
    result = train_cell(cell_of(Summing), registry, SuiteContext())
    assert heard[0] == "started"
    assert heard[-1] == "finished"
    assert (heard.count("gradients"), heard.count("step"), heard.count("evaluated")) == (20, 20, 4)
    assert result["measured"]["extras"]["listener"] == {"steps": 20}


def _fake(registry: Any) -> Any:
    return registry.manager.get_plugin("fake")


def test_a_probe_of_another_distribution_stays_out_of_the_outcome(registry_of: Any, cell_of: Any, train: Any) -> None:
    @dataclass
    class Broken(Probe):
        name = "broken"

        def measure(self, view: Any) -> Any:
            raise RuntimeError("no such thing")

    class Offer:
        @hookimpl
        def mtlbench_probes(self) -> list[type[Probe]]:
            return [Broken]

    ours = of_object(_fake(registry_of()), name="fake", distribution="mtlbench")
    registry = build_registry([ours, of_object(Offer(), name="other", distribution="other")])
    result = train_cell(cell_of(), registry, SuiteContext())
    assert _bytes(result) == _bytes(train())
    assert result["measured"]["probes"][0] == {"gradients": 0, "broken": {"error": "RuntimeError: no such thing"}}


def test_progress_is_reported_while_a_cell_runs(registry_of: Any, cell_of: Any) -> None:
    messages: list[Any] = []
    train_cell(cell_of(), registry_of(), SuiteContext(), report=messages.append)
    assert messages
    assert set(messages[0]) == {"key", "gradients", "budget", "score"}


@pytest.mark.parametrize("rate", [1e12, 1e19, 1e30, 1e37])
def test_however_a_run_overflows_it_is_recorded_as_diverged(train: Any, rate: float) -> None:
    outcome = train(lr=rate, optimizer="sgd")["outcome"]
    assert outcome["divergence"] is not None
    assert outcome["average"] is None
    _bytes({"outcome": outcome})


@pytest.mark.parametrize("damage", [{}, {"running": {"oracle": {}}}, {"finished": 3}, []])
def test_a_checkpoint_that_makes_no_sense_costs_time_and_not_the_cell(
    train: Any, registry_of: Any, cell_of: Any, tmp_path: Path, damage: Any
) -> None:
    from mtlbench.engine.checkpoint import save_checkpoint
    from mtlbench.engine.machine import versions

    state: Any = {"key": "0" * 64, "versions": versions(), "finished": [], "running": None}
    save_checkpoint(tmp_path, {**state, **damage} if damage and "finished" not in damage else damage)
    result = train_cell(cell_of(), registry_of(), SuiteContext(), checkpoint=tmp_path)
    assert _bytes(result) == _bytes(train())
