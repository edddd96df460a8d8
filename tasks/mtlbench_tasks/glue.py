"""GLUE: eight unlike tasks on English sentences and pairs, each with a head of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtlbench.interface import Split, Suite, hookimpl, require
from mtlbench_tasks.text.labelled_suite import LabelledSuite

if TYPE_CHECKING:
    from torch import nn

    from mtlbench.interface import DataSource, Score, Task

__all__ = ["GLUE", "TEXTS"]

TEXTS: Mapping[str, tuple[str, ...]] = {
    "cola": ("sentence",),
    "sst2": ("sentence",),
    "mrpc": ("sentence1", "sentence2"),
    "qqp": ("question1", "question2"),
    "stsb": ("sentence1", "sentence2"),
    "mnli": ("premise", "hypothesis"),
    "qnli": ("question", "sentence"),
    "rte": ("sentence1", "sentence2"),
}
"""Configuration to its text columns."""
_CLASSES = {"stsb": 0, "mnli": 3}
"""Classes of the labels, where they are not two; 0 for values."""
_LABELS = {"cola": "CoLA", "sst2": "SST-2", "stsb": "STS-B"}


@dataclass
class GLUE(LabelledSuite):
    """The eight tasks of GLUE that have training data and no data set of their own oddity (WNLI is left out).

    Source: Wang et al. 2018. The official dev rows (matched, for MNLI) are the test split, because the official test
    labels are hidden; dev is held out of the training rows. STS-B is scored by Pearson's r times 100, all others by
    accuracy; CoLA's Matthews correlation, and F1 of MRPC and QQP, stand beside it.
    """

    name = "glue"
    label = "GLUE"
    paper = "Wang et al., GLUE, 2018"

    encoder_name: str = "bert-base-cased"
    """The pretrained encoder: a name on the Hub, a local folder, what a plugin offers, or tiny-random:bert."""
    configs: tuple[str, ...] = tuple(TEXTS)
    """The tasks, by the data set's configurations."""

    def __post_init__(self) -> None:
        for config in self.configs:
            require(config in TEXTS, f"this suite has no task {config!r}; it has {', '.join(TEXTS)}")
        require(len(self.configs) > 0, "configs must name one task at least")
        super().__post_init__()

    def wanted(self) -> Sequence[DataSource]:
        from mtlbench.interface import DataSource

        return [DataSource("nyu-mll/glue", config, ("train", _scored(config))) for config in self.configs]

    def gather(self) -> None:
        from mtlbench_tasks.hub.stand_ins import short_name
        from mtlbench_tasks.text.holding_out import hold_out

        self._classes: dict[str, int] = {}
        self._configs: dict[str, str] = {}
        for config, source in zip(self.configs, self.data_sources(), strict=True):
            own = short_name(source, "")
            name = f"{own}-{config}" if own else config
            pool = self.read(source, "train")
            kept, held = hold_out(pool.names(), self.held_out, f"{source.name} {config}")
            self.put(name, "train", pool.chosen(kept))
            self.put(name, "dev", pool.chosen(held))
            self.put(name, "test", self.read(source, source.splits[-1]))
            self._classes[name] = len(pool.classes) or 1
            self._configs[name] = config

    def columns(self, source: DataSource) -> tuple[str, ...]:
        return TEXTS[self._asked(source)]

    def head_of(self, source: DataSource) -> str:
        return self._asked(source)

    def classes_of(self, source: DataSource) -> int | None:
        return _CLASSES.get(self._asked(source), 2)

    def _asked(self, source: DataSource) -> str:
        """The suite's own name of a source's configuration, which a stand-in may call otherwise."""
        return dict(zip(self.data_sources(), self.configs, strict=True))[source]

    def outputs(self) -> Mapping[str, int]:
        return self._classes

    def tasks(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        found = []
        for name, config in self._configs.items():
            metric = "Pearson" if config == "stsb" else "accuracy"
            label = _LABELS.get(config, config.upper()) if name == config else name
            found.append(Task(name, self.size(name), metric, label=label))
        return found

    def score(self, model: nn.Module, task: str, split: Split) -> Score:
        from sklearn.metrics import f1_score, matthews_corrcoef

        from mtlbench.interface import Score
        from mtlbench_tasks.metrics import accuracy

        config = self._configs[task]
        if config not in ("cola", "mrpc", "qqp"):
            return super().score(model, task, split)
        golds, found = self.golds(task, split), self.predictions(model, task, split)
        pair = list(golds.values()), [found[name] for name in golds]
        extra = (
            {"Matthews": 100.0 * float(matthews_corrcoef(*pair))}
            if config == "cola"
            else {"F1": 100.0 * float(f1_score(*pair, zero_division=0))}
        )
        return Score(accuracy(found, golds), len(golds), extra)


def _scored(config: str) -> str:
    return "validation_matched" if config == "mnli" else "validation"


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [GLUE]
