"""Ill-formed rows met as a user meets them: by ``mtlbench run`` and ``mtlbench data check`` on folders in the Hub's
layout. Each is handled by rule and trains, or one line names file and row and the exit code is not 0.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub.constants
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mtlbench.cli import main

TAGS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
NLI = ["entailment", "neutral", "contradiction"]
TEXT, NUMBER = datasets.Value("string"), datasets.Value("int32")
SENTENCES = {"tokens": datasets.List(TEXT), "ner_tags": datasets.List(datasets.ClassLabel(names=TAGS))}
PAIRS = {"premise": TEXT, "hypothesis": TEXT, "label": datasets.ClassLabel(names=NLI)}
TWO = {"sentence1": TEXT, "sentence2": TEXT, "label": datasets.ClassLabel(names=["entailment", "not_entailment"])}
VALUES = {**TWO, "label": datasets.Value("float32")}
IMAGES = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])}
ANSWERS = {"text": datasets.List(TEXT), "answer_start": datasets.List(NUMBER)}
QUESTIONS = {"id": TEXT, "context": TEXT, "question": TEXT, "answers": ANSWERS}

WIKIANN, GLUE, MLQA = "unimelb-nlp/wikiann", "nyu-mll/glue", "facebook/mlqa"
NER = "wikiann[languages=[sw],max_length=32]"
MNLI = "mnli-xnli[pseudo_tasks=2,unseen_languages=[de],max_length=32]"
RTE, STSB = "glue[configs=[rte],max_length=32]", "glue[configs=[stsb],max_length=32]"
MNIST = "vision[datasets=[ylecun/mnist:mnist],image_size=16]"
ZH = "tydiqa[languages=[en],unseen_languages=[zh],max_length=24,max_question=6,stride=8]"

Damage = Callable[[Path], None]


def split(name: str, config: str, part: str, rows: list[Any], features: dict[str, Any]) -> Damage:
    """Put rows in the place of a split, whatever they hold: ``datasets`` itself would refuse some of them."""

    def damage(root: Path) -> None:
        path = root / name / config / f"{part}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = datasets.Features(features).arrow_schema
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)

    return damage


def without(path: str) -> Damage:
    return lambda root: (root / path).unlink()


def cut_short(path: str) -> Damage:
    return lambda root: (root / path).write_bytes((root / path).read_bytes()[:-20])


def picture(mode: str = "L", size: tuple[int, int] = (9, 12), form: str = "PNG") -> dict[str, Any]:
    file = io.BytesIO()
    Image.new(mode, size).save(file, form)
    return {"bytes": file.getvalue(), "path": None}


def noise(size: int = 40) -> dict[str, Any]:
    """A picture whose file is long enough to be cut in the middle."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (size, size, 3), np.uint8)).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


def pairs(*labels: Any, **changes: Any) -> list[dict[str, Any]]:
    return [
        {"premise": f"red {n}", "hypothesis": f"blue {n}", "label": label, **changes} for n, label in enumerate(labels)
    ]


def twos(*labels: Any, **changes: Any) -> list[dict[str, Any]]:
    rows = [{"sentence1": f"red {n}", "sentence2": f"blue {n}", "label": label} for n, label in enumerate(labels)]
    return [*rows[:-1], {**rows[-1], **changes}]


def sentence(words: Any, tags: Any) -> dict[str, Any]:
    return {"tokens": words, "ner_tags": tags}


def question(name: str, **changes: Any) -> dict[str, Any]:
    asked = {"id": name, "context": "It was Ada here.", "question": "Who?"}
    return {**asked, "answers": {"text": ["Ada"], "answer_start": [7]}, **changes}


FINE = sentence(["red", "Ada"], [0, 1])
SW, DE, MNIST_CONFIG = (WIKIANN, "sw", "train"), ("facebook/xnli", "de", "test"), ("ylecun/mnist", "mnist", "train")
MNLI_TRAIN, RTE_TRAIN, STSB_TRAIN = (GLUE, "mnli", "train"), (GLUE, "rte", "train"), (GLUE, "stsb", "train")
ZH_TEST = (MLQA, "mlqa.zh.zh", "test")
SW_FILE, DE_FILE = "sw/train-00000-of-00001.parquet", "de/test-00000-of-00001.parquet"
MNLI_FILE, RTE_FILE = "mnli/train-00000-of-00001.parquet", "rte/train-00000-of-00001.parquet"
MNIST_FILE, ZH_FILE = "mnist/train-00000-of-00001.parquet", "mlqa.zh.zh/test-00000-of-00001.parquet"


def swapped(features: dict[str, Any], column: str, kind: Any) -> dict[str, Any]:
    return {**features, column: kind}


REFUSED: dict[str, tuple[str, Damage, str]] = {
    "more tags than tokens": (
        NER,
        split(*SW, [FINE, sentence(["a"], [0, 1])], SENTENCES),
        f"{SW_FILE}, row 1: 1 tokens but 2 tags",
    ),
    "fewer tags than tokens": (
        NER,
        split(*SW, [sentence(["a", "b"], [0])], SENTENCES),
        f"{SW_FILE}, row 0: 2 tokens but 1 tags",
    ),
    "a tag beyond the last": (
        NER,
        split(*SW, [FINE, FINE, sentence(["a"], [7])], SENTENCES),
        f"{SW_FILE}, row 2: tag 7 is none of 0 to 6",
    ),
    "a tag below the first": (
        NER,
        split(*SW, [sentence(["a"], [-1])], SENTENCES),
        f"{SW_FILE}, row 0: tag -1 is none of 0 to 6",
    ),
    "a null tag": (NER, split(*SW, [sentence(["a"], [None])], SENTENCES), f"{SW_FILE}, row 0: tag None is none of"),
    "null tags": (
        NER,
        split(*SW, [FINE, sentence(["a"], None)], SENTENCES),
        f"{SW_FILE}, row 1: ner_tags is missing (null)",
    ),
    "null tokens": (
        NER,
        split(*SW, [FINE, sentence(None, [0])], SENTENCES),
        f"{SW_FILE}, row 1: tokens is missing (null)",
    ),
    "a null token": (
        NER,
        split(*SW, [sentence([None], [0])], SENTENCES),
        f"{SW_FILE}, row 0: a token is missing (null)",
    ),
    "tokens that are numbers": (
        NER,
        split(*SW, [sentence([1], [0])], swapped(SENTENCES, "tokens", datasets.List(NUMBER))),
        f"{SW_FILE}: column 'tokens' holds List(Value('int32')), not text",
    ),
    "tags that are texts": (
        NER,
        split(*SW, [sentence(["a"], ["O"])], swapped(SENTENCES, "ner_tags", datasets.List(TEXT))),
        f"{SW_FILE}: column 'ner_tags' holds List(Value('string')), not classes with names",
    ),
    "no column of tags": (
        NER,
        split(*SW, [{"tokens": ["a"]}], {"tokens": datasets.List(TEXT)}),
        f"{SW_FILE}: column 'ner_tags' is missing; found tokens. Is this unimelb-nlp/wikiann?",
    ),
    "other tags in another split": (
        NER,
        split(
            WIKIANN,
            "sw",
            "test",
            [FINE],
            swapped(SENTENCES, "ner_tags", datasets.List(datasets.ClassLabel(names=TAGS[:3]))),
        ),
        "sw/test-00000-of-00001.parquet has classes O, B-PER, I-PER, ",
    ),
    "no sentence with a known word": (
        NER,
        split(WIKIANN, "sw", "test", [sentence(["\u200b", " "], [1, 0])], SENTENCES),
        "task 'sw' has no test sentence with a word that the encoder knows",
    ),
    "no rows to test on": (
        NER,
        split(WIKIANN, "sw", "test", [], SENTENCES),
        "sw/test-00000-of-00001.parquet: the split is empty, it has no rows",
    ),
    "no validation split": (
        NER,
        without("unimelb-nlp/wikiann/sw/validation-00000-of-00001.parquet"),
        "has no split 'validation'; it has test, train",
    ),
    "a file cut short": (NER, cut_short(f"unimelb-nlp/wikiann/{SW_FILE}"), f"{SW_FILE}: cannot be read ("),
    "a hidden label in MNLI": (
        MNLI,
        split(*MNLI_TRAIN, pairs(0, 1, -1), PAIRS),
        f"{MNLI_FILE}, row 2: label -1 is none of entailment",
    ),
    "a hidden label in XNLI": (
        MNLI,
        split(*DE, pairs(0, -1), PAIRS),
        f"{DE_FILE}, row 1: label -1 is none of entailment",
    ),
    "a label beyond the last": (MNLI, split(*DE, pairs(3), PAIRS), f"{DE_FILE}, row 0: label 3 is none of entailment"),
    "a null label": (MNLI, split(*DE, pairs(0, None), PAIRS), f"{DE_FILE}, row 1: label None is none of"),
    "a null hypothesis": (
        MNLI,
        split(*DE, pairs(0, hypothesis=None), PAIRS),
        f"{DE_FILE}, row 0: hypothesis is missing (null)",
    ),
    "no column of hypotheses": (
        MNLI,
        split(*DE, [{"premise": "a", "label": 0}], {"premise": TEXT, "label": PAIRS["label"]}),
        f"{DE_FILE}: column 'hypothesis' is missing; found premise, label",
    ),
    "no column of labels": (
        MNLI,
        split(*DE, [{"premise": "a", "hypothesis": "b"}], {"premise": TEXT, "hypothesis": TEXT}),
        f"{DE_FILE}: column 'label' is missing",
    ),
    "classes in another order": (
        MNLI,
        split(*DE, pairs(0), swapped(PAIRS, "label", datasets.ClassLabel(names=NLI[::-1]))),
        f"{DE_FILE} has classes contradiction, neutral, entailment, ",
    ),
    "no XNLI of that language": (MNLI, without(f"facebook/xnli/{DE_FILE}"), "facebook/xnli"),
    "a value that is no number": (
        STSB,
        split(*STSB_TRAIN, twos(1.0, math.nan), VALUES),
        "stsb/train-00000-of-00001.parquet, row 1: label nan is none of the values",
    ),
    "an infinite value": (
        STSB,
        split(*STSB_TRAIN, twos(math.inf, 1.0), VALUES),
        "row 0: label inf is none of the values",
    ),
    "labels that are texts": (
        RTE,
        split(*RTE_TRAIN, twos("entailment", "entailment"), swapped(TWO, "label", TEXT)),
        f"{RTE_FILE}: column 'label' holds Value('string'), neither classes with names nor values",
    ),
    "labels without names": (
        RTE,
        split(*RTE_TRAIN, twos(0, 1), swapped(TWO, "label", NUMBER)),
        f"{RTE_FILE}: column 'label' holds Value('int32'), neither classes with names nor values",
    ),
    "sentences that are numbers": (
        RTE,
        split(*RTE_TRAIN, [{"sentence1": 1, "sentence2": "b", "label": 0}], swapped(TWO, "sentence1", NUMBER)),
        f"{RTE_FILE}: column 'sentence1' holds Value('int32'), not text",
    ),
    "other classes in validation": (
        RTE,
        split(
            GLUE,
            "rte",
            "validation",
            twos(0),
            swapped(TWO, "label", datasets.ClassLabel(names=["not_entailment", "entailment"])),
        ),
        "rte/validation-00000-of-00001.parquet has classes not_entailment, entailment, ",
    ),
    "tags without an O": (
        NER,
        split(*SW, [FINE], swapped(SENTENCES, "ner_tags", datasets.List(datasets.ClassLabel(names=["o", *TAGS[1:]])))),
        f"{SW_FILE}: the tags o, B-PER, I-PER, B-ORG, I-ORG, B-LOC, I-LOC lack 'O'",
    ),
    "three classes of two": (
        RTE,
        split(*RTE_TRAIN, twos(0, 1, 2), swapped(TWO, "label", datasets.ClassLabel(names=NLI))),
        f"{RTE_FILE}: rte is scored on 2 classes, its labels are 3 classes (entailment, neutral, contradiction)",
    ),
    "values instead of classes": (
        RTE,
        split(*RTE_TRAIN, twos(0.0, 1.0), VALUES),
        f"{RTE_FILE}: rte is scored on 2 classes, its labels are values",
    ),
    "classes instead of values": (
        STSB,
        split(*STSB_TRAIN, twos(0, 1), TWO),
        "stsb/train-00000-of-00001.parquet: stsb is scored on values, its labels are 2 classes (entailment, not_",
    ),
    "values of pairs that are to have a relation": (
        MNLI,
        split(*MNLI_TRAIN, pairs(0.0, 1.0), swapped(PAIRS, "label", datasets.Value("float32"))),
        f"{MNLI_FILE}: mnli is scored on named classes, its labels are values",
    ),
    "one row to train on": (RTE, split(*RTE_TRAIN, twos(0), TWO), "nyu-mll/glue rte: 1 training rows are too few"),
    "a broken picture": (
        MNIST,
        split(
            *MNIST_CONFIG,
            [{"image": picture(), "label": 0}, {"image": {"bytes": b"no picture", "path": None}, "label": 0}],
            IMAGES,
        ),
        f"{MNIST_FILE}, row 1: no readable image (",
    ),
    "half a picture": (
        MNIST,
        split(*MNIST_CONFIG, [{"image": {"bytes": noise()["bytes"][:2000], "path": None}, "label": 0}], IMAGES),
        f"{MNIST_FILE}, row 0: no readable image (",
    ),
    "an empty picture": (
        MNIST,
        split(*MNIST_CONFIG, [{"image": {"bytes": b"", "path": None}, "label": 0}], IMAGES),
        f"{MNIST_FILE}, row 0: no readable image (",
    ),
    "a null picture": (
        MNIST,
        split(*MNIST_CONFIG, [{"image": None, "label": 0}], IMAGES),
        f"{MNIST_FILE}, row 0: the image is missing (null)",
    ),
    "a picture that is only named": (
        MNIST,
        split(*MNIST_CONFIG, [{"image": {"bytes": None, "path": "a.png"}, "label": 0}], IMAGES),
        f"{MNIST_FILE}, row 0: the image is only named (a.png), its bytes are not here",
    ),
    "a picture of no class": (
        MNIST,
        split(*MNIST_CONFIG, [{"image": picture(), "label": 2}], IMAGES),
        f"{MNIST_FILE}, row 0: label 2 is none of 2 classes",
    ),
    "a picture without a label": (
        MNIST,
        split(*MNIST_CONFIG, [{"image": picture(), "label": None}], IMAGES),
        f"{MNIST_FILE}, row 0: label None is none of 2 classes",
    ),
    "no test pictures": (
        MNIST,
        without("ylecun/mnist/mnist/test-00000-of-00001.parquet"),
        "has no split 'test'; it has train",
    ),
    "no column of classes": (
        MNIST,
        split(*MNIST_CONFIG, [{"image": picture(), "label": 0}], swapped(IMAGES, "label", NUMBER)),
        f"{MNIST_FILE}: no column of classes; found image, label",
    ),
    "test pictures of other classes": (
        MNIST,
        split(
            "ylecun/mnist",
            "mnist",
            "test",
            [{"image": picture(), "label": 0}],
            swapped(IMAGES, "label", datasets.ClassLabel(names=["a", "c"])),
        ),
        "ylecun/mnist: train and test have unlike classes",
    ),
    "a class beyond the last": (
        "vision[datasets=[ylecun/mnist:mnist%0-2],image_size=16]",
        lambda _: None,
        "ylecun/mnist has classes 0 to 1, so there is none 2",
    ),
    "another question under a known id": (
        ZH,
        split(*ZH_TEST, [question("a"), question("a", question="When?")], QUESTIONS),
        f"{ZH_FILE}, row 1: id 'a' stands for another question already",
    ),
    "no reference answer": (
        ZH,
        split(*ZH_TEST, [question("a", answers={"text": [], "answer_start": []})], QUESTIONS),
        f"{ZH_FILE}, row 0: the question has no reference answer",
    ),
    "a text without a start": (
        ZH,
        split(*ZH_TEST, [question("a", answers={"text": ["Ada"], "answer_start": []})], QUESTIONS),
        f"{ZH_FILE}, row 0: 1 answer texts but 0 answer starts",
    ),
    "a null context": (
        ZH,
        split(*ZH_TEST, [question("a"), question("b", context=None)], QUESTIONS),
        f"{ZH_FILE}, row 1: context is missing (null)",
    ),
    "ids that are numbers": (
        ZH,
        split(*ZH_TEST, [question("a", id=1)], swapped(QUESTIONS, "id", NUMBER)),
        f"{ZH_FILE}: column 'id' holds Value('int32'), not text",
    ),
    "one answer instead of a list": (
        ZH,
        split(
            *ZH_TEST,
            [question("a", answers={"text": "Ada", "answer_start": 7})],
            swapped(QUESTIONS, "answers", {"text": TEXT, "answer_start": NUMBER}),
        ),
        f"{ZH_FILE}, row 0: answers must hold lists of text and answer_start",
    ),
    "starts that are texts": (
        ZH,
        split(
            *ZH_TEST,
            [question("a", answers={"text": ["Ada"], "answer_start": ["7"]})],
            swapped(QUESTIONS, "answers", {"text": ANSWERS["text"], "answer_start": datasets.List(TEXT)}),
        ),
        f"{ZH_FILE}, row 0: answers must hold texts and whole numbers",
    ),
    "no questions in that language": (ZH.replace("[en]", "[fi]"), lambda _: None, "no ids begin with "),
}

ODD: dict[str, tuple[str, Damage]] = {
    "I- tags that continue nothing, empty sentences, blank words and no entity at all": (
        NER,
        split(
            *SW,
            [sentence(["Ada", "Eva"], [2, 4]), sentence([], []), sentence([" ", "\u200b", "x"], [0, 1, 0]), FINE],
            SENTENCES,
        ),
    ),
    "a test split without entities": (NER, split(WIKIANN, "sw", "test", [sentence(["red"], [0])], SENTENCES)),
    "a sentence of words without pieces": (
        NER,
        split(WIKIANN, "sw", "test", [sentence(["\u200b", " "], [1, 0]), FINE], SENTENCES),
    ),
    "a sentence longer than an input": (
        NER,
        split(WIKIANN, "sw", "test", [sentence(["red"] * 90, [0, 1] * 45)], SENTENCES),
    ),
    "a word longer than an input": (NER, split(WIKIANN, "sw", "test", [sentence(["redgreen" * 40], [1])], SENTENCES)),
    "empty sentences of a pair, and repeated pairs": (
        MNLI,
        split(*DE, [*pairs(0, 1, premise=""), *pairs(0, 1, hypothesis=" ", premise="")], PAIRS),
    ),
    "training rows of one class": (RTE, split(*RTE_TRAIN, twos(0, 0, 0, 0, 0, 0), TWO)),
    "equal values throughout": (STSB, split(GLUE, "stsb", "validation", twos(2.0, 2.0, 2.0), VALUES)),
    "pictures of all kinds and sizes": (
        MNIST,
        split(
            *MNIST_CONFIG,
            [
                {"image": picture(mode, size, form), "label": n % 2}
                for n, (mode, size, form) in enumerate(
                    [
                        ("L", (1, 1), "PNG"),
                        ("RGBA", (40, 8), "PNG"),
                        ("P", (16, 16), "GIF"),
                        ("CMYK", (9, 9), "JPEG"),
                        ("1", (16, 3), "PNG"),
                        ("LA", (5, 5), "PNG"),
                        ("I;16", (6, 6), "PNG"),
                        ("RGB", (300, 2), "BMP"),
                    ]
                )
            ],
            IMAGES,
        ),
    ),
    "empty contexts, answers elsewhere or nowhere, and repeated questions": (
        ZH,
        split(
            *ZH_TEST,
            [
                question("a"),
                question("a"),
                question("b", context=""),
                question("c", answers={"text": ["Ada"], "answer_start": [-3]}),
                question("d", answers={"text": ["Eva", "Ada"], "answer_start": [99, 7]}),
                question("e", question="", answers={"text": [""], "answer_start": [0]}),
            ],
            QUESTIONS,
        ),
    ),
    "questions of which only some columns are wanted": (
        ZH,
        split(*ZH_TEST, [{**question("a"), "title": None, "level": 3}], {**QUESTIONS, "title": TEXT, "level": NUMBER}),
    ),
}


@pytest.fixture
def where(own_snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("MTLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("MTLBENCH_DATA_ROOT", raising=False)
    return ["--data-root", str(own_snapshot)]


def toy(asked: str) -> list[str]:
    return [asked, "--encoder", "tiny-random:resnet" if asked.startswith("vision") else "tiny-random:bert"]


def run(asked: str, where: list[str], results: Path, *methods: str) -> int:
    small = ["--budget", "4", "--set", "evaluations=1", "--set", "batch_size=2", "--set", "rows=1"]
    chosen = [part for method in methods for part in ("-m", method)]
    return main(
        ["run", *toy(asked), *chosen, *small, *where, "--results", str(results), "--executor", "serial", "--quiet"]
    )


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_rule_covers_is_told_in_one_line_by_the_check_and_by_a_run(
    case: str, own_snapshot: Path, where: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, damage, words = REFUSED[case]
    damage(own_snapshot)
    told = {}
    told["run"] = (run(asked, where, tmp_path / "results", "mtl"), capsys.readouterr().err)
    assert told["run"][0] == 2
    assert "Traceback" not in told["run"][1]
    assert sum(words in line for line in told["run"][1].splitlines()) == 1, told["run"][1]
    # Which rows are kept back is known only once all are read, and which words the encoder knows once it is open.
    if "too few" not in words and "the encoder knows" not in words:
        assert main(["data", "check", *toy(asked), *where]) == 1
        problems = [line for line in capsys.readouterr().out.splitlines() if line.startswith("problem: ")]
        assert any(words in line for line in problems), problems


def test_what_is_wrong_with_the_data_is_told_once_for_all_methods(
    own_snapshot: Path, where: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, damage, words = REFUSED["a tag beyond the last"]
    damage(own_snapshot)
    assert run(asked, where, tmp_path / "results", "mtl", "pcgrad", "swep") == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if words in line)
    assert line.startswith("failed: 3 cells on wikiann, mtl on wikiann, seed 0 the first of them: ")


def test_bad_rows_are_not_called_missing(
    own_snapshot: Path, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    REFUSED["a null tag"][1](own_snapshot)
    REFUSED["no validation split"][1](own_snapshot)
    assert main(["data", "check", *toy(NER), *where]) == 1
    states = [line.split()[-1] for line in capsys.readouterr().out.splitlines()[1:5]]
    assert states == ["BAD", "MISSING", "ok", "ok"]


@pytest.mark.parametrize("case", ODD)
@pytest.mark.filterwarnings("ignore")  # clusters as small as these, and values that do not vary, are warned of
def test_what_a_rule_covers_trains_and_scores(
    case: str, own_snapshot: Path, where: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, damage = ODD[case]
    damage(own_snapshot)
    assert main(["data", "check", *toy(asked), *where]) == 0, capsys.readouterr().out
    assert run(asked, where, tmp_path / "results", "mtl") == 0, capsys.readouterr().err
    (path,) = (tmp_path / "results").glob("*/*/*.json")
    outcome = json.loads(path.read_text())["outcome"]
    assert outcome["audit"]["agrees"]
    scores = [*outcome["scores"].values(), *outcome["unseen"].values()]
    assert all(math.isfinite(score["test"]["value"]) and score["test"]["examples"] > 0 for score in scores)
