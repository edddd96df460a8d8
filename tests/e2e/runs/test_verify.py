from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mtlbench.study.keys import cell_key, sha256_of
from mtlbench.study.records import record_bytes


@pytest.fixture
def verify(bench: Any) -> Any:
    """Run two cells, and verify them."""
    bench.run("-m", "swim", "-m", "swim[mood=diverges]")

    def command(*words: str) -> Any:
        return bench("verify", "--results", str(bench.results), "--executor", "serial", "--quiet", *words)

    return command


def rewrite(bench: Any, variant: str, **changes: Any) -> Path:
    """Change a record and make it consistent again, as somebody would who means it."""
    for path in bench.results.glob("pond/swim/*.json"):
        record = json.loads(path.read_text())
        if record["variant"] == variant:
            for block, values in changes.items():
                record[block].update(values)
            record["digest"], record["key"] = sha256_of(record["outcome"]), cell_key(record["cell"])
            path.unlink()
            path.with_name(f"{record['key']}.json").write_bytes(record_bytes(record))
            return path
    raise LookupError(variant)


def test_true_records_verify(bench: Any, verify: Any) -> None:
    answer = verify("--sample", "9")
    assert answer.code == 0
    assert len(answer.out.splitlines()) == 3
    assert answer.out.count("same      swim") == 2
    assert answer.out.splitlines()[-1] == "2 of 2 records looked at: 2 same"
    assert bench.begun() == [0, 0, 0, 0]
    assert len(list(bench.results.glob("*/*/*.json"))) == 2


def test_a_sample_is_drawn_by_its_seed(bench: Any, verify: Any) -> None:
    bench.run("-m", "swim", "--seeds", "8")
    first = verify("--sample", "2")
    assert first.out.splitlines()[-1] == "2 of 9 records looked at: 2 same"
    assert verify("--sample", "2").out == first.out
    assert verify("--sample", "2", "--seed", "1").out != first.out


def test_a_made_up_score_is_found(bench: Any, verify: Any) -> None:
    rewrite(bench, "swim", outcome={"average": 99.5})
    answer = verify("--sample", "9")
    assert answer.code == 1
    (line,) = [line for line in answer.out.splitlines() if line.startswith("differs")]
    assert line.startswith("differs   swim on pond, seed 0 (")
    assert line.endswith("): outcome.average is 99.5 in the record and 55.0 now")


def scored(value: float) -> dict[str, Any]:
    """The part of an outcome that says so, its average among it."""
    score = {"value": value, "examples": 10, "extra": {}}
    return {"scores": {"a": {"dev": score, "test": score}}, "average": value}


TOAD = {"machine": {"cpu": "a toad"}}
COUNTS = ("gradients", "forwards", "backwards", "extra_forwards", "examples", "tokens", "optimizer_steps")


def test_a_small_difference_on_another_type_of_machine_is_told_and_forgiven(bench: Any, verify: Any) -> None:
    rewrite(bench, "swim", outcome=scored(56.0), measured=TOAD)
    answer = verify("--sample", "9")
    assert answer.code == 0
    (line,) = [line for line in answer.out.splitlines() if line.startswith("elsewhere")]
    assert line.startswith("elsewhere swim on pond, seed 0")
    assert "it was recorded on a toad, and this is a frog; 2 scores and 0 numbers of probes within" in line
    assert line.endswith(
        "56 in the record and 55 now: 1 apart, 5.5 allowed (10 % of 55, for want of 3 other seeds that differ)"
    )


def test_a_made_up_score_is_found_on_another_type_of_machine_too(bench: Any, verify: Any) -> None:
    rewrite(bench, "swim", outcome=scored(99.5), measured=TOAD)
    answer = verify("--sample", "9")
    assert answer.code == 1
    (line,) = [line for line in answer.out.splitlines() if line.startswith("differs")]
    assert "): the average is 99.5 in the record and 55 now: 44.5 apart, 5.5 allowed" in line
    assert line.endswith("beyond what another machine explains (it was recorded on a toad, and this is a frog)")


def test_a_row_tells_how_far_a_seed_may_lie_off_elsewhere(bench: Any, verify: Any) -> None:
    bench.run("-m", "swim", "--seeds", "5")  # 55, 56, 57, 58, 59: the SD of the last four is 1.29
    for apart, code in ((5.1, 0), (5.3, 1)):
        rewrite(bench, "swim", cell={"seed": 0}, outcome=scored(55 + apart), measured=TOAD)
        answer = verify("--sample", "9")
        assert answer.code == code, answer.out
        assert f"{apart} apart, 5.16 allowed (4 SDs of other seeds)" in answer.out


def test_counts_are_the_same_on_every_machine(bench: Any, verify: Any) -> None:
    rewrite(bench, "swim", outcome={"counts": {**dict.fromkeys(COUNTS, 8), "tokens": 10}}, measured=TOAD)
    answer = verify("--sample", "9")
    assert answer.code == 1
    assert "): outcome.counts.tokens is 10 in the record and 8 now, beyond what another machine explains" in answer.out


def test_a_record_that_no_board_can_read_is_verified_nowhere(bench: Any, verify: Any) -> None:
    rewrite(bench, "swim", outcome=scored(1e13), measured=TOAD)
    answer = verify("--sample", "9")
    assert answer.code == 1
    (line,) = [line for line in answer.out.splitlines() if line.startswith("differs")]
    assert "1e+13" in line


@pytest.mark.parametrize("changes", [{"outcome": scored(10**400)}, {"measured": {"machine": "a toad"}}])
def test_a_record_that_has_not_the_form_of_one_is_a_bad_record(
    bench: Any, verify: Any, changes: dict[str, Any]
) -> None:
    rewrite(bench, "swim", **changes)
    answer = verify("--sample", "9")
    assert answer.code == 1
    (line,) = [line for line in answer.err.splitlines() if line.startswith("bad record: ")]
    assert "has not the form of a record: " in line


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"method_version": "0"}, "the version of the method was 0 and is now 1"),
        ({"suite_version": "0"}, "the version of the suite was 0 and is now 1"),
        ({"fingerprint": "mud"}, "the fingerprint of the data was mud and is now water"),
        ({"settings": {"moood": "well"}}, "method swim has no setting 'moood'; did you mean 'mood'? Settings: mood"),
    ],
)
def test_a_record_of_something_else_than_is_installed_is_outdated(
    bench: Any, verify: Any, changes: dict[str, Any], reason: str
) -> None:
    rewrite(bench, "swim", cell=changes)
    answer = verify("--sample", "9")
    assert answer.code == 1
    (line,) = [line for line in answer.out.splitlines() if line.startswith("outdated")]
    assert line.endswith(f"): {reason}")


def test_a_cell_that_cannot_be_trained_again_has_failed(bench: Any, verify: Any) -> None:
    rewrite(bench, "swim", cell={"settings": {"mood": "raises"}})
    answer = verify("--sample", "9")
    assert answer.code == 1
    assert "ValueError: too cold" in answer.out


def test_bad_records_are_told_of_and_the_others_verified(bench: Any, verify: Any) -> None:
    path = min(bench.results.glob("pond/swim/*.json"))
    path.write_bytes(path.read_bytes()[:100])
    answer = verify("--sample", "9")
    assert answer.code == 1
    assert f"bad record: pond/swim/{path.name}: not JSON, perhaps cut short" in answer.err
    assert answer.out.splitlines()[-1] == "1 of 1 records looked at: 1 same"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--results", "nowhere"], "there is no results folder nowhere; mtlbench run --results nowhere makes one"),
        (["--results", "empty"], "there is no record in empty to verify; mtlbench run --results empty makes some"),
        (["--sample", "0"], "--sample must be positive, found 0"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(bench: Any, words: list[str], message: str) -> None:
    (bench.folder / "empty").mkdir()
    answer = bench("verify", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"mtlbench: error: {message}\n"
