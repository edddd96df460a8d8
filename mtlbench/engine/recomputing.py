"""Activation checkpointing: an encoder's layers are computed again in the backward pass, not kept for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from mtlbench.interface.errors import BadSetting

if TYPE_CHECKING:
    from torch import nn

    from mtlbench.interface.suite import Suite

__all__ = ["recompute_activations", "recomputing"]


def recompute_activations(suite: Suite, model: nn.Module) -> None:
    """Let the layers of the suite's encoder recompute in training mode, as transformers has it.

    Raises BadSetting where the encoder neither is nor holds a transformers model that supports it.
    """
    encoder = suite.encoder(model)
    able = [module for module in encoder.modules() if getattr(module, "supports_gradient_checkpointing", False)]
    inner = {id(module) for outer in able for module in outer.modules() if module is not outer}
    outermost = [module for module in able if id(module) not in inner]
    if not outermost:
        raise BadSetting(
            f"activation_checkpointing needs an encoder of transformers that supports it; that of suite {suite.name} "
            f"is a {type(encoder).__name__}: leave it out, or save memory with accumulate"
        )
    for module in outermost:
        config: Any = getattr(module, "config", None)
        if hasattr(config, "use_cache"):
            config.use_cache = False  # transformers switches it off by itself, with a warning for every model
        _enable(module)


def _enable(module: Any) -> None:
    # The form of torch's checkpoint that leaves one backward pass one backward pass, with hooks that see it once.
    kind = {"use_reentrant": False}
    if hasattr(module, "activation_checkpointing_enable"):  # transformers' name for it since 5
        module.activation_checkpointing_enable(activation_checkpointing_kwargs=kind)
    else:
        module.gradient_checkpointing_enable(gradient_checkpointing_kwargs=kind)


@contextmanager
def recomputing(model: nn.Module) -> Iterator[None]:
    """Within the block the layers recompute in evaluation mode too, if they do in training mode.

    transformers only does so in training mode; gradients that are looked at without dropout would need the memory
    that training does without.
    """
    layers = [module for module in model.modules() if _recomputes(module) and not any(map(_recomputes, _below(module)))]
    for layer in layers:
        layer.forward = partial(_checkpointed, type(layer).forward.__get__(layer))
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _recomputes(module: nn.Module) -> bool:
    return bool(getattr(module, "gradient_checkpointing", False))


def _below(module: nn.Module) -> Iterator[nn.Module]:
    return (other for other in module.modules() if other is not module)


def _checkpointed(forward: Any, *args: Any, **kwargs: Any) -> Any:
    from torch.utils.checkpoint import checkpoint

    return checkpoint(partial(forward, **kwargs), *args, use_reentrant=False)
