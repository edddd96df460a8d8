"""Modules whose backward pass can hand out a weight's gradients block by block instead of summing over all examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlbench.engine.tables import plain_lookups

if TYPE_CHECKING:
    from mtlbench.engine.blocks import BlockGradients

__all__ = ["comes_apart", "computed", "mixes_examples"]


def comes_apart(module: nn.Module) -> bool:
    """Whether ``computed`` takes the module: its type is known, and its gradients are of the plain kind."""
    if isinstance(module, nn.Embedding) and not plain_lookups(module):
        return False
    if isinstance(module, nn.modules.conv._ConvNd) and (
        module.padding_mode != "zeros" or isinstance(module.padding, str)
    ):
        return False
    return type(module) in _FUNCTIONS


def computed(blocks: BlockGradients, module: Any, inputs: Tensor) -> Tensor:
    """A module's outputs, whose backward pass puts the gradients of its weights into ``blocks``."""
    function: Any = _FUNCTIONS[type(module)]
    outputs: Tensor = function.apply(blocks, module, inputs, module.weight, getattr(module, "bias", None))
    return outputs


def mixes_examples(module: nn.Module) -> bool:
    """Whether its outputs for one example depend on the others, as batch normalisation's do."""
    return isinstance(module, nn.modules.batchnorm._BatchNorm)


# Autograd functions: the weights are inputs, so that the pass reaches them, and get no gradient of autograd's. Under
# autocast the gradients of outputs come in bfloat16; weights' gradients are put in float32.


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, blocks: BlockGradients, module: nn.Linear, inputs: Tensor, *_: Tensor | None) -> Tensor:
        ctx.blocks, ctx.module = blocks, module
        ctx.save_for_backward(inputs)
        return functional.linear(inputs, module.weight, module.bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, Tensor | None, None, None]:
        blocks, module, (gradient,), (inputs,) = ctx.blocks, ctx.module, gradients, ctx.saved_tensors
        out = blocks.cut(gradient, 1)  # (R, n, out)
        blocks.put_products(module.weight, out.transpose(1, 2), blocks.cut(inputs, 1).to(out.dtype))
        if module.bias is not None:
            blocks.put(module.bias, out.sum(1))
        if not ctx.needs_input_grad[2]:
            return None, None, None, None, None
        below = gradient @ module.weight.to(gradient.dtype)
        return None, None, below.to(inputs.dtype), None, None


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, blocks: BlockGradients, module: nn.LayerNorm, inputs: Tensor, *_: Tensor | None) -> Tensor:
        shape = list(module.normalized_shape)
        normed, mean, scale = torch.native_layer_norm(inputs, shape, module.weight, module.bias, module.eps)
        ctx.blocks, ctx.module = blocks, module
        ctx.save_for_backward(inputs, mean, scale)
        return normed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, Tensor | None, None, None]:
        blocks, module, (gradient,), (inputs, mean, scale) = ctx.blocks, ctx.module, gradients, ctx.saved_tensors
        shape, kept = list(module.normalized_shape), len(module.normalized_shape)
        mask = [ctx.needs_input_grad[2], module.weight is not None, module.bias is not None]
        parts = [blocks.cut(gradient.to(inputs.dtype), kept), blocks.cut(inputs, kept), blocks.cut(mean, kept)]
        found = [
            torch.ops.aten.native_layer_norm_backward(out, states, shape, m, s, module.weight, module.bias, mask)
            for out, states, m, s in zip(*parts, blocks.cut(scale, kept), strict=True)
        ]
        for parameter, place in ((module.weight, 1), (module.bias, 2)):
            if parameter is not None:
                blocks.put(parameter, torch.stack([each[place] for each in found]))
        # No view of what was put together: autograd adds further gradients to it in place.
        below = torch.cat([each[0].view(-1, *inputs.shape[1:]) for each in found]) if mask[0] else None
        return None, None, below, None, None


class _Embedding(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, blocks: BlockGradients, module: nn.Embedding, ids: Tensor, *_: Tensor | None) -> Tensor:
        ctx.blocks, ctx.module = blocks, module
        looked_up = blocks.each(functional.embedding(ids, module.weight))
        ctx.save_for_backward(ids.expand(looked_up.shape[:-1]))
        return looked_up

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, None, None, None]:
        blocks, module, (gradient,), (ids,) = ctx.blocks, ctx.module, gradients, ctx.saved_tensors
        if module.padding_idx is not None:
            gradient = gradient.masked_fill((ids == module.padding_idx)[..., None], 0.0)
        blocks.put_lookups(module.weight, blocks.cut(ids, 0), blocks.cut(gradient, 1))
        return None, None, None, None, None


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, blocks: BlockGradients, module: Any, inputs: Tensor, *_: Tensor | None) -> Tensor:
        ctx.blocks, ctx.module = blocks, module
        ctx.save_for_backward(inputs)
        convolved: Tensor = module._conv_forward(inputs, module.weight, module.bias)
        return convolved

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, Tensor | None, None, None]:
        blocks, module, (gradient,), (inputs,) = ctx.blocks, ctx.module, gradients, ctx.saved_tensors
        kept = inputs.dim() - 1

        def differentiated(out: Tensor, states: Tensor, wanted: list[bool]) -> list[Tensor]:
            sizes = None if module.bias is None else [module.out_channels]
            weight, zeros = module.weight.to(out.dtype), [0] * (kept - 1)
            found: list[Tensor] = torch.ops.aten.convolution_backward(
                out, states.to(out.dtype), weight, sizes, module.stride, module.padding, module.dilation,
                False, zeros, module.groups, wanted,
            )  # fmt: skip
            return found

        parts = zip(blocks.cut(gradient, kept), blocks.cut(inputs, kept), strict=True)
        found = [differentiated(out, states, [False, True, module.bias is not None]) for out, states in parts]
        blocks.put(module.weight, torch.stack([weight for _, weight, _ in found]))
        if module.bias is not None:
            blocks.put(module.bias, torch.stack([bias for _, _, bias in found]))
        if not ctx.needs_input_grad[2]:
            return None, None, None, None, None
        below = differentiated(gradient, inputs, [True, False, False])[0]
        return None, None, below.to(inputs.dtype), None, None


_FUNCTIONS: dict[type[nn.Module], type[torch.autograd.Function]] = {
    nn.Linear: _Linear,
    nn.LayerNorm: _LayerNorm,
    nn.Embedding: _Embedding,
    nn.Conv1d: _Convolution,
    nn.Conv2d: _Convolution,
    nn.Conv3d: _Convolution,
}
