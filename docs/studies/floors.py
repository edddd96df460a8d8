"""What suites of real data score when nothing is learnt, for the tables of docs/data.md: STUDY DATA_ROOT [SUITE...].

Test scores by task, as the study's options make the tasks. Classes: the best constant one; values: any constant.
Tagged sentences: the best constant tag, such as I-LOC from the first word to the last. Questions: a random stretch of
one to three words of the passage, the mean of ten draws.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from mtlbench.interface import Config
from mtlbench.interface.settings import build
from mtlbench.plugins import load_registry
from mtlbench.study.files import read_study
from mtlbench.worker import suite_context
from mtlbench_tasks.metrics import mlqa_scores, span_scores, squad_scores
from mtlbench_tasks.text.labelled_suite import LabelledSuite
from mtlbench_tasks.text.question_suite import QuestionSuite

DRAWS = 10


def floor(suite: Any, task: str) -> float:
    if isinstance(suite, LabelledSuite):
        return of_classes(list(suite.golds(task, "test").values()))
    if isinstance(suite, QuestionSuite):
        return of_questions(suite, task)
    if suite.name == "wikiann":
        return of_tags(suite, task)
    return of_classes(suite.batch(task, "test", range(len(suite.examples(task, "test")))).labels.tolist())


def of_classes(golds: list[Any]) -> float:
    return 0.0 if isinstance(golds[0], float) else 100.0 * Counter(golds).most_common(1)[0][1] / len(golds)


def of_tags(suite: Any, task: str) -> float:
    sentences = suite._sentences[task, "test"]
    lengths = [len(words) for words in sentences.words]
    golds = np.concatenate([np.array(tags, dtype=np.int64) for tags in sentences.tags])
    constants = [np.full(len(golds), tag) for tag in range(len(sentences.names))]
    return max(span_scores(constant, golds, lengths, sentences.names).f1 for constant in constants)


def of_questions(suite: Any, task: str) -> float:
    asked, language = suite._asked[task, "test"], suite._rules.get(task)
    golds = dict(zip(asked.ids, asked.golds, strict=True))
    rng = random.Random(0)
    drawn = []
    for _ in range(DRAWS):
        found = {name: stretch(rng, text) for name, text in zip(asked.ids, asked.passages, strict=True)}
        drawn.append((squad_scores(found, golds) if language is None else mlqa_scores(found, golds, language)).f1)
    return sum(drawn) / DRAWS


def stretch(rng: random.Random, passage: str) -> str:
    words = re.findall(r"\S+", passage)
    if not words:
        return ""
    if len(words) < len(passage) / 20:  # written without spaces
        words = list(passage)
    first, count = rng.randrange(len(words)), rng.randint(1, 3)
    return ("" if words == list(passage) else " ").join(words[first : first + count])


def main(study: str, data_root: str, *wanted: str) -> None:
    config = Config(data_root=Path(data_root))
    registry = load_registry(config)
    for ask in read_study(Path(study)).suites:
        if wanted and ask.name not in wanted:
            continue
        suite: Any = build(registry.suite(ask.name).cls, ask.values, ask.name)
        suite.open(suite_context(config, registry))
        floors = {task.name: floor(suite, task.name) for task in (*suite.tasks(), *suite.unseen())}
        trained = [floors[task.name] for task in suite.tasks()]
        print(f"{ask.name}: {sum(trained) / len(trained):.1f};", ", ".join(f"{n} {v:.1f}" for n, v in floors.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
