"""What a plugin offers, and whether it can be used: checked for each plugin alone, before it joins the others."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import pluggy

from mtlbench.interface import hookspecs
from mtlbench.interface.errors import BadPlugin, nearest
from mtlbench.interface.executor import Executor
from mtlbench.interface.hookspecs import INTERFACE_VERSION
from mtlbench.interface.method import Method
from mtlbench.interface.probe import Probe
from mtlbench.interface.suite import Suite

__all__ = ["KINDS", "PROJECT", "Offers", "is_name", "new_manager", "offers_of"]

PROJECT = "mtlbench"

KINDS: Mapping[str, tuple[str, type]] = {
    "methods": ("mtlbench_methods", Method),
    "suites": ("mtlbench_suites", Suite),
    "executors": ("mtlbench_executors", Executor),
    "probes": ("mtlbench_probes", Probe),
}
"""Kind of offer to the hook that collects it and the class that it derives from."""

Offers = Mapping[str, Sequence[type[Any]]]
"""Kind to the offered classes."""

_HOOKS = frozenset(name for name in vars(hookspecs) if name.startswith("mtlbench_"))
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class _Manager(pluggy.PluginManager):
    """Looks for hooks in a module by its dictionary: the static look-up of every name takes longer than its import."""

    _mark = f"{PROJECT}_impl"

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        if isinstance(plugin, ModuleType) and not hasattr(vars(plugin).get(name), self._mark):
            return None
        return super().parse_hookimpl_opts(plugin, name)


def new_manager() -> pluggy.PluginManager:
    """A plugin manager that knows the hooks of mtlbench and holds no plugin."""
    manager = _Manager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def offers_of(plugin: object, scratch: pluggy.PluginManager) -> tuple[Offers, Sequence[str]]:
    """The classes that one plugin offers, and the hooks that it implements.

    scratch: a manager without plugins, and again without when this returns or raises. Raises BadPlugin, or what the
    plugin's own hooks raise.
    """
    _check_interface(plugin)
    try:
        scratch.register(plugin, name="candidate")
        hooks = sorted(hook.name for hook in scratch.get_hookcallers(plugin) or [])
        _check_hooks(plugin, hooks, scratch)
        offers = {
            kind: _collected(scratch, hook, base, kind[:-1]) if hook in hooks else []
            for kind, (hook, base) in KINDS.items()
        }
        return offers, hooks
    except pluggy.PluginValidationError as error:
        raise BadPlugin(_after_first_line(error)) from error
    finally:
        if scratch.has_plugin("candidate"):  # also one that was refused, by some versions of pluggy
            scratch.unregister(name="candidate")


def is_name(text: str) -> bool:
    """Whether something may be called so: lower case, digits and single hyphens between them."""
    return _NAME.fullmatch(text) is not None


def _check_interface(plugin: object) -> None:
    wanted = getattr(plugin, "mtlbench_interface", INTERFACE_VERSION)
    if wanted != INTERFACE_VERSION:
        raise BadPlugin(f"it is written for plugin interface {wanted}, and this mtlbench has {INTERFACE_VERSION}")


def _check_hooks(plugin: object, implemented: Sequence[str], manager: pluggy.PluginManager) -> None:
    for name in implemented:
        caller: pluggy.HookCaller = getattr(manager.hook, name)
        implementation = caller.get_hookimpls()[-1]
        if name not in _HOOKS and not implementation.optionalhook:
            hint = nearest(name, _HOOKS)
            raise BadPlugin(f"it implements {name}, which is no hook" + (f"; did you mean {hint}?" if hint else ""))
        wraps = implementation.wrapper or implementation.hookwrapper
        if wraps and caller.spec is not None and not caller.spec.opts.get("firstresult"):
            raise BadPlugin(f"it wraps {name}, which cannot be wrapped; mtlbench_run_cell can")
    for name in sorted(_HOOKS.difference(implemented)):
        if inspect.isroutine(getattr(plugin, name, None)):
            raise BadPlugin(f"its {name} lacks the decorator @hookimpl, or carries another project's")


def _collected(manager: pluggy.PluginManager, hook: str, base: type, noun: str) -> Sequence[type[Any]]:
    classes: list[type[Any]] = []
    for answer in getattr(manager.hook, hook)():
        if not isinstance(answer, Sequence) or isinstance(answer, str):
            raise BadPlugin(f"its {hook} must return a list of classes, found {type(answer).__name__}")
        for cls in answer:
            _check_class(cls, base, noun, hook)
            classes.append(cls)
    names = [cls.name for cls in classes]
    for name in names:
        if names.count(name) > 1:
            raise BadPlugin(f"it offers {noun} {name!r} twice")
    return classes


def _check_class(cls: Any, base: type, noun: str, hook: str) -> None:
    if not isinstance(cls, type):
        raise BadPlugin(f"its {hook} must return classes, found {cls!r}")
    if not issubclass(cls, base):
        raise BadPlugin(f"its {noun} {cls.__name__} does not derive from mtlbench.{base.__name__}")
    name = getattr(cls, "name", None)
    if name is None:
        raise BadPlugin(f"its {noun} {cls.__name__} has no name")
    if not isinstance(name, str) or not is_name(name):
        raise BadPlugin(f"its {noun} {cls.__name__} is called {name!r}; use lower case, digits and single hyphens")
    for layer in cls.__mro__:
        if issubclass(layer, base) and "__dataclass_fields__" not in vars(layer) and (found := _annotated(layer)):
            raise BadPlugin(f"its {noun} {name!r} declares {found[0]!r} but {layer.__name__} lacks @dataclass")


def _annotated(cls: type) -> list[str]:
    """The names that a class body annotates as instance attributes, which only @dataclass makes settings of."""
    return [name for name, kind in inspect.get_annotations(cls).items() if not _is_class_variable(kind)]


def _is_class_variable(kind: Any) -> bool:
    text = kind if isinstance(kind, str) else ""
    return "ClassVar" in text or "InitVar" in text or typing.get_origin(kind) is typing.ClassVar


def _after_first_line(error: pluggy.PluginValidationError) -> str:
    # pluggy's first line names the plugin, which the reader knows from elsewhere.
    lines = str(error).splitlines()
    return " ".join(line.strip() for line in (lines[1:] or lines))
