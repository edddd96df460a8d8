"""Progress of a run on stderr: bars on a terminal, lines elsewhere, nothing when quiet."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mtlbench.cli.session import warn
from mtlbench.interface.run import Cell
from mtlbench.runner import CellResult, Watcher, told

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["watcher_for"]


@contextlib.contextmanager
def watcher_for(quiet: bool) -> Iterator[Watcher]:
    """The watcher that fits stderr."""
    if quiet:
        yield _Quiet()
    elif not sys.stderr.isatty():
        yield _Lines()
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}", markup=False),
            TimeRemainingColumn(compact=True),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            yield _Bars(bars)


class _Quiet(Watcher):
    def say(self, text: str) -> None:
        warn(text)


class _Lines(Watcher):
    """A line when a cell ends."""

    def __init__(self) -> None:
        self.cells, self.ended = 0, 0

    def begin(self, cells: Sequence[Cell], results: Mapping[str, CellResult]) -> None:
        self.cells, self.ended = len(cells), len(results)
        if results:
            self.tell(f"{len(results)} of {len(cells)} cells have their records")

    def settled(self, result: CellResult) -> None:
        self.ended += 1
        self.tell(f"[{self.ended}/{self.cells}] {_ending(result)}")

    def say(self, text: str) -> None:
        warn(text)

    def tell(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class _Bars(_Lines):
    """A bar for all cells, whose unit is the gradient, and one for each cell that runs."""

    def __init__(self, bars: Progress) -> None:
        super().__init__()
        self.bars = bars
        self.labels: dict[str, str] = {}
        self.budgets: dict[str, int] = {}
        self.spent: dict[str, int] = {}
        self.running: dict[str, TaskID] = {}
        self.all: TaskID | None = None

    def begin(self, cells: Sequence[Cell], results: Mapping[str, CellResult]) -> None:
        super().begin(cells, results)
        self.labels = {cell.key: told(cell) for cell in cells}
        self.budgets = {cell.key: int(cell.protocol["budget"]) for cell in cells if cell.key not in results}
        self.all = self.bars.add_task("all cells", total=sum(self.budgets.values()), note="")
        self._advance()

    def progress(self, message: Mapping[str, Any]) -> None:
        key, score = message["key"], message.get("score")
        spent, budget = message.get("gradients") or 0, self.budgets.get(key, 0)
        if key not in self.running:
            self.running[key] = self.bars.add_task(f"  {self.labels[key]}", total=budget, note="")
        note = f"{spent}/{budget} gradients" + ("" if score is None else f", score {score:.2f}")
        self.bars.update(self.running[key], completed=spent, note=note)
        self.spent[key] = spent
        self._advance()

    def settled(self, result: CellResult) -> None:
        key = result.cell.key
        if key in self.running:
            self.bars.remove_task(self.running.pop(key))
        self.spent[key] = self.budgets.get(key, 0)
        super().settled(result)
        self._advance()

    def say(self, text: str) -> None:
        self.tell(f"mtlbench: warning: {text}")

    def tell(self, text: str) -> None:
        self.bars.console.print(text, markup=False, highlight=False)

    def _advance(self) -> None:
        if self.all is not None:
            note = f"{self.ended}/{self.cells} cells"
            self.bars.update(self.all, completed=sum(self.spent.values()), note=note)


def _ending(result: CellResult) -> str:
    status: str = result.status
    if result.disagreement is not None:
        status = f"{status}, but the audit disagrees: {result.disagreement}"
    parts = [status]
    if result.average is not None:
        parts.append(f"average {result.average:.2f}")
    if result.found:
        parts.append("by another run")
    else:
        parts.append(f"{result.seconds:.1f} s")
    if result.error:
        parts.append(result.error)
    return f"{told(result.cell)}: {', '.join(parts)}"
