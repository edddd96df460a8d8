"""Scores that the literature reports, as data: ``paper/SUITE.toml`` beside the board's claims."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mtlbench.interface.errors import BadSetting, nearest

__all__ = ["PaperValue", "paper_value", "read_paper"]

QUANTITIES = ("average", "zero-shot", "cosine", "l2", "masked-seen", "masked-unseen")
"""What a value may be of; the same words as in ``claims.toml``."""


@dataclass(frozen=True)
class PaperValue:
    """One cell of one table of a paper."""

    suite: str
    """The name of the file that it stands in."""
    method: str
    """As boards name the row, such as ``sequential-reptile`` or ``mtl[rows=1]``."""
    value: float
    source: str
    """Paper and table, and who read it off when it is second-hand."""
    quantity: str = "average"
    task: str = ""
    """One task, trained or unseen; empty for the mean over those that the quantity is about."""
    metric: str = ""
    note: str = ""
    """In what it differs from what the suite measures by default."""


def read_paper(folder: Path) -> tuple[PaperValue, ...]:
    """The values of all files of ``folder``, by file and then as they stand there; none where there is no folder.

    Raises BadSetting, naming file and entry, for what is no value, lacks a source, or stands there twice.
    """
    found: dict[tuple[str, str, str, str], PaperValue] = {}
    for path in sorted(folder.glob("*.toml")):
        for number, entry in enumerate(_entries(path), start=1):
            what = f"{path}: value {number}"
            value = _value(entry, path.stem, what)
            place = (value.suite, value.method, value.quantity, value.task)
            if place in found:
                raise BadSetting(f"{what}: {value.method} has a value for that quantity and task already")
            found[place] = value
    return tuple(found.values())


def paper_value(
    values: Sequence[PaperValue], suite: str, method: str, quantity: str = "average", task: str = ""
) -> PaperValue | None:
    """The value of one cell, if there is any."""
    wanted = (suite, method, quantity, task)
    return next((one for one in values if (one.suite, one.method, one.quantity, one.task) == wanted), None)


def _entries(path: Path) -> list[Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise BadSetting(f"{path}: cannot be read ({broken})") from None
    entries = content.get("value", [])
    if set(content) - {"value"} or not isinstance(entries, list):
        raise BadSetting(f"{path}: a file of values holds [[value]] tables alone, found {', '.join(content)}")
    return entries


def _value(entry: Any, suite: str, what: str) -> PaperValue:
    known = {field.name for field in fields(PaperValue)} - {"suite"}
    if not isinstance(entry, Mapping):
        raise BadSetting(f"{what} is {entry!r}, not a table")
    for key, given in entry.items():
        if key not in known:
            hint = nearest(key, known)
            raise BadSetting(f"{what}: unknown key {key!r}" + (f"; did you mean {hint!r}?" if hint else ""))
        if key != "value" and not isinstance(given, str):
            raise BadSetting(f"{what}: {key} must be a text, found {given!r}")
    number = entry.get("value")
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise BadSetting(f"{what}: value must be a finite number, found {number!r}")
    for key in ("method", "source"):
        if not str(entry.get(key, "")).strip():
            raise BadSetting(f"{what}: {key} is missing" + (": say which table of what" if key == "source" else ""))
    if entry.get("quantity", "average") not in QUANTITIES:
        raise BadSetting(f"{what}: quantity {entry['quantity']!r} is none of {', '.join(QUANTITIES)}")
    return PaperValue(suite, **{**entry, "value": float(number)})
