"""The gradient oracle: draws batches, differentiates them, moves the parameters, and counts."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from mtlbench.engine.accounts import Clock, Meter
from mtlbench.engine.audit import Audit
from mtlbench.engine.branches import Delta, OpenBranch, move
from mtlbench.engine.evaluation import at_rest
from mtlbench.engine.micro_batches import weighed
from mtlbench.engine.norms import norm_of
from mtlbench.engine.optimizers import protocol_optimizer
from mtlbench.engine.parameters import FlatParameters
from mtlbench.engine.passes import JointPasses
from mtlbench.engine.precision import autocast, widened
from mtlbench.engine.rows import RowStorage
from mtlbench.engine.tables import GatheredGradients, Touched, collecting, large_tables, summed_rows
from mtlbench.interface.errors import BadPlugin, Diverged
from mtlbench.interface.gradients import Direction, TaskGradients
from mtlbench.interface.oracle import Batch, ParameterInfo, Segment, TaskInfo
from mtlbench.interface.oracle import Delta as AnyDelta

if TYPE_CHECKING:
    from mtlbench.engine.sampling import Sampler
    from mtlbench.engine.together import Together
    from mtlbench.interface.method import Method
    from mtlbench.interface.optimizer import Optimizer
    from mtlbench.interface.protocol import TrainingProtocol
    from mtlbench.interface.suite import Suite

__all__ = ["Oracle"]

GradientListener = Callable[[TaskGradients], None]

_WATCHED = 16
"""Shared parameters that the audit watches: enough to see any backward pass, few enough to cost nothing."""


class Oracle:
    """The engine's ``GradientOracle`` for one model and the tasks that share it.

    budget: gradients that this model may spend. listener: called with the rows of every ``gradients`` call, the
    clock stopped; None when nobody listens.
    """

    def __init__(
        self,
        *,
        suite: Suite,
        model: nn.Module,
        method: Method,
        tasks: Sequence[TaskInfo],
        sampler: Sampler,
        protocol: TrainingProtocol,
        budget: int,
        generator: torch.Generator,
        clock: Clock | None = None,
        listener: GradientListener | None = None,
    ) -> None:
        self.tasks = tuple(tasks)
        self.protocol = protocol
        self.generator = generator
        self.budget = budget
        self.meter = Meter()
        self.clock = clock or Clock()
        self.model = model
        self.losses_seen: list[float] = []
        """Training losses since somebody last emptied the list."""
        self._suite = suite
        self._method = method
        self._sampler = sampler
        self._listener = listener
        self._ids = {task.name: index for index, task in enumerate(self.tasks)}
        self._attached: dict[str, nn.Module] = {}
        self._optimizers: dict[str, Optimizer] = {}
        self._branch: OpenBranch | None = None
        self._slot: Optimizer | None = None
        self._spent_at_update = 0
        self._started = False
        self._trying = False
        self._refusal: str | None = None
        self.lending = False
        """Whether the encoder now hands out what one pass over all batches has computed."""
        self._lay_out()
        method.start(self)
        self._started = True
        self._main = method.optimizer(self)

    def _lay_out(self) -> None:
        self.parameters = FlatParameters(self._suite, self.model, self._attached)
        self._tables = large_tables(self.model, self.parameters)
        self._rows = RowStorage(self.parameters, without=self._tables)
        self._joint: JointPasses | None = None
        alone = self.protocol.accumulate > 1 or self.protocol.activation_checkpointing
        if self.protocol.passes == "joint" and not alone:
            self._joint = JointPasses.where_possible(
                self._suite, self.model, self.parameters, self.computing, self._method
            )
        self.audit = Audit(self._suite.encoder(self.model), self._watched())

    def _watched(self) -> list[nn.Parameter]:
        """Parameters such that every backward pass of a loss reaches one: a few, for hooks cost."""
        entries = list(zip(self.parameters.parameters, self.parameters.infos, strict=True))
        if self._joint is not None:  # the one of each owner outside the encoder, whose own pass is not a loss's
            first: dict[str | None, nn.Parameter] = {}
            for parameter, info in entries:
                if not info.encoder and info.owner not in self.parameters.attached:
                    first.setdefault(info.owner, parameter)
            return list(first.values())
        # Backward passes leave nothing in a gathered table, so that no hook on it would see them.
        shared = [p for place, (p, info) in enumerate(entries) if not info.owner and place not in self._tables]
        return shared[:: max(1, len(shared) // _WATCHED)]

    # What the method may know ---------------------------------------------------------------------------------

    @property
    def params(self) -> Sequence[ParameterInfo]:
        return self.parameters.infos

    @property
    def segments(self) -> Sequence[Segment]:
        return self.parameters.segments

    @property
    def lr(self) -> float:
        """The scheduled rate at the middle of the gradients spent since the last step: never 0 at either end."""
        middle = (self._spent_at_update + self.meter.gradients) / 2
        return self.protocol.rate_at(middle / self.budget)

    @property
    def progress(self) -> float:
        return self.meter.gradients / self.budget

    @property
    def remaining(self) -> int:
        return self.budget - self.meter.gradients

    @property
    def affordable(self) -> int:
        """Batches that the budget still has room for."""
        return self.remaining // self._method.gradients_per_batch

    def take(self, k: int) -> Iterator[int]:
        for step in range(k):
            if not self.affordable:
                return
            yield step

    def attach(self, name: str, module: nn.Module) -> None:
        if self._started:
            raise BadPlugin(f"method {self._method.name} attaches {name!r} after its start")
        if name in self._attached or name in self._ids:
            raise BadPlugin(f"method {self._method.name} attaches {name!r}, a name that is taken")
        self._attached[name] = module.to(self.parameters.values.device, self.parameters.values.dtype)
        self.audit.close()
        self._lay_out()

    def computing(self) -> AbstractContextManager[object]:
        """The precision in which losses and scores are computed."""
        precision = "float32" if self._trying else self.protocol.precision
        return autocast(precision, self.parameters.values.device.type)

    def noise_widths(self) -> tuple[int, int]:
        """Read off a forward pass of one training example."""
        point = self._suite.noise_point(self.model)
        if point is None:
            raise BadPlugin(f"suite {self._suite.name} has no point at which noise may enter")
        task, widths = self.tasks[0].name, []
        batch = self._suite.batch(task, "train", [0])
        handle = point.register_forward_hook(lambda _module, _inputs, output: widths.append(output.shape[-1]))
        try:
            with at_rest(self), torch.no_grad():
                hidden, _ = self._suite.hidden(self.model, batch, task)
        finally:
            handle.remove()
        return hidden.shape[-1], widths[0]

    def protocol_optimizer(self) -> Optimizer:
        return protocol_optimizer(self.protocol, self.segments)

    # Batches --------------------------------------------------------------------------------------------------

    def pick(self, n: int | None = None, *, distinct: bool | None = None) -> list[str]:
        return [self.tasks[index].name for index in self._pick(n, distinct)]

    def _pick(self, n: int | None, distinct: bool | None) -> list[int]:
        if distinct is None:
            distinct = self.protocol.draws == "distinct"
        wanted = self.protocol.rows if n is None else n
        # "Distinct" can give every task once; asking for more rows than tasks is asking for all of them.
        return self._sampler.pick(min(wanted, len(self.tasks)) if distinct or n is None else wanted, distinct)

    def draw(self, n: int | None = None, *, task: str | None = None) -> list[Batch]:
        with self.clock.phase("other"):
            indices = [self._ids[task]] if task is not None else self._pick(n, None)
            return [self._sampler.batch(index) for index in indices[: self.affordable]]

    # Gradients ------------------------------------------------------------------------------------------------

    def gradients(self, batches: Sequence[Batch]) -> TaskGradients:
        self._afford(batches)
        with self.clock.phase("gradients"), collecting(self._tables.values()):
            self._try_joint_passes(batches)
            rows = self._rows.of(len(batches))
            losses, own, gathered = self._fill_rows(batches)
            kind = partial(GatheredGradients, tables=gathered) if gathered else TaskGradients
            grads = kind(
                rows,
                tasks=[batch.task for batch in batches],
                task_ids=[batch.task_id for batch in batches],
                losses=torch.tensor(losses, dtype=torch.float64),
                layout=self.parameters.layout,
                own=own,
                result=self.parameters.gradient[: self.parameters.shared],
            )
        if self._listener is not None:
            with self.clock.phase(None):
                self._listener(grads)
        return grads

    def _fill_rows(
        self, batches: Sequence[Batch]
    ) -> tuple[list[float], list[Mapping[str, Tensor]], dict[int, list[Touched]]]:
        """Differentiate each batch into its row; losses, gradients outside the shared parameters, and large tables'."""
        losses, own = [], []
        gathered: dict[int, list[Touched]] = {place: [] for place in self._tables}
        with self._passes(batches, apart=True) as together:
            for row, batch in enumerate(batches):
                self._rows.of(len(batches))[row].zero_()
                self._own_gradient().zero_()
                self.parameters.collect_into(self._rows.views(row))
                with self._lent(together, row, cut=True):
                    losses.append(self._differentiate(batch, 1.0))
                own.append(self._own_parts(batch))
                for place, found in gathered.items():
                    table = self.parameters.parameters[place]
                    found.append(self._tables[place].take_with(table.grad))
                    table.grad = None
        if together is not None and self._joint is not None:
            for place, found in gathered.items():
                table = self.parameters.parameters[place]
                both = [(self._joint.rows_of(table, row), rest) for row, rest in enumerate(found)]
                found[:] = [summed_rows(parts, table) for parts in both]
            self._joint.forget()
        return losses, own, gathered

    def descend(self, batches: Sequence[Batch], weights: Sequence[float] | None = None) -> None:
        if not batches:
            return
        self._afford(batches)
        with self.clock.phase("gradients"), collecting(self._tables.values()):
            self._try_joint_passes(batches)
            self.parameters.gradient.zero_()
            self.parameters.collect_into()
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
        live = {batch.task for batch in batches} | self.parameters.attached
        self._update(live, 1.0 / len(batches) if self.protocol.reduction == "mean" else 1.0)

    def _collect_tables(self) -> None:
        for place, lookups in self._tables.items():
            lookups.add_to(cast("Tensor", self.parameters.parameters[place].grad))

    def apply(self, direction: Direction) -> None:
        with self.clock.phase("update"):
            shared = self.parameters.gradient[: self.parameters.shared]
            if direction.shared.data_ptr() != shared.data_ptr():
                shared.copy_(direction.shared)
            for segment, span in zip(self.segments, self.parameters.segment_spans, strict=True):
                if segment.name in direction.own:
                    self.parameters.gradient[span[0] : span[1]].copy_(direction.own[segment.name])
        live = {segment.owner for segment in self.segments if segment.name in direction.own and segment.owner}
        self._update(live, self._scale(direction))

    def _scale(self, direction: Direction) -> float:
        """From the method's scale to the protocol's reduction."""
        if self._method.scale == self.protocol.reduction:
            return 1.0
        return 1.0 / direction.rows if self.protocol.reduction == "mean" else float(direction.rows)

    def losses(self, batches: Sequence[Batch]) -> Tensor:
        with self.clock.phase("gradients"), torch.no_grad():
            values = [sum(share * self._look(part) for part, share in self._parts(batch)) for batch in batches]
        return torch.tensor(values, dtype=torch.float64)

    def _look(self, part: Batch) -> float:
        self.meter.extra_forwards += 1
        with self.computing():
            return float(self._suite.loss(self.model, part.payload, part.task))

    def _parts(self, batch: Batch) -> list[tuple[Batch, float]]:
        return weighed(self._suite, batch)

    def _afford(self, batches: Sequence[Batch]) -> None:
        if len(batches) > self.affordable:
            raise BadPlugin(
                f"method {self._method.name} asks for the gradients of {len(batches)} batches "
                f"where the budget has room for {self.affordable}"
            )

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
        if self._branch is not None:
            self._branch.owners.add(batch.task)
        return loss

    def _backward(self, objective: Tensor) -> None:
        objective.backward()  # type: ignore[no-untyped-call]
        self.meter.backwards += 1

    def _own_gradient(self) -> Tensor:
        return self.parameters.gradient[self.parameters.shared :]

    def _own_parts(self, batch: Batch) -> Mapping[str, Tensor]:
        mine = {batch.task} | self.parameters.attached
        return {
            segment.name: self.parameters.gradient[start:stop].clone()
            for segment, (start, stop) in zip(self.segments, self.parameters.segment_spans, strict=True)
            if segment.owner in mine
        }

    # One pass for all batches -----------------------------------------------------------------------------------

    @contextmanager
    def _passes(self, batches: Sequence[Batch], *, apart: bool) -> Iterator[Together | None]:
        """The encoder's one pass over the batches; None where each takes its own.

        apart: whether the gradients of the batches go to their rows, or into one sum.
        """
        if self._joint is None:
            yield None
            return
        with self._joint.over(batches, self._rows.by_parameter(len(batches)) if apart else None) as together:
            self.meter.forwards += together is not None
            yield together

    def _try_joint_passes(self, batches: Sequence[Batch]) -> None:
        """At the first joint steps, and ever more seldom: hold the rows of one pass against those of single ones, and
        keep to the latter once they differ. Nothing of it counts; dropout is off, and all is float32."""
        joint = self._joint
        if joint is None or len(batches) < 2:
            return
        if joint.due:
            self._compare_passes(joint, batches)
        joint.steps += 1

    def _compare_passes(self, joint: JointPasses, batches: Sequence[Batch]) -> None:
        spent, seen = self.meter.as_json(), list(self.losses_seen)
        self._trying = True
        try:
            with at_rest(self):
                together = joint.attempt(partial(self._whole_rows, batches))
                self._joint = None
                if together is not None:
                    tables = [len(self.params[place].tensor) for place in self._tables]
                    told = joint.compare(together, self._whole_rows(batches), [*self._rows.sizes, *tables])
                    if not told and joint.refusal is None:
                        joint.refusal = "most of its gradients are zero at the start, and cannot be compared"
        finally:
            self._trying = False
            self.meter.load(spent)
            self.losses_seen[:] = seen
        self._refuse_or_keep(joint)

    def _refuse_or_keep(self, joint: JointPasses) -> None:
        if joint.refusal is None:
            self._joint = joint
            return
        self._joint, self._refusal = None, joint.refusal
        message = "mtlbench: warning: %s: every batch takes a pass of its own, because %s"
        logging.getLogger("mtlbench").warning(message, self._suite.name, joint.refusal)

    def _whole_rows(self, batches: Sequence[Batch]) -> Tensor:
        """(R, columns): the rows, and of each large table the sum of every row."""
        _, _, gathered = self._fill_rows(batches)
        wide = [self._rows.of(len(batches)).clone()]
        for place, found in gathered.items():
            table = self.parameters.parameters[place]
            sums = [table.new_zeros(len(table)).index_add_(0, rows, values.sum(1)) for rows, values in found]
            wide.append(torch.stack(sums))
        return torch.cat(wide, dim=1)

    @contextmanager
    def _lent(self, together: Together | None, batch: int, *, cut: bool) -> Iterator[None]:
        if together is None:
            yield
            return
        self.lending = True
        try:
            with together.lent(batch, cut=cut), self.audit.lending():
                yield
        finally:
            self.lending = False

    # Movement -------------------------------------------------------------------------------------------------

    def _update(self, live: set[str] | frozenset[str], scale: float) -> None:
        """One optimizer step along the flat gradient, for the shared segments and those of the ``live`` owners."""
        with self.clock.phase("update"):
            parts = [
                self.parameters.gradient[start:stop] if segment.owner is None or segment.owner in live else None
                for segment, (start, stop) in zip(self.segments, self.parameters.segment_spans, strict=True)
            ]
            found = [part for part in parts if part is not None]
            norm = scale * norm_of(found)
            if not math.isfinite(norm):
                raise Diverged(f"the norm of the combined gradient is {norm}")
            if self.protocol.clip is not None and norm > self.protocol.clip:
                scale *= self.protocol.clip / norm
            if scale != 1.0:
                for part in found:
                    part.mul_(scale)
            (self._slot or self._main).step(parts, self.lr)
            self.meter.optimizer_steps += 1
            self._spent_at_update = self.meter.gradients
            if self._branch is not None:
                self._branch.steps += 1

    def move(self, deltas: AnyDelta | Iterable[AnyDelta], rate: float) -> None:
        several = cast("Iterable[Delta]", [deltas] if isinstance(deltas, Delta) else deltas)
        with self.clock.phase("update"):
            move(self.parameters, self.model, several, rate)

    @contextmanager
    def branch(self, slot: str | None = None, *, fresh: bool = False) -> Iterator[OpenBranch]:
        if self._branch is not None:
            raise BadPlugin(f"method {self._method.name} opens a branch inside a branch")
        with self.clock.phase("update"):
            phi = self.parameters.values.clone()
            buffers = [buffer.clone() for buffer in self.model.buffers()]
        self._slot = self._optimizer_of(slot, fresh)
        self._branch = branch = OpenBranch()
        try:
            yield branch
        finally:
            self._branch = self._slot = None
            with self.clock.phase("update"):
                branch.close(self.parameters, self.model, phi, buffers)

    def _optimizer_of(self, slot: str | None, fresh: bool) -> Optimizer | None:
        if fresh:
            return self._method.optimizer(self)
        if slot is None:
            return None
        if slot not in self._optimizers:
            self._optimizers[slot] = self._method.optimizer(self)
        return self._optimizers[slot]

    # Resume ---------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that training has changed, at a step boundary: tensors and plain data."""
        return {
            "values": self.parameters.values,
            "buffers": list(self.model.buffers()),
            "method": self._method.state_dict(),
            "optimizer": self._main.state_dict(),
            "slots": {name: optimizer.state_dict() for name, optimizer in self._optimizers.items()},
            "sampler": self._sampler.state_dict(),
            "generator": self.generator.get_state(),
            "meter": self.meter.as_json(),
            "audit": [self.audit.forwards, self.audit.backwards],
            "losses_seen": self.losses_seen,
            "spent_at_update": self._spent_at_update,
            "joint": [self._joint.steps if self._joint else 0, self._refusal],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.parameters.values.copy_(state["values"])
        for buffer, saved in zip(self.model.buffers(), state["buffers"], strict=True):
            buffer.copy_(saved)
        self._method.load_state_dict(state["method"])
        self._main.load_state_dict(state["optimizer"])
        for slot, saved in state["slots"].items():
            self._optimizers[slot] = self._method.optimizer(self)
            self._optimizers[slot].load_state_dict(saved)
        self._sampler.load_state_dict(state["sampler"])
        self.generator.set_state(state["generator"])
        self.meter.load(state["meter"])
        self.audit.forwards, self.audit.backwards = state["audit"]
        self.losses_seen = list(state["losses_seen"])
        self._spent_at_update = state["spent_at_update"]
        steps, self._refusal = state.get("joint", (0, None))
        if self._joint is not None:
            self._joint.steps = steps
        if self._refusal is not None:
            self._joint = None


class _View:
    """One batch, or one part of it, as the method's objective sees it."""

    def __init__(self, oracle: Oracle, suite: Suite, batch: Batch) -> None:
        self.asked = 0
        """Losses that were asked for."""
        self._oracle = oracle
        self._suite = suite
        self._batch = batch

    @property
    def task(self) -> str:
        return self._batch.task

    def loss(self, scale: Tensor | None = None) -> Tensor:
        self._oracle.meter.forwards += not self._oracle.lending
        self.asked += 1
        model = self._oracle.model
        if scale is None:
            return self._loss()
        point = self._suite.noise_point(model)
        if point is None:
            raise BadPlugin(f"suite {self._suite.name} has no point at which noise may enter")
        handle = point.register_forward_hook(lambda _module, _inputs, output: output * scale)
        try:
            return self._loss()
        finally:
            handle.remove()

    def _loss(self) -> Tensor:
        with self._oracle.computing():
            return widened(self._suite.loss(self._oracle.model, self._batch.payload, self._batch.task))

    def hidden(self) -> tuple[Tensor, Tensor]:
        self._oracle.meter.extra_forwards += 1
        with torch.no_grad(), self._oracle.computing():
            states, mask = self._suite.hidden(self._oracle.model, self._batch.payload, self._batch.task)
        return widened(states), mask
