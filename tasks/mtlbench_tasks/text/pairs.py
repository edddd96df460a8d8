"""Single sentences and pairs of them, each with one label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlbench.interface import BadSetting
from mtlbench_tasks.text.pieces import frame_of, token_ids
from mtlbench_tasks.text.store import Arrays, Ragged

__all__ = ["LabelledTexts", "make_texts"]


@dataclass(frozen=True)
class LabelledTexts:
    """The examples of one split: token ids, and a class or a value each."""

    ids: Ragged
    types: Ragged
    labels: NDArray[Any]
    """(N,), int64 classes or float32 values."""

    @classmethod
    def of(cls, arrays: Arrays) -> LabelledTexts:
        """From the arrays of ``make_texts``."""
        return cls(Ragged(arrays["ids"], arrays["starts"]), Ragged(arrays["types"], arrays["starts"]), arrays["labels"])

    def __len__(self) -> int:
        return len(self.ids)


def make_texts(
    tokenizer: Any,
    first: Sequence[str],
    second: Sequence[str] | None,
    labels: Sequence[int] | Sequence[float],
    *,
    max_length: int,
) -> Arrays:
    """The arrays of ``LabelledTexts``. Of a pair that is too long, tokens go from the end of the longer text."""
    frame = frame_of(tokenizer, pair=second is not None)
    room = max_length - frame.specials
    if room < 2:
        raise BadSetting(f"max_length {max_length} leaves no room beside {frame.specials} special tokens")
    one = token_ids(tokenizer, first)
    two: list[list[int]] = token_ids(tokenizer, second) if second is not None else [[]] * len(one)
    ids, types = [], []
    for left, right in zip(one, two, strict=True):
        kept = _fitting(len(left), len(right), room)
        ids.append(frame.ids(left[: kept[0]], right[: kept[1]]))
        types.append(frame.types(*kept))
    packed = Ragged.of(ids, np.int32)
    values = np.asarray(labels)
    return {
        "ids": packed.flat,
        "starts": packed.starts,
        "types": Ragged.of(types, np.int8).flat,
        "labels": values.astype(np.float32 if values.dtype.kind == "f" else np.int64),
    }


def _fitting(first: int, second: int, room: int) -> tuple[int, int]:
    """Lengths that fit: the longer text is cut down to the other, then both alike; the first keeps the odd token."""
    if first + second <= room:
        return first, second
    half = room // 2
    if first <= half:
        return first, room - first
    if second <= half:
        return room - second, second
    return room - half, half
