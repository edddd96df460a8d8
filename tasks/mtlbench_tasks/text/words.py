"""Tagged sentences as pieces of words: the first piece of a word carries its tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlbench.interface import BadSetting
from mtlbench_tasks.text.framing import Stretches, side_by_side
from mtlbench_tasks.text.lexicon import Lexicon
from mtlbench_tasks.text.packing import IGNORED
from mtlbench_tasks.text.pieces import frame_of
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

    def targets(self, rows: Sequence[int]) -> Mapping[str, NDArray[Any]]:
        return {"labels": self.labels.padded(list(rows), IGNORED)}

    def __len__(self) -> int:
        return len(self.ids)


def make_pieces(
    tokenizer: Any,
    sentences: Sequence[Sequence[str]],
    tags: Sequence[Sequence[int]],
    *,
    max_length: int,
    lexicon: Lexicon | None = None,
) -> Arrays:
    """The arrays of ``TaggedPieces``. A sentence that is too long is cut between words, so that every word is seen.

    A word of which the tokenizer leaves nothing (a lone control character) has no piece; one longer than an input is
    cut. A sentence without any piece is left out. lexicon: the tokenizer's, if there is one that knows words already.
    """
    frame = frame_of(tokenizer, pair=False)
    room = max_length - frame.specials
    if room < 1:
        raise BadSetting(f"max_length {max_length} leaves no room beside {frame.specials} special tokens")
    ids, counts = (lexicon or Lexicon(tokenizer)).sentences(sentences)
    begins = np.cumsum(counts) - counts  # (all words,): the piece with which each begins, if it has any
    numbers = np.fromiter(chain.from_iterable(range(len(words)) for words in sentences), np.int64, count=len(counts))
    tagged = chain.from_iterable(zip(*pair, strict=True) for pair in zip(sentences, tags, strict=True))
    marks = np.fromiter((tag for _, tag in tagged), np.int64, count=len(counts))
    words, labels = np.full(len(ids.flat), -1, np.int32), np.full(len(ids.flat), IGNORED, np.int16)
    words[begins[counts > 0]] = numbers[counts > 0]
    labels[begins[counts > 0]] = marks[counts > 0]
    sentence, first, lengths = _cut(ids, words, room)
    some = [Stretches(flat, first, lengths) for flat in (ids.flat, words, labels)]
    framed, before, after = frame.around(some[:1], len(sentence)), len(frame.parts[0]), len(frame.parts[1])
    return {
        "ids": framed.flat,
        "starts": framed.starts,
        "types": frame.types_around(some[:1], len(sentence)).flat,
        "words": side_by_side(len(sentence), [(-1,) * before, some[1], (-1,) * after], np.int32).flat,
        "labels": side_by_side(len(sentence), [(IGNORED,) * before, some[2], (IGNORED,) * after], np.int16).flat,
        "sentence": sentence,
    }


def _cut(ids: Ragged, words: NDArray[Any], room: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Sentence, first piece (of ``ids.flat``) and length of each stretch of at most ``room`` pieces.

    words: per piece the word that it begins, or -1.
    """
    lengths = ids.lengths
    whole = np.flatnonzero((lengths > 0) & (lengths <= room))
    rows = [(whole, ids.starts[whole], lengths[whole])]
    for number in np.flatnonzero(lengths > room):
        start, end = ids.starts[number : number + 2]
        found = np.array(_stretches(np.flatnonzero(words[start:end] >= 0).tolist(), int(end - start), room))
        rows.append((np.full(len(found), number), start + found[:, 0], found[:, 1] - found[:, 0]))
    sentence, first, held = (np.concatenate(column).astype(np.int64) for column in zip(*rows, strict=True))
    order = np.argsort(sentence, kind="stable")
    return sentence[order], first[order], held[order]


def _stretches(begins: Sequence[int], length: int, room: int) -> list[tuple[int, int]]:
    """[first, end) of each stretch: as many whole words as fit; of a word longer than ``room`` its beginning."""
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
