"""Rows that are not as they should be: handled by a documented rule, or refused with file and row."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch

from mtlbench.interface import BadDataset, Suite, SuiteContext
from mtlbench_tasks.glue import GLUE
from mtlbench_tasks.squad_mlqa import SquadMLQA
from mtlbench_tasks.tydiqa import TyDiQA
from mtlbench_tasks.vision import Vision
from mtlbench_tasks.wikiann import WikiAnn

TAGS = ["O", "B-PER", "I-PER"]
QUESTION = {"title": "", "question": "Who?", "context": "It was Ada here, Ada there."}


def answers(*pairs: tuple[str, int]) -> dict[str, Any]:
    return {"text": [text for text, _ in pairs], "answer_start": [start for _, start in pairs]}


def question(name: str, **changes: Any) -> dict[str, Any]:
    return {"id": f"english-{name}", **QUESTION, "answers": answers(("Ada", 7)), **changes}


class Asked:
    """One language of TyDiQA with the rows that a test gives."""

    def __init__(self, root: Path, cache: Path, write: Any) -> None:
        self.context = SuiteContext(data_root=root, cache_dir=cache)
        self.root, self.write = root, write

    def suite(self, train: list[Any], test: list[Any]) -> TyDiQA:
        text = {key: datasets.Value("string") for key in ("id", "title", "context", "question")}
        lists = {
            "text": datasets.List(datasets.Value("string")),
            "answer_start": datasets.List(datasets.Value("int32")),
        }
        features = datasets.Features({**text, "answers": lists})
        for split, rows in (("train", train), ("validation", test)):
            self.write(self.root, "google-research-datasets/tydiqa", "secondary_task", split, rows, features)
        return TyDiQA(
            encoder_name="tiny-random:bert",
            languages=("en",),
            unseen_languages=(),
            max_length=24,
            max_question=6,
            stride=8,
        )

    def open(self, train: list[Any], test: list[Any]) -> TyDiQA:
        suite = self.suite(train, test)
        suite.open(self.context)
        return suite

    def notes(self, train: list[Any], test: list[Any]) -> list[str]:
        reports = list(self.suite(train, test).check_data(self.context))
        assert not any(report.problem for report in reports)
        return [note for report in reports[:2] for note in report.notes]


@pytest.fixture
def asked(own_snapshot: Path, tmp_path: Path, write: Any) -> Asked:
    return Asked(own_snapshot, tmp_path / "cache", write)


GOOD = [question("a"), question("b", context="Then came Ada.", answers=answers(("Ada", 10)))]


def test_an_answer_that_stands_elsewhere_is_taken_where_it_stands_nearest(asked: Asked) -> None:
    moved = question("c", answers=answers(("Ada", 20)))
    suite = asked.open([*GOOD, moved], GOOD)
    spans = dict(zip(suite._asked["en", "train"].ids, suite._asked["en", "train"].spans, strict=True))
    spans |= dict(zip(suite._asked["en", "dev"].ids, suite._asked["en", "dev"].spans, strict=True))
    assert spans["english-c"] == (17, 20)
    assert asked.notes([*GOOD, moved], GOOD) == [
        "1 questions with an answer not where answer_start says: taken where it stands nearest"
    ]


def test_a_question_whose_answer_is_nowhere_is_scored_but_not_trained_on(asked: Asked) -> None:
    lost = question("c", answers=answers(("Grace", 3)))
    suite = asked.open([*GOOD, lost], [*GOOD, lost])
    trained = suite._asked["en", "train"].ids + suite._asked["en", "dev"].ids
    assert sorted(trained) == ["english-a", "english-b"]
    with torch.no_grad():
        assert suite.score(suite.model(0).eval(), "en", "test").examples == 3


def test_the_first_answer_that_stands_in_the_passage_is_trained_on(asked: Asked) -> None:
    second = question("c", answers=answers(("Grace", 3), ("Ada", 7)))
    where = second["context"].index("Ada")
    suite = asked.open([*GOOD, question("c", answers=answers(("Grace", 3), ("Ada", where)))], GOOD)
    pools = [suite._asked["en", split] for split in ("train", "dev")]
    spans = {name: span for pool in pools for name, span in zip(pool.ids, pool.spans, strict=True)}
    assert spans["english-c"] == (where, where + 3)


def test_other_answers_of_a_repeated_question_count_as_right_too(asked: Asked) -> None:
    again = question("a", answers=answers(("was", 3), ("Ada", 7)))
    suite = asked.open(GOOD, [*GOOD, again])
    assert suite._asked["en", "test"].golds[0] == [*GOOD[0]["answers"]["text"], "was"]
    assert asked.notes(GOOD, [*GOOD, again, GOOD[1]]) == [
        "2 questions repeated: counted once",
        "1 questions repeated with other answers: these count as right too",
    ]
    lost = question("c", answers=answers(("Grace", 3)))
    found = question("c", answers=answers(("Ada", lost["context"].index("Ada"))))
    assert asked.open(GOOD, [*GOOD, lost, found])._asked["en", "test"].spans[2] is not None


def test_an_empty_passage_is_answered_with_nothing(asked: Asked) -> None:
    empty = question("c", context="")
    suite = asked.open([*GOOD, empty], [*GOOD, empty])
    with torch.no_grad():
        assert suite.answers(suite.model(0).eval(), "en", "test")["english-c"] == ""
    assert "1 questions with an empty passage: answered with nothing" in asked.notes(GOOD, [*GOOD, empty])


def test_a_repeated_question_counts_once_and_another_one_under_its_id_is_refused(asked: Asked) -> None:
    assert len(asked.open(GOOD, [*GOOD, GOOD[0]])._asked["en", "test"]) == 2
    with pytest.raises(
        BadDataset, match=r"validation-00000-of-00001.parquet, row 2: id 'english-a' stands for another"
    ):
        asked.open(GOOD, [*GOOD, question("a", question="When?")])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"answers": answers()}, "train-00000-of-00001.parquet, row 2: the question has no reference answer"),
        ({"answers": {"text": ["Ada"], "answer_start": []}}, "row 2: 1 answer texts but 0 answer starts"),
        ({"context": None}, "row 2: context is missing"),
        ({"question": None}, "row 2: question is missing"),
        ({"id": None}, "row 2: id is missing"),
        ({"answers": None}, "row 2: "),
        ({"answers": {"text": None, "answer_start": None}}, "row 2: the question has no reference answer"),
        ({"answers": {"text": [None], "answer_start": [1]}}, "row 2: an answer's text or start is missing"),
        ({"answers": {"text": ["Ada"], "answer_start": [None]}}, "row 2: an answer's text or start is missing"),
    ],
)
def test_a_question_that_no_rule_covers_is_named(asked: Asked, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadDataset, match=words):
        asked.open([*GOOD, question("c", **changes)], GOOD)


def test_what_no_rule_covers_is_told_by_the_check_too(asked: Asked) -> None:
    suite = asked.suite([*GOOD, question("c", context=None)], GOOD)
    (told, *_) = suite.check_data(asked.context)
    assert "row 2: context is missing" in told.problem


def test_a_language_that_is_not_in_the_table_is_named(asked: Asked) -> None:
    with pytest.raises(BadDataset, match="no ids begin with 'finnish'"):
        dataclasses.replace(asked.suite(GOOD, GOOD), languages=("fi",)).open(asked.context)


def opened(suite: Suite, root: Path, cache: Path) -> Suite:
    suite = copy.deepcopy(suite)
    suite.open(SuiteContext(data_root=root, cache_dir=cache))
    return suite


NER = WikiAnn(encoder_name="tiny-random:bert", languages=("sw",))


def write_sentences(write: Any, root: Path, rows: list[Any], names: list[str] = TAGS) -> None:
    tags = datasets.List(datasets.ClassLabel(names=names))
    features = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "ner_tags": tags})
    for split in ("train", "validation", "test"):
        write(root, "unimelb-nlp/wikiann", "sw", split, rows, features)


def test_ill_formed_tags_blank_words_and_empty_sentences_work_by_rule(
    own_snapshot: Path, tmp_path: Path, write: Any
) -> None:
    rows = [
        {"tokens": ["Ada", "Lovelace"], "ner_tags": [2, 2]},
        {"tokens": [], "ner_tags": []},
        {"tokens": ["\u200b", "\n", "Ada"], "ner_tags": [0, 1, 1]},
    ]
    write_sentences(write, own_snapshot, rows)
    suite = opened(NER, own_snapshot, tmp_path)
    assert suite.tasks()[0].size == 2
    with torch.no_grad():
        score = suite.score(suite.model(0).eval(), "sw", "test")
    assert score.examples == 3
    assert score.extra["entities"] == 3
    report = next(iter(suite.check_data(SuiteContext(data_root=own_snapshot, cache_dir=tmp_path))))
    assert report.notes == (
        "1 sentences without words: nothing to learn or to score",
        "1 blank words: seen as untagged",
        "1 sentences with an I- tag that continues nothing: it begins an entity, as in seqeval",
    )


def test_unequal_lengths_and_unlike_tags_are_refused(own_snapshot: Path, tmp_path: Path, write: Any) -> None:
    write_sentences(write, own_snapshot, [{"tokens": ["a"], "ner_tags": [0]}, {"tokens": ["a"], "ner_tags": [0, 1]}])
    with pytest.raises(BadDataset, match=r"sw.train-00000-of-00001.parquet, row 1: 1 tokens but 2 tags"):
        opened(NER, own_snapshot, tmp_path)
    write_sentences(write, own_snapshot, [{"tokens": ["a"], "ner_tags": [0]}])
    with pytest.raises(
        BadDataset, match=r"yo.train-00000-of-00001.parquet has classes O, .*I-LOC, .*sw.train.*, I-PER$"
    ):
        opened(dataclasses.replace(NER, languages=("sw", "yo")), own_snapshot, tmp_path)


def test_sentences_and_tags_that_are_missing_are_named(own_snapshot: Path, tmp_path: Path, write: Any) -> None:
    for row, words in (({"tokens": None, "ner_tags": []}, "tokens"), ({"tokens": [], "ner_tags": None}, "ner_tags")):
        write_sentences(write, own_snapshot, [row])
        with pytest.raises(BadDataset, match=f"row 0: {words} is missing"):
            opened(NER, own_snapshot, tmp_path)


def write_pairs(write: Any, root: Path, split: str, labels: list[int], config: str = "rte") -> None:
    classes = datasets.ClassLabel(names=["entailment", "not_entailment"])
    text = {key: datasets.Value("string") for key in ("sentence1", "sentence2")}
    rows = [{"sentence1": f"a {n}", "sentence2": "", "label": label} for n, label in enumerate(labels)]
    write(root, "nyu-mll/glue", config, split, rows, datasets.Features({**text, "label": classes}))


RTE = GLUE(encoder_name="tiny-random:bert", configs=("rte",))


def test_empty_sentences_are_read_as_they_are_and_hidden_labels_are_refused(
    own_snapshot: Path, tmp_path: Path, write: Any
) -> None:
    write_pairs(write, own_snapshot, "train", [0, 1, 1])
    suite = opened(RTE, own_snapshot, tmp_path)
    assert suite.tasks()[0].size == 2
    write_pairs(write, own_snapshot, "validation", [0, -1])
    with pytest.raises(BadDataset, match=r"validation-00000-of-00001.parquet, row 1: label -1 is none of entailment"):
        opened(RTE, own_snapshot, tmp_path)


def test_changed_rows_are_read_anew_through_the_same_cache(own_snapshot: Path, tmp_path: Path, write: Any) -> None:
    write_pairs(write, own_snapshot, "train", [0, 1, 1])
    before = opened(RTE, own_snapshot, tmp_path)
    write_pairs(write, own_snapshot, "train", [1, 0, 0])
    after = opened(RTE, own_snapshot, tmp_path)
    labels = [each.batch("rte", "train", [0, 1]).targets["label"].tolist() for each in (before, after)]
    assert labels[0] == [1 - label for label in labels[1]]


def test_a_missing_split_and_a_missing_column_are_named(own_snapshot: Path, tmp_path: Path, write: Any) -> None:
    (own_snapshot / "nyu-mll/glue/rte/validation-00000-of-00001.parquet").unlink()
    with pytest.raises(BadDataset, match=r"has no split 'validation'; it has train"):
        opened(RTE, own_snapshot, tmp_path)
    features = datasets.Features({"text": datasets.Value("string")})
    write(own_snapshot, "nyu-mll/glue", "rte", "train", [{"text": "a"}], features)
    with pytest.raises(BadDataset, match="column 'sentence1' is missing; found text"):
        opened(RTE, own_snapshot, tmp_path)


def test_a_broken_image_is_named(own_snapshot: Path, tmp_path: Path, write: Any) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    rows = [{"image": {"bytes": b"no image", "path": None}, "label": 0}]
    write(own_snapshot, "ylecun/mnist", "mnist", "test", rows, features)
    suite = Vision(encoder_name="tiny-random:resnet", datasets=("ylecun/mnist:mnist",))
    with pytest.raises(BadDataset, match=r"test-00000-of-00001.parquet, row 0: no readable image"):
        opened(suite, own_snapshot, tmp_path)


def test_values_that_are_no_numbers_and_labels_without_classes_are_named(
    own_snapshot: Path, tmp_path: Path, write: Any
) -> None:
    text = {key: datasets.Value("string") for key in ("sentence1", "sentence2")}
    for value, config, kind, words in (
        (float("nan"), "stsb", "float32", "row 0: label nan is none of the values"),
        (1, "rte", "int64", "column 'label' holds .* neither classes with names nor values"),
    ):
        features = datasets.Features({**text, "label": datasets.Value(kind)})
        rows = [{"sentence1": "a", "sentence2": "b", "label": value}] * 3
        write(own_snapshot, "nyu-mll/glue", config, "train", rows, features)
        with pytest.raises(BadDataset, match=words):
            opened(dataclasses.replace(RTE, configs=(config,)), own_snapshot, tmp_path)


def test_a_column_that_is_missing_is_told_by_the_check_too(own_snapshot: Path, tmp_path: Path, write: Any) -> None:
    features = datasets.Features({"sentence1": datasets.Value("string"), "sentence2": datasets.Value("string")})
    write(own_snapshot, "nyu-mll/glue", "rte", "train", [{"sentence1": "a", "sentence2": "b"}], features)
    (told, *_) = RTE.check_data(SuiteContext(data_root=own_snapshot, cache_dir=tmp_path))
    assert "column 'label' is missing; found sentence1, sentence2" in told.problem


def test_a_split_without_images_is_named(own_snapshot: Path, tmp_path: Path, write: Any) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    write(own_snapshot, "ylecun/mnist", "mnist", "test", [], features)
    suite = Vision(encoder_name="tiny-random:resnet", datasets=("ylecun/mnist:mnist",))
    with pytest.raises(BadDataset, match=r"test-00000-of-00001.parquet: the split is empty, it has no rows"):
        opened(suite, own_snapshot, tmp_path)


def test_too_few_questions_for_the_pseudo_tasks_are_told_of(own_snapshot: Path, tmp_path: Path, write: Any) -> None:
    text = {key: datasets.Value("string") for key in ("id", "title", "context", "question")}
    lists = {"text": datasets.List(datasets.Value("string")), "answer_start": datasets.List(datasets.Value("int32"))}
    features = datasets.Features({**text, "answers": lists})
    write(own_snapshot, "standin/squad", "plain_text", "train", GOOD, features)
    suite = SquadMLQA(
        encoder_name="tiny-random:bert",
        replace=("rajpurkar/squad=standin/squad",),
        unseen_languages=(),
        max_length=24,
        max_question=6,
    )
    with pytest.raises(BadDataset, match="2 questions with an answer make no 4 groups"):
        opened(suite, own_snapshot, tmp_path)
