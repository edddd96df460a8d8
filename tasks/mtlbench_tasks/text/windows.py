"""Questions on passages longer than an encoder's input, cut into windows that overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlbench.interface import BadSetting
from mtlbench_tasks.text.pieces import Frame, frame_of, token_ids, tokenized
from mtlbench_tasks.text.store import Arrays, Ragged

__all__ = ["Windows", "answer_tokens", "make_windows"]

_COLUMNS = ("ids", "types", "question", "at", "from", "held", "answer")


@dataclass(frozen=True)
class Windows:
    """All windows of the questions of one split, in the questions' order.

    A window is the question and a stretch of its passage. W windows, N questions.
    """

    ids: Ragged
    """Token ids of each window."""
    types: Ragged
    question: NDArray[Any]
    """(W,), the window's question."""
    passage_at: NDArray[Any]
    """(W,), the window's token at which the passage begins."""
    passage_from: NDArray[Any]
    """(W,), the passage's token that stands there."""
    passage_held: NDArray[Any]
    """(W,), how many of its tokens follow from there."""
    answer: NDArray[Any]
    """(W, 2), first and last token of the answer in the window; 0, the classification token, when it is not in it."""
    begins: Ragged
    """Per question, the character of the passage where each of its tokens begins."""
    ends: Ragged
    """And where it ends (exclusive)."""

    @classmethod
    def of(cls, arrays: Arrays) -> Windows:
        """From the arrays of ``make_windows``."""
        return cls(
            Ragged(arrays["ids"], arrays["starts"]),
            Ragged(arrays["types"], arrays["starts"]),
            arrays["question"],
            arrays["passage_at"],
            arrays["passage_from"],
            arrays["passage_held"],
            arrays["answer"],
            Ragged(arrays["begins"], arrays["tokens"]),
            Ragged(arrays["ends"], arrays["tokens"]),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def first_of_question(self) -> list[int]:
        """The first window of every question."""
        return [int(row) for row in np.flatnonzero(self.passage_from == 0)]


def make_windows(
    tokenizer: Any,
    questions: Sequence[str],
    passages: Sequence[str],
    answers: Sequence[tuple[int, int] | None],
    *,
    max_length: int,
    stride: int,
    max_question: int,
) -> Arrays:
    """The arrays of ``Windows``.

    answers: per question, the first and the past-the-end character of the answer to train on, or None. stride:
    tokens by which a window begins after the one before it (BERT's document stride), at most what one holds.
    A question is cut after ``max_question`` tokens. As usual for SQuAD v1.1, a window without the whole answer is
    kept, and its target is the classification token. Raises BadSetting when no room is left for the passage.
    """
    frame = frame_of(tokenizer, pair=True)
    if max_length < max_question + frame.specials + 1:
        raise BadSetting(
            f"max_length {max_length} leaves no room for a passage beside {max_question} tokens of question "
            f"and {frame.specials} special ones"
        )
    asked = [ids[:max_question] for ids in token_ids(tokenizer, [text.lstrip() for text in questions])]
    unique = {text: place for place, text in enumerate(dict.fromkeys(passages))}
    read = tokenized(tokenizer, list(unique))
    columns: Mapping[str, list[Any]] = {name: [] for name in _COLUMNS}
    begins, ends = [], []
    for number, (question, passage) in enumerate(zip(asked, passages, strict=True)):
        found = read[unique[passage]]
        offsets = np.asarray(found.offsets, dtype=np.int64).reshape(-1, 2)
        begins.append(offsets[:, 0])
        ends.append(offsets[:, 1])
        span = answer_tokens(offsets, answers[number])
        _cut(columns, frame, number, question, found.ids, span, max_length, stride)
    starts = Ragged.of(columns["ids"], np.int32)
    offsets_from = Ragged.of(begins, np.int32)
    return {
        "ids": starts.flat,
        "types": Ragged.of(columns["types"], np.int8).flat,
        "starts": starts.starts,
        "question": np.array(columns["question"], dtype=np.int64),
        "passage_at": np.array(columns["at"], dtype=np.int64),
        "passage_from": np.array(columns["from"], dtype=np.int64),
        "passage_held": np.array(columns["held"], dtype=np.int64),
        "answer": np.array(columns["answer"], dtype=np.int64).reshape(-1, 2),
        "begins": offsets_from.flat,
        "ends": Ragged.of(ends, np.int32).flat,
        "tokens": offsets_from.starts,
    }


def _cut(
    columns: Mapping[str, list[Any]],
    frame: Frame,
    number: int,
    question: Sequence[int],
    passage: Sequence[int],
    span: tuple[int, int] | None,
    max_length: int,
    stride: int,
) -> None:
    """Append the windows of one question; an empty passage has one window too."""
    room = max_length - len(question) - frame.specials
    at = len(frame.parts[0]) + len(question) + len(frame.parts[1])
    step = min(stride, room)
    first = 0
    while True:
        held = passage[first : first + room]
        columns["ids"].append(frame.ids(question, held))
        columns["types"].append(frame.types(len(question), len(held)))
        columns["question"].append(number)
        columns["at"].append(at)
        columns["from"].append(first)
        columns["held"].append(len(held))
        inside = span is not None and first <= span[0] and span[1] < first + len(held)
        columns["answer"].append((at + span[0] - first, at + span[1] - first) if inside and span else (0, 0))
        if first + room >= len(passage):
            return
        first += step


def answer_tokens(offsets: NDArray[Any], answer: tuple[int, int] | None) -> tuple[int, int] | None:
    """The first and the last token that share a character with ``answer``; None when none does.

    offsets: (tokens, 2), where each token begins and ends (exclusive) in the passage.
    """
    if answer is None:
        return None
    shares = (offsets[:, 1] > answer[0]) & (offsets[:, 0] < answer[1])
    found = np.flatnonzero(shares)
    return (int(found[0]), int(found[-1])) if len(found) else None
