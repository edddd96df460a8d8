"""The laws that every method keeps; a method may name the ones that it breaks on purpose in ``exempt_laws``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor

from mtlbench.interface.errors import BadSetting
from mtlbench.interface.gradients import GradientLayout, TaskGradients
from mtlbench.interface.method import GradientMethod
from mtlbench.interface.settings import build
from mtlbench.interface.suite_values import SuiteContext
from mtlbench.testing.common_laws import LIGHT_IMPORT, SETTINGS
from mtlbench.testing.laws import Law, NotTried, Subject, demand
from mtlbench.testing.short_run import Setup, Trained
from mtlbench.testing.toy_suite import ToySuite, small_settings

__all__ = ["METHOD_LAWS", "MethodSubject"]

_CLOSE = 1e-4
"""Relative: room for float32 results and for the small constants that some methods add to norms."""


@dataclass(frozen=True)
class MethodSubject(Subject):
    """A method under test."""

    kind = "method"

    @property
    def exempt(self) -> Mapping[str, str]:
        return cast(Mapping[str, str], self.cls.exempt_laws)

    @property
    def combines(self) -> bool:
        """Whether it makes a direction of rows of gradients."""
        return issubclass(self.cls, GradientMethod)

    def setup(self) -> Setup:
        """The method on the toy suite. Raises NotTried when it cannot train there."""
        suite = ToySuite()
        if (reason := self.make().unfit(suite)) is not None:
            raise NotTried(f"it cannot train on the toy suite: {reason}")
        context = SuiteContext(seed=0)
        suite.open(context)
        return Setup(self._small, suite, suite.protocol, context)

    def _small(self) -> Any:
        """A new instance, with small values for what would spend the toy suite's budget in one step."""
        settings = {**small_settings(self.cls), **self.settings}
        try:
            return build(self.cls, settings, f"method {self.cls.name}")
        except BadSetting:  # what is small here may be wrong for it
            return self.make()

    @cached_property
    def trained(self) -> Trained:
        """A run on the toy suite, from start to end."""
        return self.setup().run()

    def combine(self, rows: Tensor, *, order: Sequence[int] | None = None, times: int = 1) -> Tensor:
        """What a newly started method makes of rows of gradients, (d,) float64.

        rows: (R, n), repeated over the toy model's shared parameters; R is 4 at most. order: places of the rows'
        tasks in the suite. times: how often the same rows are seen; the last answer counts.
        """
        method, training = self.setup().started()
        try:
            oracle = training.oracle
            shared = [info for info in oracle.params if info.owner is None]
            layout = GradientLayout(tuple(i.name for i in shared), tuple(i.tensor.numel() for i in shared))
            ids = list(range(len(rows)) if order is None else order)
            losses = torch.tensor([1.0 + 0.25 * place for place in ids], dtype=torch.float64)
            names = [oracle.tasks[place].name for place in ids]
            for _ in range(times):
                lent = _stretched(rows, layout.columns)
                grads = TaskGradients(lent, tasks=names, task_ids=ids, losses=losses, layout=layout)
                direction = cast(GradientMethod, method).combine(grads).shared.double().clone()
        finally:
            training.close()
        return direction


def _combines(subject: MethodSubject) -> bool:
    return subject.combines


def _stretched(rows: Tensor, columns: int) -> Tensor:
    """Rows repeated to a number of columns, in storage of their own."""
    return rows.repeat(1, -(-columns // rows.shape[1]))[:, :columns].clone()


def _rows(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(7))


def _conflict() -> Tensor:
    """Two rows of different length at 130 degrees or so."""
    first, second = _rows(2, 40)
    return torch.stack([first, 0.7 * second - 0.8 * first])


def _groups(subject: MethodSubject) -> None:
    names = ["a", "b", "c"]
    groups = subject.make().groups(list(names))
    demand(sorted(task for group in groups for task in group) == names and all(groups), f"groups are {groups}")


def _finite(subject: MethodSubject) -> None:
    plain, row = _rows(3, 40), _rows(1, 40)
    cases = {
        "zero rows": torch.zeros(3, 40),
        "one zero row": torch.cat([plain[:2], torch.zeros(1, 40)]),
        "one row": row,
        "parallel rows": torch.cat([row, 2 * row, 0.5 * row]),
        "opposite rows": torch.cat([row, -row]),
        "rows of size 1e-20": 1e-20 * plain,
        "rows of size 1e15": 1e15 * plain,
        "rows of sizes 1e-15, 1 and 1e15": torch.tensor([[1e-15], [1.0], [1e15]]) * plain,
    }
    for what, rows in cases.items():
        for times in (1, 3):
            found = subject.combine(rows, times=times)
            demand(bool(torch.isfinite(found).all()), f"the direction is not finite for {what}")


def _agreement(subject: MethodSubject) -> None:
    row = _rows(1, 40)
    for factors in ([1.0], [1.0, 2.0], [0.5, 1.0, 3.0]):
        found = subject.combine(torch.tensor(factors)[:, None] * row)
        along = _stretched(row, found.numel())[0].double()
        norm = float(found.norm())
        demand(norm > 0, f"rows {factors} times one vector give no direction")
        cosine = float(found @ along) / norm / float(along.norm())
        demand(cosine > 1 - _CLOSE, f"rows {factors} times one vector give a direction at cosine {cosine:.6f} to it")


def _scale(subject: MethodSubject) -> None:
    for rows in (_conflict(), _rows(3, 40)):
        plain = subject.combine(rows)
        for power in (-40, 30):
            found = subject.combine(rows * 2.0**power) * 2.0**-power
            off = float((found - plain).norm() / plain.norm())
            demand(off < _CLOSE, f"gradients times 2^{power} change the direction by {off:.1e}, not in length alone")


def _permutation(subject: MethodSubject) -> None:
    rows = _conflict()
    plain, swapped = subject.combine(rows), subject.combine(rows.flip(0), order=[1, 0])
    off = float((swapped - plain).norm() / plain.norm())
    demand(off < _CLOSE, f"two rows in the other order change the direction by {off:.1e}")


def _budget(subject: MethodSubject) -> None:
    trained, budget = subject.trained, subject.setup().protocol.budget
    told, per_batch = trained.result["divergence"], subject.cls.gradients_per_batch
    demand(told is None, f"it diverged: {told}")
    demand(
        0 <= trained.unspent < per_batch,
        f"{trained.unspent} of {budget} gradients are left at the end, at {per_batch} a batch",
    )


def _audit(subject: MethodSubject) -> None:
    found = subject.trained.result["audit"]
    demand(found["agrees"], f"the audit counts otherwise: {found['difference']}")


def _protocol(subject: MethodSubject) -> None:
    plain, setup = subject.trained, subject.setup()
    for asked in ({"precision": "bfloat16"}, {"accumulate": 2}):
        ((name, value),) = asked.items()
        trained = replace(setup, protocol=replace(setup.protocol, **asked)).run()
        what, told, audit = f"{name}={value}", trained.result["divergence"], trained.result["audit"]
        demand(told is None, f"under {what} it diverged: {told}")
        demand(trained.unspent == plain.unspent, f"under {what} it spends another number of gradients")
        demand(audit["agrees"], f"under {what} the audit counts otherwise: {audit['difference']}")


def _determinism(subject: MethodSubject) -> None:
    _same(subject.trained, subject.setup().run(), "two runs")


def _resume(subject: MethodSubject) -> None:
    whole = subject.trained
    if whole.steps < 2:
        raise NotTried("one step spends the whole budget of the toy suite: give smaller settings, as NAME[key=value]")
    _same(whole, subject.setup().run_interrupted(whole.steps // 2), "a run and its continuation from a checkpoint")


def _same(one: Any, other: Any, what: str) -> None:
    differing = [name for name, value in one.result.items() if value != other.result[name]]
    demand(not differing, f"{what} differ in {', '.join(differing)}")
    demand(one.values == other.values, f"{what} end at different parameters")


METHOD_LAWS: Sequence[Law[MethodSubject]] = (
    cast("Law[MethodSubject]", SETTINGS),
    cast("Law[MethodSubject]", LIGHT_IMPORT),
    Law("groups", "Its groups share out all tasks, each once.", _groups),
    Law("finite", "Finite rows, however zero, opposite, tiny or huge, give a finite direction.", _finite, _combines),
    Law("agreement", "Rows that are positive multiples of one give a direction along it.", _agreement, _combines),
    Law("scale", "All gradients times c give c times the direction.", _scale, _combines),
    Law("permutation", "The order of two rows does not matter.", _permutation, _combines),
    Law("budget", "A run spends its budget of gradients, and not one more.", _budget),
    Law("audit", "The audit counts as many passes as the meter.", _audit),
    Law("protocol", "Lower precision and micro-batches leave its gradients and their count alone.", _protocol),
    Law("determinism", "The same run twice gives the same bytes.", _determinism),
    Law("resume", "A run continued from a checkpoint ends in the same bytes.", _resume),
)
