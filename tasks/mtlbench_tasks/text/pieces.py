"""Token ids of many texts, and how a tokenizer frames one text or two."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlbench.interface import MissingData
from mtlbench_tasks.text.framing import Filled, Stretches, side_by_side
from mtlbench_tasks.text.store import Ragged

__all__ = ["Frame", "check_tokenizer", "frame_of", "tokenized", "tokenizer_digest"]

_CHUNK = 2048
"""Texts given to the tokenizer at once: enough for all its threads, few enough to hold."""


@dataclass(frozen=True)
class Frame:
    """The special tokens that a tokenizer puts around one text or two, and the type of every token.

    ``parts``: special tokens before the first text, after it (between the two), and after the second; for one text
    the last is empty. ``types``: the token types of each part, and of each text.
    """

    parts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    part_types: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    text_types: tuple[int, int]

    @property
    def specials(self) -> int:
        return sum(map(len, self.parts))

    def ids(self, first: Sequence[int]) -> list[int]:
        """The framed token ids of one text."""
        return [*self.parts[0], *first, *self.parts[1]]

    def around(self, texts: Sequence[Stretches], count: int) -> Ragged:
        """The framed token ids of ``count`` inputs of one text or two; int32."""
        return side_by_side(count, list(_woven(self.parts, texts)), np.int32)

    def types_around(self, texts: Sequence[Stretches], count: int) -> Ragged:
        """Their token types; int8."""
        filled = [Filled(kind, text.lengths) for kind, text in zip(self.text_types, texts, strict=False)]
        return side_by_side(count, list(_woven(self.part_types, filled)), np.int8)


def _woven(parts: Sequence[Any], texts: Sequence[Any]) -> Iterator[Any]:
    """Part, text, part, and so on."""
    for place, part in enumerate(parts):
        yield part
        yield from texts[place : place + 1]


def frame_of(tokenizer: Any, pair: bool) -> Frame:
    """Read off an encoded example: no two families of tokenizers frame alike."""
    encoded = tokenizer("a", "a", return_token_type_ids=True) if pair else tokenizer("a", return_token_type_ids=True)
    ids, types, sequences = encoded["input_ids"], encoded["token_type_ids"], encoded.sequence_ids(0)
    parts: list[list[int]] = [[], [], []]
    part_types: list[list[int]] = [[], [], []]
    text_types = [0, 0]
    place = 0
    for token, kind, sequence in zip(ids, types, sequences, strict=True):
        if sequence is None:
            parts[place].append(token)
            part_types[place].append(kind)
        else:
            text_types[sequence] = kind
            place = sequence + 1
    three = tuple(map(tuple, parts)), tuple(map(tuple, part_types))
    return Frame(three[0], three[1], (text_types[0], text_types[1]))  # type: ignore[arg-type]


def tokenized(
    tokenizer: Any, texts: Sequence[str] | Sequence[Sequence[str]], *, words: bool = False, fast: bool = False
) -> Iterator[Any]:
    """A ``tokenizers.Encoding`` of each text, whole and without special tokens; all of the tokenizer's threads work.

    words: texts are lists of words. fast: token ids alone, not where they stand.
    """
    # transformers' own call takes longer, to make lists of what nobody asks for.
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    encode = backend.encode_batch_fast if fast else backend.encode_batch
    for start in range(0, len(texts), _CHUNK):
        yield from encode(list(texts[start : start + _CHUNK]), is_pretokenized=words, add_special_tokens=False)


def check_tokenizer(tokenizer: Any, name: str) -> None:
    """Raise MissingData unless it is a fast tokenizer, which tells where in the text a token stands, and can pad."""
    if not getattr(tokenizer, "is_fast", False):
        raise MissingData(
            f"the tokenizer of {name!r} tells no character offsets: choose an encoder with a fast tokenizer"
        )
    if tokenizer.pad_token_id is None:
        raise MissingData(
            f"the tokenizer of {name!r} has no padding token: choose an encoder that was trained with one"
        )


def tokenizer_digest(tokenizer: Any) -> str:
    """A digest of all that decides which tokens a text becomes."""
    return hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()
