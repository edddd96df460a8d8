"""Guarded calls of observers: one that fails is named, recorded and told of once; the run and the others go on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from mtlbench.plugins.loading import reason_of, told
from mtlbench.plugins.registry import Registry

__all__ = ["call_observers", "collect_extras", "listens"]


def listens(registry: Registry, hook: str) -> bool:
    """Whether any plugin implements ``hook``: what only observers need is not computed when nobody looks."""
    return bool(getattr(registry.hook, hook).get_hookimpls())


def call_observers(registry: Registry, hook: str, **arguments: Any) -> None:
    """Call an observer hook on every plugin, the last registered first; failures go to ``registry.failures``.

    Exceptions of the core's own implementations (``Registry.add``) are raised.
    """
    for implementation in reversed(getattr(registry.hook, hook).get_hookimpls()):
        with _guarded(registry, implementation.plugin_name, hook):
            _call(implementation, arguments)


def collect_extras(registry: Registry, run: Any) -> dict[str, Any]:
    """What plugins add to a record: plugin name to what its ``mtlbench_record_extras`` returned, if anything.

    A plugin that failed since the last collection has ``"failure": text`` in its share.
    """
    hook, extras = "mtlbench_record_extras", {}
    for implementation in registry.hook.mtlbench_record_extras.get_hookimpls():
        with _guarded(registry, implementation.plugin_name, hook):
            answer = _call(implementation, {"run": run})
            if answer is not None:
                extras[implementation.plugin_name] = _plain(answer)
    for plugin, failure in registry.failures.items():
        extras.setdefault(plugin, {})["failure"] = failure
    registry.failures.clear()
    return dict(sorted(extras.items()))


def _call(implementation: Any, arguments: Mapping[str, Any]) -> Any:
    return implementation.function(*[arguments[name] for name in implementation.argnames])


def _plain(answer: Any) -> dict[str, Any]:
    """The answer as it will be read back; raises TypeError or ValueError for what JSON cannot hold."""
    import json

    if not isinstance(answer, Mapping):
        raise TypeError(f"it must return a mapping of JSON values or None, found {type(answer).__name__}")
    plain: dict[str, Any] = json.loads(json.dumps(dict(answer), allow_nan=False))
    return plain


@contextlib.contextmanager
def _guarded(registry: Registry, plugin: str, hook: str) -> Iterator[None]:
    try:
        yield
    except (Exception, SystemExit) as error:
        if plugin not in registry.plugins:  # the core's own: a bug, not a guest's mistake
            raise
        reason = f"{hook}: {reason_of(error)}"
        registry.failures.setdefault(plugin, reason)
        if plugin not in registry.warned:
            import logging

            registry.warned.add(plugin)
            owner = told(registry.plugins[plugin].candidate)
            logging.getLogger("mtlbench").warning("mtlbench: warning: plugin %s failed in %s", owner, reason)
