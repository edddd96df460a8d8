"""The encoder's pass over all batches of a joint step at once.

A suite's loss passes through its encoder exactly once. So the encoder's inputs can be had by starting the loss and
stopping it there; the encoder runs once over all batches' inputs behind one another; and each loss is computed from its
own part of the outputs. Neither suites nor methods have to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils import _pytree as pytree

__all__ = ["Apart", "Together", "run_together"]

_MASK = "attention_mask"
"""An encoder that is given one ignores what it masks, so that shorter texts may be padded."""


class Apart(Exception):
    """Why some batches' inputs do not fit behind one another."""


class _Stopped(BaseException):
    """Carries an encoder's inputs out of a loss; no suite catches it by accident."""

    def __init__(self, inputs: Any) -> None:
        super().__init__()
        self.inputs = inputs


class Together:
    """An encoder's outputs for R batches of equal size, from one pass."""

    def __init__(self, encoder: nn.Module, outputs: Any, lengths: Sequence[int]) -> None:
        """lengths: of each batch before padding; all equal where nothing was padded."""
        self._encoder = encoder
        self._lengths = lengths
        leaves, self._tree = pytree.tree_flatten(outputs)
        count = len(lengths)
        # Unbound at once: the gradient of each single part would be a tensor as large as all of them.
        self._leaves = [
            torch.unflatten(leaf, 0, (count, -1)).unbind() if isinstance(leaf, Tensor) else leaf for leaf in leaves
        ]
        self._cut: list[tuple[Tensor, Tensor]] = []

    @contextmanager
    def lent(self, batch: int, *, cut: bool) -> Iterator[None]:
        """Within the block the encoder returns its outputs for one batch.

        cut: a loss made of them is differentiated as far as these outputs; ``backward`` takes it from there.
        """
        leaves = [self._part(leaf[batch], batch, cut) if isinstance(leaf, tuple) else leaf for leaf in self._leaves]
        found = pytree.tree_unflatten(leaves, self._tree)
        with _forward_instead(self._encoder, lambda *_args, **_kwargs: found):
            yield

    def _part(self, part: Tensor, batch: int, cut: bool) -> Tensor:
        if part.dim() > 2 and part.shape[1] == max(self._lengths) != self._lengths[batch]:
            part = part[:, : self._lengths[batch]]
        if not cut or not part.requires_grad:
            return part
        end = part.detach().requires_grad_()
        self._cut.append((part, end))
        return end

    def backward(self) -> None:
        """Differentiate the one pass, along what the losses left at their parts of its outputs."""
        reached = [(part, end.grad) for part, end in self._cut if end.grad is not None]
        self._cut.clear()
        if reached:
            torch.autograd.backward([part for part, _ in reached], [gradient for _, gradient in reached])


def run_together(encoder: nn.Module, losses: Sequence[Callable[[], object]]) -> Together:
    """One pass of the encoder over the inputs that the losses give it. Raises Apart where these do not fit."""
    given = [_inputs_of(encoder, loss) for loss in losses]
    flat, trees = zip(*(pytree.tree_flatten(inputs) for inputs in given), strict=True)
    if any(tree != trees[0] for tree in trees):
        raise Apart("the encoder is called in different ways")
    lengths = [_length(inputs[1]) for inputs in given]
    leaves = [_behind_one_another(list(column), lengths) for column in zip(*flat, strict=True)]
    args, kwargs = pytree.tree_unflatten(leaves, trees[0])
    return Together(encoder, encoder(*args, **kwargs), lengths)


def _inputs_of(encoder: nn.Module, loss: Callable[[], object]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    def stop(*args: Any, **kwargs: Any) -> Any:
        raise _Stopped((args, kwargs))

    before = torch.get_rng_state()
    try:
        with _forward_instead(encoder, stop):
            loss()
    except _Stopped as stopped:
        inputs: tuple[tuple[Any, ...], dict[str, Any]] = stopped.inputs
        if not torch.equal(before, torch.get_rng_state()):
            torch.set_rng_state(before)
            raise Apart("a loss draws random numbers before its encoder") from None
        if any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in pytree.tree_leaves(inputs)):
            raise Apart("what goes into the encoder is itself trained") from None
        return inputs
    raise Apart("a loss does not call the suite's encoder")


def _length(kwargs: dict[str, Any]) -> int:
    mask = kwargs.get(_MASK)
    return int(mask.shape[1]) if isinstance(mask, Tensor) and mask.dim() == 2 else 0


def _behind_one_another(leaves: Sequence[Any], lengths: Sequence[int]) -> Any:
    if not isinstance(leaves[0], Tensor):
        if any(leaf != leaves[0] for leaf in leaves):
            raise Apart("the encoder is called with different settings")
        return leaves[0]
    longest = max(lengths)
    if longest and leaves[0].dim() == 2 and not leaves[0].is_floating_point():
        leaves = [functional.pad(leaf, (0, longest - leaf.shape[1])) for leaf in leaves]
    if any(leaf.shape != leaves[0].shape or leaf.dim() == 0 for leaf in leaves):
        raise Apart("batches differ in size")
    return torch.cat(list(leaves))


@contextmanager
def _forward_instead(encoder: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    own = vars(encoder).get("forward")
    encoder.forward = forward
    try:
        yield
    finally:
        if own is None:
            del encoder.forward
        else:
            encoder.forward = own
