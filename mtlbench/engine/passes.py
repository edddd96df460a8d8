"""The passes of a joint step: one of the encoder's for all its batches, where that gives what one each gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor, nn

from mtlbench.engine.block_modules import mixes_examples
from mtlbench.engine.blocks import BlockGradients
from mtlbench.engine.together import Apart, Together, run_together
from mtlbench.interface.method import Method

if TYPE_CHECKING:
    from mtlbench.engine.parameters import FlatParameters
    from mtlbench.interface.oracle import Batch
    from mtlbench.interface.suite import Suite

__all__ = ["JointPasses", "Mixed"]

Computing = AbstractContextManager[object]


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
        self._attempting = False
        self.tried = False
        """Whether its gradients have been held against those of single passes, or could not be had."""
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
            and any(id(parameter) not in inside for parameter in parameters.parameters)
            and not any(map(mixes_examples, encoder.modules()))
        )
        return cls(suite, model, parameters, computing) if possible else None

    @contextmanager
    def over(self, batches: Sequence[Batch], targets: Mapping[int, Tensor] | None = None) -> Iterator[Together | None]:
        """One pass over the batches; None where they need single ones.

        targets: where each encoder parameter's gradients go, (R, *shape) by its id: then the losses are differentiated
        one by one within the block, the encoder at its end. Without, whoever differentiates a loss goes all the way.
        Raises Mixed when a parameter's gradients did not come apart.
        """
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
        self._blocks.fill_unused()
        left = [
            info.name
            for parameter, info in zip(self._parameters.parameters, self._parameters.infos, strict=True)
            if parameter.grad is not None
        ]
        if left:
            raise Mixed(f"the gradients of {left[0]} do not come apart by batch")

    def attempt(self, rows: Callable[[], Tensor]) -> Tensor | None:
        """The gradients (R, columns) of one pass; None where they cannot be had.

        Then ``refusal`` says why, unless the batches are merely of different sizes this time.
        """
        self._attempting = True
        try:
            return rows()
        except Apart:
            return None
        except (Mixed, RuntimeError, TypeError, ValueError) as unfit:  # the encoder, over inputs it was not made for
            self.tried, self.refusal = True, str(unfit).partition("\n")[0]
            return None
        finally:
            self._attempting = False

    def compare(self, together: Tensor, single: Tensor, tolerance: float) -> None:
        """Refuse one pass where its gradients (R, columns) are not those of single ones."""
        self.tried = True
        apart = ((together - single).norm(dim=1) / single.norm(dim=1).clamp_min(1e-30)).max()
        if not float(apart) <= tolerance:
            self.refusal = f"one for all gives gradients that differ by {float(apart):.1e} of their norms"

    def rows_of(self, table: Tensor, batch: int) -> tuple[Tensor, Tensor]:
        """Of an embedding table without a target, the rows that a batch of the last pass touched, and their values."""
        return self._blocks.rows_of(table, batch)
