from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_a_run_ends_with_a_table_and_what_to_run_next(bench: Any) -> None:
    answer = bench.run("-m", "swim", "--seeds", "2")
    assert answer.code == 0
    assert "pond (f1, 8 gradients)" in answer.out
    assert "swim" in answer.out
    lines = answer.err.splitlines()
    assert lines[0] == "a cell that prints"
    assert lines[1].startswith("[1/2] swim on pond, seed 0: done, average 55.00, ")
    assert lines[-2].endswith(f"2 trained, 0 found in {bench.results}")
    assert lines[-1] == f"next: mtlbench leaderboard --results {bench.results} --out board"
    assert bench.begun() == [0, 1]
    assert bench.log("finished") == ["0 done", "1 done"]
    assert len(bench.log("configured")) == 1
    assert bench.leftovers() == []


def test_a_second_run_trains_nothing_and_shows_the_same_table(bench: Any) -> None:
    first = bench.run("-m", "swim", "--seeds", "2")
    second = bench.run("-m", "swim", "--seeds", "2")
    assert second.code == 0
    assert second.out == first.out
    assert second.err.splitlines()[0] == "2 of 2 cells have their records"
    assert second.err.splitlines()[1].endswith("0 trained, 2 found in " + str(bench.results))
    assert bench.run("-m", "swim", "--seeds", "0,5").code == 0
    assert bench.begun() == [0, 1, 5]


def test_json_is_all_there_is_on_stdout(bench: Any) -> None:
    answer = bench.run("-m", "swim", "-m", "swim[mood=raises]", "-m", "swim[budget=8]", "--json", executor="processes")
    assert answer.code == 1
    said = answer.json
    assert said["counts"] == {
        "cells": 2,
        "found": 0,
        "done": 1,
        "diverged": 0,
        "failed": 1,
        "lost": 0,
        "unreadable": 0,
        "audit_disagrees": 0,
    }
    assert said["warnings"] == ["swim[budget=8] on pond is the same as swim: trained once"]
    assert said["conflicts"] == []
    good, bad = said["cells"]
    assert (good["variant"], good["suite"], good["seed"], good["status"]) == ("swim", "pond", 0, "done")
    assert (good["average"], good["error"], good["found"]) == (55.0, None, False)
    assert (bad["variant"], bad["status"], bad["error"]) == ("swim[mood=raises]", "failed", "ValueError: too cold")
    assert (bench.results / "pond" / "swim" / f"{good['key']}.json").exists()


def test_quiet_says_only_how_it_ended(bench: Any) -> None:
    answer = bench.run("-m", "swim", "--quiet")
    assert [line.split()[0] for line in answer.err.splitlines()] == ["a", "1", "next:"]


@pytest.mark.parametrize(
    ("mood", "status", "error"),
    [
        ("raises", "failed", "ValueError: too cold"),
        ("exits", "failed", "SystemExit: had enough"),
        ("nan", "failed", "the outcome of swim[mood=nan] on pond is not JSON: Out of range float values are not JSON"),
        ("diverges", "diverged", "the loss of a is nan, after 3 gradients"),
    ],
)
def test_a_cell_that_goes_wrong_is_told_of_and_makes_exit_code_1(
    bench: Any, mood: str, status: str, error: str
) -> None:
    answer = bench.run("-m", f"swim[mood={mood}]", "-m", "swim")
    assert answer.code == 1
    trained = 2 if status == "diverged" else 1
    assert f": {trained} trained, 0 found in {bench.results}, 1 {status}\n" in answer.err
    (line,) = [line for line in answer.err.splitlines() if line.startswith(f"{status}: ")]
    assert line.startswith(f"{status}: swim[mood={mood}] on pond, seed 0: {error}")
    assert "swim " in answer.out
    if status == "failed":
        kept = Path(line.rpartition("details: ")[2].rstrip(")"))
        failure = json.loads(kept.read_text())
        assert failure["traceback"].startswith("Traceback (most recent call last)")
        assert failure["cell"]["settings"] == {"mood": mood}
        assert len(bench.log("failed")) == 1


def test_an_audit_that_disagrees_is_told_of_and_makes_exit_code_1(bench: Any) -> None:
    answer = bench.run("-m", "swim[mood=miscounts]", "--json")
    assert answer.code == 1
    difference = "backward passes: 8 metered, 9 seen"
    assert f"seed 0: done, but the audit disagrees: {difference}, average" in answer.err
    assert answer.json["counts"]["audit_disagrees"] == 1
    assert answer.json["cells"][0]["audit_difference"] == difference
    again = bench.run("-m", "swim[mood=miscounts]")
    assert again.code == 1
    assert f"done, but the audit disagrees: swim[mood=miscounts] on pond, seed 0: {difference}\n" in again.err


def test_a_device_that_is_not_here_is_misuse(bench: Any) -> None:
    answer = bench.run("-m", "swim", "--device", "cuda:99")
    assert answer.code == 2
    assert answer.err.startswith("mtlbench: error: --device cuda:99: torch finds ")
    assert bench.begun() == []


def test_a_failed_cell_is_tried_again_by_the_next_run(bench: Any) -> None:
    assert bench.run("-m", "swim[mood=fails-once]").code == 1
    assert bench.begun() == [0]
    assert bench.run("-m", "swim[mood=fails-once]").code == 0
    assert bench.begun() == [0, 0]
    assert bench.leftovers() == []


def test_a_diverged_cell_is_not_tried_again_and_still_makes_exit_code_1(bench: Any) -> None:
    assert bench.run("-m", "swim[mood=diverges]").code == 1
    assert bench.run("-m", "swim[mood=diverges]").code == 1
    assert bench.begun() == [0]


def test_what_was_done_by_whom_is_in_the_record(bench: Any) -> None:
    import mtlbench

    bench.run("-m", "swim[lr=0.5]", executor="processes")
    (path,) = bench.results.glob("pond/swim/*.json")
    record = json.loads(path.read_text())
    assert record["variant"] == "swim[lr=0.5]"
    assert record["provenance"]["mtlbench"] == mtlbench.__version__
    made_by = record["provenance"]["method"]
    assert made_by == record["provenance"]["suite"]
    assert (made_by["distribution"], len(made_by["source"])) == ("pond.py", 64)
    assert record["measured"]["torch"] is False  # nothing but training imports it
    assert record["measured"]["finished"].endswith("+00:00")


def test_a_study_file_says_what_to_train(bench: Any) -> None:
    study = bench.folder / "study.toml"
    study.write_text(
        'seeds = 2\nsuites = ["pond"]\nmethods = ["swim", "swim[mood=diverges]"]\n[protocol]\nbudget = 4\n'
    )

    def cells(*words: str) -> list[tuple[str, int, str]]:
        answer = bench("run", *words, "--study", str(study), "--results", str(bench.results), "--json", "--quiet")
        return [(cell["variant"], cell["seed"], cell["status"]) for cell in answer.json["cells"]]

    assert cells() == [
        ("swim", 0, "done"),
        ("swim[mood=diverges]", 0, "diverged"),
        ("swim", 1, "done"),
        ("swim[mood=diverges]", 1, "diverged"),
    ]
    assert cells("-m", "swim", "--seeds", "1") == [("swim", 0, "done")]
    assert cells("pond", "-m", "swim", "--budget", "2") == [("swim", 0, "done"), ("swim", 1, "done")]
    budgets = {json.loads(path.read_text())["cell"]["protocol"]["budget"] for path in bench.results.glob("*/*/*.json")}
    assert budgets == {2, 4}


def test_the_encoder_is_an_option_of_the_suites_that_have_one(bench: Any) -> None:
    assert bench.run("-m", "swim", "--encoder", "larger").code == 0
    (path,) = bench.results.glob("pond/swim/*.json")
    assert json.loads(path.read_text())["cell"]["options"] == {"encoder_name": "larger"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-m", "swum"], "-m 'swum': no method is called 'swum'; did you mean 'swim'?"),
        (["-m", "swim[mod=x]"], "-m 'swim[mod=x]': method swim has no setting 'mod'; did you mean 'mood'?"),
        (["-m", "swim", "--seeds", "0"], "--seeds must be a count from 1 or a list of seeds, found 0"),
        (["-m", "swim", "--budget", "x"], "the protocol: setting 'budget' must be int, found 'x'"),
        (["-m", "swim", "--budget", "1", "--set", "budget=2"], "--budget and --set both give the budget"),
        (["-m", "swim", "--set", "lr"], "--set needs key=value, found 'lr'"),
        (["-m", "swim", "--executor", "seral"], "no executor is called 'seral'; did you mean 'serial'?"),
        (["-m", "swim", "--executor", "serial", "--workers", "2"], "executor serial has no setting 'workers'"),
        (["-m", "swim", "--executor", "processes", "--workers", "x"], "executor processes: setting 'workers' must be"),
        (["-m", "swim", "--device", "gpu"], "--device 'gpu' is none that torch knows: "),
        (["-m", "swim", "--study", "none.toml"], "none.toml: cannot read the study file"),
        (["-m", "swim", "--results", "log/r"], "cannot write to the results folder"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(bench: Any, words: list[str], message: str) -> None:
    (bench.folder / "log").touch()
    answer = bench("run", "pond", *words)
    assert answer.code == 2
    assert answer.out == ""
    (line,) = answer.err.splitlines()
    assert line.startswith(f"mtlbench: error: {message}") or f"error: {message}" in line
    assert bench.begun() == []


def test_an_encoder_that_nobody_takes_is_misuse(bench: Any) -> None:
    answer = bench("run", "synthetic", "--encoder", "x")
    assert answer.code == 2
    assert "--encoder has no effect: none of these suites has an encoder to choose: synthetic" in answer.err


def test_the_quick_study_is_what_is_trained_when_nothing_is_named(bench: Any) -> None:
    import argparse

    from mtlbench import Config
    from mtlbench.cli.running.asking import study_from
    from mtlbench.plugins import load_registry
    from mtlbench.study.grid import resolve
    from mtlbench.worker import suite_context

    asked = {
        "suites": [],
        "methods": [],
        "study": None,
        "seeds": None,
        "budget": None,
        "overrides": [],
        "encoder": None,
    }
    registry = load_registry(["no:pcgrad"])
    study = study_from(argparse.Namespace(**asked), registry)
    found = resolve(study, registry, suite_context(Config(), registry))
    assert {cell.suite for cell in found.cells} == {"cldr-ner", "synthetic"}
    assert "mtl[rows=1]" in {cell.variant for cell in found.cells}
    assert "pcgrad" not in {cell.method for cell in found.cells}
    named = study_from(argparse.Namespace(**{**asked, "suites": ["digits"]}), registry)
    assert [dict(ask.values) for ask in named.suites] == [{}]  # its own budget, not the quick one
