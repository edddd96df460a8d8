"""Where plugins come from: entry points of installed distributions, and files named with ``-p``."""

from __future__ import annotations

import hashlib
import importlib.metadata as metadata
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path

from mtlbench.interface.errors import BadPlugin

__all__ = ["GROUP", "HOME", "Candidate", "comparable", "file_candidate", "installed_candidates", "of_object"]

GROUP = "mtlbench"
"""The entry-point group that plugins register in."""
HOME = "mtlbench"
"""The distribution whose names no other plugin may take."""


@dataclass(frozen=True)
class Candidate:
    """A plugin that has not been imported yet.

    name: its entry point, or the stem of its file. origin: the module, ``module:object`` or path that it names.
    load: imports it; may raise anything.
    """

    name: str
    distribution: str
    version: str
    origin: str
    load: Callable[[], object]


def comparable(name: str) -> str:
    """One spelling for names that differ in case, hyphens, dots and underscores only, as installers see it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def of_object(plugin: object, name: str, distribution: str = "in-process", version: str = "") -> Candidate:
    """A module, class or instance with hooks that this process already holds, for tests and notebooks."""
    return Candidate(name, distribution, version, f"{type(plugin).__module__}:{name}", lambda: plugin)


def installed_candidates() -> list[Candidate]:
    """One per entry point: those of mtlbench first, then by distribution and name, whatever the order on disk."""
    try:
        found = list(_of_entry_points(metadata.entry_points(group=GROUP)))
    except Exception:
        # One distribution with a malformed table spoils the scan of all: look at each by itself.
        found = [candidate for distribution in _distributions() for candidate in _of_distribution(distribution)]
    return sorted(found, key=lambda it: (comparable(it.distribution) != HOME, comparable(it.distribution), it.name))


def file_candidate(text: str) -> Candidate:
    """The plugin of ``-p path/to/file.py``. Raises BadPlugin when there is no such file."""
    path = Path(text).expanduser()
    if path.suffix != ".py":
        raise BadPlugin(f"-p takes the path of a .py file or no:NAME, found {text!r}")
    if not path.is_file():
        raise BadPlugin(f"-p names a plugin file that does not exist: {text}")
    path = path.resolve()
    return Candidate(path.stem, path.name, "", str(path), lambda: _import_file(path))


def _of_entry_points(points: Iterable[metadata.EntryPoint]) -> Iterator[Candidate]:
    described: dict[int, tuple[str, str]] = {}  # parsing a distribution's metadata is slow: once each
    for point in points:
        key = id(point.dist)
        if key not in described:
            described[key] = _name_and_version(point.dist)
        yield Candidate(point.name, *described[key], point.value, point.load)


def _name_and_version(distribution: metadata.Distribution | None) -> tuple[str, str]:
    if distribution is None:
        return "unknown", ""
    about = distribution.metadata
    return about["Name"] or "unknown", about["Version"] or ""


def _distributions() -> Iterator[metadata.Distribution]:
    """Every distribution once: the first on sys.path hides the later ones of its name, as in imports."""
    seen = set()
    for distribution in metadata.distributions():
        name = comparable(_name_and_version(distribution)[0])
        if name not in seen:
            seen.add(name)
            yield distribution


def _of_distribution(distribution: metadata.Distribution) -> list[Candidate]:
    try:
        return list(_of_entry_points(distribution.entry_points.select(group=GROUP)))
    except Exception as error:
        if f"[{GROUP}]" not in (distribution.read_text("entry_points.txt") or ""):
            return []
        refusal = BadPlugin(f"its entry_points.txt cannot be parsed: {error}")
        return [Candidate("?", *_name_and_version(distribution), "entry_points.txt", lambda: _refuse(refusal))]


def _refuse(refusal: BadPlugin) -> object:
    raise refusal


def _import_file(path: Path) -> object:
    # The path is part of the module's name, so that two files of one name do not meet; dataclasses look their
    # module up in sys.modules while it is being executed.
    name = f"mtlbench_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    loader = SourceFileLoader(name, str(path))
    spec = ModuleSpec(name, loader, origin=str(path))
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
