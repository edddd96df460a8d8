"""Plain tables for a terminal; the board's tables are made elsewhere, with more choice and more imports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["aligned"]


def aligned(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows under a header, in columns two spaces apart; the last column may be as long as it likes."""
    lines = [tuple(header), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
