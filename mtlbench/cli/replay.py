"""``mtlbench replay``: what a method would have done along the path of a record of another."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from mtlbench.cli.parsing import add_results

if TYPE_CHECKING:
    from mtlbench.engine.replay import Choice
    from mtlbench.interface.run import Table

__all__ = ["HELP", "NAME", "configure", "run"]

NAME = "replay"
HELP = "replay a method on the Gram matrices of a record: the weights it would have chosen on that path"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", metavar="METHOD[key=value,...]", help="an installed method, with settings")
    parser.add_argument(
        "--on", required=True, metavar="KEY", help="four or more digits of the key of the record whose path it is"
    )
    add_results(parser)
    parser.add_argument(
        "--equal-losses",
        action="store_true",
        help="answer a method that asks for losses with equal ones (default: refuse it, for records keep none)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON (default: a table)")


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli.recorded import read
    from mtlbench.cli.session import open_registry
    from mtlbench.engine.replay import replay
    from mtlbench.interface.settings import build, parse_spec, spec_text, values_of
    from mtlbench.leaderboard.formats import formatter

    registry = open_registry(args)
    name, given = parse_spec(args.method)
    method = build(registry.method(name).cls, given, f"method {name}")
    record, _ = read(args.results, args.on)
    choices = replay(method, record, equal_losses=args.equal_losses)
    if args.json:
        values = {"name": name, "settings": values_of(method), "version": method.version}
        print(json.dumps(_as_json(values, record, choices, args.equal_losses), indent=1, allow_nan=False))
    else:
        print(formatter(registry)(_table(spec_text(name, given), record, choices), "plain"), end="")
    return 0


def _as_json(
    method: dict[str, Any], record: dict[str, Any], choices: list[Choice], equal_losses: bool
) -> dict[str, Any]:
    from mtlbench.study.tape import agreement

    tasks = [task["name"] for task in record["outcome"]["tasks"]]
    points = []
    for choice in choices:
        tape = agreement(choice.point.gram)
        points.append(
            {
                "gradients": choice.point.gradients,
                "tape": None
                if tape is None
                else {"cosine": tape.cosine, "conflicts": tape.conflicts, "imbalance": tape.imbalance},
                "weights": dict(zip(tasks, choice.weights, strict=True)),
                "cosine": choice.cosine,
                "length": choice.length,
                "opposed": choice.opposed,
            }
        )
    on = {"key": record["key"], "variant": record["variant"], "suite": record["cell"]["suite"]}
    on["seed"] = record["cell"]["seed"]
    return {"method": method, "on": on, "equal_losses": equal_losses, "points": points}


def _table(method: str, record: dict[str, Any], choices: list[Choice]) -> Table:
    from mtlbench.interface.run import Table
    from mtlbench.leaderboard.numbers import number, percent
    from mtlbench.study.tape import agreement

    tasks = [task.get("label") or task["name"] for task in record["outcome"]["tasks"]]
    rows = []
    for choice in choices:
        tape = agreement(choice.point.gram)
        rows.append(
            [
                str(choice.point.gradients),
                *([number(tape.cosine, 3), percent(tape.conflicts), number(tape.imbalance, 1)] if tape else "–––"),
                number(choice.cosine, 4),
                number(choice.length, 3),
                percent(choice.opposed),
                *(number(weight, 3) for weight in choice.weights),
            ]
        )
    cell = record["cell"]
    return Table(
        f"{method} on the path of {record['variant']} ({cell['suite']}, seed {cell['seed']}, {record['key'][:8]})",
        ["Gradients", "Cosine", "Conflicts", "Norms", "To sum", "Length", "Opposed", *tasks],
        rows,
        align="r" * (7 + len(tasks)),
        notes=[
            "The path: mean cosine over pairs of tasks; share of pairs in conflict; longest norm over the shortest.",
            "The method's direction: cosine to the plain sum of gradients, length over the sum's, share of tasks that",
            "it opposes, and the weight of every task's gradient. One step a point, from a fresh start.",
        ],
    )
