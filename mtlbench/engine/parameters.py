"""A model's trainable parameters as views of one flat vector, and their gradients as views of another.

Branches, outer updates, distances and optimizer steps are then single operations on long vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mtlbench.interface.errors import BadPlugin
from mtlbench.interface.gradients import GradientLayout
from mtlbench.interface.oracle import ParameterInfo, Segment

if TYPE_CHECKING:
    from mtlbench.interface.suite import Suite

__all__ = ["FlatParameters"]


class FlatParameters:
    """The flat vector of one model: shared parameters first (pretrained before new), then each owner's.

    ``values`` (N,) holds the parameters, ``gradient`` (N,) what backward adds up; ``shared`` is d.
    """

    def __init__(self, suite: Suite, model: nn.Module, attached: Mapping[str, nn.Module]) -> None:
        owners, pretrained = suite.owners(model), suite.pretrained(model)
        encoder = {id(parameter) for parameter in suite.encoder(model).parameters()}
        entries: list[tuple[str, nn.Parameter, str | None, bool]] = [
            (name, parameter, owners.get(name), name in pretrained)
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        ]
        order = {None: 0} | {task.name: place for place, task in enumerate(suite.tasks(), start=1)}
        entries.sort(key=lambda entry: (order[entry[2]], not entry[3]))
        for module_name, module in attached.items():
            entries += [
                (f"{module_name}.{name}", parameter, module_name, False)
                for name, parameter in module.named_parameters()
            ]
        self.attached = frozenset(attached)
        self._adopt(entries, encoder)
        self._cut_segments()

    def _adopt(self, entries: list[tuple[str, nn.Parameter, str | None, bool]], encoder: set[int]) -> None:
        dtypes = {parameter.dtype for _, parameter, _, _ in entries}
        if len(dtypes) != 1:
            raise BadPlugin(
                f"the model's trainable parameters must share one dtype, found {sorted(map(str, dtypes)) or 'none'}"
            )
        first = entries[0][1]
        count = sum(parameter.numel() for _, parameter, _, _ in entries)
        self.values = torch.empty(count, dtype=first.dtype, device=first.device)
        self.gradient = torch.zeros_like(self.values)
        self.parameters: list[nn.Parameter] = []
        self.infos: list[ParameterInfo] = []
        self._spans: list[tuple[int, int]] = []
        start = 0
        for name, parameter, owner, is_pretrained in entries:
            stop = start + parameter.numel()
            view = self.values[start:stop].view(parameter.shape)
            view.copy_(parameter.detach())
            parameter.data = view
            self.parameters.append(parameter)
            self.infos.append(ParameterInfo(name, view, owner, id(parameter) in encoder, is_pretrained))
            self._spans.append((start, stop))
            start = stop
        shared = [info for info in self.infos if info.owner is None]
        self.shared = sum(info.tensor.numel() for info in shared)
        self.layout = GradientLayout(tuple(i.name for i in shared), tuple(i.tensor.numel() for i in shared))

    def _cut_segments(self) -> None:
        self.start = self.values.clone()
        self.segments: list[Segment] = []
        self.segment_spans: list[tuple[int, int]] = []
        rows = zip(self.infos, self._spans, strict=True)
        for (owner, pretrained), group in groupby(rows, key=lambda row: (row[0].owner, row[0].pretrained)):
            spans = [span for _, span in group]
            start, stop = spans[0][0], spans[-1][1]
            name = f"{owner or 'shared'}{'' if pretrained else '/new'}"
            self.segments.append(Segment(name, self.values[start:stop], self.start[start:stop], owner, pretrained))
            self.segment_spans.append((start, stop))

    def views_of(self, vector: Tensor) -> list[Tensor]:
        """A (N,) vector as one tensor per parameter, in its shape."""
        return [
            vector[start:stop].view(parameter.shape)
            for (start, stop), parameter in zip(self._spans, self.parameters, strict=True)
        ]

    def collect_into(self, views: Sequence[Tensor | None]) -> None:
        """Let backward add into ``views``; where there is None, into a new tensor."""
        for parameter, view in zip(self.parameters, views, strict=True):
            parameter.grad = view

    def release_gradients(self) -> None:
        """Take the gradient storage away from the parameters."""
        for parameter in self.parameters:
            parameter.grad = None
