"""``cldr-qa``: questions on lists of names in the nine languages of the paper's TyDiQA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from mtlbench.interface import Split, Suite, hookimpl
from mtlbench_tasks.cldr.base import SCORED_AT_ONCE, CldrSuite, shortest_first
from mtlbench_tasks.cldr.languages import MLQA_ONLY, QA_SIZES

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mtlbench.interface import Score, TrainingProtocol
    from mtlbench_tasks.cldr.questions import Question
    from mtlbench_tasks.cldr.texts import Texts
    from mtlbench_tasks.text.models import TextModel
    from mtlbench_tasks.text.packing import Packed, TextBatch

__all__ = ["CldrQa", "answer_tokens", "questions"]

_DEV, _TEST = 60, 150
_LONGEST: Final = 30
"""Tokens of the longest answer that is considered."""


def questions(language: str, split: Split, count: int, seed: int) -> list[Question]:
    """``count`` questions of a language with the names of a split; ``seed`` matters to training questions alone."""
    import random

    from mtlbench_tasks.cldr.questions import Questions

    rng = random.Random(f"cldr-qa {seed if split == 'train' else 0} {language} {split}")
    drawn = Questions(language, split, rng)
    return [drawn.draw() for _ in range(count)]


def answer_tokens(asked: Question, segments: Sequence[int], offsets: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The first and the last token of the passage (segment 1) that share a character with the answer."""
    touching = [
        place
        for place, (segment, (start, end)) in enumerate(zip(segments, offsets, strict=True))
        if segment == 1 and start < asked.end and end > asked.start and end > start
    ]
    return touching[0], touching[-1]


class CldrQa(CldrSuite):
    """Extractive answers to questions on short passages of lists, in nine languages.

    Sizes are those of the paper's table 6 by ten. The languages of MLQA that are no task are scored and never
    trained, by MLQA's own rules. The main score is F1 of words, in percent; EM stands beside it.
    """

    name = "cldr-qa"
    label = "CLDR QA"
    version = "2"
    metric = "f1"

    @property
    def protocol(self) -> TrainingProtocol:
        from mtlbench.interface import TrainingProtocol

        return TrainingProtocol(
            budget=800, batch_size=12, reduction="mean", clip=1.0, lr=5e-3, schedule="linear", warmup=0.1
        )

    def _sizes(self) -> Mapping[str, int]:
        return QA_SIZES

    def _unseen_languages(self) -> Sequence[str]:
        return MLQA_ONLY

    def _load(self, tokenizer: Any, seed: int) -> Texts:
        from mtlbench_tasks.cldr.texts import Texts
        from mtlbench_tasks.text.packing import Packed

        told: dict[str, list[tuple[str, str, list[tuple[int, int]]]]] = {}

        def packed(language: str, split: Split, count: int) -> Packed:
            asked = questions(language, split, count, seed)
            drawn = tokenizer.encode_batch([(each.text, each.passage) for each in asked])
            order = shortest_first(drawn, split)
            asked, rows = [asked[place] for place in order], [drawn[place] for place in order]
            if split != "train":
                pairs = zip(asked, rows, strict=True)
                told[f"{language} {split}"] = [(each.passage, each.answer, row.offsets) for each, row in pairs]
            answers = [answer_tokens(each, row.type_ids, row.offsets) for each, row in zip(asked, rows, strict=True)]
            return Packed.of([row.ids for row in rows], [row.type_ids for row in rows], answers)

        data: dict[tuple[str, Split], Packed] = {}
        for language, size in QA_SIZES.items():
            data[language, "train"] = packed(language, "train", size)
            data[language, "dev"] = packed(language, "dev", _DEV)
        for language in (*QA_SIZES, *MLQA_ONLY):
            data[language, "test"] = packed(language, "test", _TEST)
        return Texts(data, told)

    def _head(self, width: int) -> nn.Module:
        from mtlbench_tasks.text.models import SpanHead

        return SpanHead(width)

    def loss(self, model: nn.Module, batch: TextBatch, task: str) -> Tensor:
        from mtlbench_tasks.text.models import span_loss

        return span_loss(model(batch), batch)

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        import torch

        from mtlbench.interface import Score
        from mtlbench_tasks.metrics import mlqa_scores, squad_scores
        from mtlbench_tasks.text.models import best_spans

        batches = self._packed[task, split].batches(SCORED_AT_ONCE)
        spans = torch.cat([best_spans(cast("TextModel", model)(batch), batch, _LONGEST) for batch in batches]).tolist()
        found, wanted = {}, {}
        told = self._told[f"{task} {split}"]
        for place, ((first, last), (passage, answer, offsets)) in enumerate(zip(spans, told, strict=True)):
            found[str(place)] = passage[offsets[first][0] : offsets[last][1]]
            wanted[str(place)] = [answer]
        scores = mlqa_scores(found, wanted, task) if task in MLQA_ONLY else squad_scores(found, wanted)
        return Score(scores.f1, len(wanted), {"em": scores.exact_match})


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [CldrQa]
