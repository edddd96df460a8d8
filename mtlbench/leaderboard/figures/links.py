"""The line of a board's page that leads to its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mtlbench.leaderboard.escaping import for_markdown
from mtlbench.leaderboard.figures.model import FOLDER, Figure

__all__ = ["links_of"]


def links_of(figures: Sequence[Figure], *, pictured: bool) -> Mapping[str, str]:
    """Slug of a board to a line of Markdown. pictured: whether there are pictures beside the CSV files."""
    lines: dict[str, list[str]] = {}
    for figure in figures:
        suffixes = [*(["svg", "png"] if pictured else []), "csv"]
        name = f"{figure.kind} of {figure.x.partition(' ')[0]}" if figure.kind == "sweep" else figure.kind
        found = ", ".join(f"[{suffix.upper()}]({FOLDER}/{figure.stem}.{suffix})" for suffix in suffixes)
        for board in figure.boards:
            lines.setdefault(board, []).append(f"{for_markdown(name)} ({found})")
    return {board: f"Figures: {'; '.join(parts)}." for board, parts in lines.items()}
