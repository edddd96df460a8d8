"""Digests of files by content, read once while a file stays as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

__all__ = ["combined_digest", "file_digest", "files_digest"]


def files_digest(paths: Sequence[Path]) -> str:
    """sha256 (64 hex digits) over the contents of files in their order; their names and places do not matter."""
    return combined_digest([file_digest(path) for path in paths])


def combined_digest(parts: Sequence[str]) -> str:
    """One digest of several texts; each is marked off, so that no two lists give the same bytes."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode()
        total.update(f"{len(data)}:".encode() + data)
    return total.hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file's content."""
    facts = path.stat()
    return _digest(str(path.resolve()), facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=4096)
def _digest(path: str, *_facts: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
