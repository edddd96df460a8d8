"""Rendered files against the ones on disk: write them, or tell how they differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mtlbench.interface.errors import BadSetting, MtlbenchError
from mtlbench.leaderboard.companions import OVERALL
from mtlbench.leaderboard.escaping import visible
from mtlbench.leaderboard.figures.pictures import left_over
from mtlbench.leaderboard.html_page import HTML
from mtlbench.leaderboard.listing import HEAD, RECORDS
from mtlbench.leaderboard.page import MARK, PAGE, SUFFIXES, TABLES
from mtlbench.leaderboard.verdicts import VERDICTS
from mtlbench.study import atomic

__all__ = ["differences", "text_in", "write"]

_CHANGED = 40
"""Lines that a file's diff may change; of a longer one as many lines are shown."""
_LONGEST = 300
"""Characters of a line that are shown."""
_ALL_FILES = 4000
"""Lines of all diffs together; of files beyond them the name is all that is told."""


def write(files: Mapping[str, str], out: Path) -> tuple[list[str], list[str]]:
    """Bring ``out`` up to date; returns the paths that were written and those that were removed, sorted.

    Tables that are no longer rendered are removed. All files are written before the first takes its place. Raises
    BadSetting when ``out`` holds a page that is not ours, or a board whose last record is gone: more likely than that
    is that the records lie elsewhere. Raises MtlbenchError when it cannot be written.
    """
    try:
        return _write(files, out)
    except OSError as error:
        raise _unusable("write to", out, error) from None


def _write(files: Mapping[str, str], out: Path) -> tuple[list[str], list[str]]:
    for name, start in ((PAGE, MARK), (HTML, f"<!DOCTYPE html>\n{MARK}"), (RECORDS, f"{HEAD}\n")):
        page = _bytes(out / name)
        if page is not None and not page.startswith(start.encode()):
            raise BadSetting(f"{out / name} was not written by mtlbench leaderboard; give another folder with --out")
    many = _records_in(_bytes(out / RECORDS) or b"")
    if many and not _records_in(files[RECORDS].encode()):
        raise BadSetting(
            f"no record was found that could be read, and {out} holds a board of {many}; name their folder with "
            f"--results, or remove {out / RECORDS} to have an empty board"
        )
    rendered = {path: text.encode("utf-8", "backslashreplace") for path, text in sorted(files.items())}
    changed = {path: data for path, data in rendered.items() if _bytes(out / path) != data}
    atomic.replace_all({out / path: data for path, data in changed.items()}, durable=False)
    removed = _left_over(files, out)
    for path in removed:
        (out / path).unlink()
    atomic.sweep(out)
    return [*changed], removed


def _records_in(listed: bytes) -> int:
    return max(len(listed.splitlines()) - 1, 0)


def text_in(out: Path, path: str) -> str | None:
    """A file of ``out`` as it is; None where there is none. Raises MtlbenchError when it cannot be read."""
    try:
        data = _bytes(out / path)
    except OSError as error:
        raise _unusable("read", out, error) from None
    return None if data is None else data.decode("utf-8", "backslashreplace")


def differences(files: Mapping[str, str], out: Path, *, full: bool = False) -> Iterator[str]:
    """Lines of a unified diff from ``out`` to what the records say; none when they agree.

    full: all of them; else long diffs, and long lines, are cut. Of the list of records no diff is made where there is
    one: who compares its lines can name the records. Raises MtlbenchError when ``out`` cannot be read.
    """
    shown = 0
    for path in sorted({*files, *_left_over(files, out)}):
        try:
            there, wanted = _bytes(out / path), files.get(path)
        except OSError as error:
            raise _unusable("read", out, error) from None
        new = None if wanted is None else wanted.encode("utf-8", "backslashreplace")
        if there == new:
            continue
        if path == RECORDS:
            yield f"{path}: {'is missing' if there is None else 'differs from the list of the records that are there'}"
        elif shown > _ALL_FILES and not full:
            yield f"{path}: differs; --full shows how"
        else:
            lines = list(_diff(path, there, new))
            kept = lines if full else _beginning(path, lines)
            shown += len(kept)
            yield from kept


def _diff(path: str, there: bytes | None, new: bytes | None) -> Iterator[str]:
    lines = difflib.unified_diff(
        _lines(there),
        _lines(new),
        fromfile=f"a/{path}" if there is not None else "/dev/null",
        tofile=f"b/{path}" if new is not None else "/dev/null",
        lineterm="",
    )
    some = False
    for line in lines:
        some = True
        yield line[:1] + visible(line[1:])  # what lies in the folder may be anybody's
    if not some:
        yield f"{path}: differs in line ends or encoding alone"


def _beginning(path: str, lines: Sequence[str]) -> list[str]:
    """All lines where few are changed, else the first of them and how many more there are; each line's beginning."""
    few = sum(line[:1] in "+-" for line in lines) <= _CHANGED + 2  # the two that name the file
    kept = lines if few else lines[:_CHANGED]
    cut = [line if len(line) <= _LONGEST else f"{line[:_LONGEST]}… ({len(line)} characters)" for line in kept]
    return cut if few else [*cut, f"... {len(lines) - len(kept)} more lines of {path}; --full shows them"]


def _unusable(what: str, out: Path, error: OSError) -> MtlbenchError:
    where = "" if error.filename is None else f" ({error.filename})"
    return MtlbenchError(f"cannot {what} {out}: {error.strerror or error}{where}; choose another folder with --out")


def _left_over(files: Mapping[str, str], out: Path) -> list[str]:
    """Files in ``out`` with the name of a table or of a figure's data of ours that nothing renders any more."""
    stems = [*OVERALL.values(), *(f"tables/*-{name}" for name in TABLES)]
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
