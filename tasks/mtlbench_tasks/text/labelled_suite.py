"""What suites of labelled sentences and pairs share: their parts, losses and scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from mtlbench.interface import BadDataset, Split
from mtlbench_tasks.text.suite import TextSuite

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mtlbench.interface import DataSource, Score, TrainingProtocol
    from mtlbench_tasks.hub import Rows
    from mtlbench_tasks.text.batches import TokenBatch
    from mtlbench_tasks.text.labelled_rows import Labelled
    from mtlbench_tasks.text.networks import HeadedEncoder
    from mtlbench_tasks.text.pairs import LabelledTexts
    from mtlbench_tasks.text.store import Arrays

__all__ = ["LabelledSuite"]


class LabelledSuite(TextSuite):
    """Classes of sentences and pairs (cross-entropy, accuracy) and values of pairs (squared error, correlation)."""

    keeps_pooler = True

    @property
    def protocol(self) -> TrainingProtocol:
        from mtlbench.interface import TrainingProtocol

        return TrainingProtocol(budget=40_000, batch_size=32, lr=3e-5, clip=1.0, reduction="mean")

    def columns(self, source: DataSource) -> tuple[str, ...]:
        """The text columns of a source: one or two."""
        raise NotImplementedError

    def head_of(self, source: DataSource) -> str:
        """Which head a source's classes are those of; "" where there is one for all."""
        return ""

    def classes_of(self, source: DataSource) -> int | None:
        """How many classes a source must have: 0 where its labels are values, None for any number of classes."""
        return None

    def read(self, source: DataSource, split: str) -> Labelled:
        """The examples of one split of a source."""
        from mtlbench_tasks.hub import read

        return self._labelled(read(source, split, self.context))

    def examine(self, rows: Rows) -> Sequence[str]:
        return self._labelled(rows).notes()

    def _labelled(self, rows: Rows) -> Labelled:
        from mtlbench_tasks.text.labelled_rows import read_labelled

        examples = read_labelled(rows, self.columns(rows.source))
        wanted, found = self.classes_of(rows.source), len(examples.classes)
        if found != wanted and (wanted is not None or not found):
            needed = "values" if wanted == 0 else f"{wanted or 'named'} classes"
            told = f"{found} classes ({', '.join(examples.classes)})" if found else "values"
            name = rows.source.config or rows.source.name
            raise BadDataset(f"{rows.files[0]}: {name} is scored on {needed}, its labels are {told}")
        self.of_one_kind(rows, examples.classes, self.head_of(rows.source))
        return examples

    def put(self, task: str, split: Split, examples: Labelled) -> None:
        """Make a split of a task out of examples. Raises BadDataset when there are none."""
        if not len(examples):
            raise BadDataset(f"task {task!r} has no {split} examples")
        self._examples[task, split] = examples

    def load(self) -> None:
        self._examples: dict[tuple[str, Split], Labelled] = {}
        self.gather()

    def gather(self) -> None:
        """Read all examples and ``put`` them."""
        raise NotImplementedError

    def texts(self) -> Iterable[str]:
        for (_, split), examples in self._examples.items():
            if split == "train":
                yield from examples.first
                yield from examples.second or ()

    def prepare(self) -> None:
        for (task, split), examples in self._examples.items():
            self.parts[task, split] = self.packed(examples)

    def packed(self, examples: Labelled) -> LabelledTexts:
        """The token ids of some examples, kept between runs."""
        from mtlbench_tasks.text.pairs import LabelledTexts, make_texts

        first, second, labels = examples.first, examples.second, examples.labels
        parts = [str(self.max_length), str(second is not None), *first, *(second or ()), *map(repr, labels)]

        def make() -> Arrays:
            return make_texts(self.tokenizer, first, second, labels, max_length=self.max_length, lexicon=self.lexicon)

        return LabelledTexts.of(self.stored("texts 1", parts, make))

    def loss(self, model: nn.Module, batch: TokenBatch, task: str) -> Tensor:
        from torch.nn.functional import cross_entropy, mse_loss

        found = cast("HeadedEncoder", model).rows(batch, task)
        labels = batch.targets["label"]
        return mse_loss(found[:, 0], labels) if labels.is_floating_point() else cross_entropy(found, labels)

    def predictions(self, model: nn.Module, task: str, split: Split) -> dict[str, Any]:
        """Row number, as text, to predicted class or value, in the order of the rows."""
        part = cast("LabelledTexts", self.parts[task, split])
        found: dict[int, Any] = {}
        for rows, outputs in self._outputs(model, part, task):
            values = outputs[:, 0] if part.has_values else outputs.argmax(dim=1)
            found.update(zip(rows, values.tolist(), strict=True))
        return {str(row): found[row] for row in sorted(found)}

    def _outputs(self, model: nn.Module, part: LabelledTexts, task: str) -> Iterator[tuple[list[int], Tensor]]:
        for rows, batch in self.looks(part):
            yield rows, cast("HeadedEncoder", model).rows(batch, task)

    def golds(self, task: str, split: Split) -> dict[str, Any]:
        """Row number, as text, to the right class or value."""
        return {str(row): label for row, label in enumerate(self._examples[task, split].labels)}

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        from mtlbench.interface import Score
        from mtlbench_tasks.metrics import accuracy, pearson

        golds, found = self.golds(task, split), self.predictions(model, task, split)
        if cast("LabelledTexts", self.parts[task, split]).has_values:
            return Score(100.0 * pearson(found, golds).value, len(golds))
        return Score(accuracy(found, golds), len(golds))
