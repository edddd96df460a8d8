"""The plugin host: finds, guards and names everything that is installed."""

from __future__ import annotations

from mtlbench.plugins.candidates import Candidate, of_object
from mtlbench.plugins.loading import Plugin, Quarantined
from mtlbench.plugins.observers import call_observers, collect_extras, listens
from mtlbench.plugins.offers import is_name
from mtlbench.plugins.registry import Blocked, Entry, Registry, build_registry, load_registry

__all__ = [
    "Blocked",
    "Candidate",
    "Entry",
    "Plugin",
    "Quarantined",
    "Registry",
    "build_registry",
    "call_observers",
    "collect_extras",
    "is_name",
    "listens",
    "load_registry",
    "of_object",
]
