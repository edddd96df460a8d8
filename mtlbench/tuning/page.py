"""A selection as a page for people: what was chosen, how well it did on dev, what fewer trials would have found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mtlbench.interface.run import Table
from mtlbench.interface.settings import spec_text
from mtlbench.leaderboard.escaping import for_markdown, visible
from mtlbench.leaderboard.formats import format_table

__all__ = ["lines", "page"]

_DASH = "—"
_MOST_COLUMNS = 8


def page(selected: Mapping[str, Any], command: str) -> str:
    """Markdown; ``command`` is what makes the page anew."""
    seeds = ", ".join(map(str, selected["seeds"]))
    told = (
        f"Trials a method, from the declared spaces: {selected['trials']}. Seeds: {seeds}. "
        "The trial with the highest mean dev score over the tasks is chosen. No test split was scored. "
        "What this can show, and what not: docs/tuning.md."
    )
    note = "Best of n: the expected best dev score, had only n of the trials been made."
    notes = [note, *_notes(selected)]
    sizes = _sizes(selected["trials"])
    table = Table(
        f"Tuned on {selected['suite']}",
        ("method", "chosen", "dev score", *(f"best of {n}" for n in sizes), "at the edge of its range"),
        [_row(spec, method, sizes) for spec, method in selected["methods"].items()],
        align="ll" + "r" * (1 + len(sizes)) + "l",
        notes=notes,
    )
    return (
        f"<!-- made by mtlbench tune -->\n\n{for_markdown(told)}\n\n{format_table(table, 'markdown')}\n"
        f"Made by:\n\n    {visible(command)}\n"
    )


def lines(selected: Mapping[str, Any]) -> Iterator[str]:
    """The same for a terminal, a line a method."""
    for spec, method in selected["methods"].items():
        chosen = method["chosen"]
        if chosen is None:
            yield visible(f"{selected['suite']}: {spec}: no trial is done")
            continue
        values = _values(chosen)
        text = f"{selected['suite']}: {spec}: dev score {_number(chosen['average'])} with {values}"
        text += "".join(f"; {it} stands at the edge of its range" for it in _edges(chosen))
        yield visible(text + (f"; {method['missing']} trials are missing" if method["missing"] else ""))


def _row(spec: str, method: Mapping[str, Any], sizes: Sequence[int]) -> list[str]:
    chosen, curve = method["chosen"], method["expected_best"]
    bests = [_number(curve[n - 1]) if n <= len(curve) else _DASH for n in sizes]
    if chosen is None:
        return [spec, _DASH, _DASH, *bests, _DASH]
    return [spec, _values(chosen), _number(chosen["average"]), *bests, ", ".join(_edges(chosen)) or _DASH]


def _notes(selected: Mapping[str, Any]) -> Iterator[str]:
    if selected["lower_is_better"]:
        yield f"Scores of tasks where lower is better count negatively: {', '.join(selected['lower_is_better'])}."
    for spec, method in selected["methods"].items():
        diverged = sum(trial["status"] == "diverged" for trial in method["trials"])
        if diverged:
            yield f"{spec}: {diverged} of {selected['trials']} trials diverged and count as its worst."
        if method["missing"]:
            yield f"{spec}: {method['missing']} of {selected['trials']} trials are missing, so its choice is not final."


def _sizes(trials: int) -> list[int]:
    """Which n get a column: all, or powers of two and the last where those would be many."""
    if trials <= _MOST_COLUMNS:
        return list(range(1, trials + 1))
    return [*(2**power for power in range(trials.bit_length()) if 2**power < trials), trials]


def _values(chosen: Mapping[str, Any]) -> str:
    return spec_text("", {**chosen["settings"], **chosen["protocol"]})[1:-1].replace(",", ", ")


def _edges(chosen: Mapping[str, Any]) -> list[str]:
    return [f"{name} ({side})" for name, side in chosen["edges"].items()]


def _number(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.4f}"
