"""Vision: image classification on any list of the Hub's data sets, each a task with a head of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mtlbench.interface import BadDataset, BadSetting, MissingData, Split, Suite, hookimpl, require

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from mtlbench.interface import DataReport, DataSource, Score, SuiteContext, Task, TrainingProtocol
    from mtlbench_tasks._image_sets import Wanted
    from mtlbench_tasks._images import ImageBatch, ImageNetwork
    from mtlbench_tasks.hub import Rows

__all__ = ["Vision"]

_EVALUATION_IMAGES = 256


@dataclass
class Vision(Suite):
    """Heterogeneous image tasks on one convolutional encoder.

    Source: the image setting of Lee et al. 2022 (ResNet-18 on eight data sets). Departure: their eight are not all on
    the Hub under a lasting name, so the list is an option, and the default is of sets that are. Test is a set's test
    split, dev is held out of its training rows. Batch normalisation uses the statistics of a task's own batch in
    training, and running ones, over all tasks, in scoring. A set from the data root's folder ``standin`` gives a task
    whose name begins with standin-.
    """

    name = "vision"
    label = "Vision"
    paper = "Lee et al., Sequential Reptile, 2022, the image experiment"

    datasets: tuple[str, ...] = (
        "uoft-cs/cifar10:plain_text",
        "zalando-datasets/fashion_mnist:fashion_mnist",
        "ylecun/mnist:mnist",
    )
    """The tasks, as NAME[:CONFIG][#LABEL COLUMN][!TEST SPLIT][%FIRST-LAST CLASS][@REVISION]: Hub names, or folders
    below the data root. The test split is ``test`` unless named; a range of classes makes two tasks of one set."""
    encoder_name: str = "microsoft/resnet-18"
    """The pretrained encoder: a name on the Hub, a local folder, what a plugin offers, or tiny-random:resnet."""
    revision: str | None = None
    """A commit, tag or branch of the encoder on the Hub."""
    image_size: int = 64
    """Pixels of an image's side; larger and smaller ones are scaled."""
    held_out: float = 0.05
    """Share of a task's training rows that are kept back as dev."""
    train_rows: int | None = None
    """Training rows of a task at most, after dev is held out: the first by a digest of their number; none for all."""

    def __post_init__(self) -> None:
        require(len(self.datasets) > 0, "datasets must name one data set at least")
        require(8 <= self.image_size <= 1024, f"image_size must lie in [8, 1024], found {self.image_size}")
        require(0 < self.held_out < 1, f"held_out is a share in (0, 1), found {self.held_out}")
        require(self.train_rows is None or self.train_rows > 0, f"train_rows must be positive, found {self.train_rows}")
        names = list(self._wanted())
        require(
            len(names) == len(self.datasets), f"two of the data sets would give tasks of one name: {', '.join(names)}"
        )

    @property
    def protocol(self) -> TrainingProtocol:
        from mtlbench.interface import TrainingProtocol

        return TrainingProtocol(budget=40_000, batch_size=32, lr=1e-4, clip=1.0, reduction="mean")

    def _wanted(self) -> dict[str, Wanted]:
        """Task name to what was asked for."""
        from mtlbench_tasks._image_sets import wanted_sets

        return wanted_sets(self.datasets)

    def sources(self) -> Sequence[DataSource]:
        from mtlbench.interface import DataSource

        encoder = DataSource(self.encoder_name, revision=self.revision, kind="encoder")
        return [*self._data_sources(), encoder]

    def _data_sources(self) -> list[DataSource]:
        return list(dict.fromkeys(wanted.source for wanted in self._wanted().values()))

    def check_data(self, context: SuiteContext, *, fetch: bool = False) -> Iterator[DataReport]:
        from mtlbench.interface import DataReport
        from mtlbench_tasks._image_sets import range_of
        from mtlbench_tasks._images import label_column, make_images
        from mtlbench_tasks.hub import report_sources
        from mtlbench_tasks.text.checkpoints import encoder_digest, encoder_origin, open_image_encoder

        first: dict[tuple[DataSource, str], tuple[str, ...]] = {}

        def examine(rows: Rows) -> Sequence[str]:
            notes = {}
            for wanted in self._wanted().values():
                if wanted.source == rows.source:
                    image, label, classes = label_column(rows, wanted.label)
                    range_of(wanted, first.setdefault((rows.source, label), classes), classes)
                    if label not in notes:
                        make_images(rows, image, label, 8)
                    notes[label] = f"{len(classes)} classes in {label}"
            return list(notes.values())

        *data, encoder = self.sources()
        yield from report_sources(data, context, examine, fetch=fetch)
        try:
            model = open_image_encoder(self.encoder_name, self.revision, context)
        except (BadSetting, MissingData) as wrong:
            yield DataReport(encoder, "", origin=encoder_origin(self.encoder_name, context), problem=str(wrong))
        else:
            size = sum(parameter.numel() for parameter in model.parameters())
            found = (f"{type(model).__name__}, {size:,} parameters",)
            yield DataReport(encoder, "", fingerprint=encoder_digest(self.encoder_name, context), notes=found)

    def fingerprint(self, context: SuiteContext) -> str:
        from mtlbench_tasks.hub.digests import combined_digest
        from mtlbench_tasks.hub.rows import fingerprint
        from mtlbench_tasks.text.checkpoints import encoder_digest

        read = [fingerprint(source, context) for source in self._data_sources()]
        return combined_digest([*read, encoder_digest(self.encoder_name, context)])

    def open(self, context: SuiteContext) -> None:
        from mtlbench_tasks._image_sets import range_of
        from mtlbench_tasks.hub import read
        from mtlbench_tasks.text.checkpoints import open_image_encoder
        from mtlbench_tasks.text.holding_out import hold_out

        self._context = context
        self._classes: dict[str, int] = {}
        self._first_class: dict[str, int] = {}
        self._arrays: dict[tuple[str, str], Mapping[str, NDArray[Any]]] = {}
        self._rows: dict[tuple[str, Split], list[int]] = {}
        for task, wanted in self._wanted().items():
            source = wanted.source
            kinds = [
                self._put(task, split, read(source, theirs, context), wanted.label)
                for split, theirs in (("train", "train"), ("test", wanted.test))
            ]
            first, last = range_of(wanted, *kinds)
            self._classes[task], self._first_class[task] = last - first + 1, first
            pool, scored = (self._rows_of(task, split, first, last) for split in ("train", "test"))
            kept, held = hold_out([str(row) for row in pool], self.held_out, source.name)
            if self.train_rows is not None and self.train_rows < len(kept):
                _, some = hold_out([f"train {pool[at]}" for at in kept], 1.0, source.name, most=self.train_rows)
                kept = [kept[at] for at in some]
            self._rows[task, "train"], self._rows[task, "dev"] = [pool[at] for at in kept], [pool[at] for at in held]
            self._rows[task, "test"] = scored
        self._prototype = open_image_encoder(self.encoder_name, self.revision, context)

    def _rows_of(self, task: str, split: str, first: int, last: int) -> list[int]:
        """The rows whose class is one of the task's."""
        labels = self._arrays[task, split]["labels"]
        found = [row for row, label in enumerate(labels.tolist()) if first <= label <= last]
        if not found:
            raise BadDataset(f"task {task!r} has no {split} images of classes {first} to {last}")
        return found

    def _put(self, task: str, split: str, rows: Rows, wanted: str | None) -> tuple[str, ...]:
        """Keep the images of a split, decoded once; returns its classes."""
        from mtlbench_tasks._images import label_column, make_images
        from mtlbench_tasks.hub import cache_root
        from mtlbench_tasks.hub.digests import combined_digest
        from mtlbench_tasks.text.store import stored

        image, label, classes = label_column(rows, wanted)
        digest = combined_digest(["images 2", rows.fingerprint, image, label, str(self.image_size)])
        self._arrays[task, split] = stored(
            cache_root(self._context) / "images", digest[:32], lambda: make_images(rows, image, label, self.image_size)
        )
        return classes

    def tasks(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [Task(task, len(self._rows[task, "train"])) for task in self._classes]

    def model(self, seed: int) -> nn.Module:
        from mtlbench_tasks._images import ImageNetwork, width_of
        from mtlbench_tasks.text.networks import new_heads

        heads = new_heads(self._classes, width_of(self._prototype), 0.02, seed)
        return ImageNetwork(copy.deepcopy(self._prototype), heads).to(self._context.device)

    def examples(self, task: str, split: Split) -> Sequence[Any]:
        return [(task, split, place) for place in range(len(self._rows[task, split]))]

    def collate(self, examples: Sequence[Any]) -> ImageBatch:
        task, split, _ = examples[0]
        require(all(each[:2] == (task, split) for each in examples), "a batch is of one task and split")
        return self.batch(task, split, [place for _, _, place in examples])

    def batch(self, task: str, split: Split, indices: Sequence[int]) -> ImageBatch:
        from mtlbench_tasks._images import image_batch

        rows = self._rows[task, split]
        arrays = self._arrays[task, "test" if split == "test" else "train"]
        chosen = [rows[place] for place in indices]
        return image_batch(arrays, chosen, self._context.device, first_class=self._first_class[task])

    def loss(self, model: nn.Module, batch: ImageBatch, task: str) -> Tensor:
        from torch.nn.functional import cross_entropy

        return cross_entropy(cast("ImageNetwork", model)(batch.pixels, task), batch.labels)

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        """Percent of the images whose most probable class is theirs."""
        from mtlbench.interface import Score

        count, right = len(self._rows[task, split]), 0
        for start in range(0, count, _EVALUATION_IMAGES):
            batch = self.batch(task, split, range(start, min(start + _EVALUATION_IMAGES, count)))
            found = cast("ImageNetwork", model)(batch.pixels, task).argmax(dim=1)
            right += int((found == batch.labels).sum())
        return Score(100.0 * right / count, count)


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [Vision]
