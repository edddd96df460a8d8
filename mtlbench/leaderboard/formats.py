"""A table as text in every style of the core: what ``mtlbench_format_table`` answers when no plugin does.

Rows of written files are not padded to the widest cell, so that a new row leaves the others' lines as they were.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mtlbench.interface.errors import BadPlugin, UnknownName
from mtlbench.interface.run import Table
from mtlbench.leaderboard.escaping import for_csv, for_html, for_latex, for_markdown, visible
from mtlbench.leaderboard.numbers import DASH

if TYPE_CHECKING:
    from tabulate import TableFormat

    from mtlbench.plugins import Registry

__all__ = ["STYLES", "format_table", "formatter"]

_SPREAD = re.compile(r"([+-]?[0-9][0-9.e+-]*) ± ([0-9].*)")
"""A number and its spread, with what may follow; other text that holds a ± stays one cell."""
_ALIGN = {"l": "left", "r": "right", "c": "center"}


def formatter(registry: Registry | None) -> Callable[[Table, str], str]:
    """How tables become text: plugins are asked first, through ``mtlbench_format_table``, then the core answers."""

    def render(table: Table, style: str) -> str:
        answer = registry.hook.mtlbench_format_table(table=table, style=style) if registry else None
        if answer is None:
            return format_table(table, style)
        if not isinstance(answer, str):
            raise BadPlugin(f"a plugin's mtlbench_format_table answered {answer!r:.80} for style {style!r}, not text")
        return answer

    return render


def format_table(table: Table, style: str) -> str:
    """``table`` in one of ``STYLES``, ending with a line break. Raises UnknownName for another style."""
    if style not in STYLES:
        raise UnknownName.of("table style", style, STYLES)
    return STYLES[style](table)


def _plain(table: Table) -> str:
    body = _tabulate(table, "simple", visible, [_ALIGN[align] for align in _aligns(table)])
    notes = "".join(f"\n{visible(note)}" for note in table.notes)
    return f"{visible(table.title)}\n\n{body}\n" + (f"{notes}\n" if notes else "")


def _markdown(table: Table) -> str:
    ruler = "|".join({"l": ":--", "r": "--:", "c": ":-:"}[align] for align in _aligns(table))
    body = _tabulate(table, _unpadded("| ", " | ", " |", below_header=f"|{ruler}|"), for_markdown)
    notes = f"\n{for_markdown(' '.join(table.notes))}\n" if table.notes else ""
    return f"### {for_markdown(table.title)}\n\n{body}\n{notes}"


def _latex(table: Table) -> str:
    begin = f"\\begin{{tabular}}{{{''.join(_aligns(table))}}}\n\\toprule"
    look = _unpadded("", " & ", r" \\", above=begin, below_header=r"\midrule", below="\\bottomrule\n\\end{tabular}")
    notes = "".join(f"\\par {for_latex(note)}\n" for note in table.notes)
    small = f"\\footnotesize\n{notes}" if notes else ""
    return (
        "% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n"
        f"\\caption{{{for_latex(table.title)}}}\n{_tabulate(table, look, for_latex)}\n{small}\\end{{table}}\n"
    )


def _html(table: Table) -> str:
    aligns = _aligns(table)

    def row(tag: str, cells: Sequence[str]) -> str:
        styled = zip(cells, aligns, strict=True)
        return "<tr>" + "".join(f'<{tag} class="{align}">{cell.strip()}</{tag}>' for cell, align in styled) + "</tr>"

    look = _unpadded(
        header_row=lambda cells, _widths, _aligns: f"<thead>\n{row('th', cells)}\n</thead>\n<tbody>",
        data_row=lambda cells, _widths, _aligns: row("td", cells),
        below="</tbody>",
    )
    notes = "".join(f"<p>{for_html(note)}</p>\n" for note in table.notes)
    return f"<table>\n<caption>{for_html(table.title)}</caption>\n{_tabulate(table, look, for_html)}\n</table>\n{notes}"


def _csv(table: Table) -> str:
    """Numbers for programs: ``a ± b`` takes two columns, a dash is an empty cell, title and notes stay away."""
    paired = [any(_SPREAD.fullmatch(row[column]) for row in table.rows) for column in range(len(table.columns))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_spread(table.columns, paired, lambda name: (name, f"{name} ±")))
    for row in table.rows:
        writer.writerow(_spread(row, paired, _halves))
    return text.getvalue()


def _halves(cell: str) -> tuple[str, str]:
    found = _SPREAD.fullmatch(cell)
    return (found[1], found[2]) if found else (cell, "")


def _spread(cells: Sequence[str], paired: Sequence[bool], split: Callable[[str], tuple[str, str]]) -> list[str]:
    parts = [part for cell, two in zip(cells, paired, strict=True) for part in (split(cell) if two else (cell,))]
    return [for_csv("" if part == DASH else part) for part in parts]


STYLES: dict[str, Callable[[Table], str]] = {
    "csv": _csv,
    "html": _html,
    "latex": _latex,
    "markdown": _markdown,
    "plain": _plain,
}


def _aligns(table: Table) -> str:
    return table.align or "l" + "r" * (len(table.columns) - 1)


def _tabulate(
    table: Table, look: str | TableFormat, escape: Callable[[str], str], aligns: Sequence[str] | None = None
) -> str:
    from tabulate import tabulate

    return tabulate(
        [[escape(cell) for cell in row] for row in table.rows],
        headers=[escape(name) for name in table.columns],
        tablefmt=look,
        disable_numparse=True,
        stralign=None,
        colalign=aligns if table.rows else None,
    )


def _unpadded(
    begin: str = "",
    between: str = "",
    end: str = "",
    *,
    above: str = "",
    below_header: str = "",
    below: str = "",
    header_row: Any = None,
    data_row: Any = None,
) -> TableFormat:
    """A look whose lines above, below the header and below all rows are fixed texts."""
    from tabulate import DataRow, Line, TableFormat

    def line(text: str) -> Line | None:
        return Line(text, "", "", "") if text else None

    row = DataRow(begin, between, end)
    return TableFormat(
        lineabove=line(above),
        linebelowheader=line(below_header),
        linebetweenrows=None,
        linebelow=line(below),
        headerrow=header_row or row,
        datarow=data_row or row,
        padding=0,
        with_header_hide=None,
    )
