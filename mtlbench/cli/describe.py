"""What is installed, described as plain JSON: the words of ``mtlbench list`` and ``mtlbench show``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mtlbench.cli.session import warn
from mtlbench.interface.settings import settings_of, spec_text, values_of
from mtlbench.plugins import Entry, Registry

__all__ = ["KINDS", "as_typed", "described", "entries_of", "recommendations"]

KINDS = ("methods", "suites", "executors", "probes")


def entries_of(registry: Registry, kind: str) -> Mapping[str, Entry[Any]]:
    """The entries of one of ``KINDS`` by name, sorted."""
    entries: Mapping[str, Entry[Any]] = getattr(registry, kind)
    return entries


def described(kind: str, entry: Entry[Any]) -> dict[str, Any]:
    """One entry as JSON. What the plugin cannot tell of it is null, with a warning that names the plugin."""
    cls = entry.cls
    about = {
        "name": entry.name,
        "label": cls.label or entry.name,
        "version": cls.version,
        "settings": _guarded(entry, "settings", lambda: [setting.as_json() for setting in settings_of(cls)]),
        "distribution": entry.distribution,
        "distribution_version": entry.version,
        "plugin": entry.plugin,
    }
    if kind == "methods":
        about |= {"paper": cls.paper, "control": cls.control, "unused_protocol": sorted(cls.unused_protocol)}
    if kind == "suites":
        about |= {"paper": cls.paper, "embedded": cls.embedded}
        about["protocol"] = _guarded(entry, "protocol", lambda: values_of(cls().protocol, late=True))
    return about


def recommendations(kind: str, entry: Entry[Any], registry: Registry) -> dict[str, Any]:
    """What suites recommend, where they do: by suite for a method, by method for a suite."""
    pairs = [(suite, entry.name, suite.name) for suite in registry.suites.values()]
    if kind == "suites":
        pairs = [(entry, method, method) for method in registry.methods]
    told = {}
    for suite, method, name in pairs:
        values = _guarded(suite, "recommendation", partial(_recommended, suite, method))
        if values and (values.settings or values.protocol):
            told[name] = {"settings": dict(values.settings), "protocol": dict(values.protocol)}
    return told


def as_typed(values: Mapping[str, Any]) -> str:
    """Settings as a user types them between brackets: ``beta=0.1, granularity=layer``."""
    return ", ".join(spec_text("", {name: value})[1:-1] for name, value in values.items())


def _recommended(suite: Entry[Any], method: str) -> Any:
    return suite.cls().recommended(method)


def _guarded(entry: Entry[Any], what: str, tell: Callable[[], Any]) -> Any:
    try:
        return tell()
    except Exception as error:
        owner = f"{entry.distribution} {entry.version}".rstrip()
        warn(f"plugin {entry.plugin!r} of {owner}: the {what} of {entry.name!r} cannot be told: {error!r}")
        return None
