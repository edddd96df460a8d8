"""The laws that every suite keeps."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import torch
from torch import nn

from mtlbench.engine.micro_batches import cut_batch, weighed
from mtlbench.interface.method import Method
from mtlbench.interface.suite import Split, Suite
from mtlbench.interface.suite_values import SuiteContext
from mtlbench.testing.common_laws import LIGHT_IMPORT, SETTINGS
from mtlbench.testing.laws import Law, NotTried, Subject, demand
from mtlbench.testing.short_run import Setup, Trained

__all__ = ["SUITE_LAWS", "SuiteSubject"]

_ROUNDS = 3
"""Joint steps of a trial run."""

_PARTS = 3
"""Micro-batches of a batch."""

_CLOSE = 1e-3
"""Room for float32 sums in another order, and for padding to another length."""


@dataclass
class _PlainMTL(Method):
    name = "mtl"


@dataclass(frozen=True)
class SuiteSubject(Subject):
    """A suite under test; its data is opened once."""

    kind = "suite"

    context: SuiteContext = field(default_factory=SuiteContext)

    @cached_property
    def suite(self) -> Suite:
        """The open suite."""
        suite: Suite = self.make()
        suite.open(self.context)
        return suite

    def model(self) -> nn.Module:
        """A model at its start, on the device, in training mode."""
        torch.manual_seed(3)
        return self.suite.model(3).to(self.context.device).train()

    def setup(self) -> Setup:
        """A few joint steps of MTL."""
        protocol = dataclasses.replace(self.suite.protocol, evaluations=1)
        rows = min(protocol.rows, len(self.suite.tasks()))
        return Setup(_PlainMTL, self.suite, dataclasses.replace(protocol, budget=_ROUNDS * rows), self.context)

    @cached_property
    def trained(self) -> Trained:
        """What comes of them."""
        return self.setup().run()


def _fingerprint(subject: SuiteSubject) -> None:
    found = {subject.make().fingerprint(subject.context) for _ in range(2)}
    demand(len(found) == 1, f"two suites with the same options have fingerprints {sorted(found)}")
    demand(all(isinstance(text, str) and text for text in found), f"the fingerprint is {found}")


def _tasks(subject: SuiteSubject) -> None:
    suite = subject.suite
    names = [task.name for task in suite.tasks()]
    everything = names + [task.name for task in suite.unseen()]
    demand(bool(names), "it has no tasks")
    demand(len(set(everything)) == len(everything), f"two tasks share a name: {everything}")
    for task in suite.tasks():
        demand(task.size > 0, f"task {task.name} has size {task.size}")
        count = len(suite.examples(task.name, "train"))
        demand(count == task.size, f"task {task.name} says {task.size} training examples and has {count}")


def _model(subject: SuiteSubject) -> None:
    suite = subject.suite
    first, second = subject.model(), subject.model()
    for (name, one), (_, other) in zip(first.named_parameters(), second.named_parameters(), strict=True):
        demand(bool(torch.equal(one, other)), f"two models with the same seed differ in {name}")
    parameters = dict(first.named_parameters())
    tasks = {task.name for task in suite.tasks()}
    for name, owner in suite.owners(first).items():
        demand(name in parameters and owner in tasks, f"parameter {name!r} is owned by {owner!r}, which is unknown")
    strange = sorted(suite.pretrained(first) - set(parameters))
    demand(not strange, f"pretrained parameters that do not exist: {', '.join(strange)}")


def _loss(subject: SuiteSubject) -> None:
    suite, model = subject.suite, subject.model()
    calls: list[None] = []
    handle = suite.encoder(model).register_forward_hook(lambda *_: calls.append(None))
    for task in suite.tasks():
        count = min(suite.protocol.batch_size, task.size)
        calls.clear()
        loss = suite.loss(model, suite.batch(task.name, "train", list(range(count))), task.name)
        demand(loss.dim() == 0 and loss.requires_grad, f"the loss of {task.name} is no scalar with a graph")
        demand(bool(torch.isfinite(loss)), f"the loss of {task.name} is {loss.item()} at the start")
        demand(len(calls) == 1, f"the loss of {task.name} calls the encoder {len(calls)} times, not once")
    handle.remove()


def _parts(subject: SuiteSubject) -> None:
    suite, model = subject.suite, subject.model().eval()
    tried = False
    for place, task in enumerate(suite.tasks()):
        indices = list(range(min(suite.protocol.batch_size, task.size)))
        batch = cut_batch(suite, task.name, place, "train", indices, _PARTS)
        if not batch.parts:
            continue
        tried = True
        with torch.no_grad():
            whole = float(suite.loss(model, suite.batch(task.name, "train", indices), task.name))
            losses = [
                (float(suite.loss(model, part.payload, task.name)), share) for part, share in weighed(suite, batch)
            ]
        mean = sum(loss * share for loss, share in losses)
        demand(
            math.isclose(whole, mean, rel_tol=_CLOSE, abs_tol=_CLOSE),
            f"a batch of {task.name} has the loss {whole:.6g}, its {len(batch.parts)} parts together {mean:.6g}; "
            "terms(batch) must say what the loss is a mean over",
        )
    if not tried:
        raise NotTried("its batches have one example each")


def _scores(subject: SuiteSubject) -> None:
    suite, model = subject.suite, subject.model().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    pairs: list[tuple[str, Split]] = [(task.name, "dev") for task in suite.tasks()]
    pairs += [(task.name, "test") for task in (*suite.tasks(), *suite.unseen())]
    with torch.no_grad():
        for task, split in pairs:
            score = suite.score(model, task, split)
            demand(math.isfinite(score.value), f"the {split} score of {task} is {score.value}")
            demand(score.examples > 0, f"the {split} score of {task} is of {score.examples} examples")
            demand(suite.score(model, task, split) == score, f"scoring {task} on {split} twice gives two scores")
    changed = [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]
    demand(not changed, f"scoring changes the model: {', '.join(changed)}")


def _run(subject: SuiteSubject) -> None:
    first, second = subject.trained, subject.setup().run()
    told, audit = first.result["divergence"], first.result["audit"]
    demand(told is None, f"MTL diverges within {_ROUNDS} steps: {told}")
    demand(first.unspent == 0, f"{first.unspent} gradients of the budget are left at the end")
    demand(audit["agrees"], f"the audit counts otherwise than the meter: {audit['difference']}")
    demand(first == second, "two runs end differently")


def _resume(subject: SuiteSubject) -> None:
    demand(subject.trained == subject.setup().run_interrupted(1), "a run continued from a checkpoint ends differently")


SUITE_LAWS: Sequence[Law[SuiteSubject]] = (
    cast("Law[SuiteSubject]", SETTINGS),
    cast("Law[SuiteSubject]", LIGHT_IMPORT),
    Law("fingerprint", "The same options have the same fingerprint, before any data is loaded.", _fingerprint),
    Law("tasks", "Tasks have names of their own and as many training examples as they say.", _tasks),
    Law("model", "The same seed gives the same model, and owners and pretrained parameters exist.", _model),
    Law("loss", "A loss is a finite scalar that passes through the encoder exactly once.", _loss),
    Law("parts", "The losses of a batch's parts, weighed by their terms, have the batch's loss as their mean.", _parts),
    Law("scores", "Scores are finite, repeatable and leave the model alone.", _scores),
    Law("run", "A few steps of MTL spend their budget, agree with the audit and give the same bytes twice.", _run),
    Law("resume", "A run continued from a checkpoint ends in the same bytes.", _resume),
)
