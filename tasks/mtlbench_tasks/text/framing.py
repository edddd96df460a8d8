"""Many inputs put together at once from their segments: special tokens, and stretches of tokenised texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlbench_tasks.text.store import Ragged

__all__ = ["Filled", "Stretches", "side_by_side"]


@dataclass(frozen=True)
class Stretches:
    """One segment of each row: ``lengths`` numbers of ``flat`` from ``begins`` on; both (rows,)."""

    flat: NDArray[Any]
    begins: NDArray[Any]
    lengths: NDArray[Any]


@dataclass(frozen=True)
class Filled:
    """One segment of each row: the same number ``lengths`` times; (rows,)."""

    value: int
    lengths: NDArray[Any]


def side_by_side(count: int, segments: Sequence[Stretches | Filled | tuple[int, ...]], dtype: Any) -> Ragged:
    """``count`` rows, each of its segments one after the other; a tuple is a segment of all rows alike."""
    sizes = [
        np.full(count, len(segment)) if isinstance(segment, tuple) else np.asarray(segment.lengths)
        for segment in segments
    ]
    starts = np.concatenate([[0], np.cumsum(np.sum(sizes, axis=0))]).astype(np.int64)
    flat = np.empty(starts[-1], dtype=dtype)
    at = starts[:-1].copy()
    for segment, size in zip(segments, sizes, strict=True):
        if isinstance(segment, tuple):
            for place, value in enumerate(segment):
                flat[at + place] = value
        elif isinstance(segment, Filled):
            flat[_places(at, size)] = segment.value
        else:
            flat[_places(at, size)] = segment.flat[_places(segment.begins, size)]
        at += size
    return Ragged(flat, starts)


def _places(begins: NDArray[Any], lengths: NDArray[Any]) -> NDArray[np.int64]:
    """begins[0], begins[0] + 1, ... for the first length, and so on for each."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(np.asarray(begins) - before, lengths) + np.arange(int(np.sum(lengths)))
