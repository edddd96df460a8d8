"""mtlbench: ways to train one model on many tasks, compared at an equal, counted budget of gradients.

The plugin interface (``mtlbench.interface``) is re-exported here.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # typing itself would be a tenth of ``mtlbench --help``
if TYPE_CHECKING:
    from typing import Any

    from mtlbench.interface import *  # noqa: F403

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    interface = import_module("mtlbench.interface")
    if name not in interface.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(interface, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *import_module("mtlbench.interface").__all__])
