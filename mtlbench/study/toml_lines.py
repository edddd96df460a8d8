"""On which line a key of a TOML file stands; ``tomllib`` tells that only of what it cannot read."""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["TomlLines"]

Path = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_STRINGS = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')


class TomlLines:
    """The lines of a valid TOML text, by path: ``("suites", 0, "budget")`` is the first suite's budget.

    Knows tables, arrays of tables, dotted keys and arrays over several lines. What it cannot place (a key of an
    inline table) it places at the nearest thing around that it can.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._starts: dict[Path, int] = {}
        table: Path = ()
        seen: Counter[Path] = Counter()
        depth = 0
        for number, line in enumerate(self._lines, start=1):
            if depth == 0 and (header := _HEADER.match(line)):
                table = self._placed(_parts(header[2]), seen)
                if header[1] == "[[":
                    seen[table] += 1
                    table = (*table, seen[table] - 1)
                self._starts.setdefault(table, number)
                continue
            rest = line
            if depth == 0 and (key := _KEY.match(line)):
                self._starts.setdefault((*table, *_parts(key[1])), number)
                rest = line[key.end() :]
            bare = _STRINGS.sub("", rest).partition("#")[0]
            depth = max(0, depth + bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}"))

    @staticmethod
    def _placed(parts: Path, seen: Counter[Path]) -> Path:
        """A header's path with the running index after every array of tables but the last name."""
        path: Path = ()
        for part in parts[:-1]:
            path = (*path, part)
            if seen[path]:
                path = (*path, seen[path] - 1)
        return (*path, *parts[-1:])

    def of(self, *path: str | int, text: str | None = None) -> int:
        """The line of a path; of the string ``text`` at or after it, where it is given and found."""
        start = self._starts.get(path)
        while start is None and path:
            path = path[:-1]
            start = self._starts.get(path)
        start = start or 1
        if text is not None:
            for number in range(start, len(self._lines) + 1):
                if f'"{text}"' in self._lines[number - 1] or f"'{text}'" in self._lines[number - 1]:
                    return number
        return start


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(text))
