"""``mtlbench plugins``: every plugin that is installed or named, also those that are broken or blocked."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtlbench.plugins import Candidate, Registry

NAME = "plugins"
HELP = "list the plugins, and why some of them are quarantined or blocked"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON (default: a table)")


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli.columns import aligned
    from mtlbench.cli.session import config_from
    from mtlbench.interface.hookspecs import INTERFACE_VERSION
    from mtlbench.plugins import load_registry

    registry = load_registry(config_from(args), strict=False)
    plugins = _described(registry)
    if args.json:
        import json

        print(json.dumps({"interface": INTERFACE_VERSION, "plugins": plugins}, indent=1))
    else:
        rows = [
            [it["name"], f"{it['distribution']} {it['version']}".rstrip(), it["state"], it["reason"] or _offers(it)]
            for it in plugins
        ]
        print(aligned(["PLUGIN", "DISTRIBUTION", "STATE", "OFFERS, OR REASON"], rows))
    if args.strict_plugins:
        registry.check()
    return 0


def _described(registry: Registry) -> list[dict[str, Any]]:
    loaded = [
        {
            **_candidate(plugin.candidate, "loaded"),
            "name": name,
            "offers": {kind: [cls.name for cls in classes] for kind, classes in plugin.offers.items() if classes},
            "hooks": list(plugin.hooks),
        }
        for name, plugin in registry.plugins.items()
    ]
    lost = [_candidate(it.candidate, "quarantined", it.reason) for it in registry.quarantined]
    blocked = [_candidate(it.candidate, "blocked", it.reason) for it in registry.blocked]
    return [*loaded, *lost, *blocked]


def _candidate(candidate: Candidate, state: str, reason: str | None = None) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "distribution": candidate.distribution,
        "version": candidate.version,
        "origin": candidate.origin,
        "state": state,
        "reason": reason,
        "offers": {},
        "hooks": [],
    }


def _offers(plugin: dict[str, Any]) -> str:
    """``method mtl, pcgrad; suite digits``, or the hooks of a plugin that offers nothing."""
    offers = "; ".join(f"{kind[:-1]} {', '.join(names)}" for kind, names in plugin["offers"].items())
    return offers or ", ".join(plugin["hooks"]) or "nothing"
