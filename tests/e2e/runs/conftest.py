"""The command line on the pond plugin, in this process or in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mtlbench.cli import main

PLUGIN = str(Path(__file__).with_name("pond.py"))


@dataclass
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Bench:
    """A working folder with a results folder ``r`` and the pond's log."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.results = folder / "r"
        self.started: list[subprocess.Popen[str]] = []

    def __call__(self, *words: str) -> Answer:
        """``mtlbench WORDS`` in this process."""
        self._capsys.readouterr()
        code = main([*words, "-p", PLUGIN])
        out, err = self._capsys.readouterr()
        return Answer(code, out, err)

    def run(self, *words: str, executor: str = "serial") -> Answer:
        """``mtlbench run`` on the pond."""
        return self("run", "pond", "--results", str(self.results), "--executor", executor, *words)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """``mtlbench run`` on the pond with two workers, in a process of its own."""
        line = ["run", "pond", "--results", str(self.results), "--executor", "processes[workers=2]", *words]
        process = subprocess.Popen(
            [sys.executable, "-m", "mtlbench", *line, "-p", PLUGIN],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            start_new_session=True,  # so that a test can send a ^C to all of its processes, as a terminal does
        )
        self.started.append(process)
        return process

    def log(self, kind: str) -> list[str]:
        """What the pond has noted of one kind, sorted."""
        path = self.folder / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        return sorted(line.partition(" ")[2] for line in lines if line.startswith(kind + " "))

    def begun(self) -> list[int]:
        """The seeds of all cells that were begun, sorted."""
        return sorted(int(line.split()[0]) for line in self.log("begun"))

    def outcomes(self, folder: Path | None = None) -> dict[str, bytes]:
        """The outcome of every record, as the bytes of its lines."""
        found = {}
        for path in sorted((folder or self.results).glob("*/*/[!.]*.json")):
            data = path.read_bytes()
            found[path.name] = data[data.index(b'"outcome"') : data.index(b'"measured"')]
        return found

    def leftovers(self) -> list[str]:
        """Everything below the results folder that is no record."""
        records = set(self.results.glob("*/*/[!.]*.json"))
        return sorted(path.name for path in self.results.rglob("*") if not path.is_dir() and path not in records)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Bench]:
    monkeypatch.setenv("POND", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    made = Bench(tmp_path, capsys)
    yield made
    for process in made.started:
        process.kill()
        process.communicate()


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait for something that happens elsewhere."""
    import time

    def wait(happens: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not happens():
            assert time.monotonic() < deadline, "waited for a minute"
            time.sleep(0.01)

    return wait
