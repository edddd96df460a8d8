"""Replays golden vectors: reads any folder in the golden schema and asks the methods and suites to compute it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.interface.errors import MissingData, MtlbenchError, UnknownName
from mtlbench.interface.golden import GoldenBench, GoldenCase
from mtlbench.testing.comparison import differences

if TYPE_CHECKING:
    from mtlbench.plugins import Registry

__all__ = ["FORMAT", "Replay", "replay_folder"]

FORMAT = "mtlbench-golden/1"

Replayer = Callable[[GoldenCase, GoldenBench], Mapping[str, Any]]


@dataclass(frozen=True)
class Replay:
    """What came of one case, or of a file that has none that can be read."""

    name: str
    """``method/case``, or the file's name."""
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        if self.ok:
            return _escaped(f"{self.name} ok")
        more = f" ({len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return _escaped(f"{self.name} FAILED {self.problems[0]}{more}")


class _Unusable(Exception):
    """A golden file or case that cannot be used; the text says why."""


def replay_folder(folder: Path, registry: Registry, only: str | None = None) -> Iterator[Replay]:
    """Every case of every ``*.json`` below ``folder``'s top level, file by file in the order of their names.

    only: a method or suite name; files that are readable and for somebody else are passed over. What is wrong with
    one file or case does not keep the others from being replayed. Raises MissingData when there is no such folder,
    or no file to replay in it.
    """
    from mtlbench.testing.bench import Bench

    if not folder.is_dir():
        raise MissingData(f"there is no folder of golden vectors at {folder}")
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise MissingData(f"the folder {folder} holds no golden vectors (*.json)")
    bench = Bench(lambda name: registry.method(name).cls)
    found = False
    for path in paths:
        try:
            method, cases = _read(path)
            if only is not None and _hyphenated(method) != _hyphenated(only):
                continue
            found = True
            replayer = _replayer(method, registry)
        except (_Unusable, UnknownName) as unusable:
            found = True
            yield Replay(path.name, (_one_line(unusable),))
            continue
        taken: set[str] = set()
        for place, content in enumerate(cases):
            name = _case_name(method, place, content)
            if name in taken:
                yield Replay(name, (f"case {place} of {path.name} has the name of an earlier one",))
                continue
            taken.add(name)
            yield _replay(name, content, replayer, bench)
    if not found:
        raise MissingData(f"no file in {folder} holds golden vectors of {only}")


def _read(path: Path) -> tuple[str, list[Any]]:
    """The file's method and its cases, unread."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _Unusable(f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise _Unusable(f"is no JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise _Unusable(f"is not in the format {FORMAT!r}, found {found!r}")
    method, cases = content.get("method"), content.get("cases")
    if not isinstance(method, str):
        raise _Unusable('names no method: "method" must be a text')
    if not isinstance(cases, list) or not cases:
        raise _Unusable('has no cases: "cases" must be a list with at least one')
    return method, cases


def _replayer(method: str, registry: Registry) -> Replayer:
    """Whoever computes a file's cases: an installed method, an installed suite, or a function of the engine."""
    name = _hyphenated(method)
    if name in registry.methods:
        return registry.methods[name].cls.replay
    if name in registry.suites:
        return registry.suites[name].cls.replay
    if name in _OF_THE_ENGINE:
        return _OF_THE_ENGINE[name]
    raise registry.unknown("method or suite", name, [*registry.methods, *registry.suites, *_OF_THE_ENGINE])


def _case_name(method: str, place: int, content: Any) -> str:
    named = isinstance(content, dict) and isinstance(content.get("name"), str)
    return f"{method}/{content['name'] if named else place}"


def _replay(name: str, content: Any, replayer: Replayer, bench: GoldenBench) -> Replay:
    try:
        case = _case(content)
        got = replayer(case, bench)
        return Replay(name, tuple(differences(got, case.expected, rtol=case.rtol, atol=case.atol)))
    except _Unusable as unusable:
        return Replay(name, (str(unusable),))
    except KeyError as missing:
        return Replay(name, (f"the field {missing} is missing from the case, or from what was computed",))
    except (MtlbenchError, NotImplementedError) as refused:
        return Replay(name, (_one_line(refused),))
    except Exception as error:  # a plugin's replay on a case of any shape: name the case and go on with the others
        return Replay(name, (f"{type(error).__name__}: {_one_line(error)}",))


def _case(content: Any) -> GoldenCase:
    if not isinstance(content, dict):
        raise _Unusable(f"a case must be an object, found {type(content).__name__}")
    for field, kind in (("name", str), ("inputs", dict), ("expected", dict)):
        if not isinstance(content.get(field), kind):
            raise _Unusable(f"the case's {field!r} is missing or no {'text' if kind is str else 'object'}")
    if not content["expected"]:
        raise _Unusable("the case's 'expected' is empty, so it would check nothing")
    dtype = content.get("dtype", "float64")
    if dtype not in ("float32", "float64"):
        raise _Unusable(f"the case's 'dtype' must be float32 or float64, found {dtype!r}")
    params = content.get("params") or {}
    if not isinstance(params, dict):
        raise _Unusable("the case's 'params' is no object")
    return GoldenCase(
        name=content["name"],
        inputs=content["inputs"],
        expected=content["expected"],
        params=params,
        dtype=dtype,
        rtol=_tolerance(content, "rtol", GoldenCase.rtol),
        atol=_tolerance(content, "atol", GoldenCase.atol),
        note=str(content.get("note", "")),
    )


def _tolerance(content: Mapping[str, Any], field: str, default: float) -> float:
    value = content.get(field, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise _Unusable(f"the case's {field!r} must be a number that is not negative, found {value!r}")
    return float(value)


def _pairwise_cosine(case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
    from mtlbench.engine.probes import pairs, pairwise_cosine
    from mtlbench.interface.gradients import TaskGradients

    gram = TaskGradients.from_matrix(bench.tensor(case.inputs["grads"], case)).gram()
    found = pairs(pairwise_cosine(gram))
    return {"pairs": found, "mean": sum(found) / len(found) if found else None}


def _task_probabilities(case: GoldenCase, _bench: GoldenBench) -> Mapping[str, Any]:
    from mtlbench.engine.sampling import task_probabilities

    return {"probs": task_probabilities(case.inputs["sizes"], case.inputs["q"])}


_OF_THE_ENGINE: Mapping[str, Replayer] = {
    "pairwise-cosine": _pairwise_cosine,
    "task-probabilities": _task_probabilities,
}


def _hyphenated(name: str) -> str:
    return name.replace("_", "-")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _escaped(text: str) -> str:
    """Text with its line breaks and other control characters written out, so that it stays one line."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
