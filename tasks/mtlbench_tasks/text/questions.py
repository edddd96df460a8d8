"""Rows of extractive question answering, in SQuAD's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mtlbench.interface import BadDataset

if TYPE_CHECKING:
    from mtlbench_tasks.hub import Rows

__all__ = ["COLUMNS", "Questions", "read_questions"]

COLUMNS = ("id", "context", "question", "answers")


@dataclass
class Questions:
    """Questions with their passages; all lists are by question."""

    ids: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    passages: list[str] = field(default_factory=list)
    golds: list[list[str]] = field(default_factory=list)
    """The texts that count as right, at least one."""
    spans: list[tuple[int, int] | None] = field(default_factory=list)
    """Where the first of them that stands in the passage does, in characters, the end exclusive; None for none."""
    repeated: int = 0
    """Rows left out because the same question stood there before."""
    merged: int = 0
    """Of these rows, those with other answers, which count as right too."""
    moved: int = 0
    """Answers that were not where the row says, and were found elsewhere."""

    def __len__(self) -> int:
        return len(self.ids)

    def chosen(self, rows: Sequence[int]) -> Questions:
        """Some of them, in the order of ``rows``."""
        picked = ([column[row] for row in rows] for column in self._columns())
        return Questions(*picked)  # type: ignore[arg-type]

    def trainable(self) -> Questions:
        """Those whose answer is in its passage."""
        return self.chosen([row for row, span in enumerate(self.spans) if span is not None])

    def add(self, other: Questions) -> None:
        """Append all of another's."""
        for mine, theirs in zip(self._columns(), other._columns(), strict=True):
            mine.extend(theirs)

    def _columns(self) -> tuple[list[Any], ...]:
        return self.ids, self.questions, self.passages, self.golds, self.spans

    def notes(self) -> list[str]:
        """What a rule handles, in words."""
        lost = sum(span is None for span in self.spans)
        empty = sum(not passage.strip() for passage in self.passages)
        found = [
            (self.repeated, "repeated: counted once"),
            (self.merged, "repeated with other answers: these count as right too"),
            (self.moved, "with an answer not where answer_start says: taken where it stands nearest"),
            (lost, "with no answer in its passage: scored, not trained on"),
            (empty, "with an empty passage: answered with nothing"),
        ]
        return [f"{count} questions {text}" for count, text in found if count]


def read_questions(rows: Rows) -> Questions:
    """All questions of a split. Raises BadDataset, naming file and row, for what no rule covers.

    A question without reference answer, unequal numbers of texts and starts, and two different questions under one
    id are errors; what ``notes`` tells of is not.
    """
    found = Questions()
    seen: dict[str, int] = {}
    columns = [*map(rows.texts, COLUMNS[:3]), rows.column(COLUMNS[3])]
    for row, (name, passage, question, answers) in enumerate(zip(*columns, strict=True)):
        texts, starts = _answers(answers, rows, row)
        if name in seen:
            before = seen[name]
            if (found.questions[before], found.passages[before]) != (question, passage):
                raise BadDataset(f"{rows.where(row)}: id {name!r} stands for another question already")
            found.repeated += 1
            others = [text for text in texts if text not in found.golds[before]]
            if others:
                found.merged += 1
                found.golds[before] = [*found.golds[before], *others]
                found.spans[before] = found.spans[before] or _first_span(passage, texts, starts)[0]
            continue
        span, moved = _first_span(passage, texts, starts)
        found.moved += moved
        seen[name] = len(found)
        found.ids.append(name)
        found.questions.append(question)
        found.passages.append(passage)
        found.golds.append(texts)
        found.spans.append(span)
    return found


def _answers(answers: Any, rows: Rows, row: int) -> tuple[list[str], list[int]]:
    if not isinstance(answers, Mapping) or not {"text", "answer_start"} <= answers.keys():
        raise BadDataset(f"{rows.where(row)}: answers must hold text and answer_start, found {answers!r}")
    texts, starts = answers["text"] or [], answers["answer_start"] or []
    if not isinstance(texts, list) or not isinstance(starts, list):
        raise BadDataset(f"{rows.where(row)}: answers must hold lists of text and answer_start, found {answers!r}")
    if None in texts or None in starts:
        raise BadDataset(f"{rows.where(row)}: an answer's text or start is missing (null)")
    if len(texts) != len(starts):
        raise BadDataset(f"{rows.where(row)}: {len(texts)} answer texts but {len(starts)} answer starts")
    if not texts:
        raise BadDataset(f"{rows.where(row)}: the question has no reference answer")
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(start, int) for start in starts):
        raise BadDataset(f"{rows.where(row)}: answers must hold texts and whole numbers, found {answers!r}")
    return texts, starts


def _first_span(passage: str, texts: Sequence[str], starts: Sequence[int]) -> tuple[tuple[int, int] | None, bool]:
    """(where the first answer that stands in the passage does, whether that is not where its row says)."""
    for text, start in zip(texts, starts, strict=True):
        span = _span(passage, text, start)
        if span is not None:
            return span, span[0] != start
    return None, False


def _span(passage: str, answer: str, start: int) -> tuple[int, int] | None:
    """Where ``answer`` stands: at ``start``, or else where it stands nearest to it."""
    if not answer:
        return None
    if passage[max(start, 0) : max(start, 0) + len(answer)] == answer and start >= 0:
        return start, start + len(answer)
    best, at = None, passage.find(answer)
    while at >= 0:
        if best is None or abs(at - start) < abs(best - start):
            best = at
        at = passage.find(answer, at + 1)
    return None if best is None else (best, best + len(answer))
