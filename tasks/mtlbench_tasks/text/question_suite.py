"""Suites of extractive question answering: one head marks where an answer begins and ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mtlbench.interface import BadDataset, Split, require
from mtlbench_tasks.text.suite import TextSuite

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mtlbench.interface import DataSource, Score, TrainingProtocol
    from mtlbench_tasks.hub import Rows
    from mtlbench_tasks.text.batches import TokenBatch
    from mtlbench_tasks.text.networks import HeadedEncoder
    from mtlbench_tasks.text.questions import Questions
    from mtlbench_tasks.text.windows import Windows

__all__ = ["QuestionSuite"]


@dataclass(repr=False, eq=False)  # those that derive from it have their own
class QuestionSuite(TextSuite):
    """Question answering on passages; an example is a window of a passage."""

    max_length: int = 384
    """Tokens of a window, with the question and special ones."""
    stride: int = 128
    """Tokens of the passage by which a window begins after the one before it."""
    max_question: int = 64
    """Tokens of a question; the rest is cut off."""
    longest_answer: int = 30
    """Tokens of a predicted answer at most."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.stride > 0, f"stride must be positive, found {self.stride}")
        require(
            0 < self.max_question < self.max_length,
            f"max_question must lie in [1, max_length), found {self.max_question}",
        )
        require(self.longest_answer > 0, f"longest_answer must be positive, found {self.longest_answer}")

    @property
    def protocol(self) -> TrainingProtocol:
        from mtlbench.interface import TrainingProtocol

        return TrainingProtocol(budget=40_000, batch_size=12, lr=3e-5, clip=1.0, reduction="mean")

    def outputs(self) -> Mapping[str, int]:
        return {"": 2}

    def read(self, source: DataSource, split: str) -> Questions:
        """The questions of one split of a source."""
        from mtlbench_tasks.hub import read
        from mtlbench_tasks.text.questions import COLUMNS, read_questions

        return read_questions(read(source, split, self.context, COLUMNS))

    def examine(self, rows: Rows) -> Sequence[str]:
        from mtlbench_tasks.text.questions import read_questions

        return read_questions(rows).notes()

    def put(self, task: str, split: Split, questions: Questions, language: str | None = None) -> None:
        """Make a split of a task out of questions. language: score by MLQA's rules for it, else by SQuAD's."""
        if not len(questions):
            raise BadDataset(f"task {task!r} has no {split} questions")
        self._asked[task, split] = questions
        if language is not None:
            self._rules[task] = language

    def load(self) -> None:
        self._asked: dict[tuple[str, Split], Questions] = {}
        self._rules: dict[str, str] = {}
        self.ask()

    def ask(self) -> None:
        """Read all questions and ``put`` them."""
        raise NotImplementedError

    def texts(self) -> Iterable[str]:
        for (_, split), asked in self._asked.items():
            if split == "train":
                yield from asked.questions
                yield from asked.passages

    def prepare(self) -> None:
        for (task, split), asked in self._asked.items():
            self.parts[task, split] = self.windows(asked)

    def windows(self, asked: Questions) -> Windows:
        """The windows of some questions, kept between runs."""
        from mtlbench_tasks.text.windows import Windows, make_windows

        limits = {"max_length": self.max_length, "stride": self.stride, "max_question": self.max_question}
        parts = [str(sorted(limits.items())), *asked.questions, *asked.passages, *map(str, asked.spans)]
        return Windows.of(
            self.stored(
                "windows 1",
                parts,
                lambda: make_windows(
                    self.tokenizer, asked.questions, asked.passages, asked.spans, **limits, lexicon=self.lexicon
                ),
            )
        )

    def loss(self, model: nn.Module, batch: TokenBatch, task: str) -> Tensor:
        """The mean of the cross-entropies of first and last token over all tokens of the window."""
        from torch.nn.functional import cross_entropy

        scores = self._scores(model, batch, task)  # (B, L, 2)
        answer = batch.targets["answer"]  # (B, 2)
        return (cross_entropy(scores[..., 0], answer[:, 0]) + cross_entropy(scores[..., 1], answer[:, 1])) / 2

    def _scores(self, model: nn.Module, batch: TokenBatch, task: str) -> Tensor:
        """(B, L, 2), with padding out of the question: a window's scores do not depend on its batch."""
        import torch

        scores = cast("HeadedEncoder", model).tokens(batch, task)
        return scores.masked_fill(batch.mask[..., None] == 0, torch.finfo(scores.dtype).min)

    def answers(self, model: nn.Module, task: str, split: Split) -> dict[str, str]:
        """Question id to predicted answer."""
        import numpy as np

        from mtlbench_tasks.text.answers import best_answers, best_spans

        asked = self._asked[task, split]
        part = cast("Windows", self.parts[task, split])
        score, first, last = np.zeros(len(part)), np.zeros(len(part), np.int64), np.zeros(len(part), np.int64)
        for rows, batch in self.looks(part):
            scores = self._scores(model, batch, task).float().cpu().numpy()
            at = part.passage_at[rows][:, None]
            places = np.arange(scores.shape[1])
            allowed = (places >= at) & (places < at + part.passage_held[rows][:, None])
            score[rows], first[rows], last[rows] = best_spans(
                scores[..., 0], scores[..., 1], allowed, self.longest_answer
            )
        found = best_answers(part, asked.passages, score, first, last)
        return dict(zip(asked.ids, found, strict=True))

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        from mtlbench.interface import Score
        from mtlbench_tasks.metrics import mlqa_scores, squad_scores

        asked = self._asked[task, split]
        golds = dict(zip(asked.ids, asked.golds, strict=True))
        found = self.answers(model, task, split)
        language = self._rules.get(task)
        scores = squad_scores(found, golds) if language is None else mlqa_scores(found, golds, language)
        return Score(scores.f1, len(asked), {"EM": scores.exact_match})
