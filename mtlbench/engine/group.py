"""Training one model on the tasks that share it: draw, differentiate, combine, step, evaluate."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from mtlbench.engine.accounts import Clock
from mtlbench.engine.evaluation import Evaluator
from mtlbench.engine.oracle import Oracle
from mtlbench.engine.recomputing import recompute_activations
from mtlbench.engine.sampling import BatchStream, task_probabilities
from mtlbench.interface.errors import BadPlugin, Diverged
from mtlbench.interface.oracle import TaskInfo
from mtlbench.interface.run import RunView
from mtlbench.plugins import call_observers, listens

if TYPE_CHECKING:
    from mtlbench.engine.streams import Streams
    from mtlbench.interface.gradients import TaskGradients
    from mtlbench.interface.method import Method
    from mtlbench.interface.protocol import TrainingProtocol
    from mtlbench.interface.run import Cell
    from mtlbench.interface.suite import Split, Suite
    from mtlbench.interface.suite_values import SuiteContext
    from mtlbench.plugins import Registry

__all__ = ["GroupTraining"]


class GroupTraining:
    """One model, its method and its share of the budget.

    ``run`` gives a plain JSON result; ``state_dict`` at any step boundary is enough to go on in another process, to
    the same bytes. selecting: look at the model once, at the end, and by the dev scores of its tasks alone.
    """

    def __init__(
        self,
        *,
        cell: Cell,
        suite: Suite,
        method: Method,
        tasks: Sequence[str],
        budget: int,
        protocol: TrainingProtocol,
        registry: Registry,
        context: SuiteContext,
        streams: Streams,
        unseen: Sequence[str],
        selecting: bool = False,
    ) -> None:
        self._cell = cell
        self._selecting = selecting
        self._suite = suite
        self._method = method
        self._registry = registry
        self._unseen = list(unseen)
        self._evaluations = protocol.evaluations
        infos = _task_infos(suite, tasks, protocol.q)
        seed = streams.seed("init")
        torch.manual_seed(seed)
        model = suite.model(seed).to(context.device).train()
        if protocol.activation_checkpointing:
            recompute_activations(suite, model)
        torch.manual_seed(streams.seed("method"))  # what a method's start initialises
        self.oracle = Oracle(
            suite=suite,
            model=model,
            method=method,
            tasks=infos,
            sampler=BatchStream(
                suite, tasks, [info.probability for info in infos], protocol.batch_size, streams, protocol.accumulate
            ),
            protocol=protocol,
            budget=budget,
            generator=streams.generator("method"),
            clock=Clock(context.device),
            listener=self._announce_gradients if listens(registry, "mtlbench_gradients_computed") else None,
        )
        self._evaluator = Evaluator(suite, context, self.oracle, streams, registry)
        torch.manual_seed(streams.seed("dropout"))
        self.last_score: float | None = None
        self._step = 0
        self._point = 0
        self._curve: list[dict[str, Any]] = []
        self._trace: list[list[float]] = []
        self._step_seconds: list[float] = []
        self._evaluation_seconds = 0.0

    def run(self, between: Callable[[], None]) -> dict[str, Any]:
        """Train to the end of the budget; ``between`` is called after every step, the clock stopped."""
        self._announce("mtlbench_train_started")
        divergence = None
        try:
            if not self._curve and not self._selecting:
                self._follow()
                self._evaluate(last=False)
            while self.oracle.affordable:
                self._train_step()
                self._after_step()
                between()
            self._finish()
        except Diverged as reason:
            divergence = {"gradients": self.oracle.meter.gradients, "reason": str(reason)}
        self._announce("mtlbench_train_finished")
        return self._result(divergence)

    def _train_step(self) -> None:
        """One step of the method, timed; time that the oracle does not claim is the method's own."""
        clock, meter = self.oracle.clock, self.oracle.meter
        spent, seconds = meter.gradients, clock.total
        with clock.phase("combine"):
            self._method.step(self.oracle)
        used = meter.gradients - spent
        if used == 0:
            raise BadPlugin(f"method {self._method.name}: a step spent no gradient, so training would never end")
        self._step += 1
        self._step_seconds.append((clock.total - seconds) / used)

    def _after_step(self) -> None:
        self._follow()
        self._announce("mtlbench_step_finished", step=self._step)
        due = math.ceil(self.oracle.budget * (self._point + 1) / self._evaluations)
        if self.oracle.affordable and self.oracle.meter.gradients >= due and not self._selecting:
            self._point = self.oracle.meter.gradients * self._evaluations // self.oracle.budget
            self._evaluate(last=False)

    def _follow(self) -> None:
        point = self._suite.trace(self.oracle.model)
        if point is not None:
            if not all(map(math.isfinite, point)):
                raise Diverged("the traced point is not finite")
            self._trace.append([self.oracle.meter.gradients, *map(float, point)])

    def _finish(self) -> None:
        if not bool(torch.isfinite(self.oracle.parameters.values).all()):
            raise Diverged("a parameter is not finite")
        if not self._selecting:
            self._evaluate(last=True)
        began = time.perf_counter()
        splits: tuple[Split, ...] = ("dev",) if self._selecting else ("dev", "test")
        self._scores = self._evaluator.scores(splits, [task.name for task in self.oracle.tasks])
        self._unseen_scores = self._evaluator.scores(("test",), self._unseen)
        self._evaluation_seconds += time.perf_counter() - began

    def _evaluate(self, *, last: bool) -> None:
        began = time.perf_counter()
        point = self._evaluator.point(last)
        self._evaluation_seconds += time.perf_counter() - began
        self._curve.append(point)
        self.last_score = sum(point["dev"].values()) / len(point["dev"])
        self._announce("mtlbench_evaluated", point=point)

    def _result(self, divergence: Mapping[str, Any] | None) -> dict[str, Any]:
        oracle = self.oracle
        difference = oracle.audit.difference(oracle.meter)
        return {
            "scores": self._scores if divergence is None else {},
            "unseen": self._unseen_scores if divergence is None else {},
            "probabilities": {task.name: task.probability for task in oracle.tasks},
            "counts": oracle.meter.as_json(),
            "audit": {
                "agrees": difference is None,
                "forwards": oracle.audit.forwards,
                "backwards": oracle.audit.backwards,
                "difference": difference,
            },
            "parameters": {"shared": oracle.parameters.shared, "all": oracle.parameters.values.numel()},
            "curve": self._curve,
            "trace": self._trace,
            "divergence": divergence,
            "seconds": dict(oracle.clock.seconds),
            "evaluation_seconds": self._evaluation_seconds,
            "step_seconds": self._step_seconds,
            "foreign": self._evaluator.foreign,
        }

    # Hooks ----------------------------------------------------------------------------------------------------

    def _announce(self, hook: str, **facts: Any) -> None:
        if listens(self._registry, hook):
            call_observers(self._registry, hook, run=self.view(), **facts)

    def _announce_gradients(self, grads: TaskGradients) -> None:
        self._announce("mtlbench_gradients_computed", gram=grads.gram(), tasks=grads.tasks)

    def view(self) -> RunView:
        """What observers see."""
        scores = self._curve[-1]["dev"] if self._curve else {}
        return RunView(self._cell, self.oracle.meter.as_json(), dict(self.oracle.clock.seconds), dict(scores))

    # Resume ---------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that a new process needs to go on."""
        return {
            "oracle": self.oracle.state_dict(),
            "dropout": torch.get_rng_state(),
            "seconds": dict(self.oracle.clock.seconds),
            "evaluation_seconds": self._evaluation_seconds,
            "step": self._step,
            "point": self._point,
            "curve": self._curve,
            "trace": self._trace,
            "step_seconds": self._step_seconds,
            "last_score": self.last_score,
            "foreign": self._evaluator.foreign,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The inverse of ``state_dict``, on a group that has not been run."""
        self.oracle.load_state_dict(state["oracle"])
        torch.set_rng_state(state["dropout"])
        self.oracle.clock.seconds.update(state["seconds"])
        self._evaluation_seconds = state["evaluation_seconds"]
        self._step, self._point = state["step"], state["point"]
        self._curve, self._trace = list(state["curve"]), list(state["trace"])
        self._step_seconds = list(state["step_seconds"])
        self.last_score = state["last_score"]
        self._evaluator.foreign = list(state["foreign"])

    def close(self) -> None:
        """Take the audit's hooks off the model."""
        self.oracle.audit.close()


def _task_infos(suite: Suite, tasks: Sequence[str], q: float) -> list[TaskInfo]:
    sizes = {task.name: task.size for task in suite.tasks()}
    probabilities = task_probabilities([sizes[name] for name in tasks], q)
    return [TaskInfo(name, sizes[name], p) for name, p in zip(tasks, probabilities, strict=True)]
