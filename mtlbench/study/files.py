"""Study files: a grid written down in TOML (docs/study-files.md)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtlbench.interface.errors import BadStudy, MtlbenchError, nearest
from mtlbench.study.asks import Ask, Place, Study, SuiteAsk, parse_seeds
from mtlbench.study.toml_lines import TomlLines

__all__ = ["parse_study", "read_study", "text_of", "toml_of"]

_TOP = ("seeds", "methods", "suites", "protocol")


def read_study(path: Path) -> Study:
    """The study in a TOML file; raises BadStudy with file, line and key."""
    return parse_study(text_of(path, "study"), str(path))


def text_of(path: Path, kind: str) -> str:
    """What a file of a kind holds; raises BadStudy for one that cannot be read, or is no UTF-8, with its line."""
    try:
        data = path.read_bytes()
        return data.decode()
    except OSError as error:
        raise BadStudy(f"{path}: cannot read the {kind} file: {error.strerror or error}") from None
    except UnicodeDecodeError as broken:
        line = data.count(b"\n", 0, broken.start) + 1
        raise BadStudy(f"{path}, line {line}: a {kind} file is UTF-8 text, and this is not") from None


def parse_study(text: str, source: str) -> Study:
    """The study in a TOML text; ``source`` is what errors call it."""
    return _Reader(toml_of(text, source), source, TomlLines(text)).study()


def toml_of(text: str, source: str) -> dict[str, Any]:
    """What a TOML text holds; raises BadStudy that calls it ``source`` and names the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _toml_error(error, source, text) from None


def _toml_error(error: tomllib.TOMLDecodeError, source: str, text: str) -> BadStudy:
    """What to say of a text that is no TOML, with its line."""
    message = str(error)
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if not found:
        last = len(text.splitlines()) or 1  # what is wrong is that the text ends here
        return BadStudy(f"{source}, line {last}: not TOML: {message}")
    return BadStudy(f"{source}, line {found[1]}: not TOML: {message[: found.start()]} (column {found[2]})")


class _Reader:
    def __init__(self, content: Mapping[str, Any], source: str, lines: TomlLines) -> None:
        self.content, self.source, self.lines = content, source, lines

    def study(self) -> Study:
        for key in self.content:
            if key not in _TOP:
                hint = nearest(key, _TOP)
                raise self.error(
                    f"a study has no key {key!r}"
                    + (f"; did you mean {hint!r}?" if hint else ".")
                    + f" Keys: {', '.join(_TOP)}",
                    key,
                )
        for key in ("methods", "suites"):
            if key not in self.content:
                raise self.error(f"the study has no {key}; add {key} = [...]")
        protocol = self.content.get("protocol", {})
        if not isinstance(protocol, dict):
            raise self.error(f"protocol must be a table of protocol fields, found {protocol!r}", "protocol")
        return Study(
            suites=tuple(self.suite(item, index) for index, item in self.items("suites")),
            methods=tuple(self.ask(item, "methods", index) for index, item in self.items("methods")),
            seeds=self.seeds("seeds", default=1),
            protocol=protocol,
            place=self.place(protocol, "protocol"),
        )

    def suite(self, item: Any, index: int) -> SuiteAsk:
        """One suite; ``methods`` and ``seeds`` in its table stand in for the study's."""
        ask = self.ask(item, "suites", index)
        values = dict(ask.values)
        methods, seeds = None, None
        if isinstance(item, dict):
            if values.pop("methods", None) is not None:
                own = self.items("suites", index, "methods")
                methods = tuple(self.ask(method, "suites", index, "methods", number) for number, method in own)
            if values.pop("seeds", None) is not None:
                seeds = self.seeds("suites", index, "seeds")
        return SuiteAsk(ask.name, values, ask.place, methods, seeds)

    def ask(self, item: Any, *path: str | int) -> Ask:
        if isinstance(item, str):
            return Ask.parse(item, Place(self.source, {"": self.lines.of(*path, text=item)}))
        if not isinstance(item, dict):
            raise self.error(f"expected NAME, NAME[key=value] or a table with a name, found {item!r}", *path)
        values = dict(item)
        name = values.pop("name", None)
        if not isinstance(name, str) or not name.strip():
            raise self.error(f"a table of {path[-2]} needs a name, found {name!r}", *path)
        return Ask(name.strip(), values, self.place(item, *path, text=name))

    def items(self, *path: str | int) -> list[tuple[int, Any]]:
        value: Any = self.content
        for part in path:
            value = value[part]
        if not isinstance(value, list) or not value:
            raise self.error(f"{path[-1]} must be a list with something in it, found {value!r}", *path)
        return list(enumerate(value))

    def seeds(self, *path: str | int, default: int | None = None) -> tuple[int, ...]:
        value: Any = self.content
        for part in path:
            value = value.get(part, default) if isinstance(value, dict) else value[part]
        try:
            return parse_seeds(value if not isinstance(value, str) else [value], "seeds")
        except MtlbenchError as refused:
            raise self.error(str(refused), *path) from None

    def place(self, table: Mapping[str, Any], *path: str | int, text: str | None = None) -> Place:
        start = self.lines.of(*path)
        if text is not None and isinstance(path[-1], int) and start == self.lines.of(*path[:-1]):
            start = self.lines.of(*path, text=text)  # an inline table: all its keys stand where its name stands
            return Place(self.source, {"": start})
        return Place(self.source, {"": start, **{key: self.lines.of(*path, key) for key in table}})

    def error(self, message: str, *path: str | int) -> BadStudy:
        return BadStudy(f"{self.source}, line {self.lines.of(*path)}: {message}")
