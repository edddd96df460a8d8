"""The registry: what is installed, by name, and who provides it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import pluggy

from mtlbench.interface.config import Config
from mtlbench.interface.errors import BadPlugin, UnknownName
from mtlbench.interface.executor import Executor
from mtlbench.interface.method import Method
from mtlbench.interface.probe import Probe
from mtlbench.interface.suite import Suite
from mtlbench.plugins.candidates import Candidate, file_candidate, installed_candidates
from mtlbench.plugins.installed import comparable
from mtlbench.plugins.loading import Plugin, Quarantined, examine, install, told, without_clashes
from mtlbench.plugins.offers import KINDS, new_manager

__all__ = ["Blocked", "Entry", "Registry", "build_registry", "load_registry"]

DISABLE = "MTLBENCH_DISABLE"
"""The environment variable that blocks plugins: names of entry points or distributions, comma between them."""

_Offered = TypeVar("_Offered")


class Entry(NamedTuple, Generic[_Offered]):
    """One offered class and where it comes from."""

    cls: type[_Offered]
    name: str
    plugin: str
    """The plugin's name in this registry."""
    distribution: str
    """For a file given with ``-p``, the file's name."""
    version: str

    @property
    def source(self) -> str | None:
        """sha256 (64 hex digits) of the file that defines the class; None for a class that comes from no file."""
        import hashlib
        from pathlib import Path

        file = getattr(sys.modules.get(self.cls.__module__), "__file__", None)
        if file is None or not Path(file).is_file():
            return None
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()

    def provenance(self) -> dict[str, str | None]:
        """As records keep it: distribution, version, source."""
        return {"distribution": self.distribution, "version": self.version, "source": self.source}


class Blocked(NamedTuple):
    """A plugin that was not imported, because somebody said so."""

    candidate: Candidate
    reason: str


class Registry:
    """All plugins of one process. Lookups raise UnknownName with the nearest name that is installed."""

    methods: Mapping[str, Entry[Method]]
    suites: Mapping[str, Entry[Suite]]
    executors: Mapping[str, Entry[Executor]]
    probes: Mapping[str, Entry[Probe]]

    def __init__(
        self,
        manager: pluggy.PluginManager,
        plugins: Mapping[str, Plugin],
        quarantined: Sequence[Quarantined] = (),
        blocked: Sequence[Blocked] = (),
    ) -> None:
        """plugins: plugin name to plugin, in the order of loading."""
        self.manager = manager
        self.plugins = plugins
        self.quarantined = quarantined
        self.blocked = blocked
        self.failures: dict[str, str] = {}
        """Plugin name to its first failure in an observer since ``collect_extras`` last told of it."""
        self.warned: set[str] = set()
        """The plugins whose failing has been told to the user."""
        self.methods, self.suites, self.executors, self.probes = (self._entries(kind) for kind in KINDS)

    @property
    def hook(self) -> Any:
        """pluggy's relay: calls a hook on all plugins. Observers go through ``call_observers`` instead."""
        return self.manager.hook

    def method(self, name: str) -> Entry[Method]:
        """The method of a name."""
        return self._lookup("method", name, self.methods)

    def suite(self, name: str) -> Entry[Suite]:
        """The suite of a name."""
        return self._lookup("suite", name, self.suites)

    def executor(self, name: str) -> Entry[Executor]:
        """The executor of a name."""
        return self._lookup("executor", name, self.executors)

    def probe(self, name: str) -> Entry[Probe]:
        """The probe of a name."""
        return self._lookup("probe", name, self.probes)

    def add(self, plugin: object, name: str) -> None:
        """Register hooks of the core itself (which offers no classes); a mistake in them raises at once."""
        self.manager.register(plugin, name=name)

    def check(self) -> None:
        """Raise BadPlugin, with all reasons, if any plugin is quarantined."""
        if self.quarantined:
            raise BadPlugin("; ".join(map(str, self.quarantined))) from self.quarantined[0].error

    def _lookup(self, kind: str, name: str, entries: Mapping[str, Entry[_Offered]]) -> Entry[_Offered]:
        if name in entries:
            return entries[name]
        raise self.unknown(kind, name, entries)

    def unknown(self, kind: str, name: str, known: Iterable[str]) -> UnknownName:
        """The error for a name that nothing here offers; says so if a plugin that may offer it is set aside."""
        error, absent = UnknownName.of(kind, name, known), self._why_absent(name)
        return UnknownName(f"{error} ({absent})") if absent else error

    def _why_absent(self, name: str) -> str | None:
        """A clause on the plugin that would offer ``name`` but is blocked or quarantined, or None."""
        wanted = comparable(name)
        for lost in self.quarantined:
            if wanted in (comparable(known) for known in (lost.candidate.name, *lost.names)):
                return str(lost)
        for blocked in self.blocked:
            if wanted == comparable(blocked.candidate.name):
                return f"plugin {told(blocked.candidate)} is blocked {blocked.reason}"
        return None

    def _entries(self, kind: str) -> Any:
        found = [
            Entry(cls, cls.name, name, plugin.candidate.distribution, plugin.candidate.version)
            for name, plugin in self.plugins.items()
            for cls in plugin.offers[kind]
        ]
        return {entry.name: entry for entry in sorted(found, key=lambda entry: entry.name)}


def load_registry(config: Config | Sequence[str] = (), strict: bool | None = None) -> Registry:
    """All installed plugins and the files named with ``-p``, less what is blocked; every broken one quarantined.

    config: what the command or job was asked, or its ``-p`` values alone. strict: raise BadPlugin if any plugin is
    quarantined; as the config says when None. Raises BadPlugin for a ``-p`` value that names no file, UnknownName
    for a ``-p no:NAME`` that blocks nothing.
    """
    if not isinstance(config, Config):
        config = Config(plugins=tuple(config))
    paths = [text for text in config.plugins if not text.startswith("no:")]
    candidates = [*installed_candidates(), *(file_candidate(text) for text in paths)]
    return build_registry(candidates, config, config.strict_plugins if strict is None else strict)


def build_registry(candidates: Iterable[Candidate], config: Config | None = None, strict: bool = False) -> Registry:
    """As ``load_registry``, of these candidates and no others."""
    config = config or Config()
    wanted, blocked = _without_blocked(list(candidates), config)
    manager = new_manager()
    examined = [examine(candidate, manager) for candidate in wanted]  # which leaves no plugin on it
    broken = [plugin for plugin in examined if isinstance(plugin, Quarantined)]
    sound, clashing = without_clashes([plugin for plugin in examined if isinstance(plugin, Plugin)])
    names = _unique_names(sound)
    kept, unconfigured = install(sound, manager, config, lambda plugin: names[id(plugin)])
    quarantined = [*broken, *clashing, *unconfigured]
    registry = Registry(manager, {names[id(plugin)]: plugin for plugin in kept}, quarantined, blocked)
    if strict:
        registry.check()
    return registry


def _without_blocked(candidates: list[Candidate], config: Config) -> tuple[list[Candidate], list[Blocked]]:
    asked = [text.removeprefix("no:") for text in config.plugins if text.startswith("no:")]
    reasons = {comparable(name.strip()): f"by {DISABLE}" for name in os.environ.get(DISABLE, "").split(",")}
    reasons.update({comparable(name): f"by -p no:{name}" for name in asked})
    wanted, blocked = [], []
    for candidate in candidates:
        names = (comparable(candidate.name), comparable(candidate.distribution))
        reason = next((reasons[name] for name in names if name in reasons), None)
        if reason is None:
            wanted.append(candidate)
        else:
            blocked.append(Blocked(candidate, reason))
    known = {name for candidate in candidates for name in (candidate.name, candidate.distribution)}
    for name in asked:
        if comparable(name) not in map(comparable, known):
            raise UnknownName.of("plugin", name, known)
    return wanted, blocked


def _unique_names(plugins: Sequence[Plugin]) -> dict[int, str]:
    """id of a plugin to its name: the entry point's, with the distribution before it where that is taken."""
    names: dict[int, str] = {}
    for plugin in plugins:
        candidate = plugin.candidate
        taken = candidate.name in names.values()
        names[id(plugin)] = f"{candidate.distribution}:{candidate.name}" if taken else candidate.name
    return names
