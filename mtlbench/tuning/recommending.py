"""Chosen values as a suite's file of recommendations: ``[suite.method.settings]`` and ``[suite.method.protocol]``."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from mtlbench.interface.errors import BadSetting

__all__ = ["with_recommendations"]

Tables = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Method to {"settings", "protocol"}."""

_HEADER = re.compile(r"^\s*\[\s*([^\[\]\s].*?)\s*\]\s*(#.*)?$")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def with_recommendations(text: str, chosen: Mapping[str, Tables], source: str) -> str:
    """``text`` with the tables of these suites in place of those that it has; all else stays as it is.

    chosen: suite to method to values. A suite's tables stand where its first one stood, or at the end. source: what
    errors call the text. Raises BadSetting when it is no TOML, or is written in a way that this cannot edit.
    """
    before = _parsed(text, source)
    head, blocks = _blocks(text)
    parts, placed = [head], set()
    for suite, block in blocks:
        if suite not in chosen:
            parts.append(block)
        elif suite not in placed:
            placed.add(suite)
            parts.append(_tables(suite, chosen[suite]))
    parts += [_tables(suite, tables) for suite, tables in chosen.items() if suite not in placed]
    made = "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
    wanted = {**before, **{suite: _without_empty(tables) for suite, tables in chosen.items()}}
    if _parsed(made, source) != {suite: tables for suite, tables in wanted.items() if tables}:
        raise BadSetting(
            f"{source}: the tables of {', '.join(chosen)} cannot be told from the others; write one header "
            "[suite.method.settings] or [suite.method.protocol] for each, and nothing else of these suites"
        )
    return made


def _parsed(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{source}: not TOML: {error}") from None


def _blocks(text: str) -> tuple[str, list[tuple[str, str]]]:
    """What stands before the first header, and (suite, text) from every header to the next.

    Comments right above a header belong to it; those above the first one are the file's.
    """
    parts: list[list[str]] = [[]]
    suites: list[str] = []
    for line in text.splitlines():
        if (header := _HEADER.match(line)) and (suite := _first_key(header[1])) is not None:
            above = _comments_at_end(parts[-1]) if suites else []
            del parts[-1][len(parts[-1]) - len(above) :]
            parts.append(above)
            suites.append(suite)
        parts[-1].append(line)
    texts = ["\n".join(part) for part in parts]
    return texts[0], list(zip(suites, texts[1:], strict=True))


def _comments_at_end(lines: list[str]) -> list[str]:
    start = len(lines)
    while start and lines[start - 1].lstrip()[:1] in ("", "#"):
        start -= 1
    return lines[start:]


def _first_key(header: str) -> str | None:
    """The first part of a header's dotted key; None when it is no key (a line of a long list)."""
    try:
        return next(iter(tomllib.loads(f"[{header}]")))
    except tomllib.TOMLDecodeError:
        return None


def _tables(suite: str, tables: Tables) -> str:
    found = []
    for method, kinds in tables.items():
        for kind in ("settings", "protocol"):
            if kinds.get(kind):
                rows = [f"{_key(name)} = {_value(value)}" for name, value in kinds[kind].items()]
                found.append("\n".join([f"[{_key(suite)}.{_key(method)}.{kind}]", *rows]))
    return "\n\n".join(found)


def _without_empty(tables: Tables) -> dict[str, Any]:
    plain = {
        method: {kind: {name: _plain(value) for name, value in kinds[kind].items()} for kind in kinds if kinds[kind]}
        for method, kinds in tables.items()
    }
    return {method: kinds for method, kinds in plain.items() if kinds}


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if value is None:
        return _text(_plain(value))
    return _text(value) if isinstance(value, str) else repr(value)


def _plain(value: Any) -> Any:
    """TOML has no null; settings read ``none`` as one."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return "none" if value is None else value


def _text(value: str) -> str:
    return json.dumps(value).replace("\x7f", "\\u007f")
