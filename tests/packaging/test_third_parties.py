"""mtlbench as installed, beside one sound and three broken distributions of others."""

from __future__ import annotations

import json

import pytest

from mtlbench.cli.parsing import commands

pytestmark = pytest.mark.slow

BROKEN = {
    "turbo": "mtlbench-thirdparty-broken 1.2 is quarantined: ModuleNotFoundError: No module named 'turbo_gradients'",
    "better_mtl": "mtlbench-thirdparty-clash 2.0 is quarantined: it offers method 'mtl', which plugin 'mtl' of",
    "future": "mtlbench-thirdparty-future 9.0 is quarantined: it is written for plugin interface 99, and this mtlbench",
}

QUICK = ["--results", "results", "--budget", "24", "--executor", "serial"]


def assert_each_broken_one_is_told_once(stderr: str) -> None:
    for name, reason in BROKEN.items():
        lines = [line for line in stderr.splitlines() if f"plugin {name!r}" in line]
        assert len(lines) == 1, stderr
        assert lines[0].startswith(f"mtlbench: warning: plugin {name!r} of {reason}")


def test_the_installed_package_is_under_test(python, site):
    assert python("-c", "import mtlbench; print(mtlbench.__file__)").stdout.strip() == f"{site}/mtlbench/__init__.py"


def test_list_has_what_the_sound_one_offers(mtlbench):
    done = mtlbench("list", "--json")
    assert done.returncode == 0, done.stderr
    assert_each_broken_one_is_told_once(done.stderr)
    listed = json.loads(done.stdout)
    origin = {entry["name"]: entry["distribution"] for kind in ("methods", "suites") for entry in listed[kind]}
    assert origin["normalised-sum"] == origin["lines"] == "mtlbench-thirdparty-example"
    assert origin["mtl"] == "mtlbench"


def test_plugins_tells_all_seven_by_state(mtlbench):
    done = mtlbench("plugins", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    states = {it["name"]: it["state"] for it in json.loads(done.stdout)["plugins"]}
    assert {states.pop(name) for name in BROKEN} == {"quarantined"}
    assert {states.pop(name) for name in ("normalised_sum", "lines", "watch")} == {"loaded"}
    assert set(states.values()) == {"loaded"}


def test_strictness_names_all_three(mtlbench):
    done = mtlbench("list", "--strict-plugins")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert all(name in done.stderr for name in BROKEN)


def test_blocking_the_broken_ones_is_quiet(mtlbench):
    names = ("mtlbench-thirdparty-broken", "better-mtl", "future")
    done = mtlbench("list", *(word for name in names for word in ("-p", f"no:{name}")))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help(command, mtlbench):
    done = mtlbench(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: mtlbench {command}")


def test_cells_of_the_sound_one_run_show_and_reach_the_board(mtlbench, tmp_path):
    run = mtlbench("run", "lines", "-m", "normalised-sum", "-m", "mtl", *QUICK)
    assert run.returncode == 0, run.stderr
    assert "normalised-sum" in run.stdout
    assert_each_broken_one_is_told_once(run.stderr)

    (path,) = (tmp_path / "results").glob("lines/normalised-sum/*.json")
    record = json.loads(path.read_text())
    assert record["provenance"]["method"]["distribution"] == "mtlbench-thirdparty-example"
    assert record["provenance"]["method"]["version"] == "0.3.1"
    extras = record["measured"]["extras"]["watch"]
    assert extras["steps"] == record["outcome"]["counts"]["optimizer_steps"] == 8
    assert extras["evaluations"] == len(record["outcome"]["curve"])
    assert extras["cpu_seconds"] > 0

    show = mtlbench("show", path.stem[:10])
    assert show.returncode == 0
    assert "method by mtlbench-thirdparty-example 0.3.1" in show.stdout
    assert_each_broken_one_is_told_once(show.stderr)

    board = ("leaderboard", "--results", "results", "--out", "board")
    assert mtlbench(*board).returncode == 0
    assert mtlbench(*board, "--check").returncode == 0
    assert "normalised-sum" in (tmp_path / "board" / "README.md").read_text()


def test_workers_find_a_file_given_with_p(mtlbench, site, tmp_path):
    source = (site / "mtlbench_thirdparty_example" / "normalised_sum.py").read_text()
    (tmp_path / "mine.py").write_text(source.replace("normalised-sum", "mine"))
    words = ("--results", "results", "--budget", "24", "--executor", "processes", "--workers", "1")
    run = mtlbench("run", "lines", "-m", "mine", "-p", "mine.py", *words)
    assert run.returncode == 0, run.stderr
    (path,) = (tmp_path / "results").glob("lines/mine/*.json")
    assert json.loads(path.read_text())["provenance"]["method"]["distribution"] == "mine.py"


def test_the_method_of_the_sound_one_keeps_the_laws(mtlbench):
    done = mtlbench("check", "normalised-sum")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_suite_of_the_sound_one_keeps_the_laws(mtlbench):
    done = mtlbench("check", "lines")
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_its_distribution_a_name_is_unknown_and_nothing_else_changes(mtlbench):
    done = mtlbench("show", "normalised-sum", "-p", "no:mtlbench-thirdparty-example")
    assert done.returncode == 2
    assert "is blocked by -p no:mtlbench-thirdparty-example" in done.stderr.splitlines()[-1]


def test_the_published_method_is_short(site):
    text = (site / "mtlbench_thirdparty_example" / "normalised_sum.py").read_text()
    assert len(text.splitlines()) <= 25
