"""Batches in parts: what is differentiated one after the other and is one gradient all the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtlbench.interface.oracle import Batch

if TYPE_CHECKING:
    from mtlbench.interface.suite import Split, Suite

__all__ = ["cut", "cut_batch", "weighed"]


def cut(indices: Sequence[int], count: int) -> list[list[int]]:
    """``count`` runs of indices whose sizes differ by one at most, the longer ones first; one index each if fewer."""
    count = min(count, len(indices))
    size, rest = divmod(len(indices), count)
    ends = [size * number + min(number, rest) for number in range(count + 1)]
    return [list(indices[start:stop]) for start, stop in zip(ends, ends[1:], strict=False)]


def cut_batch(suite: Suite, task: str, place: int, split: Split, indices: Sequence[int], count: int) -> Batch:
    """The batch of the examples at ``indices``; in ``count`` parts, if that is more than one.

    place: the task's, among those that share the model.
    """
    parts = [Batch(task, place, len(part), suite.batch(task, split, part)) for part in cut(indices, count)]
    return parts[0] if len(parts) == 1 else Batch(task, place, len(indices), None, tuple(parts))


def weighed(suite: Suite, batch: Batch) -> list[tuple[Batch, float]]:
    """The parts of a batch, each with its share in the batch's mean loss; the shares sum to 1.

    The share is that of the terms that the suite's loss is a mean over, else of examples. A part without terms (no
    labelled token) has no mean loss and is left out.
    """
    if not batch.parts:
        return [(batch, 1.0)]
    terms = [suite.terms(part.payload) for part in batch.parts]
    known = [count for count in terms if count is not None]
    counts = known if len(known) == len(terms) and sum(known) > 0 else [part.examples for part in batch.parts]
    return [(part, n / sum(counts)) for part, n in zip(batch.parts, counts, strict=True) if n]
