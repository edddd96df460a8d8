from __future__ import annotations

import hashlib
import json
import shlex

import pytest

from mtlbench.cli import main
from mtlbench.study.records import cell_of, make_record
from mtlbench.testing.records import made_up_record, store_records


@pytest.fixture
def results(tmp_path):
    records = [
        made_up_record(variant, {"a": base + seed, "b": 50.0}, seed=seed)
        for variant, base in (("mtl", 70.0), ("pcgrad", 72.0))
        for seed in range(3)
    ]
    return store_records(records, tmp_path / "results")


def key_of(variant, seed=1):
    return made_up_record(variant, seed=seed)["key"]


def test_explain_names_board_row_and_every_run_behind_the_mean(results, capsys):
    assert main(["explain", key_of("pcgrad")[:8], "--results", str(results)]) == 0
    out = capsys.readouterr().out
    assert "stands on board digits (1600 gradients), row pcgrad, seed 1" in out
    assert "its average: 61.50 = 123.00 / 2 tasks (a 73.00, b 50.00)" in out
    assert "the row: 61.50 ± 0.50, mean ± SD over 3 seeds" in out
    for seed in range(3):
        assert f"record {key_of('pcgrad', seed)[:12]}" in out
    assert f"against mtl at the same seed (record {key_of('mtl')[:12]}): +1.00; over 3 seeds +1.00" in out


def test_explain_tells_further_metrics_and_scores_of_tasks_that_were_never_trained(tmp_path, capsys):
    record = made_up_record(scores={"a": 73.0}, unseen={"u": 40.0})
    record["outcome"]["scores"]["a"]["test"]["extra"] = {"recall": 0.625}
    record["outcome"]["unseen"]["u"]["test"]["extra"] = {"recall": 0.25}
    told = make_record(cell_of(record), record["outcome"], record["measured"], record["provenance"])
    results = store_records([told], tmp_path / "results")
    assert main(["explain", record["key"], "--results", str(results)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines if line.startswith(("  a: test", "  u: ", "  zero-shot"))] == [
        "a: test recall 0.625",
        "u: zero-shot 40.0",
        "u: zero-shot recall 0.25",
        "zero-shot average 40.0",
    ]


def test_explain_tells_where_a_record_comes_from_and_how_to_repeat_it(results, capsys):
    record = made_up_record("pcgrad", {"a": 73.0, "b": 50.0}, seed=1)
    assert main(["explain", record["key"], "--results", str(results)]) == 0
    lines = capsys.readouterr().out.splitlines()
    path = results / "digits/pcgrad" / f"{record['key']}.json"
    source = record["provenance"]["method"]["source"]
    assert f"sha256 of the file {hashlib.sha256(path.read_bytes()).hexdigest()}" in lines
    assert lines[lines.index("method pcgrad, version 1") + 1] == f"  distribution mtlbench 0, source sha256 {source}"
    assert "suite digits, version 1" in lines
    assert "seed 1" in lines
    assert next(line for line in lines if line.startswith("machine ")).startswith("machine cores 2, cpu Example CPU, ")
    assert "versions python 3.11" in lines
    assert f"peak memory {record['measured']['peak_bytes']} bytes" in lines
    probes = record["outcome"]["probes"]
    assert f"pairwise cosine {probes['cosine']['mean']}" in lines
    assert f"masked-LM loss, unseen {probes['mlm']['unseen']}" in lines
    assert "  a: dev 73.0, test 73.0 of 100 examples" in lines
    assert "  average 61.5" in lines
    command = lines[lines.index("to repeat it:") + 1]
    assert command.startswith("  mtlbench run digits -m pcgrad --set accumulate=1 ")
    assert " --set budget=1600 " in command
    assert command.endswith(" --seeds 1,")


def test_the_command_asks_for_the_very_cell(tmp_path, capsys):
    asked = ["synthetic[start=north]", "-m", "pcgrad[lr=0.5]", "--seeds", "3,", "--budget", "60", "--quiet"]
    words = ["--executor", "serial", "--results", str(tmp_path / "results")]
    assert main(["run", *asked, *words]) == 0
    [path] = (tmp_path / "results").glob("*/*/*.json")
    capsys.readouterr()
    assert main(["explain", path.stem, "--results", str(tmp_path / "results")]) == 0
    lines = capsys.readouterr().out.splitlines()
    command = shlex.split(lines[lines.index("to repeat it:") + 1])
    assert main([*command[1:], "--json", "--quiet", *words]) == 0
    [cell] = json.loads(capsys.readouterr().out)["cells"]
    assert (cell["key"], cell["found"]) == (path.stem, True)


def test_explain_says_why_a_record_is_on_no_board(results, capsys):
    refused = made_up_record("swep", audit="backward passes: 3 metered, 9 seen")
    store_records([refused], results)
    assert main(["explain", refused["key"], "--results", str(results)]) == 2
    assert "on no board: the audit counted otherwise than the meter: backward passes: 3" in capsys.readouterr().out


def test_explain_says_that_a_diverged_run_is_in_no_mean(results, capsys):
    lost = made_up_record("pcgrad", seed=7, status="diverged")
    store_records([lost], results)
    assert main(["explain", lost["key"], "--results", str(results)]) == 0
    assert "it diverged: counted in the column Lost, part of no mean" in capsys.readouterr().out


def test_diff_of_two_records_shows_only_what_differs(results, capsys):
    assert main(["diff", key_of("mtl"), key_of("pcgrad"), "--results", str(results)]) == 0
    lines = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert lines["cell.method"] == ["mtl", "pcgrad"]
    assert lines["test.a"] == ["71.00", "73.00", "+2"]
    assert "test.b" not in lines
    assert "cell.seed" not in lines


def test_diff_of_a_record_with_itself_says_so(results, capsys):
    assert main(["diff", key_of("mtl"), key_of("mtl"), "--results", str(results)]) == 0
    assert "The records do not differ" in capsys.readouterr().out


def test_diff_of_folders_names_what_is_missing_and_what_came_out_differently(results, tmp_path, capsys):
    other = store_records(
        [made_up_record("mtl", {"a": 1.0, "b": 50.0}), made_up_record("mtl", {"a": 71.0, "b": 50.0}, seed=1)],
        tmp_path / "other",
    )
    store_records([made_up_record("gradvac", seed=5)], other)
    assert main(["diff", str(results), str(other)]) == 0
    out, rows = capsys.readouterr().out.split("\nRows\n")
    assert [rows.count(f"only in the {which}") for which in ("first", "second")] == [1, 1]
    assert out.count("only in the first") == 4
    assert out.count("only in the second") == 1
    [changed] = [line for line in out.splitlines() if "came out differently" in line]
    assert changed.split()[-3:-1] == ["60.00", "25.50"]
    assert "1 cells have the same outcome in both." in out


def test_a_bad_record_does_not_keep_the_others_from_being_told_of(results, tmp_path, capsys):
    bad = results / "digits" / "mtl" / f"{'0' * 64}.json"
    bad.write_text("{")
    assert main(["explain", key_of("pcgrad"), "--results", str(results)]) == 2
    found = capsys.readouterr()
    assert "its average: " in found.out
    [line] = found.err.splitlines()
    assert line.startswith(f"digits/mtl/{bad.name}: not JSON")
    assert main(["diff", str(results), str(results)]) == 2
    found = capsys.readouterr()
    assert "6 cells have the same outcome in both." in found.out
    assert [line.startswith(f"{bad}: not JSON") for line in found.err.splitlines()] == [True, True]


def test_a_folder_and_a_key_are_not_compared(results, capsys):
    assert main(["diff", str(results), "abcd"]) == 2
    assert "compare two records or two folders" in capsys.readouterr().err
