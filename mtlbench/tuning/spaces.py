"""Space files: which methods are tuned on a suite, over what, in how many trials (docs/tuning.md)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.interface.errors import BadSetting, BadStudy, MtlbenchError, nearest
from mtlbench.study.asks import Ask, Place, parse_seeds
from mtlbench.study.files import text_of, toml_of
from mtlbench.study.toml_lines import TomlLines
from mtlbench.tuning.dimensions import Dimension, parse_dimension

if TYPE_CHECKING:
    from mtlbench.plugins import Registry

__all__ = ["Section", "Space", "Spaces", "parse_spaces", "read_spaces", "shipped_spaces"]

_SECTION = ("trials", "seeds", "methods", "space", "method")


@dataclass(frozen=True)
class Space:
    """A table of dimensions; None takes a common one away. place: where it was written."""

    dimensions: Mapping[str, Dimension | None] = field(default_factory=dict)
    place: Place = field(default_factory=Place)


@dataclass(frozen=True)
class Section:
    """What is said for one suite. own: by method, in the order of ``methods``."""

    trials: int
    seeds: tuple[int, ...]
    methods: tuple[Ask, ...]
    space: Space
    own: tuple[tuple[Ask, Space], ...]

    def own_of(self, method: Ask) -> Space:
        """The dimensions that one method alone has."""
        found = (space for ask, space in self.own if _same(ask, method))
        return next(found, Space())


@dataclass(frozen=True)
class Spaces:
    """A whole space file. source: what it is called."""

    top: Section
    suites: Mapping[str, Section]
    source: str

    def of(self, suite: str) -> Section:
        """The suite's section, or what is said at the top."""
        return self.suites.get(suite, self.top)

    def of_installed(self, registry: Registry) -> Spaces:
        """Without the suites and methods that are not installed: a plugin that was taken away takes its name along."""

        def kept(section: Section) -> Section:
            methods = tuple(ask for ask in section.methods if ask.name in registry.methods)
            return dataclasses.replace(section, methods=methods)

        suites = {name: kept(section) for name, section in self.suites.items() if name in registry.suites}
        return Spaces(kept(self.top), suites, self.source)


def shipped_spaces() -> Spaces:
    """The spaces that come with mtlbench."""
    text = files("mtlbench.tuning").joinpath("spaces.toml").read_text(encoding="utf-8")
    return parse_spaces(text, "the shipped spaces")


def read_spaces(path: Path) -> Spaces:
    """The spaces in a TOML file; raises BadStudy with file and line."""
    return parse_spaces(text_of(path, "space"), str(path))


def parse_spaces(text: str, source: str) -> Spaces:
    """The spaces in a TOML text; ``source`` is what errors call it."""
    return _Reader(toml_of(text, source), source, TomlLines(text)).spaces()


class _Reader:
    def __init__(self, content: Mapping[str, Any], source: str, lines: TomlLines) -> None:
        self.content, self.source, self.lines = content, source, lines

    def spaces(self) -> Spaces:
        for key in ("trials", "seeds", "methods"):
            if key not in self.content:
                raise self.error(f"the space file has no {key}; add {key} = ...")
        self.check(self.content, (*_SECTION, "suite"))
        suites = {}
        for name, table in self.table(self.content, "suite").items():
            if not isinstance(table, dict):
                raise self.error(f"suite.{name} must be a table, found {table!r}", "suite", name)
            self.check(table, _SECTION, "suite", name)
            suites[name] = self.section({**self.content, **table}, dict.fromkeys(table, ("suite", name)))
        return Spaces(self.section(self.content, {}), suites, self.source)

    def section(self, table: Mapping[str, Any], paths: Mapping[str, tuple[str, ...]]) -> Section:
        """paths: key to the table that gives it; the top does, if none is named."""

        def path(key: str, *rest: str | int) -> tuple[str | int, ...]:
            return (*paths.get(key, ()), key, *rest)

        trials = table["trials"]
        if not isinstance(trials, int) or isinstance(trials, bool) or trials < 1:
            raise self.error(f"trials must be a positive number, found {trials!r}", *path("trials"))
        try:
            seeds = parse_seeds(table["seeds"], "seeds")
        except BadSetting as refused:
            raise self.error(str(refused), *path("seeds")) from None
        specs = table["methods"]
        if not isinstance(specs, list) or not specs or not all(isinstance(spec, str) for spec in specs):
            raise self.error(f"methods must be a list of NAME or NAME[key=value], found {specs!r}", *path("methods"))
        methods = tuple(self.ask(spec, self.lines.of(*path("methods"), text=spec)) for spec in specs)
        own = []
        for spec, dimensions in self.table(table, "method", *paths.get("method", ())).items():
            ask = self.ask(spec, self.lines.of(*path("method", spec)))
            if not any(_same(ask, method) for method in methods):
                raise self.error(
                    f"{spec} has a section and is not among the methods: {', '.join(specs)}", *path("method", spec)
                )
            own.append((ask, self.space(dimensions, *path("method", spec))))
        common = self.space(table.get("space", {}), *path("space"))
        return Section(trials, seeds, methods, common, tuple(own))

    def space(self, table: Any, *path: str | int) -> Space:
        if not isinstance(table, dict):
            raise self.error(f"{'.'.join(map(str, path))} must be a table of dimensions, found {table!r}", *path)
        found = {}
        for name, value in table.items():
            try:
                found[name] = parse_dimension(value)
            except MtlbenchError as refused:
                raise self.error(f"{name}: {refused}", *path, name) from None
        return Space(found, Place(self.source, {"": self.lines.of(*path), **self._lines(table, *path)}))

    def _lines(self, table: Mapping[str, Any], *path: str | int) -> dict[str, int]:
        return {key: self.lines.of(*path, key) for key in table}

    def ask(self, spec: str, line: int) -> Ask:
        return Ask.parse(spec, Place(self.source, {"": line}))

    def table(self, table: Mapping[str, Any], key: str, *path: str) -> dict[str, Any]:
        found = table.get(key, {})
        if not isinstance(found, dict):
            raise self.error(f"{key} must be a table, found {found!r}", *path, key)
        return found

    def check(self, table: Mapping[str, Any], known: tuple[str, ...], *path: str) -> None:
        for key in table:
            if key not in known:
                hint = nearest(key, known)
                raise self.error(
                    f"a space file has no key {key!r} here"
                    + (f"; did you mean {hint!r}?" if hint else ".")
                    + f" Keys: {', '.join(known)}",
                    *path,
                    key,
                )

    def error(self, message: str, *path: str | int) -> BadStudy:
        return BadStudy(f"{self.source}, line {self.lines.of(*path)}: {message}")


def _same(one: Ask, other: Ask) -> bool:
    return one.name == other.name and dict(one.values) == dict(other.values)
