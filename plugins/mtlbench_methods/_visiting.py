"""Visiting orders: who meets whom, and when, in methods that edit one row's gradient by the others'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtlbench.interface import BadSetting

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

__all__ = ["Orders", "checked_orders", "visiting_orders"]

Orders = list[list[int]]
"""``orders[i]`` are the rows that row i visits, in order: each of the others once, never i itself."""


def visiting_orders(groups: int, rows: int, generator: torch.Generator) -> list[Orders]:
    """Independent uniform orders for every row of every parameter group."""
    import torch

    keys = torch.rand(groups, rows, rows, generator=generator, dtype=torch.float64).tolist()
    return [
        [sorted((j for j in range(rows) if j != i), key=row.__getitem__) for i, row in enumerate(group)]
        for group in keys
    ]


def checked_orders(orders: Sequence[Sequence[int]], rows: int) -> Sequence[Sequence[int]]:
    """The orders of a golden case. Raises BadSetting unless every row has one, of other rows."""
    if len(orders) != rows:
        raise BadSetting(f"orders must have one list for each of the {rows} rows, found {len(orders)}")
    for row, order in enumerate(orders):
        for other in order:
            if other not in range(rows) or other == row:
                raise BadSetting(f"orders[{row}] may name the other rows, 0 to {rows - 1}, found {other!r}")
    return orders
