"""The reader of golden folders, on files written here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from mtlbench.cli import main
from mtlbench.interface import GoldenBench, GoldenCase, Method, MissingData, Suite, hookimpl
from mtlbench.plugins import build_registry, of_object
from mtlbench.testing.golden import FORMAT, replay_folder


@dataclass
class Doubling(Method):
    """Doubles its input; made for these tests."""

    name = "doubling-method"

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
        if "crash" in case.inputs:
            raise ZeroDivisionError("division by zero")
        x = bench.tensor(case.inputs["x"], case)
        return {"double": (2 * x).tolist(), "dtype": str(x.dtype), "factor": case.params.get("factor", 2)}


@dataclass
class Silent(Method):
    name = "silent"


@dataclass
class Halving(Suite):
    name = "halving"

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:  # noqa: ARG003
        return {"half": case.inputs["x"] / 2}


class Offers:
    @hookimpl
    def mtlbench_methods(self) -> list[type[Method]]:
        return [Doubling, Silent]

    @hookimpl
    def mtlbench_suites(self) -> list[type[Suite]]:
        return [Halving]


Replayed = Callable[..., dict[str, str]]


@pytest.fixture
def replayed(tmp_path: Path) -> Replayed:
    """Writes files and replays them; name to what was said of it."""
    registry = build_registry([of_object(Offers(), "offers")])

    def run(files: Mapping[str, Any], only: str | None = None) -> dict[str, str]:
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return {replay.name: str(replay) for replay in replay_folder(tmp_path, registry, only)}

    return run


def golden(method: str = "doubling_method", *cases: Any) -> dict[str, Any]:
    return {"format": FORMAT, "method": method, "cases": list(cases)}


def case(name: str = "one", x: Any = 1.0, double: Any = 2.0, **rest: Any) -> dict[str, Any]:
    return {"name": name, "inputs": {"x": x}, "expected": {"double": double}, **rest}


GOOD = golden("doubling_method", case())


def test_cases_are_replayed_by_the_method_that_the_file_names(replayed: Replayed) -> None:
    files = {"a.json": golden("doubling_method", case("one"), case("two", [1.0, 3.0], [2.0, 6.0]))}
    assert replayed(files) == {
        "doubling_method/one": "doubling_method/one ok",
        "doubling_method/two": "doubling_method/two ok",
    }


def test_cases_are_replayed_by_suites_and_by_the_engine(replayed: Replayed) -> None:
    files = {
        "a.json": golden("halving", {"name": "h", "inputs": {"x": 3.0}, "expected": {"half": 1.5}}),
        "b.json": golden(
            "task_probabilities",
            {"name": "p", "inputs": {"sizes": [1, 3], "q": 1}, "expected": {"probs": [0.25, 0.75]}},
        ),
        "c.json": golden(
            "pairwise_cosine", {"name": "c", "inputs": {"grads": [[2.0]]}, "expected": {"pairs": [], "mean": None}}
        ),
    }
    assert [line.endswith(" ok") for line in replayed(files).values()] == [True, True, True]


def test_what_differs_is_told_with_field_got_and_want(replayed: Replayed) -> None:
    told = replayed({"a.json": golden("doubling_method", case(x=[1.0, 2.0, 3.0], double=[2.0, 4.5, 7.0]))})
    assert told == {"doubling_method/one": "doubling_method/one FAILED double[1]: got 4.0, want 4.5 (1 more)"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_code_under_test_is_fed_the_cases_dtype(replayed: Replayed, dtype: str) -> None:
    want = {"name": "one", "inputs": {"x": 0.5}, "expected": {"dtype": f"torch.{dtype}"}, "dtype": dtype}
    assert replayed({"a.json": golden("doubling_method", want)})["doubling_method/one"].endswith("ok")


@pytest.mark.parametrize(("rtol", "ok"), [(1e-3, True), (1e-5, False)])
def test_a_case_brings_its_tolerances(replayed: Replayed, rtol: float, ok: bool) -> None:
    told = replayed({"a.json": golden("doubling_method", case(double=2.001, rtol=rtol, atol=0))})
    assert told["doubling_method/one"].endswith(" ok") == ok


def test_params_reach_the_replay(replayed: Replayed) -> None:
    wanted = {"name": "one", "params": {"factor": 5}, "inputs": {"x": 1.0}, "expected": {"factor": 5}}
    assert replayed({"a.json": golden("doubling_method", wanted)})["doubling_method/one"].endswith(" ok")


BAD_FILES = {
    "no JSON": ('{"format": ', "is no JSON"),
    "binary": ("\x00\x01", "is no JSON"),
    "deep": ("[" * 100_000, "is no JSON"),
    "another format": ({"format": "other/2", "method": "silent", "cases": [{}]}, "found 'other/2'"),
    "a list": ([1, 2], "is not in the format"),
    "no method": ({"format": FORMAT, "cases": [{}]}, "names no method"),
    "no cases": ({"format": FORMAT, "method": "silent"}, "has no cases"),
    "unknown method": (golden("doubling_methud", case()), "did you mean 'doubling-method'?"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_one_failed_line_and_does_not_stop_the_others(replayed: Replayed, kind: str) -> None:
    content, said = BAD_FILES[kind]
    told = replayed({"bad.json": content, "good.json": GOOD})
    assert told.pop("doubling_method/one").endswith(" ok")
    assert list(told) == ["bad.json"]
    assert said in told["bad.json"]
    assert told["bad.json"].startswith("bad.json FAILED ")
    assert "\n" not in told["bad.json"]


BAD_CASES = {
    "no object": (7, "must be an object"),
    "no name": ({"inputs": {}, "expected": {}}, "'name' is missing"),
    "no inputs": ({"name": "c", "expected": {}}, "'inputs' is missing"),
    "no expected": ({"name": "c", "inputs": {}}, "'expected' is missing"),
    "expected list": ({"name": "c", "inputs": {}, "expected": []}, "'expected' is missing"),
    "dtype": (case("c", dtype="int8"), "float32 or float64"),
    "rtol": (case("c", rtol="small"), "'rtol' must be a number"),
    "atol": (case("c", atol=-1.0), "'atol' must be a number"),
    "params": (case("c", params=[1]), "'params' is no object"),
    "missing input": ({"name": "c", "inputs": {}, "expected": {"double": 2.0}}, "'x' is missing"),
    "ragged input": (case("c", x=[[1.0], [1.0, 2.0]]), "ValueError"),
    "missing output": ({"name": "c", "inputs": {"x": 1.0}, "expected": {"triple": 3.0}}, "triple: missing"),
    "shape": (case("c", double=[2.0]), "want a list of 1"),
    "crash": ({"name": "c", "inputs": {"crash": 1}, "expected": {"x": 1}}, "ZeroDivisionError: division by zero"),
    "nothing expected": ({"name": "c", "inputs": {"x": 1.0}, "expected": {}}, "would check nothing"),
}


@pytest.mark.parametrize("kind", BAD_CASES)
def test_a_bad_case_is_one_failed_line_and_does_not_stop_the_others(replayed: Replayed, kind: str) -> None:
    content, said = BAD_CASES[kind]
    told = replayed({"a.json": golden("doubling_method", content, case("good"))})
    assert told.pop("doubling_method/good").endswith(" ok")
    (line,) = told.values()
    assert said in line
    assert " FAILED " in line
    assert "\n" not in line


def test_a_case_name_of_several_lines_is_printed_as_one(replayed: Replayed) -> None:
    (line,) = replayed({"a.json": golden("doubling_method", case("two\nlines\x1b[0m"))}).values()
    assert line == "doubling_method/two\\nlines\\x1b[0m ok"


def test_a_name_that_comes_twice_in_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(golden("doubling_method", case(), case(), case("two"))))
    registry = build_registry([of_object(Offers(), "offers")])
    told = list(map(str, replay_folder(tmp_path, registry)))
    assert [line.split()[1] for line in told] == ["ok", "FAILED", "ok"]
    assert "has the name of an earlier one" in told[1]


def test_a_method_without_a_replay_says_so(replayed: Replayed) -> None:
    assert "no replay of golden vectors" in replayed({"a.json": golden("silent", case())})["silent/one"]


def test_one_name_alone_may_be_asked_for(replayed: Replayed) -> None:
    files = {"a.json": GOOD, "b.json": golden("halving", case()), "c.json": "{"}
    assert sorted(replayed(files, "doubling-method")) == ["c.json", "doubling_method/one"]


def test_missing_and_empty_folders_are_misuse(tmp_path: Path) -> None:
    registry = build_registry([])
    for folder, said in ((tmp_path / "nowhere", "no folder"), (tmp_path, "holds no golden vectors")):
        with pytest.raises(MissingData, match=said):
            list(replay_folder(folder, registry))
    (tmp_path / "a.json").write_text(json.dumps(golden("mtl", case())), encoding="utf-8")
    with pytest.raises(MissingData, match="of stl"):
        list(replay_folder(tmp_path, registry, "stl"))


# The command --------------------------------------------------------------------------------------------------


def mtl_case(total: float) -> dict[str, Any]:
    return {"name": "two", "inputs": {"grads": [[1.0], [2.0]], "weights": None}, "expected": {"combined_sum": [total]}}


def write(folder: Path, *cases: Any) -> str:
    (folder / "mtl.json").write_text(json.dumps(golden("mtl", *cases)), encoding="utf-8")
    return str(folder)


def test_check_prints_a_line_a_case_and_a_total(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--golden", write(tmp_path, mtl_case(3.0))]) == 0
    assert capsys.readouterr().out.splitlines() == ["mtl/two ok", "golden: 1 cases: 1 ok, 0 FAILED"]


def test_check_fails_with_one_when_a_case_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--golden", write(tmp_path, mtl_case(4.0), mtl_case(3.0))]) == 1
    assert "mtl/two FAILED combined_sum[0]: got 3.0, want 4.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "--golden", "/no/such/folder"], "no folder of golden vectors"),
        (["check"], "needs the NAME"),
        (["check", "pcgrd"], "did you mean 'pcgrad'?"),
        (["check", "gradvac[beta=2]"], "beta must lie in"),
    ],
)
def test_check_misused_ends_with_two(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_the_bench_refuses_scripts_that_are_too_short_and_optimizers_that_it_does_not_know() -> None:
    from mtlbench.interface import BadSetting
    from mtlbench.testing.bench import Bench

    bench = Bench(lambda name: {"silent": Silent}[name])
    losses = {"a": lambda x, _batch: (x * x).sum()}
    sgd = {"name": "sgd", "lr": 0.1}
    with pytest.raises(BadSetting, match="script of picks"):
        bench.train(Silent(), losses, [1.0], steps=2, optimizer=sgd, picks=[["a"]])
    with pytest.raises(BadSetting, match="script of batches for a"):
        bench.train(Silent(), losses, [1.0], steps=2, optimizer=sgd, batches={"a": [0]})
    with pytest.raises(BadSetting, match="momentum"):
        bench.train(Silent(), losses, [1.0], steps=1, optimizer={**sgd, "momentum": 0.9})
    with pytest.raises(BadSetting, match="draws no visiting orders"):
        bench.method("silent", {}, orders=[[[0]]])
    assert bench.tensor([1.0], SimpleNamespace(dtype="float32")).dtype == torch.float32
