"""What commands share: the plugins and the machine that a command line asks for."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from mtlbench.interface.config import Config
    from mtlbench.plugins import Registry

__all__ = ["RESULTS", "config_from", "open_registry", "warn"]

RESULTS = "results"
"""The folder of records when ``--results`` is not given."""


def open_registry(args: argparse.Namespace) -> Registry:
    """The plugins that ``args`` asks for; each broken one is told of in one line on stderr."""
    from mtlbench.plugins import load_registry

    registry = load_registry(config_from(args))
    for quarantined in registry.quarantined:
        warn(str(quarantined))
    return registry


def config_from(args: argparse.Namespace) -> Config:
    """The part of the options that says how to use this machine; what a command does not offer is absent.

    Read: plugins, strict_plugins, results, data_root (or MTLBENCH_DATA_ROOT), cache_dir (or
    MTLBENCH_CACHE_DIR), device, threads. Paths are made absolute, because workers may run elsewhere.
    """
    from mtlbench.interface.config import Config

    given = vars(args)
    asked: dict[str, Any] = {
        "results": _absolute(given.get("results")),
        "data_root": _absolute(given.get("data_root") or os.environ.get("MTLBENCH_DATA_ROOT")),
        "cache_dir": _absolute(given.get("cache_dir") or os.environ.get("MTLBENCH_CACHE_DIR")),
        "device": given.get("device"),
        "threads": given.get("threads"),
        "plugins": tuple(_portable(text) for text in given.get("plugins", ())),
        "strict_plugins": given.get("strict_plugins"),
    }
    return Config(**{name: value for name, value in asked.items() if value is not None})


def warn(text: str) -> None:
    """One line on stderr."""
    from mtlbench.leaderboard.escaping import visible

    print(f"mtlbench: warning: {visible(' '.join(text.split()))}", file=sys.stderr)


def _absolute(path: str | Path | None) -> Path | None:
    if not path:
        return None
    from pathlib import Path

    return Path(path).expanduser().absolute()


def _portable(text: str) -> str:
    return str(_absolute(text)) if text.endswith(".py") else text
