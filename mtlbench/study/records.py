"""Records: what came out of a cell, written once; reading one checks that it is what it says."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from mtlbench.interface.errors import BadRecord, BadSetting
from mtlbench.interface.run import Cell
from mtlbench.interface.settings import spec_text
from mtlbench.study.json_text import JsonText, json_of
from mtlbench.study.keys import canonical_json, cell_content, cell_from, sha256_of

__all__ = [
    "FIELDS",
    "SCHEMA",
    "FutureRecord",
    "cell_of",
    "check_record",
    "load_record",
    "make_record",
    "migrate",
    "read_checked",
    "record_bytes",
]

SCHEMA = 1
"""Raised when a field comes to mean something else; a migration step and an old file as fixture come with it."""

Record = dict[str, Any]

_MIGRATIONS: dict[int, Callable[[Record], Record]] = {}
"""From a schema to the next: takes a record of the schema that is its key, and may change it in place."""

_HEADER: dict[str, type] = {
    "schema": int,
    "key": str,
    "digest": str,
    "status": str,
    "variant": str,
    "cell": dict,
    "provenance": dict,
    "outcome": dict,
    "measured": dict,
}
FIELDS = tuple(_HEADER)
"""What a record has, and nothing else."""
_OUTCOME, _CLOSED = b'\n "outcome": {\n', b"\n }"
_STANDIN = secrets.token_hex().encode()
_LINE_START = re.compile(rb"\n *")
_STATUSES = ("done", "diverged")


class FutureRecord(BadRecord):
    """A record of a newer mtlbench: nothing is wrong with it."""


def make_record(
    cell: Cell, outcome: Mapping[str, Any], measured: Mapping[str, Any], provenance: Mapping[str, Any]
) -> Record:
    """The record of a finished or diverged cell. Raises BadRecord when a block is not JSON (NaN is not)."""
    plain = _plain(outcome, f"the outcome of {cell.variant} on {cell.suite}")
    return {
        "schema": SCHEMA,
        "key": cell.key,
        "digest": sha256_of(plain),
        "status": "done" if plain.get("divergence") is None else "diverged",
        "variant": cell.variant,
        "cell": _plain(cell_content(cell), f"{cell.variant} on {cell.suite}"),
        "provenance": _plain(provenance, "the provenance"),
        "outcome": plain,
        "measured": _plain(measured, f"what was measured of {cell.variant} on {cell.suite}"),
    }


def _plain(value: Mapping[str, Any], what: str) -> dict[str, Any]:
    """``value`` as it will be read again: tuples as lists, keys as text."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(value), allow_nan=False))
    except (ValueError, TypeError) as error:
        raise BadRecord(f"{what} is not JSON: {error}") from None
    return plain


def record_bytes(record: Mapping[str, Any]) -> bytes:
    """A record as its file holds it: one line for each entry of each block, so that changes show.

    The outcome's lines are canonical JSON: joined, they are the text that the digest is of.
    """
    lines = []
    for name in _HEADER:
        value = record[name]
        if name == "outcome" and value:
            inner = ",\n".join(f"  {canonical_json({key: value[key]})[1:-1]}" for key in sorted(value))
            lines.append(f'"outcome": {{\n{inner}\n }}')
        elif isinstance(value, dict) and value:
            inner = ",\n".join(f"  {_compact(key)}: {_compact(value[key])}" for key in sorted(value))
            lines.append(f"{_compact(name)}: {{\n{inner}\n }}")
        else:
            lines.append(f"{_compact(name)}: {_compact(value)}")
    return ("{\n " + ",\n ".join(lines) + "\n}\n").encode()


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=True)


def load_record(
    path: Path, look: Callable[[bytes], object] | None = None, outcome_of: Callable[[JsonText], Any] = json_of
) -> Record:
    """The checked record at ``path``, of the present schema; raises BadRecord, FutureRecord or FileNotFoundError.

    look: is given the file's bytes, before anything is made of them. outcome_of: is given the JSON of an outcome whose
    digest is right, and may leave out what the caller does not need.
    """
    record = read_checked(path, look, outcome_of)
    expected = (record["cell"]["suite"], record["cell"]["method"], f"{record['key']}.json")
    if path.parts[-3:] != expected:
        raise BadRecord(f"lies in the wrong place: it belongs at {'/'.join(f'{name:.80}' for name in expected)}")
    return record


def read_checked(
    path: Path, look: Callable[[bytes], object] | None = None, outcome_of: Callable[[JsonText], Any] = json_of
) -> Record:
    """The same of a record that may lie anywhere."""
    try:
        data = path.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise BadRecord(f"cannot be read: {error.strerror or error}") from None
    if look is not None:
        look(data)
    if not data.strip():
        raise BadRecord("the file is empty")
    try:
        content, digest = _parsed(data, outcome_of)
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"not JSON, perhaps cut short: {error}") from None
    return check_record(content, digest)


def _parsed(data: bytes, outcome_of: Callable[[JsonText], Any] = json_of) -> tuple[Any, str | None]:
    """A record's file as JSON and, where the outcome is written as ``record_bytes`` does, the outcome's digest.

    To hash the text that is there takes a tenth of the time of writing it anew, which boards of ten thousand records
    feel. What is hashed is what is parsed, but for space between tokens, and it is the record's outcome: the rest of
    the file has what stands in its place, and nobody can have written that before. It may be JSON of another form than
    the canonical one: a name twice, 1e999; ``check_record`` without the digest refuses that.
    """
    before = data.find(_OUTCOME)
    opened = before + len(_OUTCOME) - 2
    closed = data.find(_CLOSED, opened) if before >= 0 else -1
    if closed >= 0:
        end = closed + len(_CLOSED)
        try:
            around = json_of(b'%b\n "outcome": "%b"%b' % (data[:before], _STANDIN, data[end:]))
            found = (around.get("outcome"), around.get("schema")) if isinstance(around, dict) else None
            if found == (_STANDIN.decode(), SCHEMA):
                digest = _joined_digest(data, opened, closed)
                read = outcome_of if digest == around.get("digest") else json_of
                return {**around, "outcome": read(memoryview(data)[opened:end])}, digest
        except ValueError:  # the block ends elsewhere
            pass
    return json_of(data), None


def _joined_digest(data: bytes, opened: int, closed: int) -> str:
    """sha256 of the object that opens and closes at two places, without line ends and indentation."""
    text, digest = memoryview(data), hashlib.sha256(b"{")
    gaps = [gap.span() for gap in _LINE_START.finditer(data, opened + 1, closed)]
    for (_, start), (end, _) in pairwise([*gaps, (closed, closed)]):
        digest.update(text[start:end])
    digest.update(b"}")
    return digest.hexdigest()


def check_record(content: Any, digest: str | None = None) -> Record:
    """``content`` as a record of the present schema, if all it says is true; raises BadRecord or FutureRecord.

    digest: of the outcome's canonical JSON, where the caller has it; one that does not fit is computed anew.
    """
    if not isinstance(content, dict):
        raise BadRecord(f"a record is a JSON object, found {type(content).__name__}")
    record: Record = migrate(content)
    for name, kind in _HEADER.items():
        if name not in record:
            raise BadRecord(f"lacks {name!r}")
        if not isinstance(record[name], kind):
            raise BadRecord(f"{name!r} must be {kind.__name__}, found {record[name]!r:.80}")
    if record["status"] not in _STATUSES:
        raise BadRecord(f"'status' must be one of {', '.join(_STATUSES)}, found {record['status']!r}")
    try:
        cell = cell_of(record)
        if digest != record["digest"]:
            digest = sha256_of(record["outcome"])
    except (BadSetting, ValueError, RecursionError) as error:  # ValueError: 1e999 is read as infinite
        raise BadRecord(str(error)) from None
    if not _is_named_truly(cell):
        raise BadRecord(f"variant does not match the cell: {cell.variant!r:.80}; one of them was changed after the run")
    if cell.key != record["key"]:
        raise BadRecord("key does not match the cell: one of them was changed after the run")
    if digest != record["digest"]:
        raise BadRecord("digest does not match the outcome: one of them was changed after the run")
    if (record["status"] == "diverged") != (record["outcome"].get("divergence") is not None):
        raise BadRecord(f"status {record['status']!r} contradicts the outcome's divergence")
    return record


def cell_of(record: Mapping[str, Any]) -> Cell:
    """The cell that a record answers; raises BadRecord when its content is not a cell's."""
    try:
        cell = cell_from(record["cell"], record["variant"])
    except KeyError as error:
        raise BadRecord(f"'cell' lacks or does not know: {error.args[0]}") from None
    except BadSetting as error:
        raise BadRecord(str(error)) from None
    kinds: dict[str, type] = {"settings": dict, "options": dict, "protocol": dict, "seed": int}
    for name, kind in kinds.items():
        if not isinstance(getattr(cell, name), kind):
            raise BadRecord(f"cell.{name} must be {kind.__name__}, found {getattr(cell, name)!r:.80}")
    for name in ("method", "method_version", "suite", "suite_version", "fingerprint"):
        if not isinstance(getattr(cell, name), str):
            raise BadRecord(f"cell.{name} must be str, found {getattr(cell, name)!r:.80}")
    return cell


def _is_named_truly(cell: Cell) -> bool:
    """Whether the variant is the method's name, with values in brackets that are the cell's own; no hash covers it.

    Compared as text, from the cell's side: a value may hold commas and brackets, so that the text alone has no one
    reading.
    """
    name, bracket, rest = cell.variant.partition("[")
    if name != cell.method or bool(bracket) != rest.endswith("]"):
        return False
    rest = rest[:-1] + "," if bracket else ""
    values = {**cell.protocol, **cell.settings}
    for key in sorted(values) if rest else ():
        rest = rest.removeprefix(f"{spec_text('', {key: values[key]})[1:-1]},")
    return not rest


def migrate(
    record: Record, steps: Mapping[int, Callable[[Record], Record]] = _MIGRATIONS, schema: int = SCHEMA
) -> Record:
    """``record`` in ``schema``, one step after the other; raises FutureRecord for a newer one."""
    found = record.get("schema")
    if not isinstance(found, int) or isinstance(found, bool):
        raise BadRecord(f"'schema' must be a whole number, found {found!r:.80}")
    if found > schema:
        raise FutureRecord(
            f"written by a newer mtlbench (schema {found}; this one reads up to {schema}): upgrade mtlbench"
        )
    while record["schema"] < schema:
        step = steps.get(record["schema"])
        if step is None:
            raise BadRecord(f"schema {record['schema']} was never in use")
        record = {**step(record), "schema": record["schema"] + 1}
    return record
