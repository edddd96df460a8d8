"""Where an encoder's modules put the weight gradients of several tasks that come out of one backward pass.

The examples of R tasks lie behind one another, so a module's inputs and the gradients of its outputs fall into R
blocks of rows that never mix. A weight's R gradients are then one batched product over these blocks, which takes as
many operations as their sum (Goodfellow 2015, "Efficient per-example gradient computations", with blocks of examples).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mtlbench.engine.block_modules import forward_of
from mtlbench.engine.tables import Touched, summed_rows

__all__ = ["BlockGradients"]


class BlockGradients:
    """The weights of one encoder whose gradients come apart by block: those of the modules in ``block_modules``.

    Parameters of other modules, and uses of a weight past its module (a tied decoder), get torch's gradients, which are
    sums over all blocks: whoever asks for blocks must see to it that no ``grad`` is left behind.
    """

    def __init__(self, encoder: nn.Module) -> None:
        self._blocks = self._examples = 0
        self._targets: Mapping[int, Tensor] = {}
        self._written: set[int] = set()
        self._looked_up: dict[int, list[tuple[Tensor, Tensor]]] = {}
        for module in encoder.modules():
            apart = forward_of(module)
            if apart is not None:
                module.forward = self._either(module.forward, apart, module)

    def _either(self, plain: Callable[..., Tensor], apart: Callable[..., Tensor], module: nn.Module) -> Any:
        def forward(inputs: Tensor) -> Tensor:
            return apart(self, module, inputs) if self._blocks and torch.is_grad_enabled() else plain(inputs)

        return forward

    @contextmanager
    def into(self, blocks: int, examples: int, targets: Mapping[int, Tensor]) -> Iterator[None]:
        """Within the block, passes over ``blocks`` runs of ``examples`` examples each are differentiated run by run.

        targets: by a parameter's id, (R, *shape) that is written over. Of embedding tables without a target the
        touched rows are kept, for ``rows_of``.
        """
        self._blocks, self._examples, self._targets = blocks, examples, targets
        self._written.clear()
        self._looked_up.clear()
        try:
            yield
        finally:
            self._blocks = 0

    def rows_of(self, table: Tensor, block: int) -> Touched:
        """What one block touched of a table without a target."""
        found = self._looked_up.get(id(table), [])
        return summed_rows([(ids[block], gradients[block]) for ids, gradients in found], table)

    def fill_unused(self) -> None:
        """Zero the targets that no backward pass has reached."""
        for parameter, target in self._targets.items():
            if parameter not in self._written:
                target.zero_()

    # What the modules' backward passes ask for -------------------------------------------------------------------

    def cut(self, tensor: Tensor, kept: int) -> Tensor:
        """(R, rows of a block, *the last ``kept`` dimensions) of a tensor whose first dimension is examples."""
        return tensor.reshape(self._blocks, -1, *tensor.shape[tensor.dim() - kept :])

    def each(self, outputs: Tensor) -> Tensor:
        """Outputs (B, ..., h) as they are; (1, L, h) or (L, h) that all examples share (of positions) once for each."""
        total = self._blocks * self._examples
        if outputs.shape[0] == total:
            return outputs
        alike = outputs[None] if outputs.dim() < 3 else outputs
        return alike.expand(total, *alike.shape[1:])

    def put(self, parameter: Tensor, gradients: Tensor) -> None:
        """gradients: (R, *shape); those of a module that is called again are added."""
        target = self._targets.get(id(parameter))
        if target is None:
            return  # frozen
        if id(parameter) in self._written:
            target += gradients
        else:
            target.copy_(gradients)
            self._written.add(id(parameter))

    def put_lookups(self, table: Tensor, ids: Tensor, gradients: Tensor) -> None:
        """ids (R, n), gradients (R, n, h)."""
        if id(table) not in self._targets:
            self._looked_up.setdefault(id(table), []).append((ids, gradients))
            return
        rows = table.shape[0]
        pairs = zip(ids, gradients.to(table.dtype), strict=True)
        self.put(table, torch.stack([torch.ops.aten.embedding_dense_backward(g, i, rows, -1, False) for i, g in pairs]))
