"""What the page shows of one run, cut from its record when that is read, so that ten thousand fit in memory."""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from mtlbench.leaderboard.escaping import visible
from mtlbench.leaderboard.html_numbers import brief, exact, json_text, numbers, quick_text, short
from mtlbench.study.json_text import text_of

__all__ = ["Shown", "clipped", "long_text", "plain_text", "shown_of"]

_LONGEST = 200
"""Characters of a text that a page prints; no name needs more."""
_DEEPEST = 6
_WIDEST = 200
_DIGITS = 6
_NESTED = {dict, list}
_WHOLE = 2**53
"""Beyond it, a browser would round whole numbers."""

Tests = Mapping[str, Mapping[str, Any]]


class Shown(NamedTuple):
    """One run as JSON texts, but for its course.

    about: what many runs share. shape: all names of this run's values, in their nesting, with 0 for each value, which
    many runs share as well. values: the list of what goes there, in the order of the text. course: see ``course_of``.
    """

    about: str
    shape: str
    values: str
    course: array[float]


def shown_of(record: Mapping[str, Any], by_task: Tests, by_unseen: Tests, course: array[float]) -> Shown:
    """From a record whose form has been checked; what is missing or of another kind is left out.

    by_task, by_unseen: task to what was scored on its test split, of trained tasks and of others. course: its own.
    """
    cell, outcome, measured = record["cell"], record["outcome"], record["measured"]
    tasks = [task["name"] for task in outcome["tasks"]]
    scores = _block(outcome, "scores")
    tests = [by_task.get(name) or {} for name in tasks]
    about = {
        "examples": [test.get("examples") for test in tests],
        "fingerprint": cell["fingerprint"],
        "machine": _block(measured, "machine"),
        "models": outcome.get("models"),
        "parameters": outcome.get("parameters"),
        "provenance": record["provenance"],
        "scale": outcome.get("scale"),
        "versions": measured.get("versions"),
    }
    extras = [_block(test, "extra") for test in tests]
    run = {
        "audit": _block(outcome, "audit"),
        "counts": _block(outcome, "counts"),
        "divergence": outcome.get("divergence"),
        "evaluation_seconds": measured.get("evaluation_seconds"),
        "extra": {name: [extra.get(name) for extra in extras] for name in {*chain.from_iterable(extras)}},
        "extras": _block(measured, "extras"),
        "peak_bytes": measured.get("peak_bytes"),
        "probes": _ends(_block(outcome, "probes")),
        "seconds": _block(measured, "seconds"),
        "step_seconds": measured.get("step_seconds"),
        "summary": _block(outcome, "summary"),
        "total_seconds": measured.get("total_seconds"),
    }
    parts: dict[str, tuple[Any, int, int | None]] = {
        name: (value, _DEEPEST - 1, _DIGITS) for name, value in run.items() if value not in (None, {})
    }
    parts["test"] = ([test.get("value") for test in tests], _DEEPEST, None)
    parts["dev"] = ([_block(_block(scores, name), "dev").get("value") for name in tasks], _DEEPEST, None)
    parts["unseen"] = ({name: test.get("value") for name, test in by_unseen.items()}, _DEEPEST, None)
    values: list[str] = []
    ordered, names = _in_order(tuple(parts))
    inner = ",".join([_shape(*parts[name], values) for name in ordered])
    shape = f'{{"inner":[{inner}],"names":{names}}}'
    shared = text_of(about, [*about.values()].count(None))
    return Shown(_clipped_text(shared), sys.intern(shape), f"[{','.join(values)}]", course)


def _shape(value: Any, depth: int, digits: int | None, values: list[str]) -> str:
    """JSON of ``value``, ``clipped``, with 0 for all that is neither object nor list; ``values`` gets JSON of those.

    An object is ``{"inner": [...], "names": [...]}``, because browsers have an order of their own for names.
    """
    kind = type(value)
    if kind is dict and depth:
        ordered, names = _in_order(tuple(value if len(value) <= _WIDEST else sorted(value)[:_WIDEST]))
        return f'{{"inner":{_shapes([*map(value.get, ordered)], depth - 1, digits, values)},"names":{names}}}'
    if kind is list and depth:
        return _shapes(value[:_WIDEST], depth - 1, digits, values)
    values.append(_plain(value, depth, digits))
    return "0"


def _shapes(several: Sequence[Any], depth: int, digits: int | None, values: list[str]) -> str:
    """The same of a list, its numbers at once where it has nothing else."""
    kinds = {*map(type, several)}
    if kinds == {float}:
        values.append((exact(several) if digits is None else numbers(several, digits))[1:-1])
    elif not kinds.isdisjoint(_NESTED):
        return f"[{','.join([_shape(one, depth, digits, values) for one in several])}]"
    else:
        values += [_plain(one, depth, digits) for one in several]
    return f"[{','.join('0' * len(several))}]"


def _plain(value: Any, depth: int, digits: int | None) -> str:
    """JSON of what is neither object nor list, or lies too deep, ``clipped``."""
    kind = type(value)
    if kind is float:
        return brief(value, digits)
    if kind is int and -_WHOLE <= value <= _WHOLE:
        return str(value)
    plain = clipped(value, depth, digits)
    return json_text(plain) if isinstance(plain, str) else quick_text(plain).decode()


@lru_cache(maxsize=4096)
def _in_order(names: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Names in the order in which they are shown, of several that look alike the last; and how they look, as JSON."""
    looks = {plain_text(name): name for name in sorted(names)}
    return tuple(looks[look] for look in sorted(looks)), json_text(sorted(looks))


def _ends(probes: Mapping[str, Any]) -> dict[str, Any]:
    """The probes' plain numbers at the end; matrices and lists of draws are for programs."""
    return {
        probe: {name: value for name, value in _block(probes, probe).items() if isinstance(value, (int, float))}
        for probe in sorted(probes)
    }


def _block(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Empty where it is missing or of another kind."""
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def clipped(value: Any, depth: int = _DEEPEST, digits: int | None = None) -> Any:
    """JSON in which every text is short and shows all its characters, and in which nothing is deep or wide.

    digits: of numbers with a fraction; all of them when None.
    """
    kind = type(value)
    if kind is float:
        return value if digits is None else short(value, digits)
    if kind is int:
        return value if -_WHOLE <= value <= _WHOLE else plain_text(str(value))
    if isinstance(value, str):
        return plain_text(value)
    if kind is dict or isinstance(value, Mapping):
        if depth == 0:
            return "{…}"
        items = sorted(value.items())[:_WIDEST]
        return {plain_text(str(name)): clipped(inner, depth - 1, digits) for name, inner in items}
    if isinstance(value, (list, tuple)):
        return [clipped(inner, depth - 1, digits) for inner in value[:_WIDEST]] if depth else "[…]"
    return value


def plain_text(text: str, longest: int = _LONGEST) -> str:
    """One line of at most so many characters in which controls and marks of direction show as escapes."""
    if len(text) <= longest:
        return _visible(text)
    return f"{_visible(text[:longest])}… ({len(text)} characters)"


def long_text(text: str) -> str:
    """The same with room for a sentence or a list of names: cells and notes."""
    return plain_text(text, 10 * _LONGEST)


_visible = lru_cache(maxsize=4096)(visible)


@lru_cache(maxsize=4096)
def _clipped_text(text: bytes) -> str:
    """The same for JSON as text: what many runs share is clipped once."""
    return json_text(clipped(json.loads(text)))
