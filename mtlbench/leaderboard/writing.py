"""Rendered files against the ones on disk: write them, or tell how they differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from mtlbench.interface.errors import BadSetting, MtlbenchError
from mtlbench.leaderboard.figures.pictures import left_over
from mtlbench.leaderboard.html_page import HTML
from mtlbench.leaderboard.page import CLAIMS, MARK, PAGE, PAPER, SUFFIXES, TABLES
from mtlbench.leaderboard.verdicts import VERDICTS
from mtlbench.study import atomic

__all__ = ["differences", "write"]


def write(files: Mapping[str, str], out: Path) -> list[str]:
    """Bring ``out`` up to date, each file whole or not at all; returns the paths that changed, sorted.

    Tables that are no longer rendered are removed. Raises BadSetting when ``out`` holds a page that is not ours,
    and MtlbenchError when it cannot be written.
    """
    try:
        return _write(files, out)
    except OSError as error:
        raise _unusable("write to", out, error) from None


def _write(files: Mapping[str, str], out: Path) -> list[str]:
    for name, start in ((PAGE, MARK), (HTML, f"<!DOCTYPE html>\n{MARK}")):
        page = _bytes(out / name)
        if page is not None and not page.startswith(start.encode()):
            raise BadSetting(f"{out / name} was not written by mtlbench leaderboard; give another folder with --out")
    changed = []
    for path in sorted(files):
        data = files[path].encode("utf-8", "backslashreplace")
        if _bytes(out / path) != data:
            atomic.replace(out / path, data, durable=False)
            changed.append(path)
    for path in _left_over(files, out):
        (out / path).unlink()
        changed.append(path)
    atomic.sweep(out)
    return sorted(changed)


def differences(files: Mapping[str, str], out: Path) -> Iterator[str]:
    """Lines of a unified diff from ``out`` to what the records say; none when they agree.

    Raises MtlbenchError when ``out`` cannot be read.
    """
    for path in sorted({*files, *_left_over(files, out)}):
        try:
            there, wanted = _bytes(out / path), files.get(path)
        except OSError as error:
            raise _unusable("read", out, error) from None
        new = None if wanted is None else wanted.encode("utf-8", "backslashreplace")
        if there == new:
            continue
        lines = list(
            difflib.unified_diff(
                _lines(there),
                _lines(new),
                fromfile=f"a/{path}" if there is not None else "/dev/null",
                tofile=f"b/{path}" if new is not None else "/dev/null",
                lineterm="",
            )
        )
        yield from lines or [f"{path}: differs in line ends or encoding alone"]


def _unusable(what: str, out: Path, error: OSError) -> MtlbenchError:
    where = "" if error.filename is None else f" ({error.filename})"
    return MtlbenchError(f"cannot {what} {out}: {error.strerror or error}{where}; choose another folder with --out")


def _left_over(files: Mapping[str, str], out: Path) -> list[str]:
    """Files in ``out`` with the name of a table or of a figure's data of ours that nothing renders any more."""
    stems = [CLAIMS, PAPER, *(f"tables/*-{name}" for name in TABLES)]
    there = {path for stem in stems for suffix in SUFFIXES.values() for path in out.glob(f"{stem}.{suffix}")}
    there |= set(out.glob(VERDICTS))
    tables = {path.relative_to(out).as_posix() for path in there} - set(files)
    return sorted([*tables, *left_over((path.removesuffix(".csv") for path in files), out, ("csv",))])


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _lines(data: bytes | None) -> list[str]:
    return [] if data is None else data.decode("utf-8", "backslashreplace").split("\n")
