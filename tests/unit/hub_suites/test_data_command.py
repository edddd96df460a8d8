"""``mtlbench data``, and a run on a snapshot, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub.constants
import pytest

from mtlbench.cli import main

SQUAD = (
    "squad-mlqa[pseudo_tasks=2,max_length=24,max_question=6,"
    "replace=[rajpurkar/squad=standin/squad],unseen_languages=[zh]]"
)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("MTLBENCH_CACHE_DIR", str(cache))
    monkeypatch.delenv("MTLBENCH_DATA_ROOT", raising=False)


def test_a_complete_snapshot_passes_and_every_split_has_its_line(
    snapshot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["data", "check", SQUAD, "digits", "--encoder", "tiny-random:bert", "--data-root", str(snapshot)]
    assert main(asked) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if "train" in line)
    assert row.split()[:5] == ["standin/squad", "(stands", "in", "for", "rajpurkar/squad)"]
    assert row.split()[-1] == "ok"
    assert "60" in row.split()
    assert lines[-1] == "digits: nothing to read from outside"


@pytest.mark.parametrize("action", ["check", "fetch"])
def test_what_is_missing_is_told_once_a_source_and_the_exit_code_is_one(
    action: str, snapshot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "glue[configs=[rte,qqp],encoder_name=tiny-random:bert]"
    assert main(["data", action, asked, "--data-root", str(snapshot)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.endswith("MISSING") for line in lines) == 2
    problems = [line for line in lines if line.startswith("problem: ")]
    assert len(problems) == 1
    assert "nyu-mll/glue" in problems[0]


def test_json_says_the_same(snapshot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["data", "check", "wikiann[languages=[sw]]", "--encoder", "tiny-random:bert", "--json"]
    assert main([*asked, "--data-root", str(snapshot)]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert [source["rows"] for source in told["sources"]] == [10, 4, 4, 0]
    assert all(len(source["fingerprint"]) == 64 for source in told["sources"][:3])
    assert told["sources"][3]["kind"] == "encoder"
    assert told["sources"][3]["features"] is None
    assert told["sources"][0]["features"] == {"tokens": "list of string", "ner_tags": "list of 7 classes"}


def test_without_a_data_root_and_network_the_problem_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "wikiann[languages=[sw]]", "--encoder", "tiny-random:bert"]) == 1
    assert "HF_HUB_OFFLINE is set" in capsys.readouterr().out


def test_a_run_on_a_snapshot_stores_agreeing_records_under_the_stand_ins_name(
    snapshot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        "run",
        SQUAD,
        "-m",
        "mtl",
        "-m",
        "swep",
        "--budget",
        "8",
        "--set",
        "evaluations=1",
        "--set",
        "batch_size=2",
    ]
    where = ["--encoder", "tiny-random:bert", "--data-root", str(snapshot), "--results", str(tmp_path)]
    assert main([*asked, *where, "--executor", "serial"]) == 0, capsys.readouterr().err
    records = [json.loads(path.read_text()) for path in tmp_path.glob("squad-mlqa/*/*.json")]
    assert len(records) == 2
    for record in records:
        assert record["outcome"]["audit"]["agrees"]
        assert set(record["outcome"]["scores"]) == {"standin-squad-1", "standin-squad-2"}
        assert set(record["outcome"]["unseen"]) == {"mlqa-zh"}
        assert record["cell"]["options"]["replace"] == ["rajpurkar/squad=standin/squad"]
        assert record["outcome"]["counts"]["tokens"] > 0


def test_sizes_of_the_papers_tables_stand_beside_what_is_there(
    snapshot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--encoder", "tiny-random:bert", "--data-root", str(snapshot)]
    asked = "tydiqa[languages=[en,ko],unseen_languages=[]]"
    assert main(["data", "check", asked, *where]) == 0  # a difference is told of, and no failure
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("size: train in "))
    assert "Table 6" in line
    assert line.endswith("en 3,696 there, 12 here (-3,684); ko 1,625 there, 12 here (-1,613)")
    assert main(["data", "check", "wikiann[languages=[sw,yo]]", *where, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    (size,) = (size for source in told["sources"] for size in source["sizes"])
    assert (size["task"], size["expected"], size["found"], size["difference"]) == ("sw", 1000, 10, -990)


def test_a_stand_in_is_not_held_against_the_size_of_what_it_stands_for(
    snapshot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "tydiqa[languages=[en],unseen_languages=[],replace=[google-research-datasets/tydiqa=standin/squad]]"
    main(["data", "check", asked, "--encoder", "tiny-random:bert", "--data-root", str(snapshot)])
    assert "size: " not in capsys.readouterr().out


def test_features_are_told_once_for_the_splits_that_are_alike(
    own_snapshot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "tydiqa[languages=[en],unseen_languages=[zh]]"
    where = ["--encoder", "tiny-random:bert", "--data-root", str(own_snapshot)]
    assert main(["data", "check", asked, "glue[configs=[rte,stsb]]", *where]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("features: ")]
    questions = "string, answers {text: list of string, answer_start: list of int32}"
    assert lines == [
        f"features: google-research-datasets/tydiqa: id string, title string, context string, question {questions}",
        f"features: facebook/mlqa: id string, title string, context string, question {questions}",
        "features: nyu-mll/glue (rte train, rte validation): sentence1 string, sentence2 string, label 2 classes",
        "features: nyu-mll/glue (stsb train, stsb validation): sentence1 string, sentence2 string, label float32",
    ]
    assert (
        main(["data", "check", "vision[datasets=[ylecun/mnist:mnist]]", "--encoder", "tiny-random:resnet", *where[2:]])
        == 0
    )
    assert "features: ylecun/mnist: image image, label 2 classes" in capsys.readouterr().out
