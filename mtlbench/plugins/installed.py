"""The entry points of installed distributions, read from their tables.

``importlib.metadata`` knows every layout there is, but importing it takes five times as long as starting the
interpreter (pathlib a quarter of that), and ``mtlbench list`` is to feel immediate. So folders are read here, and it is
asked for the rest alone: archives, and finders of somebody's own.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mtlbench.interface.errors import BadPlugin

if TYPE_CHECKING:
    from importlib.metadata import Distribution

__all__ = ["EntryPoint", "comparable", "entry_points"]

_ABOUT = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}


class EntryPoint(NamedTuple):
    """One line of a table. error: why the table cannot be read; there is then no value."""

    name: str
    value: str
    distribution: str
    version: str
    error: str | None = None

    def load(self) -> object:
        """Import what the line names. Raises BadPlugin for a broken table, and whatever the import raises."""
        from importlib import import_module

        if self.error is not None:
            raise BadPlugin(self.error)
        module, _, attributes = self.value.partition("[")[0].partition(":")
        found: object = import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            found = getattr(found, attribute)
        return found


def comparable(name: str) -> str:
    """One spelling for names that differ in case, hyphens, dots and underscores only, as installers see it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def entry_points(group: str) -> Iterator[EntryPoint]:
    """All entry points of ``group``; of two distributions of one name the first on ``sys.path`` counts."""
    seen: set[str] = set()
    if any(hasattr(finder, "find_distributions") and not _is_builtin(finder) for finder in sys.meta_path):
        yield from _asked_for(None, group, seen)
        return
    for entry in sys.path:
        folder = entry or "."
        try:
            with os.scandir(folder) as files:
                names = sorted(file.name for file in files if file.name.endswith(tuple(_ABOUT)))
        except NotADirectoryError:  # an archive
            names = None
        except OSError:  # absent, or not ours to read: nothing can be imported from it either
            continue
        if names is None or folder.endswith(".egg"):
            yield from _asked_for([entry], group, seen)
        else:
            yield from _in_folder(folder, names, group, seen)


def _in_folder(folder: str, names: Sequence[str], group: str, seen: set[str]) -> Iterator[EntryPoint]:
    for name in names:
        # As importlib.metadata has it, the folder's name says whose it is: "some_dist-1.0.dist-info".
        key = comparable(name.rpartition(".")[0].partition("-")[0])
        if key in seen:
            continue
        seen.add(key)
        table = _bytes(folder, name, "entry_points.txt")
        if f"[{group}]".encode() in table:
            about = _bytes(folder, name, _ABOUT[name[name.rindex(".") :]]).decode(errors="replace")
            distribution = _header(about, "Name") or key
            # An interrupted upgrade leaves "~ome_dist-0.9.dist-info" beside it, under the same name inside.
            if comparable(distribution) == key:
                yield from _points(table, group, distribution, _header(about, "Version"))


def _asked_for(path: list[str] | None, group: str, seen: set[str]) -> Iterator[EntryPoint]:
    from importlib.metadata import distributions

    found: Iterator[Distribution] = iter(distributions() if path is None else distributions(path=path))
    for distribution in found:
        about = distribution.metadata
        name = about["Name"] or "unknown"
        if comparable(name) not in seen:
            seen.add(comparable(name))
            table = (distribution.read_text("entry_points.txt") or "").encode()
            yield from _points(table, group, name, about["Version"] or "")


def _points(table: bytes, group: str, distribution: str, version: str) -> Iterator[EntryPoint]:
    section = ""
    for number, raw in enumerate(table.splitlines(), start=1):
        line = raw.decode(errors="replace").strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif section == group and line and not line.startswith("#"):
            name, equals, value = (part.strip() for part in line.partition("="))
            error = None if equals and name and value else f"line {number} of its entry_points.txt is {line!r}"
            yield EntryPoint(name, value, distribution, version, error)


def _header(about: str, field: str) -> str:
    for line in about.split("\n"):
        name, _, value = line.partition(":")
        if name == field:
            return value.strip()
        if not line.strip():  # below stands the description
            break
    return ""


def _bytes(*parts: str) -> bytes:
    try:
        with open(os.sep.join(parts), "rb") as file:  # noqa: PTH118, PTH123 - see above
            return file.read()
    except OSError:  # most distributions have no table; one that cannot be read offers nothing
        return b""


def _is_builtin(finder: object) -> bool:
    return getattr(finder, "__module__", "").startswith(("_frozen_importlib", "importlib"))
