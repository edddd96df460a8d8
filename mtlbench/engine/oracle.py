"""The gradient oracle: draws batches, differentiates them, moves the parameters, and counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from mtlbench.engine.accounts import Clock, Meter
from mtlbench.engine.backpropagation import Backpropagation
from mtlbench.engine.branches import Delta, OpenBranch, move
from mtlbench.engine.evaluation import at_rest
from mtlbench.engine.norms import norm_of
from mtlbench.engine.optimizers import SGD, AdamW, protocol_optimizer
from mtlbench.engine.parameters import FlatParameters
from mtlbench.interface.errors import BadPlugin, Diverged
from mtlbench.interface.gradients import Direction, TaskGradients
from mtlbench.interface.oracle import Batch, ParameterInfo, Segment, TaskInfo
from mtlbench.interface.oracle import Delta as AnyDelta

if TYPE_CHECKING:
    from mtlbench.engine.sampling import Sampler
    from mtlbench.interface.method import Method
    from mtlbench.interface.optimizer import Optimizer
    from mtlbench.interface.protocol import TrainingProtocol
    from mtlbench.interface.suite import Suite

__all__ = ["Oracle"]

GradientListener = Callable[[TaskGradients], None]


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
        self._lay_out()
        method.start(self)
        self._started = True
        self._main = method.optimizer(self)

    def _lay_out(self) -> None:
        self.parameters = FlatParameters(self._suite, self.model, self._attached)
        self.passes = Backpropagation(
            suite=self._suite,
            model=self.model,
            method=self._method,
            parameters=self.parameters,
            protocol=self.protocol,
            meter=self.meter,
            at_rest=partial(at_rest, self),
        )
        self.audit = self.passes.audit
        self.computing = self.passes.computing

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
        with self.clock.phase("gradients"):
            grads = self.passes.apart(batches)
        self._drawn(batches)
        if self._listener is not None:
            with self.clock.phase(None):
                self._listener(grads)
        return grads

    def descend(self, batches: Sequence[Batch], weights: Sequence[float] | None = None) -> None:
        if not batches:
            return
        self._afford(batches)
        with self.clock.phase("gradients"):
            self.passes.added(batches, weights)
        self._drawn(batches)
        live = {batch.task for batch in batches} | self.parameters.attached
        self._update(live, 1.0 / len(batches) if self.protocol.reduction == "mean" else 1.0)

    def losses(self, batches: Sequence[Batch]) -> Tensor:
        with self.clock.phase("gradients"):
            return self.passes.losses(batches)

    def _afford(self, batches: Sequence[Batch]) -> None:
        if len(batches) > self.affordable:
            raise BadPlugin(
                f"method {self._method.name} asks for the gradients of {len(batches)} batches "
                f"where the budget has room for {self.affordable}"
            )

    def _drawn(self, batches: Sequence[Batch]) -> None:
        if self._branch is not None:
            self._branch.owners.update(batch.task for batch in batches)

    # Movement -------------------------------------------------------------------------------------------------

    def apply(self, direction: Direction) -> None:
        with self.clock.phase("update"):
            self.passes.follow(direction)
        live = {segment.owner for segment in self.segments if segment.name in direction.own and segment.owner}
        self._update(live, self._scale(direction))

    def _scale(self, direction: Direction) -> float:
        """From the method's scale to the protocol's reduction."""
        if self._method.scale == self.protocol.reduction:
            return 1.0
        return 1.0 / direction.rows if self.protocol.reduction == "mean" else float(direction.rows)

    def _update(self, live: set[str] | frozenset[str], scale: float) -> None:
        """One optimizer step along the flat gradient, for the shared segments and those of the ``live`` owners."""
        with self.clock.phase("update"):
            spans = [
                span if segment.owner is None or segment.owner in live else None
                for segment, span in zip(self.segments, self.parameters.segment_spans, strict=True)
            ]
            found = [span for span in spans if span is not None]
            support = self.passes.support
            norm = scale * norm_of([piece for span in found for piece in support.pieces(*span)])
            if not math.isfinite(norm):
                raise Diverged(f"the norm of the combined gradient is {norm}")
            if self.protocol.clip is not None and norm > self.protocol.clip:
                scale *= self.protocol.clip / norm
            if scale != 1.0:
                for span in found:
                    support.scale(*span, scale)
            gradients = [None if span is None else self.parameters.gradient[slice(*span)] for span in spans]
            optimizer = self._slot or self._main
            optimizer.step(gradients, self.lr)
            if not isinstance(optimizer, AdamW | SGD):  # one of a plugin may write into what it is given
                support.lend()
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
            "passes": self.passes.state_dict(),
            "spent_at_update": self._spent_at_update,
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
        self.passes.load_state_dict(state["passes"])
        self._spent_at_update = state["spent_at_update"]
