"""Sizes that the paper's tables give, held against what is loaded."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from mtlbench.interface import SizeCheck

__all__ = ["size_checks"]


def size_checks(suite: str, split: str, found: Mapping[str, int]) -> tuple[SizeCheck, ...]:
    """One check for each of the tasks in ``found`` (rows by task) of which a table gives the size."""
    return tuple(
        SizeCheck(task, int(entry["rows"][task]), rows, entry["source"])
        for entry in _table()
        if (entry["suite"], entry["split"]) == (suite, split)
        for task, rows in found.items()
        if task in entry["rows"]
    )


@cache
def _table() -> list[dict[str, Any]]:
    text = (resources.files(__package__) / "paper_sizes.toml").read_text("utf-8")
    entries: list[dict[str, Any]] = tomllib.loads(text)["size"]
    return entries
