from __future__ import annotations

import io
import re
import sys
from typing import Any

import pytest

from mtlbench import Cell
from mtlbench.cli.running.watching import _Bars, watcher_for
from mtlbench.runner import CellResult


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drive(watcher: Any, cells: list[Cell]) -> None:
    watcher.begin(cells, {cells[0].key: CellResult(cells[0], "done", found=True)})
    watcher.progress({"key": cells[1].key, "gradients": 0, "budget": 1600, "score": None})
    watcher.progress({"key": cells[1].key, "gradients": 400, "budget": 1600, "score": 71.25})
    watcher.say("look [here]")
    watcher.settled(CellResult(cells[1], "done", seconds=2.0, average=70.0))
    watcher.settled(CellResult(cells[2], "failed", error="too cold"))
    watcher.settled(CellResult(cells[3], "done", found=True, average=70.0))


def test_lines_where_there_is_no_terminal(cells: list[Cell], capsys: pytest.CaptureFixture[str]) -> None:
    with watcher_for(quiet=False) as watcher:
        drive(watcher, cells)
    assert capsys.readouterr().err.splitlines() == [
        "1 of 4 cells have their records",
        "mtlbench: warning: look [here]",
        "[2/4] plain on pond, seed 1: done, average 70.00, 2.0 s",
        "[3/4] plain on pond, seed 2: failed, 0.0 s, too cold",
        "[4/4] plain on pond, seed 3: done, average 70.00, by another run",
    ]


def test_only_warnings_when_quiet(cells: list[Cell], capsys: pytest.CaptureFixture[str]) -> None:
    with watcher_for(quiet=True) as watcher:
        drive(watcher, cells)
    assert capsys.readouterr().err == "mtlbench: warning: look [here]\n"


def test_bars_on_a_terminal(cells: list[Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with watcher_for(quiet=False) as watcher:
        assert isinstance(watcher, _Bars)
        watcher.begin(cells, {})
        watcher.progress({"key": cells[1].key, "gradients": 400, "budget": 1600, "score": 71.25})
        rendered = watcher.bars.get_renderable()
        watcher.bars.console.print(rendered)
        assert watcher.bars.tasks[0].completed == 400
        assert watcher.bars.tasks[0].total == 4 * 1600
        watcher.settled(CellResult(cells[1], "done", seconds=2.0, average=70.0))
        assert len(watcher.bars.tasks) == 1
        assert watcher.bars.tasks[0].completed == 1600
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
    assert "400/1600 gradients, score 71.25" in text
    assert "[1/4] plain on pond, seed 1: done, average 70.00, 2.0 s" in text
    assert "1/4 cells" in text
