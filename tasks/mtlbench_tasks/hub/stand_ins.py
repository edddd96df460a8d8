"""Other data sets in place of those that a suite asks for, marked as what they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from mtlbench.interface import BadSetting, DataSource

__all__ = ["replace_sources", "short_name"]

_FORM = re.compile(
    r"(?P<name>[^=:@!\s]+/[^=:@!\s]+)(:(?P<only>[^=@!\s]+))?="
    r"(?P<other>[^=:@!\s]+/[^=:@!\s]+)(:(?P<config>[^@!\s]+))?(!(?P<split>[^@\s]+))?(@(?P<revision>\S+))?"
)
_FORM_TEXT = "NAME[:CONFIG]=OTHER[:CONFIG][!SPLIT][@REVISION]"


def replace_sources(sources: Sequence[DataSource], replacements: Sequence[str]) -> list[DataSource]:
    """The sources with ``NAME[:CONFIG]=OTHER[:CONFIG][!SPLIT][@REVISION]`` applied.

    A configuration after NAME chooses one of several sources of that name. SPLIT is read in place of the last split
    that the source names, the one to score. A source read from elsewhere carries the name that it stands for; the
    same name with a revision only pins it. Raises BadSetting for another form, and for what is not among the sources.
    """
    changes = []
    for text in replacements:
        found = _FORM.fullmatch(text)
        if found is None:
            raise BadSetting(f"{text!r} is not {_FORM_TEXT}, as in rajpurkar/squad=standin/squad")
        if not any(_is_meant(source, found) for source in sources):
            wanted = f"{found['name']}:{found['only']}" if found["only"] else found["name"]
            known = {source.name for source in sources}
            known |= {f"{source.name}:{source.config}" for source in sources if found["only"]} - known
            raise BadSetting(f"{wanted!r} is not read here; the sources are {', '.join(sorted(known))}")
        changes.append(found)
    return [_changed(source, [change for change in changes if _is_meant(source, change)]) for source in sources]


def _is_meant(source: DataSource, change: re.Match[str]) -> bool:
    return change["name"] == source.name and change["only"] in (None, source.config)


def _changed(source: DataSource, changes: Sequence[re.Match[str]]) -> DataSource:
    """By the change for this very configuration, if there is one, else by the last for all of them."""
    if not changes:
        return source
    change = sorted(changes, key=lambda it: it["only"] is not None)[-1]
    config = change["config"] or source.config
    splits = (*source.splits[:-1], change["split"] or source.splits[-1])
    is_same = (change["other"], config, splits) == (source.name, source.config, source.splits)
    return replace(
        source,
        name=change["other"],
        config=config,
        splits=splits,
        revision=change["revision"],
        stands_for="" if is_same else source.name,
    )


def short_name(source: DataSource, own: str) -> str:
    """What task names may call it: ``own`` for the data set itself, else the other's name, marked as a stand-in."""
    if not source.stands_for:
        return own
    words = re.sub(r"[^a-z0-9]+", "-", source.name.lower().removeprefix("standin/")).strip("-")
    return f"standin-{words}"
