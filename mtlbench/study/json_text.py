"""JSON as it is read from files: as ``json`` reads it, several times faster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec

from mtlbench.study.keys import canonical_json

__all__ = ["JsonText", "Unread", "json_of", "listed", "text_of"]

Unread = msgspec.Raw
"""A part of JSON that somebody left as text; ``json_of`` reads it."""

JsonText = bytes | memoryview | Unread

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="sorted").encode


def json_of(data: JsonText) -> Any:
    """What ``json.loads`` makes of UTF-8 text; NaN and infinities are refused, ``1e999`` is infinite.

    Raises ValueError or RecursionError in the words of ``json``. msgspec gives the same values, but refuses a few texts
    that ``json`` accepts (half a surrogate pair, 1e999): those are left to it.
    """
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(bytes(data).decode(), parse_constant=_no_constant)


def listed(values: Sequence[Any]) -> list[Any]:
    """The values of a list; of one whose values are all ``Unread``, what they are read as."""
    if {*map(type, values)} == {Unread}:
        found: list[Any] = json_of(b"[" + b",".join(values) + b"]")
        return found
    return [*values]


def text_of(value: Any, nulls: int = 0) -> bytes:
    """JSON that equal values have in common and no others, for digests and comparisons; NaN and infinities are refused.

    value: as JSON is read. nulls: how many there are at least. msgspec takes a tenth of the time; where there may be
    what it writes as null or refuses, canonical JSON is written.
    """
    try:
        text = _encode(value)
    except (TypeError, ValueError):
        text = b"null" * (nulls + 1)
    if text.count(b"null") == nulls:
        return text
    return canonical_json(value).encode("utf-8", "surrogatepass")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
