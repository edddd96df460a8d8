"""A submission: a folder with records and a manifest that says what they are, who made them and how to look at them."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from mtlbench.interface.errors import BadRecord, BadSetting
from mtlbench.interface.settings import spec_text
from mtlbench.leaderboard.intake import Arrival
from mtlbench.study import atomic
from mtlbench.study.records import load_record, record_bytes

__all__ = ["MANIFEST", "RECORDS", "manifest_digests", "write_submission"]

MANIFEST = "manifest.json"
RECORDS = "records"
_SCHEMA = 1
_MOST_BYTES = 64 * 2**20
"""Of a manifest: some hundred thousand records."""


def write_submission(folder: Path, out: Path, arrivals: Sequence[Arrival]) -> dict[str, Any]:
    """Copy the records to ``out/records`` and describe them in ``out/manifest.json``, which is written last.

    A manifest that is there is replaced. Raises BadSetting when ``out`` holds something else, or other records.
    """
    wanted = {f"{RECORDS}/{arrival.path.as_posix()}" for arrival in arrivals} | {MANIFEST}
    there = (
        {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()} if out.exists() else set()
    )
    if there - wanted:
        raise BadSetting(f"{out} holds {min(there - wanted)!r}, which is not part of it; name a new folder with --out")
    (out / MANIFEST).unlink(missing_ok=True)
    facts = []
    for arrival in arrivals:
        record = load_record(folder / arrival.path)
        data = record_bytes(record)
        atomic.replace(out / RECORDS / arrival.path, data)
        facts.append({**_facts(record), "sha256": hashlib.sha256(data).hexdigest(), "path": arrival.path.as_posix()})
    manifest = _manifest(facts)
    atomic.replace(out / MANIFEST, (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode())
    return manifest


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest is made of, in the form of one record."""
    return {
        "key": record["key"],
        "digest": record["digest"],
        "status": record["status"],
        "variant": record["variant"],
        "cell": {name: record["cell"][name] for name in ("suite", "options", "seed")},
        "budget": record["cell"]["protocol"]["budget"],
        "provenance": record["provenance"],
        "machine": record["measured"].get("machine"),
        "versions": record["measured"].get("versions"),
    }


def _manifest(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    makers = [fact["provenance"].get(kind) for fact in facts for kind in ("method", "suite")]
    return {
        "schema": _SCHEMA,
        "records": {
            fact["path"]: {
                "sha256": fact["sha256"],
                **{name: fact[name] for name in ("key", "digest", "status", "variant")},
                "seed": fact["cell"]["seed"],
            }
            for fact in facts
        },
        "distributions": _distinct(
            {name: maker.get(name) for name in ("distribution", "version")}
            for maker in makers
            if isinstance(maker, dict)
        ),
        "mtlbench": sorted({str(fact["provenance"].get("mtlbench")) for fact in facts}),
        "machines": _distinct(fact["machine"] for fact in facts),
        "versions": _distinct(fact["versions"] for fact in facts),
        "commands": {"train": list(_trained_by(facts)), "look": _LOOK},
    }


_LOOK = [
    "mtlbench merge SUBMISSION --dry-run",
    f"mtlbench verify --results SUBMISSION/{RECORDS} --sample 3",
]


def _trained_by(facts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Commands that ask for these cells; protocol fields that were set for all cells at once stand in each record."""
    groups: dict[tuple[str, int], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for fact in facts:
        suite = spec_text(fact["cell"]["suite"], fact["cell"]["options"])
        groups[suite, fact["budget"]][fact["variant"]].add(fact["cell"]["seed"])
    for (suite, budget), variants in sorted(groups.items()):
        by_seeds: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for variant, seeds in sorted(variants.items()):
            by_seeds[tuple(sorted(seeds))].append(variant)
        for asked, names in sorted(by_seeds.items()):
            methods = " ".join(f"-m {quote(name)}" for name in names)
            # A single number would be a count of seeds; with a comma it is a list.
            listed = ",".join(map(str, asked)) + ("," if len(asked) == 1 else "")
            yield f"mtlbench run {quote(suite)} {methods} --seeds {listed} --budget {budget}"


def _distinct(values: Iterable[Any]) -> list[Any]:
    texts = sorted({json.dumps(value, sort_keys=True) for value in values})
    return [json.loads(text) for text in texts]


def manifest_digests(folder: Path) -> dict[str, str] | None:
    """Path below ``records`` to the sha256 that the manifest gives; None for a folder without a manifest.

    Raises BadRecord where the manifest is none.
    """
    path = folder / MANIFEST
    try:
        if path.is_symlink() or path.stat().st_size > _MOST_BYTES:
            raise BadRecord(f"{path}: is a link, or larger than {_MOST_BYTES} bytes")
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict) or not isinstance(content.get("records"), dict):
            raise BadRecord(f"{path}: not a manifest: it must be an object with an object of records")
        if content["schema"] != _SCHEMA:
            raise BadRecord(f"{path}: schema {content['schema']!r:.20}, and this mtlbench reads {_SCHEMA}")
        digests = {str(name): str(facts["sha256"]) for name, facts in content["records"].items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRecord(f"{path}: not a manifest: {type(error).__name__} {error!s:.100}") from None
    return digests
