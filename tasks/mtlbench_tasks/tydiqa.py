"""TyDiQA-GoldP: question answering in nine languages, and MLQA's languages unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtlbench.interface import BadDataset, Suite, hookimpl, require
from mtlbench_tasks.text.question_suite import QuestionSuite

if TYPE_CHECKING:
    from mtlbench.interface import DataSource, Task
    from mtlbench_tasks.hub import Rows

__all__ = ["LANGUAGES", "TyDiQA"]

LANGUAGES = {
    "ar": "arabic",
    "bn": "bengali",
    "en": "english",
    "fi": "finnish",
    "id": "indonesian",
    "ko": "korean",
    "ru": "russian",
    "sw": "swahili",
    "te": "telugu",
}
"""Code to the word with which the ids of a language's rows begin; the Hub holds all languages in one table."""
_UNSEEN = ("de", "es", "hi", "vi", "zh")


@dataclass
class TyDiQA(QuestionSuite):
    """TyDiQA-GoldP by language; MLQA in five other languages is scored and never trained.

    Source: Clark et al. 2020, Table 1 of Lee et al. 2022. The official dev rows are the test split (the official
    test rows are not public); dev is held out of the training rows.
    """

    name = "tydiqa"
    label = "TyDiQA"
    paper = "Clark et al., TyDi QA, 2020; Lewis et al., MLQA, 2020"

    languages: tuple[str, ...] = tuple(LANGUAGES)
    """The languages to train on, each a task."""
    unseen_languages: tuple[str, ...] = _UNSEEN
    """The languages of MLQA to score."""

    def __post_init__(self) -> None:
        for code in self.languages:
            require(code in LANGUAGES, f"TyDiQA has no language {code!r}; it has {', '.join(LANGUAGES)}")
        for code in self.unseen_languages:
            known = (*_UNSEEN, "ar", "en")
            require(code in known, f"MLQA has no language {code!r}; it has {', '.join(sorted(known))}")
        require(len(self.languages) > 0, "languages must name one language at least")
        super().__post_init__()

    def seen_languages(self) -> Sequence[str]:
        return self.languages

    def other_languages(self) -> Sequence[str]:
        return self.unseen_languages

    def wanted(self) -> Sequence[DataSource]:
        from mtlbench.interface import DataSource

        tydiqa = DataSource("google-research-datasets/tydiqa", "secondary_task", ("train", "validation"))
        return [
            tydiqa,
            *(DataSource("facebook/mlqa", f"mlqa.{code}.{code}", ("test",)) for code in self.unseen_languages),
        ]

    def examine(self, rows: Rows) -> Sequence[str]:
        notes = super().examine(rows)
        lacking = [LANGUAGES[code] for code, count in self.by_task(rows).items() if not count]
        if lacking:
            raise BadDataset(f"{rows.files[0]}: no ids begin with {', '.join(lacking)}")
        return notes

    def by_task(self, rows: Rows) -> Mapping[str, int]:
        if (rows.source.stands_for or rows.source.name) != self.wanted()[0].name:
            return {}
        ids = rows.column("id")  # examined already: none is null
        return {code: len(_of_language(ids, LANGUAGES[code])) for code in self.languages}

    def ask(self) -> None:
        from mtlbench_tasks.hub.stand_ins import short_name
        from mtlbench_tasks.text.holding_out import hold_out

        source, *unseen = self.data_sources()
        own = short_name(source, "")
        self._names = {code: f"{own}-{code}" if own else code for code in self.languages}
        train, test = (self.read(source, split) for split in source.splits)
        for code, name in self._names.items():
            asked, scored = (_of_language(questions.ids, LANGUAGES[code]) for questions in (train, test))
            if not asked or not scored:
                raise BadDataset(
                    f"{source.name}: no ids begin with {LANGUAGES[code]!r} in {' or in '.join(source.splits)}"
                )
            pool = train.chosen(asked).trainable()
            kept, held = hold_out(pool.ids, self.held_out, f"{source.name} {code}")
            self.put(name, "train", pool.chosen(kept))
            self.put(name, "dev", pool.chosen(held))
            self.put(name, "test", test.chosen(scored))
        self._unseen = {}
        for code, other in zip(self.unseen_languages, unseen, strict=True):
            name = f"{short_name(other, 'mlqa')}-{code}"
            self._unseen[name] = code
            self.put(name, "test", self.read(other, other.splits[-1]), language=code)

    def tasks(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [Task(name, self.size(name), "F1", label=name) for name in self._names.values()]

    def unseen(self) -> Sequence[Task]:
        from mtlbench.interface import Task

        return [
            Task(name, 0, "F1", label=f"MLQA {code}" if name == f"mlqa-{code}" else name)
            for name, code in self._unseen.items()
        ]


def _of_language(ids: Sequence[str], word: str) -> list[int]:
    return [row for row, name in enumerate(ids) if name.startswith(f"{word}-")]


@hookimpl
def mtlbench_suites() -> list[type[Suite]]:
    return [TyDiQA]
