"""A small snapshot in the Hub's layout, with made-up rows in the schemas of the real data sets."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from mtlbench.interface import SuiteContext

WORDS = ["red", "green", "blue", "black", "white", "brown", "grey", "pink", "gold", "cyan", "lime", "teal", "navy"]
TAGS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
NLI = ["entailment", "neutral", "contradiction"]

Write = Callable[..., None]


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Never changed by a test; ``own_snapshot`` may be."""
    root = tmp_path_factory.mktemp("snapshot")
    fill(root)
    return root


@pytest.fixture
def own_snapshot(tmp_path: Path) -> Path:
    fill(tmp_path / "root")
    return tmp_path / "root"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def context(snapshot: Path, cache: Path) -> SuiteContext:
    return SuiteContext(data_root=snapshot, cache_dir=cache)


@pytest.fixture
def write() -> Write:
    """``write(root, name, config, split, rows, features)``: one split of a data set."""
    return _write


def fill(root: Path) -> None:
    rng = random.Random(0)
    languages = ("english", "korean")
    train, test = (
        [_question(rng, f"{each}-{split}-{n}") for each in languages for n in range(size)]
        for split, size in (("t", 12), ("v", 4))
    )
    _write(root, "google-research-datasets/tydiqa", "secondary_task", "train", train, questions())
    _write(root, "google-research-datasets/tydiqa", "secondary_task", "validation", test, questions())
    for code in ("zh", "de"):
        rows = [_question(rng, f"{code}{n}") for n in range(4)]
        _write(root, "facebook/mlqa", f"mlqa.{code}.{code}", "test", rows, questions())
    for split, size in (("train", 60), ("validation", 12)):
        rows = [_question(rng, f"{split}{n}") for n in range(size)]
        _write(root, "standin/squad", "plain_text", split, rows, questions())
    for code in ("sw", "yo"):
        for split, size in (("train", 10), ("validation", 4), ("test", 4)):
            _write(root, "unimelb-nlp/wikiann", code, split, [_sentence(rng) for _ in range(size)], tagged())
    for config, columns, classes in (
        ("rte", ("sentence1", "sentence2"), ["entailment", "not_entailment"]),
        ("cola", ("sentence",), ["unacceptable", "acceptable"]),
        ("stsb", ("sentence1", "sentence2"), []),
        ("mnli", ("premise", "hypothesis"), NLI),
    ):
        for split, size in (("train", 60), ("validation_matched" if config == "mnli" else "validation", 16)):
            rows = [_labelled(rng, columns, classes) for _ in range(size)]
            _write(root, "nyu-mll/glue", config, split, rows, labelled(columns, classes))
    rows = [_labelled(rng, ("premise", "hypothesis"), NLI) for _ in range(6)]
    _write(root, "facebook/xnli", "de", "test", rows, labelled(("premise", "hypothesis"), NLI))
    for name, column in (("ylecun/mnist", "image"), ("standin/letters", "img")):
        for split, size in (("train", 20), ("test", 6)):
            _write(root, name, "mnist", split, [_image(rng, column) for _ in range(size)], images(column))


def _write(root: Path, name: str, config: str, split: str, rows: list[Any], features: datasets.Features) -> None:
    path = root / name / config / f"{split}-00000-of-00001.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {key: [row[key] for row in rows] for key in features}
    datasets.Dataset.from_dict(columns, features=features).to_parquet(path)


def questions() -> datasets.Features:
    answers = {"text": datasets.List(datasets.Value("string")), "answer_start": datasets.List(datasets.Value("int32"))}
    text = {key: datasets.Value("string") for key in ("id", "title", "context", "question")}
    return datasets.Features({**text, "answers": answers})


def tagged() -> datasets.Features:
    return datasets.Features(
        {"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(datasets.ClassLabel(names=TAGS))}
    )


def labelled(columns: tuple[str, ...], classes: list[str]) -> datasets.Features:
    label = datasets.ClassLabel(names=classes) if classes else datasets.Value("float32")
    return datasets.Features({**{key: datasets.Value("string") for key in columns}, "label": label})


def images(column: str) -> datasets.Features:
    return datasets.Features({column: datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words))


def _question(rng: random.Random, name: str) -> dict[str, Any]:
    before = _text(rng, rng.randrange(2, 30))
    answer = _text(rng, 2)
    return {
        "id": name,
        "title": "",
        "question": _text(rng, 4) + "?",
        "context": f"{before} {answer} {_text(rng, 3)}",
        "answers": {"text": [answer], "answer_start": [len(before) + 1]},
    }


def _sentence(rng: random.Random) -> dict[str, Any]:
    size = rng.randrange(1, 9)
    return {"tokens": [rng.choice(WORDS) for _ in range(size)], "ner_tags": [rng.randrange(7) for _ in range(size)]}


def _labelled(rng: random.Random, columns: tuple[str, ...], classes: list[str]) -> dict[str, Any]:
    label = rng.randrange(len(classes)) if classes else rng.random() * 5
    return {**{key: _text(rng, rng.randrange(1, 12)) for key in columns}, "label": label}


def _image(rng: random.Random, column: str) -> dict[str, Any]:
    from PIL import Image

    label = rng.randrange(2)
    pixels = np.full((9, 12), 200 * label + rng.randrange(50), dtype=np.uint8)
    return {column: Image.fromarray(pixels), "label": label}
