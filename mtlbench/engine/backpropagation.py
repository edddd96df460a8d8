"""Losses of batches and their gradients: each batch's in a row of its own, or all of them in one sum; counted."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mtlbench.engine.accounts import Meter
from mtlbench.engine.audit import Audit
from mtlbench.engine.micro_batches import weighed
from mtlbench.engine.parameters import FlatParameters
from mtlbench.engine.passes import JointPasses
from mtlbench.engine.precision import autocast, widened
from mtlbench.engine.rows import RowStorage
from mtlbench.engine.support import Support
from mtlbench.engine.tables import Found, GatheredDirection, GatheredGradients, collecting, joined, large_tables
from mtlbench.interface.errors import BadPlugin, Diverged
from mtlbench.interface.gradients import Direction, TaskGradients

if TYPE_CHECKING:
    from mtlbench.engine.together import Together
    from mtlbench.interface.method import Method
    from mtlbench.interface.oracle import Batch
    from mtlbench.interface.protocol import TrainingProtocol
    from mtlbench.interface.suite import Suite

__all__ = ["Backpropagation"]

_WATCHED = 16
"""Shared parameters that the audit watches: enough to see any backward pass, few enough to cost nothing."""


class Backpropagation:
    """What stands between batches and gradients for one layout of parameters.

    Batches take one forward and backward pass each, or those of a joint step take the encoder's together, where the
    protocol says so and that gives the same (``JointPasses``).
    """

    def __init__(
        self,
        *,
        suite: Suite,
        model: nn.Module,
        method: Method,
        parameters: FlatParameters,
        protocol: TrainingProtocol,
        meter: Meter,
        at_rest: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """at_rest: the context in which the model may be looked at, and nothing is counted."""
        self.model = model
        self.meter = meter
        self.losses_seen: list[float] = []
        """Training losses since somebody last emptied the list."""
        self.tables = large_tables(model, parameters)
        self._suite = suite
        self._method = method
        self._parameters = parameters
        self._protocol = protocol
        self._at_rest = at_rest
        self.support = Support(parameters, self.tables)
        self._rows = RowStorage(parameters, without=self.tables)
        views = enumerate(parameters.views_of(parameters.gradient))
        self._summed = [None if place in self.tables else view for place, view in views]
        self._trying = self._lending = False
        self._turn = 0
        """Which gradients are lent at present."""
        alone = protocol.passes != "joint" or protocol.accumulate > 1 or protocol.activation_checkpointing
        self.joint = None if alone else JointPasses.where_possible(suite, model, parameters, self.computing, method)
        """None where it is plain that every batch takes passes of its own."""
        self.audit = Audit(suite.encoder(model), self._watched())

    def _watched(self) -> list[nn.Parameter]:
        """Parameters such that every backward pass of a loss reaches one: a few, for hooks cost."""
        entries = list(zip(self._parameters.parameters, self._parameters.infos, strict=True))
        if self.joint is not None:  # the one of each owner outside the encoder, whose own pass is not a loss's
            first: dict[str | None, nn.Parameter] = {}
            for parameter, info in entries:
                if not info.encoder and info.owner not in self._parameters.attached:
                    first.setdefault(info.owner, parameter)
            return list(first.values())
        # Backward passes leave nothing in a gathered table, so that no hook on it would see them.
        shared = [p for place, (p, info) in enumerate(entries) if not info.owner and place not in self.tables]
        return shared[:: max(1, len(shared) // _WATCHED)]

    def computing(self) -> AbstractContextManager[object]:
        """The precision in which losses and scores are computed."""
        precision = "float32" if self._trying else self._protocol.precision
        return autocast(precision, self._parameters.values.device.type)

    # What is asked for ------------------------------------------------------------------------------------------

    def apart(self, batches: Sequence[Batch]) -> TaskGradients:
        """Each batch's gradient over the shared parameters, lent until the next call."""
        self._turn += 1
        with collecting(self.tables.values()):
            self._try_joint(batches)
            losses, own, gathered = self._fill_rows(batches)
        facts: dict[str, Any] = {
            "tasks": [batch.task for batch in batches],
            "task_ids": [batch.task_id for batch in batches],
            "losses": torch.tensor(losses, dtype=torch.float64),
            "layout": self._parameters.layout,
            "own": own,
        }
        rows = self._rows.of(len(batches))
        if not gathered:
            return TaskGradients(rows, result=self._lend(), **facts)
        return GatheredGradients(rows, tables=gathered, lend=partial(self._lend_in, self._turn), **facts)

    def _lend(self) -> Tensor:
        """The flat gradient's shared part, to somebody who may write there whenever they like."""
        self.support.lend()
        return self._parameters.gradient[: self._parameters.shared]

    def _lend_in(self, turn: int) -> Tensor | None:
        """The same, to those who ask while it is theirs."""
        return self._lend() if turn == self._turn else None

    def follow(self, direction: Direction) -> None:
        """Let the flat gradient hold a direction, where the direction says something."""
        gathered = direction.gathered if isinstance(direction, GatheredDirection) else None
        flat = self._parameters.gradient
        if gathered is not None:
            for columns, values in gathered.columns:
                flat[columns].copy_(values)
            for place, (_, found) in gathered.tables.items():
                self.support.put(place, *found)
        else:
            shared = self._lend()
            if direction.shared.data_ptr() != shared.data_ptr():
                shared.copy_(direction.shared)
        for segment, (start, stop) in zip(self._parameters.segments, self._parameters.segment_spans, strict=True):
            if segment.name in direction.own:
                flat[start:stop].copy_(direction.own[segment.name])

    def added(self, batches: Sequence[Batch], weights: Sequence[float] | None) -> None:
        """The sum of the gradients, each times its weight (None: 1), over all parameters, in their flat gradient."""
        with collecting(self.tables.values()):
            if self._try_joint(batches):
                self._rows.release()
            self.support.clear()
            self._parameters.collect_into(self._summed)
            waiting: list[Tensor] = []
            with self._passes(batches, apart=False) as together:
                for index, batch in enumerate(batches):
                    with self._lent(together, index, cut=False):
                        weight = 1.0 if weights is None else float(weights[index])
                        self._differentiate(batch, weight, None if together is None else waiting)
                    self._collect_tables()
            if waiting:
                self._backward(torch.stack(waiting).sum())
                self._collect_tables()

    def losses(self, batches: Sequence[Batch]) -> Tensor:
        """(R,) float64, without gradients."""
        with torch.no_grad():
            values = [sum(share * self._look(part) for part, share in self._parts(batch)) for batch in batches]
        return torch.tensor(values, dtype=torch.float64)

    def _look(self, part: Batch) -> float:
        self.meter.extra_forwards += 1
        with self.computing():
            return float(self._suite.loss(self.model, part.payload, part.task))

    # One batch --------------------------------------------------------------------------------------------------

    def _fill_rows(
        self, batches: Sequence[Batch]
    ) -> tuple[list[float], list[Mapping[str, Tensor]], dict[int, list[Found]]]:
        """Differentiate each batch into its row; losses, gradients outside the shared parameters, and large tables'."""
        losses, own = [], []
        gathered: dict[int, list[Found]] = {place: [] for place in self.tables}
        self._rows.of(len(batches))
        with self._passes(batches, apart=True) as together:
            for row, batch in enumerate(batches):
                self._parameters.gradient[self._parameters.shared :].zero_()
                cleared = self._rows.cleared if together is None else self._rows.cleared_outside
                self._parameters.collect_into(cleared(row))
                with self._lent(together, row, cut=True):
                    losses.append(self._differentiate(batch, 1.0))
                if together is not None and self.joint is not None:
                    self.joint.keep_left(row)
                own.append(self._own_parts(batch))
                for place, found in gathered.items():
                    table = self._parameters.parameters[place]
                    found.append(self.tables[place].take_with(table.grad))
                    table.grad = None
        if together is not None and self.joint is not None:
            for place, found in gathered.items():
                table = self._parameters.parameters[place]
                both = [(self.joint.found_in(table, row), rest) for row, rest in enumerate(found)]
                found[:] = [joined(parts, table) for parts in both]
            self.joint.forget()
        return losses, own, gathered

    def _own_parts(self, batch: Batch) -> Mapping[str, Tensor]:
        mine = {batch.task} | self._parameters.attached
        return {
            segment.name: self._parameters.gradient[start:stop].clone()
            for segment, (start, stop) in zip(self._parameters.segments, self._parameters.segment_spans, strict=True)
            if segment.owner in mine
        }

    def _collect_tables(self) -> None:
        for place, lookups in self.tables.items():
            table = self._parameters.parameters[place]
            self.support.add(place, *lookups.take_summed())
            if table.grad is not None:
                self.support.add_whole(place, table.grad)
                table.grad = None

    def _differentiate(self, batch: Batch, weight: float, waiting: list[Tensor] | None = None) -> float:
        """Add ``weight`` times the gradient of a batch's objective to what collects it; returns the objective.

        Part by part: only one part's activations are held at a time. waiting: takes what is to be differentiated, for
        somebody who does so later.
        """
        loss, gradients = 0.0, self._method.gradients_per_batch
        for part, share in self._parts(batch):
            view = _View(self, self._suite, part)
            objective = self._method.objective(view)
            if view.asked != gradients:
                raise BadPlugin(
                    f"method {self._method.name} declares {gradients} gradients a batch "
                    f"and its objective spends {view.asked}"
                )
            factor = weight * share
            scaled = objective if factor == 1.0 else objective * factor
            if waiting is None:
                self._backward(scaled)
            else:
                waiting.append(scaled)
            self.meter.tokens += self._suite.tokens(part.payload)
            loss += share * float(objective.detach())
        self.meter.gradients += gradients
        if not math.isfinite(loss):
            raise Diverged(f"the loss of task {batch.task} is {loss}")
        self.losses_seen.append(loss)
        self.meter.examples += batch.examples
        return loss

    def _parts(self, batch: Batch) -> list[tuple[Batch, float]]:
        return weighed(self._suite, batch)

    def _backward(self, objective: Tensor) -> None:
        objective.backward()  # type: ignore[no-untyped-call]
        self.meter.backwards += 1

    def passed(self) -> None:
        """A forward pass with a graph was asked for: one of its own, unless the encoder hands out a joint one's."""
        self.meter.forwards += not self._lending

    # One pass for all batches -----------------------------------------------------------------------------------

    @contextmanager
    def _passes(self, batches: Sequence[Batch], *, apart: bool) -> Iterator[Together | None]:
        """The encoder's one pass over the batches; None where each takes its own.

        apart: whether the gradients of the batches go to their rows, or into one sum.
        """
        if self.joint is None:
            yield None
            return
        with self.joint.over(batches, self._rows.by_parameter(len(batches)) if apart else None) as together:
            self.meter.forwards += together is not None
            yield together

    @contextmanager
    def _lent(self, together: Together | None, batch: int, *, cut: bool) -> Iterator[None]:
        if together is None:
            yield
            return
        self._lending = True
        try:
            with together.lent(batch, cut=cut), self.audit.lending():
                yield
        finally:
            self._lending = False

    def _try_joint(self, batches: Sequence[Batch]) -> bool:
        """At the first joint steps, and ever more seldom: hold the rows of one pass against those of single ones, and
        keep to the latter once they differ. Returns whether that was done."""
        joint = self.joint
        if joint is None or joint.refusal is not None or len(batches) < 2:
            return False
        due = joint.due
        if due:
            self._compare(joint, batches)
        joint.steps += 1
        return due

    def _compare(self, joint: JointPasses, batches: Sequence[Batch]) -> None:
        """Nothing of it counts; dropout is off, and all is float32."""
        spent, seen = self.meter.as_json(), list(self.losses_seen)
        self._trying = True
        try:
            with self._at_rest():
                together = joint.attempt(partial(self._whole_rows, batches))
                if together is not None:
                    with joint.set_aside():
                        single = self._whole_rows(batches)
                    tables = [len(self._parameters.parameters[place]) for place in self.tables]
                    joint.compare(together, single, [*self._rows.sizes, *tables])
        finally:
            self._trying = False
            self.meter.load(spent)
            self.losses_seen[:] = seen
        if joint.refusal is not None:
            message = "mtlbench: warning: %s: every batch takes a pass of its own, because %s"
            logging.getLogger("mtlbench").warning(message, self._suite.name, joint.refusal)

    def _whole_rows(self, batches: Sequence[Batch]) -> Tensor:
        """(R, columns): the rows, and of each large table the sum of every row."""
        _, _, gathered = self._fill_rows(batches)
        wide = [self._rows.of(len(batches)).clone()]
        for place, found in gathered.items():
            table = self._parameters.parameters[place]
            sums = [table.new_zeros(len(table)).index_add_(0, rows, values.sum(1)) for rows, values in found]
            wide.append(torch.stack(sums))
        return torch.cat(wide, dim=1)

    # Resume -----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {
            "audit": [self.audit.forwards, self.audit.backwards],
            "losses_seen": self.losses_seen,
            "everywhere": self.support.everywhere,
            "joint": [0, None] if self.joint is None else [self.joint.steps, self.joint.refusal],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.audit.forwards, self.audit.backwards = state["audit"]
        self.losses_seen[:] = state["losses_seen"]
        self.support.everywhere = state["everywhere"]
        if self.joint is not None:
            self.joint.steps, self.joint.refusal = state["joint"]


class _View:
    """One batch, or one part of it, as the method's objective sees it."""

    def __init__(self, passes: Backpropagation, suite: Suite, batch: Batch) -> None:
        self.asked = 0
        """Losses that were asked for."""
        self._passes = passes
        self._suite = suite
        self._batch = batch

    @property
    def task(self) -> str:
        return self._batch.task

    def loss(self, scale: Tensor | None = None) -> Tensor:
        self._passes.passed()
        self.asked += 1
        if scale is None:
            return self._loss()
        point = self._suite.noise_point(self._passes.model)
        if point is None:
            raise BadPlugin(f"suite {self._suite.name} has no point at which noise may enter")
        handle = point.register_forward_hook(lambda _module, _inputs, output: output * scale)
        try:
            return self._loss()
        finally:
            handle.remove()

    def _loss(self) -> Tensor:
        with self._passes.computing():
            return widened(self._suite.loss(self._passes.model, self._batch.payload, self._batch.task))

    def hidden(self) -> tuple[Tensor, Tensor]:
        self._passes.meter.extra_forwards += 1
        with torch.no_grad(), self._passes.computing():
            states, mask = self._suite.hidden(self._passes.model, self._batch.payload, self._batch.task)
        return widened(states), mask
