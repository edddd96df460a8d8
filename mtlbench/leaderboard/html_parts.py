"""Blocks of a record as the page takes them: empty where they are missing or of another kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["mapping", "part"]


def part(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}  # JSON: to ask for a Mapping takes ten times as long
