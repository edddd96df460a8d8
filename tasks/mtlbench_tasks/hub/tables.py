"""Columns of a split's files: Parquet's are read one by one as they are asked for, ``datasets`` prepares the others.

Both have ``features`` (``datasets.Features``, by column), ``len``, and ``part``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

__all__ = ["ParquetTable", "PreparedTable", "Table", "UnreadableFile", "parquet_rows", "parquet_table"]


class UnreadableFile(Exception):
    """A file whose rows cannot be decoded; it is raised from the reason."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


class Table(Protocol):
    """The columns of a split."""

    @property
    def features(self) -> Any:
        """Column to what it holds, as ``datasets.Features``."""

    def __len__(self) -> int: ...

    def part(self, name: str, start: int, count: int) -> Any:
        """At most ``count`` values of a column from ``start`` on, as a ``pyarrow.ChunkedArray``."""


class PreparedTable:
    """A ``datasets.Dataset``, memory-mapped."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self.features = dataset.features

    def __len__(self) -> int:
        return len(self._dataset)

    def part(self, name: str, start: int, count: int) -> Any:
        return self._dataset.data.column(name).slice(start, count)


class ParquetTable:
    """Files of one schema. Nothing but their footers is read before a column is asked for, and nothing is written.

    To have ``datasets`` write the same rows to a cache of its own first took 20 ms a split, and as much again to open.
    """

    def __init__(self, files: Sequence[tuple[Path, Any]], features: Any) -> None:
        """files: each with its footer, ``pyarrow.parquet.FileMetaData``."""
        self.features = features
        self._files = files
        self._length: int = sum(footer.num_rows for _, footer in files)
        self._schema = features.arrow_schema
        self._last: tuple[tuple[str, Path, tuple[int, ...]], Any] | None = None

    def __len__(self) -> int:
        return self._length

    def part(self, name: str, start: int, count: int) -> Any:
        """Raises UnreadableFile."""
        import pyarrow

        stop = min(start + count, self._length)
        found, first = [], 0
        for path, footer in self._files:
            if first < stop and start < first + footer.num_rows:
                found.append(self._of_file(name, path, footer, max(start - first, 0), stop - first))
            first += footer.num_rows
        chunks = [chunk for part in found for chunk in part.chunks]
        return pyarrow.chunked_array(chunks, self._schema.field(name).type)

    def _of_file(self, name: str, path: Path, footer: Any, start: int, stop: int) -> Any:
        """The values of rows [start, stop) of a file, by whole row groups."""
        import pyarrow
        from pyarrow.parquet import ParquetFile

        wanted, skipped, first = [], 0, 0
        for group in range(footer.num_row_groups):
            rows = footer.row_group(group).num_rows
            if first < stop and start < first + rows:
                wanted.append(group)
            elif first + rows <= start:
                skipped += rows
            first += rows
        key = name, path, tuple(wanted)
        if self._last is not None and self._last[0] == key:
            column = self._last[1]
        else:
            try:
                with ParquetFile(path, metadata=footer) as file:
                    column = file.read_row_groups(wanted, columns=[name]).column(name)
            except (pyarrow.ArrowException, OSError) as broken:
                raise UnreadableFile(path) from broken
            # Whoever goes through a long row group in stretches shall not read it anew for each.
            self._last = None if (start, stop) == (0, footer.num_rows) else (key, column)
        return column.slice(start - skipped, stop - start)


def parquet_table(files: Sequence[Path]) -> ParquetTable | None:
    """The rows of Parquet files; None where ``datasets`` has to cast them: to the first's schema, or to its own types.

    Raises what ``pyarrow`` raises for a footer that cannot be read.
    """
    import datasets
    from pyarrow.parquet import read_metadata

    footers = [(path, read_metadata(path)) for path in files]
    features = datasets.Features.from_arrow_schema(footers[0][1].schema.to_arrow_schema())
    wanted = features.arrow_schema
    alike = all(footer.schema.to_arrow_schema().equals(wanted) for _, footer in footers)
    return ParquetTable(footers, features) if alike else None


def parquet_rows(path: Path) -> int:
    """How many rows a file holds, from its footer."""
    from pyarrow.parquet import read_metadata

    return int(read_metadata(path).num_rows)
