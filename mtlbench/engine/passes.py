"""The passes of a joint step: one of the encoder's for all its batches, where that gives what one each gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mtlbench.engine.allocator import keep_freed_pages
from mtlbench.engine.block_modules import mixes_examples
from mtlbench.engine.blocks import BlockGradients
from mtlbench.engine.together import Apart, Together, run_together
from mtlbench.interface.errors import BadPlugin, Diverged
from mtlbench.interface.method import Method

if TYPE_CHECKING:
    from mtlbench.engine.parameters import FlatParameters
    from mtlbench.engine.tables import Found
    from mtlbench.interface.oracle import Batch
    from mtlbench.interface.suite import Suite

__all__ = ["JointPasses", "Mixed"]

Computing = AbstractContextManager[object]

_ALIKE = 1e-3
"""How far a parameter's gradient of one pass for all may lie from that of single passes, in norms: rounding."""
_NOISE = 1e-5
"""The same in norms of the whole gradient, for parameters whose gradient is all rounding: biases of keys."""


class Mixed(Exception):
    """Why the gradients of one pass do not come apart."""


class JointPasses:
    """One forward and backward pass of the encoder for several batches, and what it cannot be used for.

    Not for methods with an objective of their own, encoders that normalise over a batch, or losses that are the
    encoder's own output; and not for batches of different sizes, or of different lengths without a mask.
    """

    def __init__(
        self, suite: Suite, model: nn.Module, parameters: FlatParameters, computing: Callable[[], Computing]
    ) -> None:
        """computing: the context in which the encoder computes, that of the protocol's precision."""
        self._suite = suite
        self._model = model
        self._encoder = suite.encoder(model)
        self._parameters = parameters
        self._computing = computing
        self._blocks = BlockGradients(self._encoder)
        self._attempting = self._aside = False
        self.steps = 0
        """Joint steps so far."""
        self.refusal: str | None = None
        """Why single passes are needed after all, in words."""

    @classmethod
    def where_possible(
        cls,
        suite: Suite,
        model: nn.Module,
        parameters: FlatParameters,
        computing: Callable[[], Computing],
        method: Method,
    ) -> JointPasses | None:
        """None where it is plain beforehand that single passes are needed."""
        encoder = suite.encoder(model)
        inside = {id(parameter) for parameter in encoder.parameters()}
        possible = (
            type(method).objective is Method.objective
            and not any(info.encoder and info.owner for info in parameters.infos)
            and any(id(parameter) not in inside for parameter in parameters.parameters)
            and not any(map(mixes_examples, encoder.modules()))
        )
        return cls(suite, model, parameters, computing) if possible else None

    @contextmanager
    def over(self, batches: Sequence[Batch], targets: Mapping[int, Tensor] | None = None) -> Iterator[Together | None]:
        """One pass over the batches; None where they need single ones, and once ``refusal`` says so.

        targets: where each encoder parameter's gradients go, (R, *shape) by its id, in the place of what is there: then
        the losses are differentiated one by one within the block, the encoder at its end. Without, whoever
        differentiates a loss goes all the way.
        Raises Mixed when a parameter's gradients did not come apart.
        """
        if self._aside or self.refusal is not None:
            yield None
            return
        with ExitStack() as stack:
            try:
                together = self._start(batches, targets, stack)
            except Apart:
                stack.close()
                if self._attempting:
                    raise
                together = None
            yield together
            if together is not None and targets is not None:
                self._finish(together)
            if together is not None and not self._attempting:
                keep_freed_pages()  # the activations of all batches at once are blocks that every step gets and loses

    def _start(self, batches: Sequence[Batch], targets: Mapping[int, Tensor] | None, stack: ExitStack) -> Together:
        if len(batches) < 2 or len({batch.examples for batch in batches}) > 1 or any(batch.parts for batch in batches):
            raise Apart("one batch, batches of different sizes, or batches in parts")
        if targets is not None:
            stack.enter_context(self._blocks.into(len(batches), batches[0].examples, targets))
        losses = [partial(self._suite.loss, self._model, batch.payload, batch.task) for batch in batches]
        with self._computing():
            return run_together(self._encoder, losses)

    def _finish(self, together: Together) -> None:
        self._parameters.collect_into([None] * len(self._parameters.parameters))
        together.backward()
        self._blocks.clear_unused()
        left = [
            info.name
            for parameter, info in zip(self._parameters.parameters, self._parameters.infos, strict=True)
            if parameter.grad is not None
        ]
        if left:
            mixed = f"the gradients of {left[0]} do not come apart by batch"
            raise Mixed(mixed) if self._attempting else BadPlugin(f"{mixed}: leave passes=joint out")

    @property
    def due(self) -> bool:
        """Whether this step is one at which single passes are tried beside: the first, second, fourth, eighth ..."""
        return self.steps & (self.steps - 1) == 0

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Within the block all batches take single passes."""
        self._aside = True
        try:
            yield
        finally:
            self._aside = False

    def attempt(self, rows: Callable[[], Tensor]) -> Tensor | None:
        """The gradients (R, columns) of one pass; None where they cannot be had.

        Then ``refusal`` says why, unless the batches merely do not fit this time.
        """
        self._attempting = True
        try:
            return rows()
        except Apart:
            return None
        except Diverged:
            raise
        except Exception as unfit:  # whatever an encoder does with inputs that it was not made for
            self.refusal = str(unfit).partition("\n")[0] or type(unfit).__name__
            return None
        finally:
            self._attempting = False

    def compare(self, together: Tensor, single: Tensor, sizes: Sequence[int]) -> None:
        """Refuse one pass unless its gradients (R, columns) are those of single passes, and are there to be compared.

        sizes: columns of each parameter, in their order.
        """
        whole = float(single.norm())
        pairs = zip(*(torch.split(rows, list(sizes), dim=1) for rows in (together, single)), strict=True)
        norms = [(float((ours - theirs).norm()), float(theirs.norm())) for ours, theirs in pairs]
        for apart, norm in norms:
            if not apart <= max(_ALIKE * norm, _NOISE * whole):
                self.refusal = (
                    f"one for all gives gradients that differ by {apart / max(norm, 1e-30):.1e} of their norm"
                )
                return
        if 2 * sum(norm > 0 for _, norm in norms) <= len(norms):
            self.refusal = "most of its gradients are zero at the start, and cannot be compared"

    def keep_left(self, batch: int) -> None:
        """Let a batch have what its loss has left at the encoder's own weights, past the pass."""
        for parameter, info in zip(self._parameters.parameters, self._parameters.infos, strict=True):
            if info.encoder and parameter.grad is not None and self._blocks.has_place_for(parameter):
                self._blocks.put_one(parameter, batch, parameter.grad)

    def forget(self) -> None:
        """Let go of what ``found_in`` has told."""
        self._blocks.forget()

    def found_in(self, table: Tensor, batch: int) -> Found:
        """What a batch of the last pass looked up in an embedding table without a target."""
        return self._blocks.found_in(table, batch)
