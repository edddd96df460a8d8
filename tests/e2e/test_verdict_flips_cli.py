from __future__ import annotations

import shutil
import subprocess

import pytest

from mtlbench.cli import main
from mtlbench.testing.records import made_up_record, store_records

CLAIM = """[[claim]]
text = "PCGrad scores better than MTL"
method = "pcgrad"
against = "mtl"
quantity = "average"
direction = "better"
"""


def git(folder, *words):
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def board(tmp_path, monkeypatch):
    """A folder whose board says that the claim fails, in a repository with that committed."""
    if shutil.which("git") is None:
        pytest.skip("there is no git here")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leaderboard").mkdir()
    (tmp_path / "leaderboard/claims.toml").write_text(CLAIM)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n")
    trained(tmp_path, gain=-5.0)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def trained(folder, gain):
    """Records with that gain in place of all others, and the tables rendered from them."""
    shutil.rmtree(folder / "leaderboard/results", ignore_errors=True)
    records = [made_up_record("mtl", {"a": 50.0 + seed}, seed=seed) for seed in range(3)]
    records += [made_up_record("pcgrad", {"a": 50.0 + 1.1 * seed + gain}, seed=seed) for seed in range(3)]
    store_records(records, folder / "leaderboard/results")
    assert main(["leaderboard"]) == 0


def check(*words):
    return main(["leaderboard", "--check", *words])


LINE = "- Verdict on pcgrad-scores-better-than-mtl, digits: fails → holds, because"


def test_a_verdict_that_changed_fails_the_check_until_the_change_log_tells_of_it(board, capsys):
    assert check() == 0
    trained(board, gain=5.0)
    capsys.readouterr()
    assert check() == 1
    assert LINE in capsys.readouterr().err
    (board / "CHANGELOG.md").write_text(f"# Changelog\n\n{LINE} of a mistake.\n")
    assert check() == 0


def test_a_flip_that_was_committed_is_seen_from_the_base_of_the_branch(board, capsys):
    git(board, "checkout", "-q", "-b", "branch")
    trained(board, gain=5.0)
    git(board, "commit", "-q", "-a", "-m", "second")
    assert check() == 0
    assert check("--since", "main") == 1
    assert "was fails at" in capsys.readouterr().err


def test_a_base_without_verdicts_and_a_folder_without_git_are_no_failure(board, tmp_path_factory, monkeypatch, capsys):
    git(board, "rm", "-q", "leaderboard/tables/all-verdicts.json")
    git(board, "commit", "-q", "-m", "older")
    assert main(["leaderboard"]) == 0
    assert check() == 0
    shutil.rmtree(board / ".git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(board.parent))
    capsys.readouterr()
    assert check() == 0
    assert "verdicts are compared with none before: leaderboard is in no git repository" in capsys.readouterr().err
    assert check("--since", "main") == 2


@pytest.mark.parametrize("revision", ["nowhere", "--output=x", "main:CHANGELOG.md", ""])
def test_a_revision_that_is_none_is_refused_in_one_line(revision, board, capsys):
    assert check(f"--since={revision}") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (board / "x").exists()


def test_since_goes_with_check(board, capsys):
    assert main(["leaderboard", "--since", "main"]) == 2
    assert "--since goes with --check" in capsys.readouterr().err
