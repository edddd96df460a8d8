"""Questions on passages longer than an encoder's input, cut into windows that overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlbench.interface import BadSetting
from mtlbench_tasks.text.framing import Stretches, side_by_side
from mtlbench_tasks.text.lexicon import Lexicon
from mtlbench_tasks.text.pieces import frame_of, tokenized
from mtlbench_tasks.text.store import Arrays, Ragged

__all__ = ["Windows", "answer_tokens", "make_windows"]


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

    def targets(self, rows: Sequence[int]) -> Mapping[str, NDArray[Any]]:
        return {"answer": self.answer[list(rows)]}

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
    lexicon: Lexicon | None = None,
) -> Arrays:
    """The arrays of ``Windows``.

    answers: per question, the first and the past-the-end character of the answer to train on, or None. stride:
    tokens by which a window begins after the one before it (BERT's document stride), at most what one holds.
    A question is cut after ``max_question`` tokens. As usual for SQuAD v1.1, a window without the whole answer is
    kept, and its target is the classification token; an empty passage has one window too. lexicon: the tokenizer's, if
    there is one that knows words already. Raises BadSetting when no room is left for the passage.
    """
    frame = frame_of(tokenizer, pair=True)
    if max_length < max_question + frame.specials + 1:
        raise BadSetting(
            f"max_length {max_length} leaves no room for a passage beside {max_question} tokens of question "
            f"and {frame.specials} special ones"
        )
    asked = (lexicon or Lexicon(tokenizer)).texts([text.lstrip() for text in questions])
    unique = {text: place for place, text in enumerate(dict.fromkeys(passages))}
    read, offsets = _read(tokenizer, list(unique))
    of = np.array([unique[text] for text in passages], dtype=np.int64)  # (N,)
    begin, length = read.starts[of], read.lengths[of]
    cut = np.minimum(asked.lengths, max_question)
    room = max_length - frame.specials - cut
    question, first, held = _cut(length, room, np.minimum(stride, room))
    spans = np.array(
        [
            answer_tokens(offsets[start : start + size], answer) or (-1, -1)
            for start, size, answer in zip(begin, length, answers, strict=True)
        ],
        dtype=np.int64,
    ).reshape(-1, 2)[question]
    at = len(frame.parts[0]) + cut[question] + len(frame.parts[1])
    inside = (spans[:, 0] >= first) & (spans[:, 1] < first + held)
    some = [
        Stretches(asked.flat, asked.starts[:-1][question], cut[question]),
        Stretches(read.flat, begin[question] + first, held),
    ]
    framed = frame.around(some, len(question))
    whole = [Stretches(column, begin, length) for column in offsets.T]
    begins, ends = (side_by_side(len(of), [column], np.int32) for column in whole)
    return {
        "ids": framed.flat,
        "types": frame.types_around(some, len(question)).flat,
        "starts": framed.starts,
        "question": question,
        "passage_at": at,
        "passage_from": first,
        "passage_held": held,
        "answer": np.where(inside[:, None], at[:, None] + spans - first[:, None], 0),
        "begins": begins.flat,
        "ends": ends.flat,
        "tokens": begins.starts,
    }


def _read(tokenizer: Any, passages: Sequence[str]) -> tuple[Ragged, NDArray[np.int64]]:
    """The token ids of each passage, and where each token of all begins and ends in its own, (tokens, 2)."""
    ids, offsets = [], [np.zeros((0, 2), np.int64)]
    for found in tokenized(tokenizer, passages):
        ids.append(found.ids)
        offsets.append(np.fromiter(chain.from_iterable(found.offsets), np.int64, 2 * len(found)).reshape(-1, 2))
    return Ragged.of(ids, np.int32), np.concatenate(offsets)


def _cut(
    length: NDArray[np.int64], room: NDArray[np.int64], step: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Question, first token of the passage and tokens of it, of each window; all that is given is by question."""
    counts = 1 + np.maximum(0, -(-(length - room) // step))
    question = np.repeat(np.arange(len(length)), counts)
    first = (np.arange(len(question)) - np.repeat(np.cumsum(counts) - counts, counts)) * step[question]
    return question, first, np.minimum(room[question], length[question] - first)


def answer_tokens(offsets: NDArray[Any], answer: tuple[int, int] | None) -> tuple[int, int] | None:
    """The first and the last token that share a character with ``answer``; None when none does.

    offsets: (tokens, 2), where each token begins and ends (exclusive) in the passage.
    """
    if answer is None:
        return None
    shares = (offsets[:, 1] > answer[0]) & (offsets[:, 0] < answer[1])
    found = np.flatnonzero(shares)
    return (int(found[0]), int(found[-1])) if len(found) else None
