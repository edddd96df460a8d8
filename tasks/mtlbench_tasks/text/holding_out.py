"""Rows kept back from training to select on, where a data set has no split for it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from mtlbench.interface import BadDataset

__all__ = ["hold_out"]

MOST = 500
"""Rows held out of a task at most."""


def hold_out(names: Sequence[str], share: float, what: str, most: int = MOST) -> tuple[list[int], list[int]]:
    """(kept, held out) row numbers, each in order: ``share`` of the rows, at least one, at most ``most``.

    A row goes by a digest of its name, so the choice does not depend on order, seed or other rows' presence, but for
    how many there are. Raises BadDataset, naming ``what``, when fewer than two rows are there.
    """
    if len(names) < 2:
        raise BadDataset(f"{what}: {len(names)} training rows are too few to hold one out for selection")
    count = min(most, len(names) - 1, math.ceil(share * len(names)))
    ranked = sorted(range(len(names)), key=lambda row: (hashlib.sha256(names[row].encode()).digest(), row))
    chosen = set(ranked[:count])
    return [row for row in range(len(names)) if row not in chosen], sorted(chosen)
