"""The guarded loader: one broken plugin is set aside with its reason, and never takes the others with it."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import pluggy

from mtlbench.interface.config import Config
from mtlbench.interface.errors import BadPlugin
from mtlbench.plugins.candidates import HOME, Candidate
from mtlbench.plugins.installed import comparable
from mtlbench.plugins.offers import Offers, offers_of

__all__ = ["Plugin", "Quarantined", "examine", "install", "reason_of", "told", "without_clashes"]

_HOSTS = ("<frozen", *(file.rpartition(os.sep)[0] for file in (__file__, importlib.__file__, pluggy.__file__)))
"""How the paths of frames begin that say nothing about a plugin's mistake."""


class Plugin(NamedTuple):
    """An imported plugin that passed every check."""

    candidate: Candidate
    instance: object
    """The module or object with the hooks."""
    offers: Offers
    hooks: Sequence[str]
    """The hooks that it implements, sorted."""


class Quarantined(NamedTuple):
    """A plugin that cannot be used, and why."""

    candidate: Candidate
    reason: str
    error: BaseException | None = None
    names: Sequence[str] = ()
    """What it would have offered, as far as that is known."""

    def __str__(self) -> str:
        return f"plugin {told(self.candidate)} is quarantined: {self.reason}"


def told(candidate: Candidate) -> str:
    """A plugin as messages name it: entry point, distribution and version."""
    return f"{candidate.name!r} of {candidate.distribution} {candidate.version}".rstrip()


def examine(candidate: Candidate, scratch: pluggy.PluginManager) -> Plugin | Quarantined:
    """Import one plugin and check it by itself; no plugin is left on ``scratch``, a manager without any."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what a plugin prints must not get into ``list --json``
            instance = candidate.load()
            return Plugin(candidate, instance, *offers_of(instance, scratch))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and pytest's outcomes are no reason to end the host either
        return Quarantined(candidate, reason_of(error), error)


def without_clashes(plugins: Sequence[Plugin]) -> tuple[list[Plugin], list[Quarantined]]:
    """The plugins whose names nobody else claims, and the others.

    What mtlbench itself offers stays; of all others that claim one name, none does: no order of installation would
    be a reason to prefer one of them, and a record must not depend on it.
    """
    claims: dict[tuple[str, str], list[Plugin]] = {}
    for plugin in plugins:
        for kind, classes in plugin.offers.items():
            for cls in classes:
                claims.setdefault((kind, cls.name), []).append(plugin)
    refused: dict[int, str] = {}
    for (kind, name), claimants in claims.items():
        home = [plugin for plugin in claimants if comparable(plugin.candidate.distribution) == HOME]
        for plugin in claimants:
            rivals = [other for other in claimants if other is not plugin]
            if rivals and not (plugin in home and len(home) == 1):
                others = " and ".join(told(other.candidate) for other in rivals)
                refused.setdefault(id(plugin), f"it offers {kind[:-1]} {name!r}, which plugin {others} offers too")
    kept = [plugin for plugin in plugins if id(plugin) not in refused]
    lost = [_refused(plugin, refused[id(plugin)]) for plugin in plugins if id(plugin) in refused]
    return kept, lost


def install(
    plugins: Iterable[Plugin], manager: pluggy.PluginManager, config: Config, name_of: Callable[[Plugin], str]
) -> tuple[list[Plugin], list[Quarantined]]:
    """Register plugins on a manager without any and configure each; those that fail at it are taken out again."""
    # With its history made before anybody listens, the hook fires at each registration: one plugin at a time.
    manager.hook.mtlbench_configure.call_historic(kwargs={"config": config})
    kept: list[Plugin] = []
    lost: list[Quarantined] = []
    for plugin in plugins:
        name = name_of(plugin)
        twin = next((other for other in kept if other.instance is plugin.instance), None)
        if twin is not None:
            lost.append(_refused(plugin, f"it names what plugin {told(twin.candidate)} names already"))
            continue
        try:
            with contextlib.redirect_stdout(sys.stderr):
                manager.register(plugin.instance, name=name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            manager.unregister(name=name)
            lost.append(_refused(plugin, f"mtlbench_configure raised {reason_of(error)}", error))
        else:
            kept.append(plugin)
    return kept, lost


def _refused(plugin: Plugin, reason: str, error: BaseException | None = None) -> Quarantined:
    names = [cls.name for classes in plugin.offers.values() for cls in classes]
    return Quarantined(plugin.candidate, reason, error, names)


def reason_of(error: BaseException) -> str:
    """One line: what went wrong and, unless it is our own finding, where."""
    text = " ".join(str(error).split())
    if isinstance(error, BadPlugin):
        return text
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    place = _last_foreign_line(error)
    return f"{said} ({place})" if place else said


def _last_foreign_line(error: BaseException) -> str | None:
    """``file:line`` of the innermost frame that is neither ours nor the import system's."""
    place, frame = None, error.__traceback__
    while frame is not None:
        path = frame.tb_frame.f_code.co_filename
        if not path.startswith(_HOSTS):
            place = f"{path.rpartition(os.sep)[2]}:{frame.tb_lineno}"
        frame = frame.tb_next
    return place
