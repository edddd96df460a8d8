"""Where the flat gradient may differ from zero: of large tables, in the rows that some batch has touched."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch
from torch import Tensor

from mtlbench.engine.parameters import FlatParameters

__all__ = ["Support"]

_DENSE = 4
"""Of a table of which one row in so many is touched, or more, all are read: picking rows takes longer."""


class Support:
    """Clears, measures and scales the flat gradient, and passes over the rows of large tables that are zero.

    A vocabulary is most of a small encoder, and a batch holds few of its words: reading all of it three times is a
    tenth of a step. Only while nobody else writes into the vector: once a method was lent it, because it asked for a
    direction's full vector, or its optimizer, they may write whenever they like, and all of it counts, for good.
    """

    def __init__(self, parameters: FlatParameters, tables: Collection[int]) -> None:
        """tables: places in ``parameters`` of those whose gradients arrive row by row, in ``add``."""
        self._gradient = parameters.gradient
        self.everywhere = not tables
        """Whether anything may stand anywhere. Part of checkpoints: it decides the order in which norms are summed."""
        views = parameters.views_of(parameters.gradient)
        self._tables = {place: views[place] for place in sorted(tables)}
        self._rows: dict[int, list[Tensor]] = {place: [] for place in self._tables}

    def lend(self) -> None:
        """From now on anything may stand anywhere in the vector."""
        self.everywhere = True

    def clear(self) -> None:
        """Fill the vector with zeros."""
        for columns, rows in self._parts(0, len(self._gradient)):
            if rows is None:
                columns.zero_()
            else:
                columns.index_fill_(0, rows, 0.0)
        for found in self._rows.values():
            found.clear()

    def add(self, place: int, rows: Tensor, values: Tensor) -> None:
        """Add values (n, h) to rows (n,) of a table, each row once."""
        self._tables[place].index_add_(0, rows, values)
        self._rows[place].append(rows)

    def add_whole(self, place: int, gradient: Tensor) -> None:
        """Add a gradient (V, h), which torch made of other uses of the table: no row of it need be zero."""
        self._tables[place].add_(gradient)
        self.lend()

    def put(self, place: int, rows: Tensor, values: Tensor) -> None:
        """Let a table hold values (n, h) in rows (n,), each once, and zeros elsewhere."""
        table = self._tables[place]
        if self.everywhere:
            table.zero_()
        else:
            table.index_fill_(0, self._touched(place), 0.0)
        table.index_copy_(0, rows, values)
        self._rows[place][:] = [rows]

    def pieces(self, start: int, stop: int) -> list[Tensor]:
        """What of these columns may differ from zero; of tables a copy. No table may lie across an end."""
        return [columns if rows is None else columns[rows].flatten() for columns, rows in self._parts(start, stop)]

    def scale(self, start: int, stop: int, factor: float) -> None:
        """Multiply these columns."""
        for columns, rows in self._parts(start, stop):
            if rows is None:
                columns.mul_(factor)
            else:
                columns.index_copy_(0, rows, columns[rows].mul_(factor))

    def _parts(self, start: int, stop: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Columns with None, or a table (V, h) with the rows that may differ from zero."""
        for place, table in self._tables.items() if not self.everywhere else ():
            first = int(table.storage_offset())  # of a view of the vector: its place in it
            few = _DENSE * len(self._touched(place)) < len(table)
            if few and start <= first and first + table.numel() <= stop:
                yield self._gradient[start:first], None
                yield table, self._touched(place)
                start = first + table.numel()
        yield self._gradient[start:stop], None

    def _touched(self, place: int) -> Tensor:
        found = self._rows[place]
        if len(found) != 1:
            none = torch.empty(0, dtype=torch.long, device=self._gradient.device)
            found[:] = [torch.unique(torch.cat([none, *found]))]
        return found[0]
