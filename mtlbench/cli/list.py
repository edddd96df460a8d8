"""``mtlbench list``: what can be run."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

NAME = "list"
HELP = "list the installed methods, suites, executors and probes"
KINDS = ("methods", "suites", "executors", "probes")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", nargs="?", choices=KINDS, metavar="KIND", help=f"{', '.join(KINDS)} (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON, with all settings (default: tables)")


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli.session import open_registry

    registry = open_registry(args)
    kinds = [args.kind] if args.kind else KINDS
    if args.json:
        import json

        from mtlbench.cli.describe import described, entries_of

        told = {kind: [described(kind, entry) for entry in entries_of(registry, kind).values()] for kind in kinds}
        print(json.dumps(told, indent=1))
    else:
        print("\n\n".join(_table(kind, [*getattr(registry, kind).values()]) for kind in kinds))
    return 0


def _table(kind: str, entries: list[Any]) -> str:
    from mtlbench.cli.columns import aligned

    if not entries:
        return f"{kind}: none installed"
    header = [kind.upper(), "LABEL", "FROM"]
    rows = [[entry.name, entry.cls.label, f"{entry.distribution} {entry.version}".rstrip()] for entry in entries]
    if kind == "methods":
        header.append("CONTROL")
        rows = [[*row, "yes" if entry.cls.control else ""] for row, entry in zip(rows, entries, strict=True)]
    if kind == "suites":
        header.append("DATA")
        rows = [[*row, "embedded" if e.cls.embedded else "needed"] for row, e in zip(rows, entries, strict=True)]
    header.append("SETTINGS")
    rows = [[*row, _fields(entry.cls)] for row, entry in zip(rows, entries, strict=True)]
    return aligned(header, rows)


def _fields(cls: Any) -> str:
    return ", ".join(field.name for field in dataclasses.fields(cls) if field.init)
