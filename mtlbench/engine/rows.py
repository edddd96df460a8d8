"""The storage of task gradients: allocated once, lent to one joint step after the other."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from mtlbench.engine.parameters import FlatParameters

__all__ = ["RowStorage"]


class RowStorage:
    """(R, d') rows, one a batch: the shared parameters' columns in their order, but for those gathered elsewhere."""

    def __init__(self, parameters: FlatParameters, *, without: Collection[int]) -> None:
        """without: places in ``parameters`` of shared ones that have no columns here."""
        self._parameters = parameters
        self._without = without
        shared = [(place, info) for place, info in enumerate(parameters.infos) if info.owner is None]
        self.sizes = [info.tensor.numel() for place, info in shared if place not in without]
        """Columns of each parameter, in their order."""
        self._rows: Tensor | None = None
        self._views: list[list[Tensor | None]] = []

    def of(self, count: int) -> Tensor:
        """The first ``count`` rows."""
        if self._rows is None or self._rows.shape[0] < count:
            self._rows = self._parameters.values.new_empty(count, sum(self.sizes))
            self._views = [self._views_of(row) for row in self._rows]
        return self._rows[:count]

    def release(self) -> None:
        """Give the memory back until rows are asked for again."""
        self._rows = None
        self._views = []

    def cleared(self, row: int) -> list[Tensor | None]:
        """One row as a tensor per parameter, all zero: where a backward pass collects one batch's gradient.

        Parameters that tasks own collect in the flat gradient; None for those without columns.
        """
        self.of(row + 1)[row].zero_()
        return self._views[row]

    def cleared_outside(self, row: int) -> list[Tensor | None]:
        """The same without the encoder's parameters, whose columns stay as they are."""
        infos = self._parameters.infos
        views = [None if info.encoder else view for view, info in zip(self._views[row], infos, strict=True)]
        for view, info in zip(views, infos, strict=True):
            if view is not None and info.owner is None:
                view.zero_()
        return views

    def by_parameter(self, count: int) -> dict[int, Tensor]:
        """The columns of every shared parameter of the encoder, by the parameter's id: (count, *shape)."""
        rows, found, start = self.of(count), {}, 0
        for place, (parameter, info) in enumerate(
            zip(self._parameters.parameters, self._parameters.infos, strict=True)
        ):
            if info.owner is None and place not in self._without:
                stop = start + parameter.numel()
                if info.encoder:
                    found[id(parameter)] = torch.unflatten(rows[:, start:stop], 1, parameter.shape)
                start = stop
        return found

    def _views_of(self, row: Tensor) -> list[Tensor | None]:
        views: list[Tensor | None] = []
        start = 0
        flat = self._parameters.views_of(self._parameters.gradient)
        for place, (info, own) in enumerate(zip(self._parameters.infos, flat, strict=True)):
            if info.owner is not None:
                views.append(own)
            elif place in self._without:
                views.append(None)
            else:
                views.append(row[start : start + own.numel()].view(own.shape))
                start += own.numel()
        return views
