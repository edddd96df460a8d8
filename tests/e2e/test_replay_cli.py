from __future__ import annotations

import json

from mtlbench.cli import main
from mtlbench.testing.records import made_up_record, store_records


def test_replay_prints_a_row_for_every_point_of_the_path(tmp_path, capsys):
    record = made_up_record("mtl", evaluations=4)
    results = store_records([record], tmp_path / "results")
    assert main(["replay", "pcgrad", "--on", record["key"][:8], "--results", str(results)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"pcgrad on the path of mtl (digits, seed 0, {record['key'][:8]})")
    assert [line.split()[0] for line in out.splitlines()[4:9]] == ["0", "400", "800", "1200", "1600"]


def test_replay_as_json_names_method_record_and_every_weight(tmp_path, capsys):
    record = made_up_record("mtl", evaluations=2)
    results = store_records([record], tmp_path / "results")
    words = ["replay", "gradvac[groups_by=whole,beta=0.5]", "--on", record["key"], "--results", str(results), "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["method"]["settings"] == {"beta": 0.5, "groups_by": "whole"}
    assert told["on"]["key"] == record["key"]
    assert [point["gradients"] for point in told["points"]] == [0, 800, 1600]
    assert all(set(point["weights"]) == {"a", "b"} for point in told["points"])
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == told


def test_replay_of_a_method_that_needs_more_says_so_in_one_line(tmp_path, capsys):
    record = made_up_record("mtl")
    results = store_records([record], tmp_path / "results")
    assert main(["replay", "reptile", "--on", record["key"], "--results", str(results)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
