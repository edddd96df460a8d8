"""``cldr-ner``: entity recognition in the twelve languages of the paper's WikiAnn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from mtlbench.interface import Split, Suite, hookimpl
from mtlbench_tasks.cldr.base import SCORED_AT_ONCE, CldrSuite, shortest_first
from mtlbench_tasks.cldr.kinds import KINDS
from mtlbench_tasks.cldr.languages import LANGUAGES, NER_SIZES

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mtlbench.interface import Score, TrainingProtocol
    from mtlbench_tasks.cldr.sentences import Tagged
    from mtlbench_tasks.cldr.texts import Texts
    from mtlbench_tasks.text.models import TextModel
    from mtlbench_tasks.text.packing import Packed, TextBatch

__all__ = ["TAGS", "CldrNer", "sentences", "token_tags"]

TAGS: Final = ("O", *(f"{mark}-{kind}" for kind in KINDS for mark in "BI"))
_DEV, _TEST = 100, 150


def sentences(language: str, split: Split, count: int, seed: int) -> list[Tagged]:
    """``count`` sentences of a language with the names of a split; ``seed`` matters to training sentences alone."""
    import random

    from mtlbench_tasks.cldr.phrases import phrases
    from mtlbench_tasks.cldr.sentences import tagged_sentence
    from mtlbench_tasks.cldr.splits import lexicon

    rng = random.Random(f"cldr-ner {seed if split == 'train' else 0} {language} {split}")
    words, names = phrases(language), lexicon(language, split)
    return [tagged_sentence(words, names, rng) for _ in range(count)]


def token_tags(sentence: Tagged, offsets: Sequence[tuple[int, int]], ignored: int) -> list[int]:
    """The tag of each token, in ``TAGS``; special tokens, which cover no characters, get ``ignored``.

    A token belongs to an entity when they share a character; the first such token begins it.
    """
    tags = [0 if end > start else ignored for start, end in offsets]
    for span in sentence.spans:
        mark = "B"
        for place, (start, end) in enumerate(offsets):
            if start < span.end and end > span.start and end > start:
                tags[place] = TAGS.index(f"{mark}-{span.kind}")
                mark = "I"
    return tags


class CldrNer(CldrSuite):
    """Places, languages and currencies in lists of names, dates and quantities, in twelve languages.

    Sizes are those of the paper's table 7 by ten. The other fourteen of its languages are scored and never trained.
    No name to test on stands in any training text of any language. Scores are F1 of exact spans, in percent.
    """

    name = "cldr-ner"
    label = "CLDR NER"
    metric = "f1"

    @property
    def protocol(self) -> TrainingProtocol:
        from mtlbench.interface import TrainingProtocol

        return TrainingProtocol(
            budget=1600, batch_size=16, reduction="mean", clip=1.0, lr=5e-3, schedule="linear", warmup=0.1
        )

    def _sizes(self) -> Mapping[str, int]:
        return NER_SIZES

    def _unseen_languages(self) -> Sequence[str]:
        return [language for language in LANGUAGES if language not in NER_SIZES]

    def _load(self, tokenizer: Any, seed: int) -> Texts:
        from mtlbench_tasks.cldr.texts import Texts
        from mtlbench_tasks.text.packing import IGNORED, Packed

        def packed(language: str, split: Split, count: int) -> Packed:
            texts = sentences(language, split, count, seed)
            drawn = tokenizer.encode_batch([text.text for text in texts])
            order = shortest_first(drawn, split)
            texts, rows = [texts[place] for place in order], [drawn[place] for place in order]
            tags = [token_tags(text, row.offsets, IGNORED) for text, row in zip(texts, rows, strict=True)]
            return Packed.of([row.ids for row in rows], [row.type_ids for row in rows], tags)

        data: dict[tuple[str, Split], Packed] = {}
        for language, size in NER_SIZES.items():
            data[language, "train"] = packed(language, "train", size)
            data[language, "dev"] = packed(language, "dev", _DEV)
        for language in LANGUAGES:
            data[language, "test"] = packed(language, "test", _TEST)
        return Texts(data)

    def _head(self, width: int) -> nn.Module:
        from mtlbench_tasks.text.models import TagHead

        return TagHead(width, len(TAGS))

    def terms(self, batch: TextBatch) -> int:
        from mtlbench_tasks.text.packing import IGNORED

        return int((batch.labels != IGNORED).sum())

    def loss(self, model: nn.Module, batch: TextBatch, task: str) -> Tensor:
        from mtlbench_tasks.text.models import tag_loss

        return tag_loss(model(batch), batch)

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        import torch

        from mtlbench.interface import Score
        from mtlbench_tasks.metrics import span_scores
        from mtlbench_tasks.text.packing import IGNORED

        found, gold, lengths = [], [], []
        for batch in self._packed[task, split].batches(SCORED_AT_ONCE):
            counted = batch.labels != IGNORED
            found.append(cast("TextModel", model)(batch).argmax(2)[counted])
            gold.append(batch.labels[counted])
            lengths += counted.sum(1).tolist()
        scores = span_scores(torch.cat(found).cpu().numpy(), torch.cat(gold).cpu().numpy(), lengths, TAGS)
        return Score(scores.f1, len(lengths), {"precision": scores.precision, "recall": scores.recall})


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [CldrNer]
