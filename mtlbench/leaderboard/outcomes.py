"""What a board needs of an outcome, read from its JSON without making objects of the rest, a third of the text."""

from __future__ import annotations

from typing import Any, TypedDict

import msgspec

from mtlbench.study.json_text import JsonText, Unread, json_of

__all__ = ["outcome_of"]


class _Cosine(TypedDict, total=False):
    """Without the single cosines of all pairs and draws; boards look at few of the matrices."""

    mean: Any
    gram: Unread


class _Probes(TypedDict, total=False):
    cosine: _Cosine | None
    distance: Any
    mlm: Any


class _Point(TypedDict, total=False):
    gradients: Any
    train_loss: Any
    dev: Any
    probes: _Probes | None


class _Outcome(TypedDict, total=False):
    audit: Any
    counts: Any
    curve: list[_Point] | None
    divergence: Any
    models: Any
    parameters: Any
    probes: Any
    scale: Any
    scores: Any
    summary: Any
    tasks: Any
    trace: dict[str, list[Unread]] | None
    unseen: Any


_decode = msgspec.json.Decoder(_Outcome).decode


def outcome_of(text: JsonText) -> Any:
    """The outcome as ``json_of`` reads it, but for what no board looks at; whole where its curve has another form.

    What is left out must be UTF-8 and have the form of JSON; whole numbers there may be longer than Python reads.
    """
    try:
        str(text, "utf-8")
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json_of(text)
