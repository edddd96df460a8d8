"""Tagged sentences as pieces of words: the first piece of a word carries its tag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlbench.interface import BadSetting
from mtlbench_tasks.text.packing import IGNORED
from mtlbench_tasks.text.pieces import frame_of, tokenized
from mtlbench_tasks.text.store import Arrays, Ragged

__all__ = ["TaggedPieces", "make_pieces", "tags_by_sentence"]


@dataclass(frozen=True)
class TaggedPieces:
    """The sentences of one split as P stretches of at most ``max_length`` tokens, cut between words."""

    ids: Ragged
    types: Ragged
    labels: Ragged
    """Per token the tag of the word that it begins, or IGNORED."""
    words: Ragged
    """Per token the number of the word that it begins in its sentence, or -1."""
    sentence: NDArray[Any]
    """(P,)"""

    @classmethod
    def of(cls, arrays: Arrays) -> TaggedPieces:
        """From the arrays of ``make_pieces``."""
        ids, types, labels, words = (
            Ragged(arrays[name], arrays["starts"]) for name in ("ids", "types", "labels", "words")
        )
        return cls(ids, types, labels, words, arrays["sentence"])

    def __len__(self) -> int:
        return len(self.ids)


def make_pieces(
    tokenizer: Any, sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[int]], *, max_length: int
) -> Arrays:
    """The arrays of ``TaggedPieces``. A sentence that is too long is cut between words, so that every word is seen.

    A word of which the tokenizer leaves nothing (a lone control character) has no piece; one longer than an input is
    cut. A sentence without any piece is left out.
    """
    frame = frame_of(tokenizer, pair=False)
    room = max_length - frame.specials
    if room < 1:
        raise BadSetting(f"max_length {max_length} leaves no room beside {frame.specials} special tokens")
    rows: dict[str, list[Any]] = {name: [] for name in ("ids", "types", "labels", "words", "sentence")}
    filled = [number for number, words in enumerate(sentences) if words]
    found = tokenized(tokenizer, [list(sentences[number]) for number in filled], words=True)
    before, after = len(frame.parts[0]), len(frame.parts[1])
    for number, encoding in zip(filled, found, strict=True):
        word_of = encoding.word_ids
        begins = [place for place, word in enumerate(word_of) if place == 0 or word != word_of[place - 1]]
        for first, end in _stretches(begins, len(word_of), room):
            held = encoding.ids[first:end]
            starts = {place - first for place in begins if first <= place < end}
            words = [word_of[first + place] if place in starts else -1 for place in range(len(held))]
            labels = [tags[number][word] if word >= 0 else IGNORED for word in words]
            rows["ids"].append(frame.ids(held))
            rows["types"].append(frame.types(len(held)))
            rows["words"].append([-1] * before + words + [-1] * after)
            rows["labels"].append([IGNORED] * before + labels + [IGNORED] * after)
            rows["sentence"].append(number)
    ids = Ragged.of(rows["ids"], np.int32)
    return {
        "ids": ids.flat,
        "starts": ids.starts,
        "types": Ragged.of(rows["types"], np.int8).flat,
        "labels": Ragged.of(rows["labels"], np.int16).flat,
        "words": Ragged.of(rows["words"], np.int32).flat,
        "sentence": np.array(rows["sentence"], dtype=np.int64),
    }


def _stretches(begins: Sequence[int], length: int, room: int) -> list[tuple[int, int]]:
    """[first, end) of each stretch: as many whole words as fit; of a word longer than ``room`` its beginning."""
    if not begins:
        return []
    found: list[tuple[int, int]] = []
    for begin, end in zip(begins, [*begins[1:], length], strict=True):
        if found and end - found[-1][0] <= room and found[-1][1] == begin:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, min(end, begin + room)))
    return found


def tags_by_sentence(
    pieces: TaggedPieces, predicted: Sequence[NDArray[Any]], lengths: Sequence[int], outside: int
) -> list[NDArray[np.int64]]:
    """Per sentence one tag a word; ``outside`` for words without a piece.

    predicted: per stretch one tag a token. lengths: words of each sentence.
    """
    tags = [np.full(length, outside, dtype=np.int64) for length in lengths]
    for stretch, given in enumerate(predicted):
        words = pieces.words[stretch]
        starts = words >= 0
        tags[int(pieces.sentence[stretch])][words[starts]] = given[starts]
    return tags
