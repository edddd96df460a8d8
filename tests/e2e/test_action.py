"""The GitHub action: its form, and its shell steps as a runner would run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mtlbench.cli import main
from mtlbench.testing.records import made_up_record, store_records

yaml = pytest.importorskip("yaml")

ACTION = Path(__file__).parents[2] / "action.yml"


@pytest.fixture(scope="module")
def action():
    if not ACTION.is_file():
        pytest.skip("the action is not part of a built distribution")
    return yaml.safe_load(ACTION.read_text("utf-8"))


def step(action, name):
    return next(one for one in action["runs"]["steps"] if name in one["name"])


def run(action, name, folder, **variables):
    """One shell step with these variables; commands are those of this environment."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    path = f"{folder / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    declared = dict.fromkeys(step(action, name)["env"], "")
    assert variables.keys() <= declared.keys()
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step(action, name)["run"]],
        cwd=folder,
        env={**os.environ, "PATH": path, "GIT_CEILING_DIRECTORIES": str(folder.parent), **declared, **variables},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def board(tmp_path):
    store_records([made_up_record(name) for name in ("mtl", "pcgrad")], tmp_path / "leaderboard/results")
    words = ["--results", str(tmp_path / "leaderboard/results"), "--out", str(tmp_path / "leaderboard")]
    assert main(["leaderboard", *words]) == 0
    return tmp_path


WHERE = {"RESULTS": "leaderboard/results", "OUT": "leaderboard"}


def test_it_is_a_composite_action_whose_inputs_are_all_used_and_described(action):
    assert action["runs"]["using"] == "composite"
    text = ACTION.read_text("utf-8")
    used = set(re.findall(r"inputs\.([a-z-]+)", text))
    assert used == set(action["inputs"])
    assert all(one["description"] and "default" in one for one in action["inputs"].values())


def test_no_input_is_pasted_into_a_script(action):
    scripts = [one for one in action["runs"]["steps"] if "run" in one]
    assert len(scripts) == 3
    assert all("${{" not in one["run"] and one["shell"] == "bash" for one in scripts)


def test_the_check_passes_on_a_fresh_board_and_fails_on_a_changed_record(action, board):
    good = run(action, "Tables are", board, **WHERE)
    assert good.returncode == 0, good.stderr
    path = next((board / "leaderboard/results").rglob("*.json"))
    path.write_bytes(path.read_bytes().replace(b'"average":70.0', b'"average":71.0'))
    bad = run(action, "Tables are", board, **WHERE)
    assert bad.returncode == 1
    assert "digest does not match the outcome" in bad.stderr


def test_a_first_push_has_nothing_to_compare_verdicts_with(action, board):
    assert run(action, "Tables are", board, **WHERE, SINCE="0" * 40).returncode == 0


def test_hostile_inputs_are_words_and_not_commands(action, board):
    found = run(
        action, "Tables are", board, RESULTS="$(touch x); touch y", OUT="`touch z`", SINCE="--output=w; touch v"
    )
    assert found.returncode == 2
    assert not {path.name for path in board.iterdir()} & set("vwxyz")


def test_a_sample_of_none_trains_nothing(action, board):
    assert run(action, "A sample", board, RESULTS="nowhere", SAMPLE="0", SEED="0").stdout == ""
    assert run(action, "A sample", board, RESULTS="nowhere", SAMPLE="1", SEED="0").returncode == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ["/the action"]),
        ({"REQUIREMENT": "mtlbench==0.1.0 newcomer>=1"}, ["mtlbench==0.1.0", "newcomer>=1"]),
        ({"REQUIREMENT": "a; touch x $(touch y)"}, ["a;", "touch", "x", "$(touch", "y)"]),
    ],
)
def test_the_requirement_reaches_pip_as_words(given, words, action, board):
    (board / "bin").mkdir()
    (board / "bin/python").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (board / "bin/python").chmod(0o755)
    found = run(action, "Install", board, ACTION_PATH="/the action", CONSTRAINTS="constraints.txt", **given)
    printed = found.stdout.splitlines()
    assert printed[printed.index("--constraint") + 1] == "constraints.txt"
    assert printed[printed.index("--") + 1 :] == words
    assert not (board / "x").exists()
    assert not (board / "y").exists()
