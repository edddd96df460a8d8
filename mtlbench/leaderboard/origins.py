"""Where a record's numbers come from: code, machine, seed and raw values, and the command that makes them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mtlbench.interface.settings import spec_text
from mtlbench.leaderboard.commands import cell_command
from mtlbench.study.probes import final_probes

__all__ = ["origin"]

_SPLITS = ("dev", "test")


def origin(record: Mapping[str, Any]) -> Iterator[str]:
    """Lines on a sound record, in the words of its file; what a line is made of is left out where it is not there."""
    cell, outcome, measured, provenance = (_part(record, n) for n in ("cell", "outcome", "measured", "provenance"))
    yield f"status {record['status']}" + _why(_part(outcome, "divergence"))
    for kind, values in (("method", "settings"), ("suite", "options")):
        yield f"{kind} {spec_text(cell[kind], cell[values])}, version {cell[f'{kind}_version']}"
        yield f"  {_maker(_part(provenance, kind))}"
    yield f"protocol {spec_text('', cell['protocol'])[1:-1]}"
    yield f"seed {cell['seed']}"
    yield f"data {cell['fingerprint']}"
    yield f"mtlbench {provenance.get('mtlbench')}"
    yield f"machine {_listed(_part(measured, 'machine')) or 'unknown'}"
    yield f"versions {_listed(_part(measured, 'versions')) or 'unknown'}"
    yield f"finished {measured.get('finished') or 'at a time that nobody noted'}"
    yield f"counts {_listed(_part(outcome, 'counts'))}"
    yield f"seconds {_listed({**_part(measured, 'seconds'), **_clocks(measured)})}"
    yield from _measured(measured, outcome)
    yield "raw values, as the record has them"
    yield from (f"  {line}" for line in _scores(outcome))
    yield "to repeat it:"
    yield f"  {cell_command(cell) or 'no command line: its settings are too long, or hold characters that do not show'}"


def _why(divergence: Mapping[str, Any]) -> str:
    return f": {divergence.get('reason')} after {divergence.get('gradients')} gradients" if divergence else ""


def _maker(maker: Mapping[str, Any]) -> str:
    distribution = f"distribution {maker.get('distribution') or 'unknown'} {maker.get('version') or ''}".rstrip()
    return f"{distribution}, source sha256 {maker.get('source') or 'unknown'}"


def _clocks(measured: Mapping[str, Any]) -> dict[str, Any]:
    names = {"evaluation_seconds": "evaluation", "total_seconds": "total", "step_seconds": "a step, per gradient"}
    return {text: measured[name] for name, text in names.items() if measured.get(name) is not None}


def _measured(measured: Mapping[str, Any], outcome: Mapping[str, Any]) -> Iterator[str]:
    """Peak memory, and what probes found at the end."""
    if measured.get("peak_bytes") is not None:
        yield f"peak memory {measured['peak_bytes']} bytes"
    try:
        found = final_probes(outcome)
    except TypeError:  # boards refuse the record, and say why
        return
    for name, value in (
        ("cosine over the path" if found.is_over_path else "pairwise cosine", found.cosine),
        ("L2 from the start", found.distance),
        ("masked-LM loss, seen", found.masked_seen),
        ("masked-LM loss, unseen", found.masked_unseen),
        ("masked-LM loss before training, seen", found.start_seen),
        ("masked-LM loss before training, unseen", found.start_unseen),
    ):
        if value is not None:
            yield f"{name} {value}"


def _scores(outcome: Mapping[str, Any]) -> Iterator[str]:
    found = _part(outcome, "scores")
    for task in found:
        splits = _part(found, task)
        told = [f"{split} {_raw(_part(splits, split).get('value'))}" for split in _SPLITS if split in splits]
        examples = _part(splits, "test").get("examples")
        yield f"{task}: {', '.join(told)}" + (f" of {examples} examples" if examples is not None else "")
        further = _part(_part(splits, "test"), "extra")
        yield from (f"{task}: test {name} {_raw(value)}" for name, value in further.items())
    unseen = _part(outcome, "unseen")
    for task in unseen:
        test = _part(_part(unseen, task), "test")
        yield f"{task}: zero-shot {_raw(test.get('value'))}"
        yield from (f"{task}: zero-shot {name} {_raw(value)}" for name, value in _part(test, "extra").items())
    yield f"average {_raw(outcome.get('average'))}"
    if unseen:
        yield f"zero-shot average {_raw(outcome.get('average_unseen'))}"


def _raw(value: Any) -> str:
    return "missing" if value is None else str(value)


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {f'{value:.6g}' if isinstance(value, float) else value}" for name, value in values.items()
    )


def _part(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}
