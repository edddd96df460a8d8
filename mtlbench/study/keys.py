"""What names a cell: the sha256 of the canonical JSON of all that was asked, and of nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mtlbench.interface.errors import BadSetting
from mtlbench.interface.run import Cell

__all__ = ["KEY_SCHEMA", "canonical_json", "cell_content", "cell_from", "cell_key", "keyed", "sha256_of"]

KEY_SCHEMA = 1
"""Raised only when a key comes to mean something else; the schema of records moves on its own."""

_CONTENT = (
    "method",
    "method_version",
    "settings",
    "suite",
    "suite_version",
    "options",
    "fingerprint",
    "protocol",
    "seed",
)


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_json(value: Any) -> str:
    """The one way to write ``value`` as JSON; raises ValueError for NaN and infinities."""
    return _encode(value)


def sha256_of(value: Any) -> str:
    """64 hex digits of the canonical JSON of ``value``. Raises BadSetting for text that is no Unicode."""
    text = canonical_json(value)
    try:
        return hashlib.sha256(text.encode()).hexdigest()
    except UnicodeEncodeError as broken:
        bad = broken.object[broken.start : broken.end]
        raise BadSetting(f"text that is no valid Unicode cannot be part of a key, found {bad!r}") from None


def cell_content(cell: Cell) -> dict[str, Any]:
    """What of a cell is hashed, as JSON; a record's ``cell`` block."""
    content = {name: getattr(cell, name) for name in _CONTENT}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in content.items()}


def cell_key(content: Mapping[str, Any]) -> str:
    """The key of a cell's content, as ``cell_content`` gives it."""
    return sha256_of({"schema": KEY_SCHEMA, "cell": content})


def keyed(cell: Cell) -> Cell:
    """``cell`` with its key."""
    return dataclasses.replace(cell, key=cell_key(cell_content(cell)))


def cell_from(content: Mapping[str, Any], variant: str = "") -> Cell:
    """The inverse of ``cell_content``; raises KeyError and TypeError when the content is not a cell's."""
    if set(content) != set(_CONTENT):
        raise KeyError(", ".join(sorted(set(content) ^ set(_CONTENT))))
    return Cell(**content, variant=variant, key=cell_key(content))
