"""MNLI in four pseudo-tasks, and XNLI unseen: English inference that is to reach fourteen other languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtlbench.interface import BadDataset, Suite, hookimpl, require
from mtlbench_tasks.text.labelled_suite import LabelledSuite

if TYPE_CHECKING:
    from mtlbench.interface import DataSource, Task

__all__ = ["MnliXnli"]

LANGUAGES = ("ar", "bg", "de", "el", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
_TEXTS = ("premise", "hypothesis")


@dataclass
class MnliXnli(LabelledSuite):
    """MNLI cut into pseudo-tasks by what the pretrained encoder makes of premise and hypothesis.

    Source: the zero-shot setting of Lee et al. 2022, with MNLI (Williams et al. 2018) as GLUE has it and XNLI
    (Conneau et al. 2018). The training pairs form the groups. Test is the matched validation split,
    dev is held out of each group's training pairs; a group without any validation pair is tested on its dev pairs.
    """

    name = "mnli-xnli"
    label = "MNLI to XNLI"
    paper = "Williams et al., MultiNLI, 2018; Conneau et al., XNLI, 2018"

    pseudo_tasks: int = 4
    """Groups that MNLI is cut into."""
    unseen_languages: tuple[str, ...] = LANGUAGES
    """The languages of XNLI to score."""

    def __post_init__(self) -> None:
        require(self.pseudo_tasks > 0, f"pseudo_tasks must be positive, found {self.pseudo_tasks}")
        for code in self.unseen_languages:
            require(code in (*LANGUAGES, "en"), f"XNLI has no language {code!r}; it has en, {', '.join(LANGUAGES)}")
        super().__post_init__()

    def other_languages(self) -> Sequence[str]:
        return self.unseen_languages

    def wanted(self) -> Sequence[DataSource]:
        from mtlbench.interface import DataSource

        mnli = DataSource("nyu-mll/glue", "mnli", ("train", "validation_matched"))
        return [mnli, *(DataSource("facebook/xnli", code, ("test",)) for code in self.unseen_languages)]

    def gather(self) -> None:
        from mtlbench_tasks.hub.stand_ins import short_name

        mnli, *xnli = self.data_sources()
        self._own = short_name(mnli, "mnli")
        self._pool, self._scored = (self.read(mnli, split) for split in mnli.splits)
        self._unseen: dict[str, str] = {}
        for code, source in zip(self.unseen_languages, xnli, strict=True):
            name = f"{short_name(source, 'xnli')}-{code}"
            self._unseen[name] = code
            self.put(name, "test", self.read(source, source.splits[-1]))

    def texts(self) -> Iterable[str]:
        yield from self._pool.first
        yield from self._pool.second or ()

    def prepare(self) -> None:
        from mtlbench_tasks.text.holding_out import hold_out
        from mtlbench_tasks.text.pseudo_tasks import groups

        if len(self._pool) < self.pseudo_tasks:
            raise BadDataset(f"{self._own}: {len(self._pool)} training pairs make no {self.pseudo_tasks} groups")
        parts = [self.packed(examples) for examples in (self._pool, self._scored)]
        pool, scored = groups(self, self.prototype, [(part, range(len(part))) for part in parts], self.pseudo_tasks)
        names = self._pool.names()
        for group in range(self.pseudo_tasks):
            task = self._name(group)
            mine = [row for row, found in enumerate(pool) if found == group]
            kept, held = hold_out([names[row] for row in mine], self.held_out, task)
            self.put(task, "train", self._pool.chosen([mine[at] for at in kept]))
            rows = [row for row, found in enumerate(scored) if found == group]
            dev = self._pool.chosen([mine[at] for at in held])
            self.put(task, "dev", dev)
            self.put(task, "test", self._scored.chosen(rows) if rows else dev)
        super().prepare()

    def columns(self, source: DataSource) -> tuple[str, ...]:
        return _TEXTS

    def outputs(self) -> Mapping[str, int]:
        return {"": len(self._pool.classes)}

    def _name(self, group: int) -> str:
        return f"{self._own}-{group + 1}"

    def tasks(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [Task(name, self.size(name)) for name in map(self._name, range(self.pseudo_tasks))]

    def unseen(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [
            Task(name, 0, label=f"XNLI {code}" if name == f"xnli-{code}" else name)
            for name, code in self._unseen.items()
        ]


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [MnliXnli]
