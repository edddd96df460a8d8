"""Short trainings with the real engine, for laws about whole runs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mtlbench.engine.checkpoint import load_checkpoint, save_checkpoint
from mtlbench.engine.group import GroupTraining
from mtlbench.engine.streams import Streams
from mtlbench.interface.run import Cell
from mtlbench.interface.settings import values_of
from mtlbench.plugins import build_registry

if TYPE_CHECKING:
    from mtlbench.interface.method import Method
    from mtlbench.interface.protocol import TrainingProtocol
    from mtlbench.interface.suite import Suite
    from mtlbench.interface.suite_values import SuiteContext

__all__ = ["Setup", "Trained"]

_MEASURED = ("seconds", "evaluation_seconds", "step_seconds")
"""Parts of an engine's result that differ from run to run."""


class _Interrupted(Exception):
    """Ends a training at a step boundary, as a killed process would."""


@dataclass(frozen=True)
class Trained:
    """What a run leaves behind."""

    values: bytes
    """The parameters of the model."""
    result: dict[str, Any]
    """The engine's result less what is measured."""
    unspent: int
    """Gradients of the budget that are left."""
    steps: int


@dataclass(frozen=True)
class Setup:
    """A method's first model on an open suite under a protocol, ready to be trained as often as wanted."""

    make: Callable[[], Method]
    suite: Suite
    protocol: TrainingProtocol
    context: SuiteContext

    def training(self) -> GroupTraining:
        """The training of the first group of tasks, not yet begun."""
        return self.started()[1]

    def started(self) -> tuple[Method, GroupTraining]:
        """A method that has been started, and its training."""
        method, names = self.make(), [task.name for task in self.suite.tasks()]
        groups = method.groups(names)
        cell = Cell(
            method=method.name,
            settings=values_of(method),
            suite=self.suite.name,
            options=values_of(self.suite),
            protocol=values_of(self.protocol),
            seed=self.context.seed,
            fingerprint="",
        )
        training = GroupTraining(
            cell=cell,
            suite=self.suite,
            method=method,
            tasks=groups[0],
            budget=self.protocol.budget,
            protocol=self.protocol,
            registry=build_registry([]),
            context=self.context,
            streams=Streams(self.suite.name, self.context.seed),
            unseen=[],
        )
        return method, training

    def run(self) -> Trained:
        """From start to end."""
        return _finished(self.training(), [])

    def run_interrupted(self, after: int) -> Trained:
        """The same, stopped after ``after`` steps and continued from its checkpoint by objects of its own."""
        first = self.training()
        steps: list[None] = []

        def stop() -> None:
            steps.append(None)
            if len(steps) == after:
                raise _Interrupted

        try:
            first.run(stop)
        except _Interrupted:
            pass
        finally:
            first.close()
        with tempfile.TemporaryDirectory() as folder:
            save_checkpoint(Path(folder), first.state_dict())
            second = self.training()
            second.load_state_dict(cast("dict[str, Any]", load_checkpoint(Path(folder))))
        return _finished(second, steps)


def _finished(training: GroupTraining, before: Sequence[None]) -> Trained:
    steps = list(before)
    try:
        result = training.run(lambda: steps.append(None))
    finally:
        training.close()
    values = training.oracle.parameters.values.detach().cpu().numpy().tobytes()
    told = {name: value for name, value in result.items() if name not in _MEASURED}
    return Trained(values, told, training.oracle.remaining, len(steps))
