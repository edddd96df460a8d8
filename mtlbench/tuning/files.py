"""Files that trials decide on, against the ones on disk."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from mtlbench.interface.errors import MtlbenchError
from mtlbench.study import atomic

__all__ = ["differences", "text_of", "write"]


def write(texts: Mapping[Path, str]) -> list[Path]:
    """Bring the files up to date, each whole or not at all; returns those that changed."""
    changed = []
    for path, text in texts.items():
        if text_of(path) != text:
            try:
                atomic.replace(path, text.encode())
            except OSError as error:
                raise MtlbenchError(f"cannot write {path}: {error.strerror or error}") from None
            changed.append(path)
    return changed


def differences(texts: Mapping[Path, str]) -> Iterator[str]:
    """Lines of a unified diff from the files on disk to what they should be; none when they agree."""
    for path, wanted in texts.items():
        there = text_of(path)
        if there != wanted:
            lines = difflib.unified_diff(
                (there or "").split("\n"),
                wanted.split("\n"),
                fromfile=f"a/{path}" if there is not None else "/dev/null",
                tofile=f"b/{path}",
                lineterm="",
            )
            yield from lines


def text_of(path: Path) -> str | None:
    """A file's text; None when there is none. Raises MtlbenchError when it cannot be read."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise MtlbenchError(f"cannot read {path}: {error}") from None
