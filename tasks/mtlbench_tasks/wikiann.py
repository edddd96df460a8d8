"""WikiAnn (PAN-X): names of persons, organisations and places in twelve languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mtlbench.interface import BadDataset, Split, Suite, hookimpl, require
from mtlbench_tasks.text.suite import TextSuite

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mtlbench.interface import DataSource, Score, Task, TrainingProtocol
    from mtlbench_tasks.hub import Rows
    from mtlbench_tasks.text.batches import TokenBatch
    from mtlbench_tasks.text.networks import HeadedEncoder
    from mtlbench_tasks.text.tagged_rows import Sentences
    from mtlbench_tasks.text.words import TaggedPieces

__all__ = ["LANGUAGES", "WikiAnn"]

LANGUAGES = ("de", "en", "es", "hi", "jv", "kk", "mr", "my", "sw", "te", "tl", "yo")
_SPLITS: Mapping[Split, str] = {"train": "train", "dev": "validation", "test": "test"}


@dataclass
class WikiAnn(TextSuite):
    """Named entity recognition by language, on the balanced splits of Rahimi et al.

    Source: Pan et al. 2017; Rahimi et al. 2019; the twelve languages of Lee et al. 2022. The first piece of a word
    carries its tag; sentences longer than an input are cut between words, so that every word is scored.
    """

    name = "wikiann"
    label = "WikiAnn NER"
    paper = "Pan et al., Cross-lingual Name Tagging and Linking for 282 Languages, 2017"

    languages: tuple[str, ...] = LANGUAGES
    """The languages to train on, each a task: any configuration of the data set."""
    unseen_languages: tuple[str, ...] = ()
    """Languages to score and never train."""

    def __post_init__(self) -> None:
        require(len(self.languages) > 0, "languages must name one language at least")
        both = sorted(set(self.languages) & set(self.unseen_languages))
        require(not both, f"{', '.join(both)} cannot be trained on and unseen at once")
        super().__post_init__()

    @property
    def protocol(self) -> TrainingProtocol:
        from mtlbench.interface import TrainingProtocol

        return TrainingProtocol(budget=40_000, batch_size=16, lr=3e-5, clip=1.0, reduction="mean")

    def seen_languages(self) -> Sequence[str]:
        return self.languages

    def other_languages(self) -> Sequence[str]:
        return self.unseen_languages

    def wanted(self) -> Sequence[DataSource]:
        from mtlbench.interface import DataSource

        seen = [DataSource("unimelb-nlp/wikiann", code, tuple(_SPLITS.values())) for code in self.languages]
        return [*seen, *(DataSource("unimelb-nlp/wikiann", code, ("test",)) for code in self.unseen_languages)]

    def by_task(self, rows: Rows) -> Mapping[str, int]:
        return {str(rows.source.config): len(rows)}

    def load(self) -> None:
        from mtlbench_tasks.hub import read
        from mtlbench_tasks.hub.stand_ins import short_name

        self._sentences: dict[tuple[str, Split], Sentences] = {}
        self._names: list[str] = []
        self._unseen: list[str] = []
        codes = (*self.languages, *self.unseen_languages)
        for code, source in zip(codes, self.data_sources(), strict=True):
            own = short_name(source, "")
            name = f"{own}-{code}" if own else code
            (self._names if code in self.languages else self._unseen).append(name)
            for split, theirs in zip(list(_SPLITS)[-len(source.splits) :], source.splits, strict=True):
                self._sentences[name, split] = self._read(read(source, theirs, self.context))
        self._tags = self._sentences[self._names[0], "train"].names

    def _read(self, rows: Rows) -> Sentences:
        from mtlbench_tasks.text.tagged_rows import read_sentences

        sentences = read_sentences(rows)
        self.of_one_kind(rows, sentences.names)
        return sentences

    def examine(self, rows: Rows) -> Sequence[str]:
        return self._read(rows).notes()

    def texts(self) -> Iterable[str]:
        for (_, split), sentences in self._sentences.items():
            if split == "train":
                yield from (" ".join(words) for words in sentences.words)

    def prepare(self) -> None:
        from mtlbench_tasks.text.words import TaggedPieces, make_pieces

        for (task, split), found in self._sentences.items():
            parts = [
                str(self.max_length),
                *(repr(words) for words in found.words),
                *(repr(tags) for tags in found.tags),
            ]
            limits = {"max_length": self.max_length, "lexicon": self.lexicon}
            make = lambda found=found, limits=limits: make_pieces(self.tokenizer, found.words, found.tags, **limits)  # noqa: E731
            pieces = TaggedPieces.of(self.stored("words 1", parts, make))
            if not len(pieces):
                raise BadDataset(f"task {task!r} has no {split} sentence with a word that the encoder knows")
            self.parts[task, split] = pieces

    def outputs(self) -> Mapping[str, int]:
        return {"": len(self._tags)}

    def tasks(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [Task(name, self.size(name), "F1") for name in self._names]

    def unseen(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [Task(name, 0, "F1") for name in self._unseen]

    def terms(self, batch: TokenBatch) -> int:
        return int((batch.targets["labels"] >= 0).sum())

    def loss(self, model: nn.Module, batch: TokenBatch, task: str) -> Tensor:
        """The mean cross-entropy over words."""
        from torch.nn.functional import cross_entropy

        scores = cast("HeadedEncoder", model).tokens(batch, task)
        return cross_entropy(scores.flatten(0, 1), batch.targets["labels"].flatten())

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        from mtlbench.interface import Score
        from mtlbench_tasks.metrics import entity_scores
        from mtlbench_tasks.text.words import tags_by_sentence

        sentences = self._sentences[task, split]
        part = cast("TaggedPieces", self.parts[task, split])
        predicted: list[Any] = [None] * len(part)
        for rows, batch in self.looks(part):
            best = cast("HeadedEncoder", model).tokens(batch, task).argmax(dim=2).cpu().numpy()
            for place, row in enumerate(rows):
                predicted[row] = best[place, : len(part.ids[row])]
        lengths = [len(words) for words in sentences.words]
        found = tags_by_sentence(part, predicted, lengths, self._tags.index("O"))
        given = {str(row): [self._tags[tag] for tag in tags] for row, tags in enumerate(found)}
        golds = {str(row): [self._tags[tag] for tag in tags] for row, tags in enumerate(sentences.tags)}
        scores = entity_scores(given, golds)
        extra = {"precision": scores.precision, "recall": scores.recall, "entities": float(scores.entities)}
        return Score(scores.f1, len(sentences), extra)


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [WikiAnn]
