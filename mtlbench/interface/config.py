"""What a command was asked to do with this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Config"]


@dataclass(frozen=True)
class Config:
    """What a command or a job was asked to do with this machine; none of it is part of a key."""

    results: Path | None = None
    data_root: Path | None = None
    cache_dir: Path | None = None
    device: str = "cpu"
    threads: int = 1
    plugins: Sequence[str] = ()
    """``-p`` values: files to load, and ``no:NAME`` for what is blocked."""
    strict_plugins: bool = False
