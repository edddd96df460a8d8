"""Rows with one label for a sentence or a pair of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtlbench.interface import BadDataset

if TYPE_CHECKING:
    from mtlbench_tasks.hub import Rows

__all__ = ["Labelled", "read_labelled"]


@dataclass(frozen=True)
class Labelled:
    """Labelled texts; all lists are by example."""

    first: list[str]
    second: list[str] | None
    labels: list[int] | list[float]
    classes: tuple[str, ...]
    """The class of each label; empty where labels are values."""

    def __len__(self) -> int:
        return len(self.first)

    def chosen(self, rows: Sequence[int]) -> Labelled:
        """Some of them, in the order of ``rows``."""
        second = None if self.second is None else [self.second[row] for row in rows]
        return Labelled(
            [self.first[row] for row in rows],
            second,
            [self.labels[row] for row in rows],
            self.classes,
        )

    def names(self) -> list[str]:
        """What an example is known by when some are held out: its texts and, where they repeat, which repeat it is."""
        seen: dict[str, int] = {}
        found = []
        for row, text in enumerate(self.first):
            whole = text if self.second is None else f"{text}\n{self.second[row]}"
            seen[whole] = seen.get(whole, 0) + 1
            found.append(f"{whole}\n{seen[whole]}")
        return found

    def notes(self) -> list[str]:
        """What a rule handles, in words."""
        empty = sum(not text.strip() for text in [*self.first, *(self.second or [])])
        return [f"{empty} empty sentences: read as they are"] if empty else []


def read_labelled(rows: Rows, columns: tuple[str, ...], label: str = "label") -> Labelled:
    """All examples of a split; one or two text columns.

    Raises BadDataset, naming file and row, for a missing text, and for a label that is none of the classes: -1, as
    hidden test labels have it, among them.
    """
    texts = [rows.texts(name) for name in columns]
    labels = rows.column(label)
    feature = rows.table.features[label]
    classes = tuple(getattr(feature, "names", None) or ())
    if not classes and not all(value is None or isinstance(value, float) for value in labels):
        raise BadDataset(f"{rows.files[0]}: column {label!r} holds {feature}, neither classes with names nor values")
    for row, value in enumerate(labels):
        if value is None or not (0 <= value < len(classes) if classes else math.isfinite(value)):
            raise BadDataset(f"{rows.where(row)}: label {value} is none of {', '.join(classes) or 'the values'}")
    second = texts[1] if len(texts) > 1 else None
    return Labelled(texts[0], second, labels, classes)
