"""``mtlbench show``: all that is known of one installed thing, or of one record."""

from __future__ import annotations

import argparse
import inspect
import json
import re
from typing import TYPE_CHECKING, Any

from mtlbench.cli.parsing import add_results
from mtlbench.cli.session import RESULTS

if TYPE_CHECKING:
    from mtlbench.plugins import Entry, Registry

NAME = "show"
HELP = "show a method, suite, executor or probe by its name, or a record by the beginning of its key"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="NAME|KEY", help="an installed name, or four or more digits of a record's key")
    add_results(parser, "where records are", default=RESULTS)
    parser.add_argument("--json", action="store_true", help="print JSON (default: text)")


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli.describe import KINDS, entries_of
    from mtlbench.cli.session import open_registry

    registry = open_registry(args)
    found = [(kind, entries[args.what]) for kind in KINDS if args.what in (entries := entries_of(registry, kind))]
    if found:
        told = [_about(kind, entry, registry) for kind, entry in found]
        print(json.dumps(told, indent=1) if args.json else "\n\n".join(map(_text, told)))
    elif re.fullmatch(r"[0-9a-f]{4,64}", args.what.lower()):
        from mtlbench.cli.recorded import read, record_text

        record, path = read(args.results, args.what)
        print(json.dumps(record, indent=1, sort_keys=True) if args.json else record_text(record, path))
    else:
        names = [name for kind in KINDS for name in entries_of(registry, kind)]
        raise registry.unknown("method, suite, executor or probe", args.what, names)
    return 0


def _about(kind: str, entry: Entry[Any], registry: Registry) -> dict[str, Any]:
    from mtlbench.cli.describe import described, recommendations

    about = {"kind": kind[:-1], **described(kind, entry), "source": entry.source, "doc": inspect.getdoc(entry.cls)}
    if kind in ("methods", "suites"):
        about["recommended"] = recommendations(kind, entry, registry)
    return about


def _text(about: dict[str, Any]) -> str:
    from mtlbench.cli.columns import aligned
    from mtlbench.cli.describe import as_typed

    blocks = [f"{about['kind']} {about['name']}: {about['label']}, version {about['version']}", about["doc"] or ""]
    facts = {"paper": about.get("paper"), "provided by": f"{about['distribution']} {about['distribution_version']}"}
    facts |= {"plugin": about["plugin"], "source": about["source"]}
    if "control" in about:
        facts["control"] = "yes" if about["control"] else None
    if "embedded" in about:
        facts["data"] = "embedded" if about["embedded"] else "needed"
    blocks.append("\n".join(f"{name}: {fact.strip()}" for name, fact in facts.items() if fact))
    if about["settings"]:
        rows = [[it["name"], it["type"], _default(it), it["help"]] for it in about["settings"]]
        blocks.append(aligned(["SETTING", "TYPE", "DEFAULT", "MEANING"], rows))
    if about.get("protocol"):
        rows = [as_typed({name: value}).split("=", 1) for name, value in about["protocol"].items()]
        blocks.append(aligned(["PROTOCOL", "VALUE"], rows))
    if about.get("recommended"):
        other = "SUITE" if about["kind"] == "method" else "METHOD"
        rows = [[name, as_typed(it["settings"] | it["protocol"])] for name, it in about["recommended"].items()]
        blocks.append(aligned([other, "RECOMMENDED"], rows))
    return "\n\n".join(filter(None, blocks))


def _default(setting: dict[str, Any]) -> str:
    from mtlbench.cli.describe import as_typed

    return "required" if setting["required"] else as_typed({"": setting["default"]}).removeprefix("=")
