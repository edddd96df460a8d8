"""Visiting orders: who meets whom, and when, in methods that edit one row's gradient by the others'."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["Orders", "visiting_orders"]

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
