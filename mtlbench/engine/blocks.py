"""Where an encoder's modules put the weight gradients of several tasks that come out of one backward pass.

The examples of R tasks lie behind one another, so a module's inputs and the gradients of its outputs fall into R
blocks of rows that never mix. A weight's R gradients are then one batched product over these blocks, which takes as
many operations as their sum (Goodfellow 2015, "Efficient per-example gradient computations", with blocks of examples).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mtlbench.engine.block_modules import comes_apart, computed
from mtlbench.engine.tables import Found, joined

__all__ = ["BlockGradients"]


class BlockGradients:
    """The weights of one encoder whose gradients come apart by block: those of the modules in ``block_modules``.

    Parameters of other modules, and uses of a weight past its module (a tied decoder), get torch's gradients, which are
    sums over all blocks: whoever asks for blocks must see to it that no ``grad`` is left behind.
    """

    def __init__(self, encoder: nn.Module) -> None:
        self._blocks = self._examples = 0
        self._targets: Mapping[int, Tensor] = {}
        self._begun: set[int] = set()
        self._looked_up: dict[int, list[Found]] = {}
        for module in encoder.modules():
            if comes_apart(module):
                module.forward = _Either(self, module, module.forward).forward

    def computes(self) -> bool:
        """Whether a forward pass that starts now is to be differentiated by block."""
        return bool(self._blocks) and torch.is_grad_enabled()

    @contextmanager
    def into(self, blocks: int, examples: int, targets: Mapping[int, Tensor]) -> Iterator[None]:
        """Within the block, passes over ``blocks`` runs of ``examples`` examples each are differentiated run by run.

        targets: by a parameter's id, (R, *shape) that is written over. Of embedding tables without a target the
        look-ups are kept, for ``found_in``.
        """
        self._blocks, self._examples, self._targets = blocks, examples, targets
        self._begun = set()
        self._looked_up.clear()
        try:
            yield
        finally:
            self._blocks, self._targets = 0, {}

    def clear_unused(self) -> None:
        """Fill the targets of parameters that no pass has used with zeros."""
        for unused in self._targets.keys() - self._begun:
            self._targets[unused].zero_()

    def found_in(self, table: Tensor, block: int) -> Found:
        """What one block looked up in a table without a target."""
        found = self._looked_up.get(id(table), [])
        return joined([(ids[block], gradients[block]) for ids, gradients in found], table)

    def forget(self) -> None:
        """Let go of what ``found_in`` has told."""
        self._looked_up.clear()

    # What the modules' backward passes ask for -------------------------------------------------------------------

    def cut(self, tensor: Tensor, kept: int) -> Tensor:
        """(R, rows of a block, *the last ``kept`` dimensions) of a tensor whose first dimension is examples."""
        return tensor.reshape(self._blocks, -1, *tensor.shape[tensor.dim() - kept :])

    def each(self, outputs: Tensor) -> Tensor:
        """Outputs (B, ..., h) as they are; (1, L, h) or (L, h) that all examples share (of positions) once for each."""
        total = self._blocks * self._examples
        if outputs.dim() > 2 and outputs.shape[0] == total:
            return outputs
        alike = outputs[None] if outputs.dim() < 3 else outputs
        return alike.expand(total, *alike.shape[1:])

    def put(self, parameter: Tensor, gradients: Tensor) -> None:
        """gradients: (R, *shape), added to what other uses of the parameter have left."""
        target, begun = self._target(parameter)
        if target is not None:
            _add(target, gradients, begun)

    def put_products(self, parameter: Tensor, left: Tensor, right: Tensor) -> None:
        """The same for gradients that are products of left (R, a, n) and right (R, n, b)."""
        target, begun = self._target(parameter)
        if target is not None and left.dtype == target.dtype:
            torch.baddbmm(target, left, right, beta=int(begun), out=target)
        elif target is not None:
            _add(target, torch.bmm(left, right), begun)

    def put_one(self, parameter: Tensor, block: int, gradient: Tensor) -> None:
        """The same for the gradient of one block alone."""
        target, begun = self._target(parameter)
        if target is not None:
            (target if begun else target.zero_())[block] += gradient

    def has_place_for(self, parameter: Tensor) -> bool:
        return id(parameter) in self._targets

    def _target(self, parameter: Tensor) -> tuple[Tensor | None, bool]:
        """Where a parameter's gradients go, and whether there are some already."""
        target, begun = self._targets.get(id(parameter)), id(parameter) in self._begun
        if target is None and parameter.requires_grad:
            raise RuntimeError("a parameter whose gradients come apart has no place for them")
        self._begun.add(id(parameter))
        return target, begun

    def put_lookups(self, table: Tensor, ids: Tensor, gradients: Tensor) -> None:
        """ids (R, n), gradients (R, n, h)."""
        if id(table) not in self._targets:
            self._looked_up.setdefault(id(table), []).append((ids, gradients))
            return
        rows = table.shape[0]
        pairs = zip(ids, gradients.to(table.dtype), strict=True)
        self.put(table, torch.stack([torch.ops.aten.embedding_dense_backward(g, i, rows, -1, False) for i, g in pairs]))


def _add(target: Tensor, gradients: Tensor, begun: bool) -> None:
    if begun:
        target += gradients
    else:
        target.copy_(gradients)


class _Either:
    """A module's forward pass: its own, or the one whose gradients come apart."""

    def __init__(self, blocks: BlockGradients, module: nn.Module, plain: Callable[..., Tensor]) -> None:
        self._blocks, self._module, self._plain = blocks, module, plain

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's own name)
        return computed(self._blocks, self._module, input) if self._blocks.computes() else self._plain(input)
