"""SQuAD in four pseudo-tasks, and MLQA unseen: English question answering that is to reach six other languages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtlbench.interface import BadDataset, Suite, hookimpl, require
from mtlbench_tasks.text.question_suite import QuestionSuite

if TYPE_CHECKING:
    from mtlbench.interface import DataSource, Task

__all__ = ["SquadMLQA"]

LANGUAGES = ("ar", "de", "es", "hi", "vi", "zh")


@dataclass
class SquadMLQA(QuestionSuite):
    """SQuAD v1.1 cut into pseudo-tasks by what the pretrained encoder makes of question and passage.

    Source: the zero-shot setting of Lee et al. 2022, with SQuAD (Rajpurkar et al. 2016) and MLQA (Lewis et al. 2020).
    A question's group is that of its first window; the training questions form the groups.
    Test is SQuAD's validation split, dev is held out of each group's training questions; a group without any validation
    question is tested on its dev questions.
    """

    name = "squad-mlqa"
    label = "SQuAD to MLQA"
    paper = "Rajpurkar et al., SQuAD, 2016; Lewis et al., MLQA, 2020"

    pseudo_tasks: int = 4
    """Groups that SQuAD is cut into."""
    unseen_languages: tuple[str, ...] = LANGUAGES
    """The languages of MLQA to score."""

    def __post_init__(self) -> None:
        require(self.pseudo_tasks > 0, f"pseudo_tasks must be positive, found {self.pseudo_tasks}")
        for code in self.unseen_languages:
            require(code in (*LANGUAGES, "en"), f"MLQA has no language {code!r}; it has en, {', '.join(LANGUAGES)}")
        super().__post_init__()

    def other_languages(self) -> Sequence[str]:
        return self.unseen_languages

    def wanted(self) -> Sequence[DataSource]:
        from mtlbench.interface import DataSource

        squad = DataSource("rajpurkar/squad", "plain_text", ("train", "validation"))
        return [
            squad,
            *(DataSource("facebook/mlqa", f"mlqa.{code}.{code}", ("test",)) for code in self.unseen_languages),
        ]

    def ask(self) -> None:
        from mtlbench_tasks.hub.stand_ins import short_name

        squad, *mlqa = self.data_sources()
        self._own = short_name(squad, "squad")
        train, scored = (self.read(squad, split) for split in squad.splits)
        self._pool, self._scored = train.trainable(), scored
        self._unseen: dict[str, str] = {}
        for code, source in zip(self.unseen_languages, mlqa, strict=True):
            name = f"{short_name(source, 'mlqa')}-{code}"
            self._unseen[name] = code
            self.put(name, "test", self.read(source, source.splits[-1]), language=code)

    def texts(self) -> Iterable[str]:
        yield from self._pool.questions
        yield from self._pool.passages

    def prepare(self) -> None:
        from mtlbench_tasks.text.holding_out import hold_out
        from mtlbench_tasks.text.pseudo_tasks import groups

        if len(self._pool) < self.pseudo_tasks:
            raise BadDataset(
                f"{self._own}: {len(self._pool)} questions with an answer make no {self.pseudo_tasks} groups"
            )
        parts = [self.windows(asked) for asked in (self._pool, self._scored)]
        first = [part.first_of_question() for part in parts]
        pool, scored = groups(self, self.prototype, list(zip(parts, first, strict=True)), self.pseudo_tasks)
        for group in range(self.pseudo_tasks):
            name = self._name(group)
            mine = self._pool.chosen([row for row, found in enumerate(pool) if found == group])
            kept, held = hold_out(mine.ids, self.held_out, name)
            self.put(name, "train", mine.chosen(kept))
            self.put(name, "dev", mine.chosen(held))
            rows = [row for row, found in enumerate(scored) if found == group]
            self.put(name, "test", self._scored.chosen(rows) if rows else mine.chosen(held))
        super().prepare()

    def _name(self, group: int) -> str:
        return f"{self._own}-{group + 1}"

    def tasks(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [Task(name, self.size(name), "F1") for name in map(self._name, range(self.pseudo_tasks))]

    def unseen(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [
            Task(name, 0, "F1", label=f"MLQA {code}" if name == f"mlqa-{code}" else name)
            for name, code in self._unseen.items()
        ]


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [SquadMLQA]
