"""Looking at a model in training without touching it: scores, probes, and the views that probes get."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mtlbench.engine.micro_batches import cut_batch, weighed
from mtlbench.engine.recomputing import recomputing
from mtlbench.engine.streams import Streams
from mtlbench.interface.errors import Diverged
from mtlbench.interface.gradients import TaskGradients
from mtlbench.interface.oracle import Batch, Segment, TaskInfo

if TYPE_CHECKING:
    from mtlbench.engine.oracle import Oracle
    from mtlbench.interface.probe import Probe
    from mtlbench.interface.suite import Split, Suite
    from mtlbench.interface.suite_values import Score, SuiteContext
    from mtlbench.plugins import Registry


__all__ = ["Evaluator", "ModelView", "all_finite", "at_rest"]

_OURS = "mtlbench"


@contextmanager
def at_rest(oracle: Oracle) -> Iterator[None]:
    """Evaluation mode in the protocol's precision, clock and audit stopped, torch's global generator left as it was."""
    training = oracle.model.training
    state = torch.get_rng_state()
    oracle.model.eval()
    with oracle.clock.phase(None), oracle.audit.paused(), oracle.computing():
        try:
            yield
        finally:
            oracle.model.train(training)
            oracle.parameters.release_gradients()
            torch.set_rng_state(state)


class ModelView:
    """The engine's ``ProbeView`` of one model and the tasks that share it."""

    def __init__(self, suite: Suite, context: SuiteContext, oracle: Oracle, streams: Streams, last: bool) -> None:
        self.suite = suite
        self.context = context
        self.model: nn.Module = oracle.model
        self.tasks: Sequence[TaskInfo] = oracle.tasks
        self.segments: Sequence[Segment] = oracle.segments
        self.last = last
        self._parameters = oracle.parameters
        self._protocol = oracle.protocol
        self._streams = streams

    def batches(self, draw: int) -> list[Batch]:
        """One batch of the dev split per task; draw ``draw`` is the same for every method of a (suite, seed)."""
        found = []
        for place, task in enumerate(self.tasks):
            count = len(self.suite.examples(task.name, "dev"))
            generator = self._streams.generator("probe", task.name, draw)
            indices = torch.randperm(count, generator=generator)[: self._protocol.batch_size].tolist()
            batch = cut_batch(self.suite, task.name, place, "dev", indices, self._protocol.accumulate)
            found.append(replace(batch, payload=self.suite.batch(task.name, "dev", indices)) if batch.parts else batch)
        return found

    def gram(self, batches: Sequence[Batch]) -> Tensor:
        """(T, T) float64 Gram matrix of the batches' gradients over the shared encoder parameters.

        In training's precision and in its parts, with as little of the activations in memory.
        """
        entries = zip(self._parameters.parameters, self._parameters.infos, strict=True)
        wanted = [parameter for parameter, info in entries if info.encoder and info.owner is None]
        with recomputing(self.model):
            rows = [self._row(batch, wanted) for batch in batches]
        return TaskGradients.from_matrix(torch.stack(rows)).gram()

    def _row(self, batch: Batch, wanted: Sequence[Tensor]) -> Tensor:
        """The gradient of one batch over the wanted parameters, flat."""
        row = torch.zeros(
            sum(parameter.numel() for parameter in wanted), dtype=wanted[0].dtype, device=wanted[0].device
        )
        for part, share in weighed(self.suite, batch):
            with torch.enable_grad():
                loss = self.suite.loss(self.model, part.payload, part.task)
            with torch.autocast(wanted[0].device.type, enabled=False):
                found = torch.autograd.grad(loss, wanted, allow_unused=True)
            filled = [torch.zeros_like(p) if g is None else g for p, g in zip(wanted, found, strict=True)]
            row.add_(torch.cat([gradient.flatten() for gradient in filled]), alpha=share)
        return row

    def generator(self, name: str) -> torch.Generator:
        return self._streams.generator("probe", name)


class Evaluator:
    """Scores and probes of one model at its evaluation points.

    The probes of mtlbench itself are part of the outcome. Those of other distributions are kept apart, in
    ``foreign``: which of them are installed must not change the outcome of a cell.
    """

    def __init__(
        self, suite: Suite, context: SuiteContext, oracle: Oracle, streams: Streams, registry: Registry
    ) -> None:
        self._suite = suite
        self._context = context
        self._oracle = oracle
        self._streams = streams
        self._final: dict[str, Score] = {}
        entries = registry.probes.values()
        self._probes: list[Probe] = [entry.cls() for entry in entries if entry.distribution == _OURS]
        self._foreign_probes: list[Probe] = [entry.cls() for entry in entries if entry.distribution != _OURS]
        self.foreign: list[dict[str, Any]] = []
        """Per evaluation point, what the probes of other distributions measured, or why one could not."""

    def point(self, last: bool) -> dict[str, Any]:
        """One point of the curve: what was spent, the dev score of every task, and every probe."""
        oracle = self._oracle
        losses = oracle.passes.losses_seen
        with at_rest(oracle):
            dev = {task.name: self.score(task.name, "dev") for task in oracle.tasks}
            found = {
                "gradients": oracle.meter.gradients,
                "lr": oracle.lr,
                "train_loss": sum(losses) / len(losses) if losses else None,
                "dev": {task: score.value for task, score in dev.items()},
                "probes": self._measure(last),
            }
        losses.clear()
        self._final = dev if last else {}
        for name in ("train_loss", "probes"):
            if not all_finite(found[name]):
                raise Diverged(f"a number of {name} is not finite")
        return found

    def scores(self, splits: Sequence[Split], tasks: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Final scores by task and split, as the record holds them."""
        with at_rest(self._oracle):
            return {task: {split: _score_json(self._known(task, split)) for split in splits} for task in tasks}

    def _known(self, task: str, split: Split) -> Score:
        """The score, from the last point of the curve where that has it."""
        found = self._final.get(task) if split == "dev" else None
        return self.score(task, split) if found is None else found

    def score(self, task: str, split: Split) -> Score:
        """Raises Diverged for a score that is not finite: it is never averaged away."""
        with torch.no_grad():
            score = self._suite.score(self._oracle.model, task, split)
        if not all_finite([score.value, dict(score.extra)]):
            raise Diverged(f"the {split} score of task {task} is {score.value}")
        return score

    def _measure(self, last: bool) -> Mapping[str, Any]:
        view = ModelView(self._suite, self._context, self._oracle, self._streams, last)
        if self._foreign_probes:
            found = {probe.name: _guarded(probe, view) for probe in self._foreign_probes}
            self.foreign.append({"gradients": self._oracle.meter.gradients, **found})
        measured = {probe.name: probe.measure(view) for probe in self._probes}
        return {name: value for name, value in measured.items() if value is not None}


def all_finite(value: Any) -> bool:
    """Whether no number anywhere in a JSON value is infinite or NaN."""
    if isinstance(value, Mapping):
        return all(map(all_finite, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(all_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _guarded(probe: Probe, view: ModelView) -> Any:
    try:
        found = probe.measure(view)
        return found if all_finite(found) else {"error": "a number is not finite"}
    except Exception as error:  # a stranger's probe must not cost the cell
        return {"error": f"{type(error).__name__}: {error}"}


def _score_json(score: Score) -> dict[str, Any]:
    return {"value": score.value, "examples": score.examples, "extra": dict(score.extra)}
