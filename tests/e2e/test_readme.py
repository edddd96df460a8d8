"""The README is true: its commands run, its method is a method, and CI runs its test command."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def _commands() -> list[str]:
    return [line for block in _blocks("sh")[1:] for line in block.splitlines() if line.startswith("mtlbench ")]


def _mtlbench(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "mtlbench", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}: {done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all commands, because later ones read what earlier ones wrote."""
    return tmp_path_factory.mktemp("readme")


@pytest.mark.parametrize("command", _commands())
def test_every_command_of_the_readme_runs(folder: Path, command: str) -> None:
    arguments = shlex.split(command)[1:]
    assert _mtlbench(folder, *arguments).strip()


def test_the_readme_opens_with_one_line_for_the_main_job_and_one_for_the_tests() -> None:
    job, tests = _blocks("sh")[0].splitlines()
    assert job.startswith("python3 -m venv .venv && ")
    assert job.endswith(" && .venv/bin/mtlbench run")
    assert tests.endswith(" && .venv/bin/python -m pytest")


def test_ci_ends_with_the_readmes_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    setup, _, test = _blocks("sh")[0].splitlines()[1].rpartition(" && ")
    assert setup in script
    assert script.rstrip().endswith(test)


def test_the_readmes_method_is_short_and_passes_the_conformance_kit(folder: Path) -> None:
    (code,) = _blocks("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 25
    (folder / "my_module.py").write_text(code, encoding="utf-8")
    (table,) = _blocks("toml")
    assert len([line for line in table.splitlines() if not line.startswith("[")]) == 1
    assert "normalised-sum" in _mtlbench(folder, "list", "methods", "-p", "my_module.py")
    _mtlbench(folder, "check", "normalised-sum", "-p", "my_module.py")
    spec = ["-p", "my_module.py", "-m", "normalised-sum", "--budget", "64", "--seeds", "1", "--results", "mine"]
    assert "normalised-sum" in _mtlbench(folder, "run", "digits", *spec)


def test_documents_link_to_files_that_exist() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links to {target}"
