from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mtlbench.interface.errors import BadRecord
from mtlbench.leaderboard.entries import entry_of
from mtlbench.leaderboard.outcomes import outcome_of
from mtlbench.leaderboard.reading import read_entries
from mtlbench.study.json_text import Unread, json_of, text_of
from mtlbench.study.keys import canonical_json, sha256_of
from mtlbench.study.records import record_bytes
from mtlbench.study.store import record_paths
from mtlbench.testing.records import made_up_record

COMMITTED = Path(__file__).parents[2] / "leaderboard" / "results"


def test_entries_of_every_committed_suite_are_those_of_whole_records() -> None:
    first = {path.parent.parent: path for path in record_paths(COMMITTED)}
    for path in first.values():
        record = json_of(path.read_bytes())
        short = {**record, "outcome": outcome_of(text_of(record["outcome"]))}
        assert repr(entry_of(short)) == repr(entry_of(record))  # NaN is no other NaN


def test_single_cosines_of_a_curve_are_left_out_and_matrices_are_not_read() -> None:
    cosine = {"mean": 0.5, "gram": [[1.0]], "values": [0.5], "pairs": [0.5]}
    text = text_of({"curve": [{"gradients": 8, "lr": 1.0, "probes": {"cosine": cosine}}], "probes": {"cosine": cosine}})
    outcome = outcome_of(text)
    assert outcome == {
        "curve": [{"gradients": 8, "probes": {"cosine": {"mean": 0.5, "gram": Unread(b"[[1.0]]")}}}],
        "probes": {"cosine": cosine},
    }
    assert json_of(outcome["curve"][0]["probes"]["cosine"]["gram"]) == [[1.0]]


@pytest.mark.parametrize("curve", [{}, "text", [3], [{"probes": 3}], [{"probes": {"cosine": [1]}}], [None]])
def test_a_curve_of_another_form_is_read_as_it_is(curve: Any) -> None:
    assert outcome_of(text_of({"curve": curve}, nulls=0)) == {"curve": curve}


@pytest.mark.parametrize("curve", [None, []])
def test_there_may_be_no_curve(curve: Any) -> None:
    assert outcome_of(canonical_json({"curve": curve}).encode()) == {"curve": curve}


def test_a_record_whose_digest_is_of_more_than_boards_read_is_accepted_and_one_whose_digest_is_wrong_is_not(
    tmp_path: Path,
) -> None:
    record = made_up_record()
    record["outcome"]["more"] = {"than": "boards read"}
    record["digest"] = sha256_of(record["outcome"])
    folder = tmp_path / record["cell"]["suite"] / record["cell"]["method"]
    folder.mkdir(parents=True)
    path = folder / f"{record['key']}.json"
    for text in (record_bytes(record), record_bytes(record).replace(b'"than":"', b'"than": "')):
        path.write_bytes(text)
        entries, problems = read_entries(tmp_path)
        assert [len(entries), problems] == [1, []]
    path.write_bytes(record_bytes(record).replace(b"boards read", b"boards road"))
    entries, (problem,) = read_entries(tmp_path)
    assert not entries
    assert "digest does not match" in problem.text


@pytest.mark.parametrize("place", ['"more":%s', '"curve":[{"lr":%s}]', '"curve":[{"probes":{"cosine":{"pairs":%s}}}]'])
@pytest.mark.parametrize("damage", [b'"\xff"', b'"\xed\xa0\x80"', b"tru", b"NaN", b"[1"])
def test_what_is_left_out_must_be_json_all_the_same(place: str, damage: bytes) -> None:
    with pytest.raises(ValueError):
        outcome_of(b"{" + place.encode() % damage + b"}")


def test_changed_outcomes_are_read_or_refused_as_whole_ones_are() -> None:
    record = made_up_record(unseen={"x": 1.0})
    record["outcome"]["trace"] = {"all": [[step, 0.5, -2.0] for step in range(5)]}
    refused = 0
    for outcome in _changed(record["outcome"], 400, random.Random(0)):
        text = canonical_json(outcome).encode()
        told = _told(record, json_of(text))
        assert _told(record, outcome_of(text)) == told
        refused += told.startswith("refused")
    assert 40 < refused < 360


def _changed(outcome: dict[str, Any], times: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    values = [None, True, -1, 3, 1e308, 10**400, "", "text", [], [1], [[1.0, 2.0], [2.0, 1.0]], {}, {"a": 1}]
    for _ in range(times):
        changed = copy.deepcopy(outcome)
        node: Any = changed
        while True:
            key = rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
            if isinstance(node[key], (dict, list)) and node[key] and rng.random() < 0.8:
                node = node[key]
                continue
            node[key] = rng.choice(values)
            break
        yield changed


def _told(record: dict[str, Any], outcome: Any) -> str:
    try:
        return repr(entry_of({**record, "outcome": outcome}))
    except BadRecord as bad:
        return f"refused: {bad}"
