"""The token ids of words, each tokenised once however often and in how many texts it stands.

Of the words of GLUE's texts one in ten is another, and tokenising was four fifths of what opening a suite took.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlbench_tasks.text.pieces import tokenized
from mtlbench_tasks.text.store import Ragged

__all__ = ["Lexicon"]

_TEXTS = 2048
"""Texts that are looked at together."""
_MOST = 1 << 18
"""Words that are remembered; with more, all are forgotten."""
_TOGETHER = 256
"""Words in one call of the tokenizer: it takes four times as long for each of them alone."""

_LOCAL = {"BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents"}
"""Normalizers that make the same of a word wherever it stands: none joins a character with a space."""
_PARTING = {"BertPreTokenizer", "Whitespace", "WhitespaceSplit"}
"""Pre-tokenizers that cut at spaces and drop them."""
_CUTTING = {*_PARTING, "Digits", "Punctuation"}
"""Pre-tokenizers that only cut further, by the characters at hand."""


class Lexicon:
    """Token ids by word, for one tokenizer. What it gives is what the tokenizer would, without special tokens."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._is_parted = _is_parted_by_spaces(tokenizer)
        self._known: dict[str, int] = {}
        self._flat: NDArray[np.int32]
        """The ids of all known words, one after the other."""
        self._starts: NDArray[np.int64]
        self.forget()

    def texts(self, texts: Sequence[str]) -> Ragged:
        """The ids of each text, whole; int32."""
        parts = []
        for start in range(0, len(texts), _TEXTS):
            some = list(texts[start : start + _TEXTS])
            if self._is_parted:
                parts.append(self.sentences([text.split(" ") for text in some])[0])
            else:
                parts.append(Ragged.of([found.ids for found in tokenized(self._tokenizer, some, fast=True)], np.int32))
        return Ragged.joined(parts, np.int32)

    def sentences(self, sentences: Sequence[Sequence[str]]) -> tuple[Ragged, NDArray[np.int64]]:
        """(the ids of each list of words, how many of them belong to each word of all lists in order); int32.

        Every tokenizer takes each of given words for itself, so this holds for all of them.
        """
        words = list(chain.from_iterable(sentences))
        numbers = self._numbers(words)  # (all words,)
        counts = np.diff(self._starts)[numbers]
        ends = np.concatenate([[0], np.cumsum(counts)])
        flat = self._flat[np.repeat(self._starts[numbers] - ends[:-1], counts) + np.arange(ends[-1])]
        lengths = np.fromiter(map(len, sentences), np.int64, count=len(sentences))
        return Ragged(flat, ends[np.concatenate([[0], np.cumsum(lengths)])]), counts

    def _numbers(self, words: Sequence[str]) -> NDArray[np.int64]:
        """The number of each word here, those that are new among them."""
        if len(self._known) > _MOST:
            self.forget()
        new = list(set(words) - self._known.keys())
        batches = [new[start : start + _TOGETHER] for start in range(0, len(new), _TOGETHER)]
        flat, lengths = [self._flat], [np.diff(self._starts)]
        for batch, found in zip(batches, tokenized(self._tokenizer, batches, words=True), strict=True):
            flat.append(np.array(found.ids, dtype=np.int32))
            lengths.append(np.bincount(np.array(found.word_ids, dtype=np.int64), minlength=len(batch)))
        self._known.update(zip(new, range(len(self._known), len(self._known) + len(new)), strict=True))
        self._flat = np.concatenate(flat)
        self._starts = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
        return np.fromiter(map(self._known.__getitem__, words), np.int64, count=len(words))

    def forget(self) -> None:
        """Let go of all words."""
        self._known.clear()
        self._flat, self._starts = np.zeros(0, np.int32), np.zeros(1, np.int64)


def _is_parted_by_spaces(tokenizer: Any) -> bool:
    """Whether the ids of a text are those of its words, cut at every space, one after the other.

    So it is with BERT's tokenizers; others mark a word by the space before it, or are unknown here.
    """
    parts = json.loads(tokenizer.backend_tokenizer.to_str())
    normalizers = {each["type"] for each in _members(parts["normalizer"], "normalizers")}
    first, *others = [each["type"] for each in _members(parts["pre_tokenizer"], "pretokenizers")] or [None]
    return (
        parts["model"]["type"] == "WordPiece"
        and normalizers <= _LOCAL
        and first in _PARTING
        and _CUTTING.issuperset(others)
        and not any(" " in token["content"] for token in parts["added_tokens"])
    )


def _members(part: Any, listed: str) -> list[Any]:
    """A part of a tokenizer as the list of what it consists of."""
    if part is None:
        return []
    return [each for member in part[listed] for each in _members(member, listed)] if listed in part else [part]
