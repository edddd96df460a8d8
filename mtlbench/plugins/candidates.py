"""Where plugins come from: entry points of installed distributions, and files named with ``-p``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from mtlbench.interface.errors import BadPlugin
from mtlbench.plugins.installed import comparable, entry_points

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["GROUP", "HOME", "Candidate", "file_candidate", "installed_candidates", "of_object"]

GROUP = "mtlbench"
"""The entry-point group that plugins register in."""
HOME = "mtlbench"
"""The distribution whose names no other plugin may take."""


class Candidate(NamedTuple):
    """A plugin that has not been imported yet.

    name: its entry point, or the stem of its file. origin: the module, ``module:object`` or path that it names.
    load: imports it; may raise anything.
    """

    name: str
    distribution: str
    version: str
    origin: str
    load: Callable[[], object]


def of_object(plugin: object, name: str, distribution: str = "in-process", version: str = "") -> Candidate:
    """A module, class or instance with hooks that this process already holds, for tests and notebooks."""
    return Candidate(name, distribution, version, f"{type(plugin).__module__}:{name}", lambda: plugin)


def installed_candidates() -> list[Candidate]:
    """One per entry point: those of mtlbench first, then by distribution and name, whatever the order on disk."""
    points = entry_points(GROUP)
    found = [Candidate(it.name, it.distribution, it.version, it.value, it.load) for it in points]
    return sorted(found, key=lambda it: (comparable(it.distribution) != HOME, comparable(it.distribution), it.name))


def file_candidate(text: str) -> Candidate:
    """The plugin of ``-p path/to/file.py``. Raises BadPlugin when there is no such file."""
    from pathlib import Path

    path = Path(text).expanduser()
    if path.suffix != ".py":
        raise BadPlugin(f"-p takes the path of a .py file or no:NAME, found {text!r}")
    if not path.is_file():
        raise BadPlugin(f"-p names a plugin file that does not exist: {text}")
    path = path.resolve()
    return Candidate(path.stem, path.name, "", str(path), lambda: _import_file(path))


def _import_file(path: Path) -> object:
    import hashlib
    import importlib.util
    from importlib.machinery import ModuleSpec, SourceFileLoader

    # The path is part of the module's name, so that two files of one name do not meet; dataclasses look their
    # module up in sys.modules while it is being executed.
    name = f"mtlbench_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    loader = SourceFileLoader(name, str(path))
    spec = ModuleSpec(name, loader, origin=str(path))
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
