"""``mtlbench tune`` from the command line to the file that a suite reads."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mtlbench.cli import main

PLUGIN = str(Path(__file__).with_name("brook.py"))
SPACE = """
trials = 3
seeds = [1000, 1001]
methods = ["mtl", "mtl[rows=1]", "drift"]
[space]
lr = { log = [1e-3, 1e-1] }
[method.drift]
pull = [0.5, 1.0, 1.5]
warmup = { fixed = 0.1 }
"""


@dataclass
class Answer:
    code: int
    out: str
    err: str


class Bench:
    """A working folder with a space file ``space.toml``, a tuning folder ``t`` and the brook's log."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.space(SPACE)

    def space(self, text: str) -> None:
        (self.folder / "space.toml").write_text(text)

    def __call__(self, *words: str, suite: str = "brook") -> Answer:
        self._capsys.readouterr()
        asked = ["tune", suite, "--space", "space.toml", "--out", "t", "--executor", "serial", "-p", PLUGIN, *words]
        code = main(asked)
        return Answer(code, *self._capsys.readouterr())

    @property
    def tuning(self) -> Any:
        return json.loads((self.folder / "t/brook/tuning.json").read_text())

    def trials(self) -> list[Path]:
        return sorted(self.folder.glob("t/brook/trials/*/*.json"))

    def scored(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    monkeypatch.setenv("BROOK", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path, capsys)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all was tuned, made once."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "space.toml").write_text(SPACE)
    asked = ["tune", "brook", "--space", "space.toml", "--out", "t", "--write", "recommended.toml", "--quiet"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROOK", str(folder))
        patch.chdir(folder)
        assert main([*asked, "--executor", "serial", "-p", PLUGIN]) == 0
    return folder


@pytest.fixture
def tuned(bench: Bench, made: Path) -> Bench:
    shutil.copytree(made, bench.folder, dirs_exist_ok=True)
    return bench


def test_every_method_gets_the_same_trials_and_the_best_on_dev_is_chosen(tuned):
    found = tuned.tuning
    assert list(found["methods"]) == ["mtl", "mtl[rows=1]", "drift"]
    assert found["seeds"] == [1000, 1001]
    for method in found["methods"].values():
        averages = [trial["average"] for trial in method["trials"]]
        assert len(averages) == found["trials"] == 3
        assert method["chosen"]["average"] == max(averages) == pytest.approx(method["expected_best"][-1])
        assert method["chosen"]["trial"] == averages.index(max(averages))
        assert [len(trial["dev"]) for trial in method["trials"]] == [2, 2, 2]
    drift = found["methods"]["drift"]["chosen"]
    assert drift["settings"].keys() == {"pull"}
    assert drift["protocol"].keys() == {"lr", "warmup"}
    assert len(tuned.trials()) == 3 * 3 * 2


def test_only_the_dev_split_was_scored_once_a_trial(tuned):
    tasks = ("first", "second", "third", "fourth")
    assert sorted(tuned.scored()) == sorted(f"{task} dev" for task in tasks for _ in range(18))


def test_a_trial_starts_from_the_suites_protocol_and_not_from_what_it_recommends(tuned):
    for path in tuned.trials():
        trial = json.loads(path.read_text())
        assert trial["cell"]["protocol"]["lr"] != 0.077
        assert trial["cell"]["protocol"]["weight_decay"] == 0.0
        assert trial["cell"]["protocol"]["clip"] == 5.0
        assert trial["outcome"]["dev"].keys() == {"first", "second", "third", "fourth"}
        assert trial["measured"]["machine"]
        assert trial["measured"]["total_seconds"] > 0
        assert trial["outcome"]["counts"]["gradients"] <= 25


def test_what_was_chosen_is_written_as_a_suite_reads_it(tuned):
    found = tomllib.loads((tuned.folder / "recommended.toml").read_text())["brook"]
    chosen = {name: method["chosen"] for name, method in tuned.tuning["methods"].items()}
    assert found["mtl[rows=1]"]["protocol"] == chosen["mtl[rows=1]"]["protocol"]
    assert found["drift"] == {"settings": chosen["drift"]["settings"], "protocol": chosen["drift"]["protocol"]}


def test_a_second_run_makes_no_trial_and_changes_no_byte(tuned):
    files = {path: path.read_bytes() for path in tuned.folder.rglob("*") if path.is_file()}
    answer = tuned("--write", "recommended.toml")
    assert answer.code == 0
    assert "18 of them found on disk" in answer.err
    assert {path: path.read_bytes() for path in tuned.folder.rglob("*") if path.is_file()} == files


def test_the_check_holds_files_and_trials_together(tuned):
    checked = ("--check", "--write", "recommended.toml")
    assert tuned(*checked).code == 0
    for name, old, new in (
        ("recommended.toml", "lr = ", "lr = 1"),
        ("t/brook/README.md", "drift", "drifts"),
        ("t/brook/tuning.json", "1000", "1002"),
    ):
        path = tuned.folder / name
        before = path.read_text()
        path.write_text(before.replace(old, new, 1))
        answer = tuned(*checked)
        assert answer.code == 1
        assert f"b/{name}" in answer.out
        path.write_text(before)
    tuned.trials()[0].unlink()
    assert tuned(*checked).code == 1


def test_a_method_alone_joins_what_is_there(bench):
    assert bench("-m", "mtl").code == 0
    assert list(bench.tuning["methods"]) == ["mtl"]
    assert bench("-m", "drift").code == 0
    assert list(bench.tuning["methods"]) == ["mtl", "drift"]
    assert len(bench.trials()) == 12


def test_a_further_method_is_tuned_over_the_common_space(bench):
    answer = bench("-m", "stl", "--trials", "1", "--budget", "8")
    assert answer.code == 0
    stl = bench.tuning["methods"]["stl"]
    assert list(stl["space"]) == ["lr"]
    assert stl["budget"] == 8
    assert "-m stl" in (bench.folder / "t/brook/README.md").read_text()


def test_a_trial_that_fails_is_named_and_spares_the_rest(bench):
    bench.space(SPACE.replace("[0.5, 1.0, 1.5]", "[0.5, 1.0, 3.0]"))
    answer = bench("-m", "drift")
    assert answer.code == 1
    assert answer.err.count("pulled too hard (details:") == 2
    drift = bench.tuning["methods"]["drift"]
    assert drift["missing"] == 1
    assert drift["chosen"]["settings"]["pull"] < 2
    assert len(drift["expected_best"]) == 2
    assert "1 of 3 trials are missing" in (bench.folder / "t/brook/README.md").read_text()


def test_a_trial_that_diverges_counts_as_the_worst(bench):
    space = SPACE.replace("{ log = [1e-3, 1e-1] }", "[1e-2, 3e-2, 1e30]").replace("[1000, 1001]", "[1000]")
    bench.space(space.replace("methods = [", 'methods = ["mtl[optimizer=sgd,clip=none]", '))
    answer = bench("-m", "mtl[optimizer=sgd,clip=none]")
    assert answer.code == 0, answer.err
    method = bench.tuning["methods"]["mtl[clip=none,optimizer=sgd]"]
    assert [trial["status"] for trial in method["trials"]].count("diverged") == 1
    assert method["chosen"]["protocol"]["lr"] < 1
    assert len(method["expected_best"]) == 3


def test_without_trials_it_tells_what_is_there(bench):
    bench("-m", "mtl")
    (bench.folder / "t/brook/tuning.json").unlink()
    answer = bench("--no-trials")
    assert answer.code == 0
    assert len(bench.trials()) == 6
    assert list(bench.tuning["methods"]) == ["mtl"]


def test_an_interrupt_keeps_the_trials_that_were_made(bench, monkeypatch):
    from mtlbench.cli.running import watching

    settled: Callable[..., None] = watching._Lines.settled

    def stop(self: Any, result: Any) -> None:
        settled(self, result)
        if self.ended == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(watching._Lines, "settled", stop)
    answer = bench("--write", "recommended.toml")
    assert answer.code == 130
    assert "goes on from here" in answer.err
    assert len(bench.trials()) == 4
    # Round by round: the first trial of every method before the second of any.
    assert {name: method["missing"] for name, method in bench.tuning["methods"].items()} == {"mtl": 2, "mtl[rows=1]": 2}
    assert not (bench.folder / "recommended.toml").exists()
    monkeypatch.undo()
    monkeypatch.setenv("BROOK", str(bench.folder))
    monkeypatch.chdir(bench.folder)
    assert "4 of them found on disk" in bench().err


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("pull = [0.5, 1.0, 1.5]", "pulls = [0.5, 1.0]", "space.toml, line 8: method drift has no setting 'pulls'"),
        ("pull = [0.5, 1.0, 1.5]", 'pull = ["a", "b"]', "line 8: method drift: setting 'pull' must be float"),
        ("lr = {", "ls = {", "line 6: all methods have protocol fields alone in common, and 'ls' is none"),
        ("lr = {", "budget = {", "line 6: budget cannot be tuned"),
        ("lr = { log = [1e-3, 1e-1] }", "", "the space of mtl on brook has nothing to tune"),
        ('"mtl", ', '"mlt", ', "line 4: no method is called 'mlt'"),
    ],
)
def test_a_space_that_nobody_has_is_one_clear_line(bench, old, new, says):
    bench.space(SPACE.replace(old, new))
    answer = bench()
    assert answer.code == 2
    assert says in answer.err
    assert len(answer.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--trials", "0"], "--trials must be positive, found 0"),
        (["--trials", "x"], "--trials must be int"),
        (["--space", "no.toml"], "no.toml: cannot read the space file"),
        (["-m", "mtk"], "no method is called 'mtk'"),
        (["--workers", "2"], "no setting 'workers'"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_clear_line(bench, words, says):
    answer = bench(*words)
    assert answer.code == 2
    assert says in answer.err
    assert not (bench.folder / "t").exists()


def test_a_suite_has_one_set_of_options_in_a_folder(bench, capsys):
    assert main(["tune", "brook", "brook[spring=1]", "--out", "t", "-p", PLUGIN]) == 2
    assert "brook is named twice; tune it with other options in a folder of its own (--out)" in capsys.readouterr().err


def test_without_a_suite_those_with_a_section_are_tuned(bench, capsys):
    bench.space(SPACE)
    words = ["tune", "--space", "space.toml", "--out", "t", "--executor", "serial", "-p", PLUGIN, "-m", "mtl"]
    assert main(words) == 2
    assert "name a suite" in capsys.readouterr().err
    bench.space(f"{SPACE}\n[suite.brook]\ntrials = 1\nseeds = [2000]\n")
    assert main(words) == 0
    assert len(bench.trials()) == 1
