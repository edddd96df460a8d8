"""Token ids of many texts, and how a tokenizer frames one text or two."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mtlbench.interface import MissingData

__all__ = ["Frame", "check_tokenizer", "frame_of", "token_ids", "tokenized", "tokenizer_digest"]

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

    def ids(self, first: Sequence[int], second: Sequence[int] = ()) -> list[int]:
        """The framed token ids."""
        return [*self.parts[0], *first, *self.parts[1], *second, *self.parts[2]]

    def types(self, first: int, second: int = 0) -> list[int]:
        """The token types for texts of these lengths."""
        before, between, after = self.part_types
        return [*before, *[self.text_types[0]] * first, *between, *[self.text_types[1]] * second, *after]


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


def token_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """The token ids of each text, whole and without special tokens; all of the tokenizer's threads take part."""
    return [found.ids for found in _encoded(tokenizer, texts, "encode_batch_fast")]


def tokenized(tokenizer: Any, texts: Sequence[str] | Sequence[Sequence[str]], *, words: bool = False) -> list[Any]:
    """The same as ``tokenizers.Encoding``s, which tell where each token stands too. words: texts are lists of words."""
    return list(_encoded(tokenizer, texts, "encode_batch", is_pretokenized=words))


def _encoded(tokenizer: Any, texts: Sequence[Any], way: str, **how: bool) -> Iterator[Any]:
    # transformers' own call takes longer, to make lists of what nobody asks for.
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    for start in range(0, len(texts), _CHUNK):
        yield from getattr(backend, way)(list(texts[start : start + _CHUNK]), add_special_tokens=False, **how)


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
