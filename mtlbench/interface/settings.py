"""Settings: the typed fields of a method's, suite's or executor's dataclass, from text and from JSON.

A setting has a name, a type, a default and a help line (the docstring under its field). Types are bool, int,
float, str, ``Literal``, tuples of those, and any of them ``| None``. Values arrive as text from the command line
(``mtl[rows=1]``) or as JSON from study files and records, and leave as JSON.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import math
import textwrap
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mtlbench.interface.errors import BadSetting, nearest

__all__ = ["Setting", "build", "coerce", "parse_spec", "settings_of", "spec_text", "values_of"]

_ABSENT = ("none", "null")
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True)
class Setting:
    """One field of a settings dataclass, described."""

    name: str
    type: Any
    default: Any
    help: str

    @property
    def type_text(self) -> str:
        """The type as a person reads it: ``int``, ``sum | mean``, ``float | none``, ``list of str``."""
        return _type_text(self.type)

    def as_json(self) -> dict[str, Any]:
        """For ``mtlbench list --json``; a setting without a default has ``"required": true``."""
        required = self.default is dataclasses.MISSING
        described = {"name": self.name, "type": self.type_text, "help": self.help, "required": required}
        return described if required else {**described, "default": _plain(self.default)}


def settings_of(cls: type) -> list[Setting]:
    """The settings of a dataclass, in field order; the class itself is not instantiated."""
    hints = typing.get_type_hints(cls)
    helps = _field_docs(cls)
    found = []
    for field in dataclasses.fields(cls):
        if not field.init:
            continue
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        found.append(Setting(field.name, hints[field.name], default, helps.get(field.name, "")))
    return found


def build(cls: type, values: Mapping[str, Any], owner: str) -> Any:
    """An instance of the settings dataclass ``cls`` from text or JSON values.

    owner: what the errors name, as in ``method gradvac``. Raises BadSetting for an unknown name (with the nearest
    known one), a value of the wrong type, a missing value, or one that the class itself refuses.
    """
    settings = {setting.name: setting for setting in settings_of(cls)}
    for name in values:
        if name not in settings:
            raise unknown_setting(name, settings, owner)
    for name, setting in settings.items():
        if name not in values and setting.default is dataclasses.MISSING:
            raise BadSetting(f"{owner}: setting {name!r} ({setting.type_text}) has no default and must be given")
    typed = {name: coerce(value, settings[name].type, f"{owner}: setting {name!r}") for name, value in values.items()}
    try:
        return cls(**typed)
    except BadSetting as refused:
        raise BadSetting(f"{owner}: {refused}") from None


def unknown_setting(name: str, known: Iterable[str], owner: str) -> BadSetting:
    """The error for a setting that ``owner`` does not have."""
    names = list(known)
    hint = nearest(name, names)
    return BadSetting(
        f"{owner} has no setting {name!r}"
        + (f"; did you mean {hint!r}?" if hint else ".")
        + f" Settings: {', '.join(names) or 'none'}"
    )


def values_of(instance: Any, *, late: bool = False) -> dict[str, Any]:
    """The settings of an instance as JSON values, in field order.

    A field that came late (``metadata={"late": True}``) is told only where it differs from its default, unless
    ``late``: keys that were made before it stay what they are.
    """
    told = {field.name: field for field in dataclasses.fields(instance) if field.init}
    values = {name: getattr(instance, name) for name in told}
    return {
        name: _plain(value)
        for name, value in values.items()
        if late or not told[name].metadata.get("late") or value != told[name].default
    }


def coerce(value: Any, kind: Any, what: str) -> Any:
    """``value`` (text or JSON) as type ``kind``; raises BadSetting that begins with ``what``."""
    options = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        if type(None) in options and (value is None or (isinstance(value, str) and value.lower() in _ABSENT)):
            return None
        return _first_fit(value, [option for option in options if option is not type(None)], kind, what)
    if origin is Literal:
        for option in options:
            if value == option or (isinstance(value, str) and value == str(option)):
                return option
        hint = nearest(str(value), [str(option) for option in options])
        raise BadSetting(
            f"{what} must be one of {', '.join(map(str, options))}, found {value!r}"
            + (f"; did you mean {hint!r}?" if hint else "")
        )
    if origin is tuple:
        return _coerce_tuple(value, options, kind, what)
    return _coerce_scalar(value, kind, what)


def _first_fit(value: Any, options: list[Any], kind: Any, what: str) -> Any:
    refusals = []
    for option in options:
        try:
            return coerce(value, option, what)
        except BadSetting as refused:
            refusals.append(refused)
    if len(refusals) == 1:
        raise refusals[0]
    raise _wrong(value, kind, what)


def _coerce_tuple(value: Any, options: tuple[Any, ...], kind: Any, what: str) -> tuple[Any, ...]:
    if isinstance(value, str):
        inner = value.strip()
        if inner[:1] in "[(" and inner[-1:] in "])" and len(inner) >= 2:
            inner = inner[1:-1]
        value = [part.strip() for part in inner.split(",")] if inner.strip() else []
    if not isinstance(value, (list, tuple)):
        raise _wrong(value, kind, what)
    if len(options) == 2 and options[1] is Ellipsis:
        return tuple(coerce(item, options[0], what) for item in value)
    if len(value) != len(options):
        raise BadSetting(f"{what} needs {len(options)} values, found {len(value)}")
    return tuple(coerce(item, option, what) for item, option in zip(value, options, strict=True))


def _coerce_scalar(value: Any, kind: Any, what: str) -> Any:
    if kind is bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _TRUTH:
            return _TRUTH[value.lower()]
    elif kind is int:
        return _coerce_int(value, what)
    elif kind is float:
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            try:
                number = float(value)
            except (ValueError, OverflowError):
                raise _wrong(value, kind, what) from None
            if not math.isfinite(number):
                raise BadSetting(f"{what} must be a finite number, found {value!r}")
            return number
    elif kind is str:
        if isinstance(value, str):
            return value
    else:
        raise TypeError(f"settings cannot have type {kind!r}")
    raise _wrong(value, kind, what)


def _coerce_int(value: Any, what: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            raise _wrong(value, int, what) from None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise _wrong(value, int, what)


def _wrong(value: Any, kind: Any, what: str) -> BadSetting:
    return BadSetting(f"{what} must be {_type_text(kind)}, found {value!r}")


def _type_text(kind: Any) -> str:
    origin, options = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " | ".join("none" if option is type(None) else _type_text(option) for option in options)
    if origin is Literal:
        return " | ".join(map(str, options))
    if origin is tuple:
        if len(options) == 2 and options[1] is Ellipsis:
            return f"list of {_type_text(options[0])}"
        return "(" + ", ".join(map(_type_text, options)) + ")"
    return str(getattr(kind, "__name__", kind))


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def _field_docs(cls: type) -> dict[str, str]:
    """The docstring under each field, of the class and its bases; empty where the source is out of reach."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if dataclasses.is_dataclass(base):
            docs |= _own_field_docs(base)
    return docs


@functools.cache
def _own_field_docs(cls: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if tree.body and isinstance(tree.body[0], ast.ClassDef) else []
    docs = {}
    for field, text in zip(body, body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            docs[field.target.id] = " ".join(text.value.value.split())
    return docs


def parse_spec(text: str) -> tuple[str, dict[str, str]]:
    """``"gradvac[beta=0.1,groups=layer]"`` as ``("gradvac", {"beta": "0.1", "groups": "layer"})``.

    Lists stand in brackets: ``tydiqa[languages=[ar,bn]]``. Raises BadSetting when the text has another form.
    """
    name, bracket, rest = text.strip().partition("[")
    if not bracket:
        return name, {}
    if not rest.endswith("]"):
        raise BadSetting(f"{text!r} lacks its closing bracket; write NAME[key=value,key=value]")
    values: dict[str, str] = {}
    for part in _split_outside_brackets(rest[:-1]):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise BadSetting(f"{text!r}: {part!r} is not key=value; write NAME[key=value,key=value]")
        if key.strip() in values:
            raise BadSetting(f"{text!r} gives {key.strip()!r} twice")
        values[key.strip()] = value.strip()
    return name.strip(), values


def _split_outside_brackets(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for position, char in enumerate(text):
        depth += (char in "[(") - (char in "])")
        if char == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [part for part in [*parts, text[start:]] if part.strip()]


def spec_text(name: str, values: Mapping[str, Any]) -> str:
    """The inverse of ``parse_spec``: how a board names a method with settings, keys sorted."""
    if not values:
        return name
    return f"{name}[{','.join(f'{key}={_value_text(values[key])}' for key in sorted(values))}]"


def _value_text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_value_text, value))}]"
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
