"""Single sentences and pairs of them, each with one label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlbench.interface import BadSetting
from mtlbench_tasks.text.framing import Stretches
from mtlbench_tasks.text.lexicon import Lexicon
from mtlbench_tasks.text.pieces import frame_of
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

    @property
    def has_values(self) -> bool:
        """Whether labels are values, not classes."""
        return self.labels.dtype.kind == "f"

    def targets(self, rows: Sequence[int]) -> Mapping[str, NDArray[Any]]:
        return {"label": self.labels[list(rows)]}

    def __len__(self) -> int:
        return len(self.ids)


def make_texts(
    tokenizer: Any,
    first: Sequence[str],
    second: Sequence[str] | None,
    labels: Sequence[int] | Sequence[float],
    *,
    max_length: int,
    lexicon: Lexicon | None = None,
) -> Arrays:
    """The arrays of ``LabelledTexts``. Of a pair that is too long, tokens go from the end of the longer text.

    lexicon: the tokenizer's, if there is one that knows words of other texts already.
    """
    frame = frame_of(tokenizer, pair=second is not None)
    room = max_length - frame.specials
    if room < 2:
        raise BadSetting(f"max_length {max_length} leaves no room beside {frame.specials} special tokens")
    lexicon = lexicon or Lexicon(tokenizer)
    texts = [lexicon.texts(each) for each in (first, second) if each is not None]
    kept = _fitting(texts[0].lengths, texts[-1].lengths if second is not None else np.zeros(len(first), np.int64), room)
    some = [Stretches(text.flat, text.starts[:-1], size) for text, size in zip(texts, kept, strict=False)]
    packed = frame.around(some, len(first))
    values = np.asarray(labels)
    return {
        "ids": packed.flat,
        "starts": packed.starts,
        "types": frame.types_around(some, len(first)).flat,
        "labels": values.astype(np.float32 if values.dtype.kind == "f" else np.int64),
    }


def _fitting(
    first: NDArray[np.int64], second: NDArray[np.int64], room: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lengths that fit: the longer text is cut down to the other, then both alike; the first keeps the odd token."""
    half = room // 2
    kept = np.select(
        [first + second <= room, first <= half, second <= half], [first, first, room - second], room - half
    )
    return kept, np.minimum(second, room - kept)
