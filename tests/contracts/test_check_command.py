"""``mtlbench check NAME``, and the pytest plugin in somebody else's tests."""

from __future__ import annotations

import subprocess
import sys

from mtlbench.cli import main

LAWFUL = """
from dataclasses import dataclass
from mtlbench import Method, hookimpl

@dataclass
class Lawful(Method):
    name = "lawful"

    strength: float = 1.0
    "How hard it pulls."

@hookimpl
def mtlbench_methods():
    return [Lawful]
"""
LAWLESS = LAWFUL.replace('    "How hard it pulls."\n', "").replace("awful", "awless")


def test_a_lawful_method_is_told_law_by_law(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(LAWFUL, encoding="utf-8")
    assert main(["check", "lawful[strength=2]", "-p", str(tmp_path / "mine.py")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "lawful[strength=2]: settings ok"
    assert told[-1] == "laws: 8 tried: 8 ok"


def test_a_broken_law_is_told_with_what_was_found(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(LAWLESS, encoding="utf-8")
    assert main(["check", "lawless", "-p", str(tmp_path / "mine.py")]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("lawless: settings FAILED: setting 'strength' has no help")
    assert told[-1] == "laws: 8 tried: 1 FAILED, 7 ok"


def test_the_pytest_plugin_makes_a_test_of_every_law_in_a_suite_of_its_own(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["mtlbench.testing.pytest_plugin"]\n', encoding="utf-8")
    lines = [
        "import pytest",
        LAWFUL,
        LAWLESS,
        '@pytest.mark.mtlbench(Lawful, Lawless, "mtl")',
        "def test_laws(mtlbench_law):",
        "    mtlbench_law.check()",
    ]
    (tmp_path / "test_mine.py").write_text("\n".join(lines), encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider", "-k", "settings", "."]
    found = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed, 2 passed" in found.stdout, found.stdout + found.stderr
    assert "test_laws[lawless-settings]" in found.stdout
    assert "Settings have help" in found.stdout
