"""From scores of tokens to the text of an answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtlbench_tasks.text.windows import Windows

__all__ = ["best_answers", "best_spans"]


def best_spans(
    start: NDArray[np.floating], end: NDArray[np.floating], allowed: NDArray[np.bool_], longest: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """The best span of each window: its score, first and last token; a score of -inf where none is allowed.

    start, end: (B, L) scores. allowed: (B, L), where a span may begin and end. longest: tokens of a span at most.
    A span's score is the sum of both scores, and every span is looked at, so that no n-best list need be cut. Of
    equal ones the shortest wins, then the first.
    """
    batch, length = start.shape
    opening = np.where(allowed, start.astype(np.float64), -np.inf)
    closing = np.where(allowed, end.astype(np.float64), -np.inf)
    best = np.full(batch, -np.inf)
    first = np.zeros(batch, dtype=np.int64)
    last = np.zeros(batch, dtype=np.int64)
    for extra in range(min(longest, length)):
        sums = opening[:, : length - extra] + closing[:, extra:]  # (B, L - extra)
        at = sums.argmax(axis=1)
        score = sums[np.arange(batch), at]
        better = score > best
        best = np.where(better, score, best)
        first = np.where(better, at, first)
        last = np.where(better, at + extra, last)
    return best, first, last


def best_answers(
    windows: Windows,
    passages: Sequence[str],
    score: NDArray[np.float64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
) -> list[str]:
    """Per question, the text of the best span of its windows, as it stands in the passage; "" where there is none.

    score, first, last: (W,), the best span of each window, in the window's tokens.
    """
    answers = [""] * len(passages)
    best = [-np.inf] * len(passages)
    for window in range(len(windows)):
        question = int(windows.question[window])
        if score[window] <= best[question]:
            continue
        best[question] = score[window]
        shift = int(windows.passage_from[window] - windows.passage_at[window])
        begin = windows.begins[question][int(first[window]) + shift]
        end = windows.ends[question][int(last[window]) + shift]
        answers[question] = passages[question][int(begin) : int(end)]
    return answers
