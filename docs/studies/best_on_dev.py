"""The best settings of every method in a study, by mean dev score over tasks and seeds: RESULTS STUDY [HOW MANY].

Settings are told apart by the records' variants; ``mtl[rows=1]`` counts as a method of its own.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

from mtlbench.interface.settings import parse_spec

Variant = tuple[str, frozenset[tuple[str, float | str]]]


def variant(spec: str) -> Variant:
    """A spec as something that two ways of writing it have in common."""
    name, values = parse_spec(spec)
    return name, frozenset((key, number(value)) for key, value in values.items())


def number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def dev_scores(results: Path) -> dict[Variant, list[float]]:
    """Per variant, one mean over tasks a record; a diverged run counts as 0."""
    found = defaultdict(list)
    for path in sorted(results.glob("digits/*/*.json")):
        record = json.loads(path.read_text())
        scores = [score["dev"]["value"] for score in record["outcome"]["scores"].values()]
        found[variant(record["variant"])].append(sum(scores) / len(scores) if scores else 0.0)
    return found


def main(results: str, study: str, count: str = "3") -> None:
    scores = dev_scores(Path(results))
    ranked = defaultdict(list)
    for spec in tomllib.loads(Path(study).read_text())["methods"]:
        name, values = variant(spec)
        seeds = scores[name, values]
        if seeds:
            ranked[name, ("rows", 1.0) in values].append((sum(seeds) / len(seeds), len(seeds), spec))
    for settings in ranked.values():
        for mean, seeds_seen, spec in sorted(settings, reverse=True)[: int(count)]:
            print(f"{mean:6.2f}  {seeds_seen} seeds  {spec}")


if __name__ == "__main__":
    main(*sys.argv[1:])
