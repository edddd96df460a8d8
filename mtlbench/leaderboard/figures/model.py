"""A figure: a sheet of numbers, and what its axes are called. Pictures are drawn from nothing else."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from mtlbench.leaderboard.escaping import for_csv
from mtlbench.leaderboard.statistics import Estimate
from mtlbench.study.keys import canonical_json

__all__ = ["FOLDER", "Figure", "Form", "Sheet", "interval_cells", "is_wide", "short"]

FOLDER = "figures"
"""Where figures lie below the leaderboard's folder."""

_WIDE = 20
"""Highest over lowest value from which an axis is logarithmic."""

Form = Literal["boxes", "dots", "heat", "lines", "paths", "points"]
"""How a sheet is drawn; ``drawing.FORMS`` says which columns each of them reads."""

Cell = str | float | int | None


@dataclass(frozen=True)
class Sheet:
    """Rows of text, as the CSV file holds them; an empty cell is a missing number."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Sheet:
        return cls(tuple(columns), tuple(tuple(short(cell) for cell in row) for row in rows))

    def csv(self) -> str:
        """The sheet as a file; what a spreadsheet would run as a formula is quoted."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(map(for_csv, self.columns))
        writer.writerows(map(for_csv, row) for row in self.rows)
        return text.getvalue()

    def records(self) -> list[dict[str, str]]:
        """One mapping a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Figure:
    """What a picture shows. Equal figures give equal pictures."""

    stem: str
    """The name of its files, without a suffix."""
    kind: str
    """What it is about; ends the stem."""
    form: Form
    title: str
    note: str
    """What the marks and intervals are, in a sentence or two below the picture."""
    boards: tuple[str, ...]
    """Slugs of the boards that it shows."""
    sheet: Sheet
    x: str = ""
    """What the axis is called, with its unit."""
    y: str = ""
    reference: str = ""
    """The row that stands in every panel for comparison, if there is one."""
    behind: Sheet | None = None
    """A surface for paths to lie on."""
    style: Mapping[str, str] = field(default_factory=dict)
    """What else the form must know: whether an axis is logarithmic, whether lines are steps."""

    @property
    def path(self) -> str:
        """The CSV file, below the leaderboard's folder."""
        return f"{FOLDER}/{self.stem}.csv"

    def digest(self) -> str:
        """sha256 over all that a picture is drawn from."""
        return hashlib.sha256(canonical_json(asdict(self)).encode("utf-8", "surrogatepass")).hexdigest()


def interval_cells(found: Estimate | None) -> list[Cell]:
    """n, mean and the ends of its 95 % interval; no ends where a single run or equal runs leave none."""
    if found is None:
        return [0, None, None, None]
    if found.half is None:
        return [found.n, found.mean, None, None]
    return [found.n, found.mean, found.mean - found.half, found.mean + found.half]


def is_wide(values: Sequence[float]) -> bool:
    """Whether an axis of these values is better read when it is logarithmic."""
    return min(values) > 0 and max(values) / min(values) >= _WIDE


def short(cell: Cell) -> str:
    """Text as it is; a number with six digits, enough for any picture and the same on every machine."""
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return ""
    if isinstance(cell, float):
        return f"{cell + 0.0:.6g}"  # -0.0 becomes 0.0
    return str(cell)
