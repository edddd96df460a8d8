"""Arrays kept on disk between runs, found by a digest of what they were made from, and read by mapping."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arrays", "Ragged", "stored"]

Arrays = Mapping[str, NDArray[Any]]


def stored(home: Path, digest: str, make: Callable[[], Arrays]) -> Arrays:
    """The arrays of ``make``, mapped from ``home/digest``; made and written when they are not there.

    Writers do not disturb each other or readers: a folder appears whole, and the first one stays.
    """
    folder = home / digest
    if not folder.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{digest[:8]}-", dir=home))
        try:
            for name, array in make().items():
                np.save(fresh / f"{name}.npy", array, allow_pickle=False)
            fresh.replace(folder)
        except OSError:
            if not folder.is_dir():  # another process was first: its arrays are the same
                raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return {path.stem: _mapped(path) for path in sorted(folder.glob("*.npy"))}


def _mapped(path: Path) -> NDArray[Any]:
    """Read by mapping; an array without elements cannot be mapped."""
    array: NDArray[Any]
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:
        array = np.load(path, allow_pickle=False)
    return np.asarray(array)  # indexing a memmap itself takes microseconds longer, in every batch


class Ragged:
    """Rows of unequal length in one flat array: row i is ``flat[starts[i]:starts[i + 1]]``."""

    def __init__(self, flat: NDArray[Any], starts: NDArray[Any]) -> None:
        self.flat = flat
        self.starts = starts

    @classmethod
    def of(cls, rows: list[Any], dtype: Any) -> Ragged:
        """From lists or arrays of numbers."""
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        if rows and isinstance(rows[0], np.ndarray):
            return cls(np.concatenate(rows).astype(dtype), starts)
        return cls(np.fromiter(chain.from_iterable(rows), dtype, count=int(starts[-1])), starts)

    @classmethod
    def joined(cls, parts: Sequence[Ragged], dtype: Any) -> Ragged:
        """The rows of all parts, one after the other."""
        lengths = np.concatenate([np.zeros(1, np.int64), *(part.lengths for part in parts)])
        return cls(np.concatenate([np.zeros(0, dtype), *(part.flat for part in parts)]), np.cumsum(lengths))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> NDArray[Any]:
        return self.flat[self.starts[row] : self.starts[row + 1]]

    @property
    def lengths(self) -> NDArray[Any]:
        """(N,)"""
        return np.diff(self.starts)

    def padded(self, rows: list[int], fill: int) -> NDArray[np.int64]:
        """(B, L): the rows side by side, as long as the longest of them."""
        found = [self[row] for row in rows]
        table = np.full((len(rows), max(map(len, found), default=0)), fill, dtype=np.int64)
        for place, row in enumerate(found):
            table[place, : len(row)] = row
        return table
