"""A module of worker functions that worker processes can import too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtlbench.interface.job import Job

_FUNCTIONS = """
import os, signal, sys, time
from pathlib import Path


def works(payload, report):
    report({"key": payload["key"], "gradients": 1})
    report({"key": payload["key"], "gradients": 2, "pid": os.getpid()})
    return {"status": "done"}


def claimed(payload, report):
    return {"status": "claimed", "error": None}


def raises(payload, report):
    raise ValueError("a bad day")


def exits(payload, report):
    sys.exit(3)


def prints(payload, report):
    print("on stdout", flush=True)
    return {"status": "done"}


def dies(payload, report):
    os.kill(os.getpid(), signal.SIGKILL)


def leaves(payload, report):
    os._exit(7)


def waits(payload, report):
    report({"key": payload["key"], "pid": os.getpid()})
    while not Path(payload["file"]).exists():
        time.sleep(0.01)
    return {"status": "done"}
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Job]:
    """``job(key, function)`` calls one of the functions above; keywords are its payload."""
    (tmp_path / "pond_jobs.py").write_text(_FUNCTIONS)
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(key: str, function: str, **payload: Any) -> Job:
        return Job(key, f"pond_jobs:{function}", {"key": key, **payload})

    return make
