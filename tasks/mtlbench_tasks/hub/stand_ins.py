"""Other data sets in place of those that a suite asks for, marked as what they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from mtlbench.interface import BadSetting, DataSource

__all__ = ["replace_sources", "short_name"]

_FORM = re.compile(
    r"(?P<name>[^=:@\s]+/[^=:@\s]+)=(?P<other>[^=:@\s]+/[^=:@\s]+)(:(?P<config>[^@\s]+))?(@(?P<revision>\S+))?"
)


def replace_sources(sources: Sequence[DataSource], replacements: Sequence[str]) -> list[DataSource]:
    """The sources with ``NAME=OTHER[:CONFIG][@REVISION]`` applied.

    A source read from elsewhere carries the name that it stands for; the same name with a revision only pins it.
    Raises BadSetting for another form, and for a name that is not among the sources.
    """
    known = {source.name for source in sources}
    changes = {}
    for text in replacements:
        found = _FORM.fullmatch(text)
        if found is None:
            raise BadSetting(f"{text!r} is not NAME=OTHER[:CONFIG][@REVISION], as in rajpurkar/squad=standin/squad")
        if found["name"] not in known:
            raise BadSetting(f"{found['name']!r} is not read here; the sources are {', '.join(sorted(known))}")
        changes[found["name"]] = found
    return [_changed(source, changes.get(source.name)) for source in sources]


def _changed(source: DataSource, change: re.Match[str] | None) -> DataSource:
    if change is None:
        return source
    other = change["other"]
    return replace(
        source,
        name=other,
        config=change["config"] or source.config,
        revision=change["revision"],
        stands_for="" if other == source.name else source.name,
    )


def short_name(source: DataSource, own: str) -> str:
    """What task names may call it: ``own`` for the data set itself, else the other's name, marked as a stand-in."""
    if not source.stands_for:
        return own
    words = re.sub(r"[^a-z0-9]+", "-", source.name.lower().removeprefix("standin/")).strip("-")
    return f"standin-{words}"
