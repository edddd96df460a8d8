from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mtlbench.cli import main
from mtlbench.testing.records import made_up_record, store_records


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with committed records and their tables."""
    monkeypatch.chdir(tmp_path)
    records = [made_up_record(variant, seed=seed) for variant in ("mtl", "stl", "pcgrad") for seed in range(3)]
    store_records(records, tmp_path / "leaderboard/results")
    assert main(["leaderboard"]) == 0
    return tmp_path / "leaderboard"


def test_writing_makes_a_page_and_tables_in_three_formats(folder):
    page = (folder / "README.md").read_text()
    assert "## digits" in page
    for suffix in ("md", "csv", "tex"):
        assert (folder / f"tables/digits-scores.{suffix}").is_file()
        assert f"tables/digits-scores.{suffix}" in page


def test_writing_twice_changes_nothing(folder, capsys):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert main(["leaderboard"]) == 0
    assert ": 0 of " in capsys.readouterr().out.splitlines()[-1]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("results", ["elsewhere", "."], ids=["empty", "no records"])
def test_a_folder_without_records_takes_no_board_away(results, folder, tmp_path, capsys):
    (tmp_path / "elsewhere").mkdir()
    before = files(folder)
    assert main(["leaderboard", "--results", results]) == 2
    assert "no record was found that could be read, and leaderboard holds a board of 9" in capsys.readouterr().err
    assert files(folder) == before
    (folder / "records.csv").unlink()
    assert main(["leaderboard", "--results", "elsewhere"]) == 0
    assert "that nothing renders any more removed" in capsys.readouterr().out
    assert not list(folder.glob("tables/digits-*"))


@pytest.mark.parametrize("option", ["--results", "--out"])
def test_an_empty_path_is_not_taken_for_the_present_folder(option, folder, capsys):
    before = files(folder)
    assert main(["leaderboard", option, ""]) == 2
    assert f"argument {option}: a folder's path is empty" in capsys.readouterr().err
    assert files(folder) == before


def test_a_board_that_cannot_be_written_whole_stays_as_it_is(folder, capsys, monkeypatch):
    store_records([made_up_record("pcgrad", {"a": 99.0, "b": 99.0}, seed=3)], folder / "results")
    before = files(folder)
    open_file = Path.open

    def forbidden(self, mode="r", *args, **options):
        if self.parent.name == "tables" and "x" in mode:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return open_file(self, mode, *args, **options)

    monkeypatch.setattr(Path, "open", forbidden)
    assert main(["leaderboard"]) == 2
    assert "cannot write to leaderboard: Permission denied" in capsys.readouterr().err
    assert files(folder) == before


def test_a_folder_that_cannot_be_read_takes_no_records_away(folder, capsys, monkeypatch):
    before = files(folder)
    scandir = os.scandir

    def scan(path="."):
        if Path(path).name == "pcgrad":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", scan)
        assert main(["leaderboard"]) == 2
    assert "cannot read the folder leaderboard/results/digits/pcgrad: Permission denied" in capsys.readouterr().err
    assert files(folder) == before


def test_a_foreign_folder_among_the_records_is_told_of(folder, capsys):
    (folder / "results/digits/mtl/<script>").mkdir()
    (folder / "results/digits/mtl/<script>/x.json").write_text("{}")
    capsys.readouterr()
    assert main(["leaderboard", "--check"]) == 1
    assert "digits/mtl/<script>: is a folder; records are SUITE/METHOD/KEY.json" in capsys.readouterr().err


def test_a_fresh_check_says_one_line_and_exits_0(folder, capsys):
    capsys.readouterr()
    assert main(["leaderboard", "--check"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "are what the records say" in out


def test_a_new_record_makes_the_check_exit_1_with_a_diff(folder, capsys):
    store_records([made_up_record("pcgrad", {"a": 99.0, "b": 99.0}, seed=3)], folder / "results")
    capsys.readouterr()
    assert main(["leaderboard", "--check"]) == 1
    found = capsys.readouterr()
    assert "--- a/tables/digits-scores.md" in found.out
    assert "+++ b/tables/digits-scores.md" in found.out
    assert "\n+| pcgrad | 4 | 0 | 77.25 ± 14.50 |" in found.out
    assert "mtlbench leaderboard --results leaderboard/results --out leaderboard" in found.err


def test_one_changed_digit_makes_the_check_exit_1(folder, capsys):
    path = folder / "tables/digits-scores.csv"
    path.write_text(path.read_text().replace("70.00", "70.01", 1))
    assert main(["leaderboard", "--check"]) == 1
    assert "-mtl,3,0,70.01" in capsys.readouterr().out


def test_a_missing_table_makes_the_check_exit_1(folder, capsys):
    (folder / "tables/digits-cost.md").unlink()
    assert main(["leaderboard", "--check"]) == 1
    assert "--- /dev/null\n+++ b/tables/digits-cost.md" in capsys.readouterr().out


def test_a_table_that_nothing_renders_makes_the_check_exit_1_and_goes_when_written(folder, capsys):
    (folder / "tables/old-scores.md").write_text("old\n")
    assert main(["leaderboard", "--check"]) == 1
    assert "--- a/tables/old-scores.md\n+++ /dev/null" in capsys.readouterr().out
    assert main(["leaderboard"]) == 0
    assert not (folder / "tables/old-scores.md").exists()
    assert main(["leaderboard", "--check"]) == 0


def test_files_of_somebody_else_are_not_removed(folder, tmp_path):
    out = tmp_path / "paper"
    (out / "tables").mkdir(parents=True)
    (out / "tables/mine.tex").write_text("mine\n")
    assert [main(["leaderboard", "--out", str(out)]) for _ in range(2)] == [0, 0]
    assert (out / "tables/mine.tex").read_text() == "mine\n"


def test_a_page_of_somebody_else_is_not_overwritten(folder, tmp_path, capsys):
    (tmp_path / "README.md").write_text("My project\n")
    assert main(["leaderboard", "--out", str(tmp_path)]) == 2
    assert "README.md was not written by mtlbench leaderboard" in capsys.readouterr().err
    assert (tmp_path / "README.md").read_text() == "My project\n"
    assert not (tmp_path / "tables").exists()


def test_a_folder_that_cannot_be_written_is_one_line(folder, tmp_path, capsys):
    out = tmp_path / "elsewhere"
    out.mkdir()
    (out / "tables").write_text("no folder")
    capsys.readouterr()
    assert main(["leaderboard", "--out", str(out)]) == 2
    assert main(["leaderboard", "--out", str(out), "--check"]) == 2
    writing, reading = capsys.readouterr().err.splitlines()
    assert writing.startswith(f"mtlbench: error: cannot write to {out}: Not a directory")
    assert reading.startswith(f"mtlbench: error: cannot read {out}: Not a directory")


def test_line_ends_count(folder, capsys):
    path = folder / "tables/digits-scores.md"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert main(["leaderboard", "--check"]) == 1
    assert capsys.readouterr().out


@pytest.mark.parametrize("damage", ["edited", "cut short", "empty", "misplaced"])
def test_a_bad_record_is_one_line_on_stderr_and_fails_the_check(folder, capsys, damage):
    path = next((folder / "results/digits/stl").glob("*.json"))
    if damage == "edited":
        path.write_text(path.read_text().replace("80.0", "90.0"))
    elif damage == "cut short":
        path.write_text(path.read_text()[:500])
    elif damage == "empty":
        path.write_text("")
    else:
        path.rename(folder / "results/digits/mtl" / path.name)
    assert main(["leaderboard"]) == 2
    assert "files written anew" in capsys.readouterr().out
    assert main(["leaderboard", "--style", "plain"]) == 2
    assert "pcgrad" in capsys.readouterr().out
    assert main(["leaderboard", "--check"]) == 1
    found = capsys.readouterr()
    assert "are what the records say" in found.out
    [line] = [line for line in found.err.splitlines() if path.name in line]
    assert line.startswith(f"digits/{'mtl' if damage == 'misplaced' else 'stl'}/{path.name}: ")


def test_a_record_whose_audit_disagrees_is_on_the_page_with_its_reason(folder, capsys):
    store_records([made_up_record("gradvac", audit="backward passes: 3 metered, 9 seen")], folder / "results")
    assert main(["leaderboard"]) == 2
    page = (folder / "README.md").read_text()
    assert "backward passes: 3 metered, 9 seen" in page
    assert "| gradvac" not in page
    assert main(["leaderboard", "--check"]) == 1


def test_a_failure_is_counted(folder):
    record = made_up_record("pcgrad", seed=9)
    path = folder / "results/.failures" / f"{record['key']}.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"key": record["key"], "variant": "pcgrad", "cell": record["cell"], "error": "boom"}))
    assert main(["leaderboard"]) == 0
    assert "| pcgrad | 3 | 1 f |" in (folder / "README.md").read_text()


def test_an_empty_results_folder_gives_an_empty_page(tmp_path, capsys):
    (tmp_path / "results").mkdir()
    assert main(["leaderboard", "--results", str(tmp_path / "results"), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "README.md").read_text().count("##") == 0


def test_a_results_folder_that_is_not_there_is_misuse(tmp_path, capsys):
    assert main(["leaderboard", "--results", str(tmp_path / "nowhere")]) == 2
    assert "there is no results folder" in capsys.readouterr().err


def test_a_style_is_printed_and_nothing_is_written(folder, capsys, tmp_path):
    capsys.readouterr()
    assert main(["leaderboard", "--style", "html", "--out", str(tmp_path / "elsewhere")]) == 0
    assert capsys.readouterr().out.startswith("<table>")
    assert not (tmp_path / "elsewhere").exists()
    assert main(["leaderboard", "--style", "hmtl"]) == 2
    assert "did you mean 'html'?" in capsys.readouterr().err


def test_torch_is_not_imported(folder):
    code = (
        "import sys; from mtlbench.cli import main; code = main(['leaderboard', '--check']);"
        "heavy = {'torch', 'transformers', 'sklearn', 'datasets'} & set(sys.modules);"
        "sys.exit(f'{heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder.parent, check=False)
    assert done.returncode == 0, done.stderr
