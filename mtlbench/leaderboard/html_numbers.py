"""Numbers as the page's JSON has them: few digits, null for what is none."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

__all__ = ["DIGITS", "brief", "exact", "json_text", "numbers", "quick_text", "short", "table"]

DIGITS = 5
"""Of a number in a curve."""

quick_text = msgspec.json.Encoder().encode
json_text = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def short(value: Any, digits: int = DIGITS) -> float | int | None:
    """A finite number with few digits, as curves need it; None for anything else."""
    if type(value) not in (int, float) or not math.isfinite(value):
        return None
    number = float("%.*g" % (digits, value))  # noqa: UP031 twice as fast, and there are millions of them
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def brief(value: Any, digits: int | None = DIGITS) -> str:
    """JSON of ``short(value, digits)``, or all digits; of most numbers it is what formatting them gives."""
    if type(value) is float:
        text = repr(value) if digits is None else "%.*g" % (digits, value)  # noqa: UP031
        if not ("e" in text or "n" in text or text == "-0"):
            return text
    return "null" if value is None else json_text(value if digits is None else short(value, digits))


def table(rows: Sequence[Sequence[Any]], digits: int = DIGITS) -> str:
    """JSON of ``short`` of every value, row by row, without the outermost brackets; formatted all at once if may be."""
    values = [value for row in rows for value in row]
    if {*map(type, values)} == {float}:
        text = _form(len(rows), len(rows[0]), digits) % tuple(values)
        if not ("e" in text or "n" in text or "-0," in text or "-0]" in text):
            return text
    return ",".join([f"[{','.join([brief(value, digits) for value in row])}]" for row in rows])


def numbers(values: Sequence[Any], digits: int = DIGITS) -> str:
    """JSON of a list, ``short`` of every value."""
    return table([values], digits)


def exact(values: Sequence[float]) -> str:
    """JSON of numbers with all their digits, as ``json`` writes it; msgspec needs a tenth of the time."""
    text = quick_text(values).decode()
    # Where there are infinities, exponents or what ``json`` writes with one, the two may differ.
    return json_text(values) if "n" in text or "e" in text or "0.0000" in text else text


@lru_cache(maxsize=256)
def _form(rows: int, columns: int, digits: int) -> str:
    return ",".join([f"[{','.join([f'%.{digits}g'] * columns)}]"] * rows)
