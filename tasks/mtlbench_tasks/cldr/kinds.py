"""The kinds of names that the CLDR suites ask about."""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["KINDS", "Kind"]

Kind = Literal["LOC", "LNG", "CUR"]
KINDS: Final[tuple[Kind, ...]] = ("LOC", "LNG", "CUR")
"""Places, languages, currencies."""
