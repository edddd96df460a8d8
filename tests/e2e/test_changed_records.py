"""Any changed byte of a committed record fails the check, and the record is named."""

from __future__ import annotations

import hashlib
import re

import pytest

from mtlbench.cli import main
from mtlbench.testing.records import made_up_record, store_records


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with committed records and their board."""
    monkeypatch.chdir(tmp_path)
    records = [made_up_record(variant, seed=seed) for variant in ("mtl", "pcgrad") for seed in range(3)]
    store_records(records, tmp_path / "leaderboard/results")
    assert main(["leaderboard"]) == 0
    return tmp_path / "leaderboard"


@pytest.fixture
def check(capsys):
    def answer(*words):
        capsys.readouterr()
        return main(["leaderboard", "--check", *words]), capsys.readouterr().out.splitlines()

    return answer


def path_of(folder, variant="pcgrad", seed=1):
    return folder / "results/digits" / variant / f"{made_up_record(variant, seed=seed)['key']}.json"


def flip(path, pattern):
    """Another digit in the place of the one that ``pattern`` captures."""
    text = path.read_text()
    found = re.search(pattern, text, re.DOTALL)
    digit = "1" if found[1] != "1" else "2"
    path.write_text(text[: found.start(1)] + digit + text[found.end(1) :])


def test_the_list_has_the_sha256_of_every_file(folder):
    head, *lines = (folder / "records.csv").read_text().splitlines()
    assert head == "key,suite,variant,seed,sha256"
    assert len(lines) == 6
    path = path_of(folder)
    assert f"{path.stem},digits,pcgrad,1,{hashlib.sha256(path.read_bytes()).hexdigest()}" in lines


@pytest.mark.parametrize(
    "pattern",
    [
        r'"value":8(\d)',
        r'"train_loss":\d\.\d(\d)',
        r'"evaluation_seconds": (\d)',
        r'"total_seconds": 1(\d)',
        r'"finished": "202(\d)',
        r'"memory_bytes": 1(\d)',
        r'"python": "3\.1(\d)',
        r'"source": "[0-9a-f]*?(\d)[0-9a-f]*"',
        r'"mtlbench": "(\d)"',
        r'"seed": (\d)',
        r'"budget": 160(\d)',
        r'"key": "[0-9a-f]*?(\d)',
        r'"digest": "[0-9a-f]*?(\d)',
    ],
)
def test_one_changed_digit_anywhere_is_found_and_the_record_named(folder, check, pattern):
    path = path_of(folder)
    flip(path, pattern)
    code, lines = check()
    assert code == 1
    start = f"record {path.stem[:12]} (digits, pcgrad of mtlbench, seed 1): changed since the board was written"
    assert lines[0].startswith(start)
    assert sum(line.startswith("record ") for line in lines) == 1


def test_a_changed_space_is_found(folder, check):
    path = path_of(folder)
    path.write_bytes(path.read_bytes() + b"\n")
    code, lines = check()
    assert code == 1
    assert lines == [
        f"record {path.stem[:12]} (digits, pcgrad of mtlbench, seed 1): changed since the board was written",
        "records.csv: differs from the list of the records that are there",
    ]


def test_a_record_that_is_gone_and_one_that_is_new_are_named(folder, check):
    path_of(folder).unlink()
    new = made_up_record("swep", seed=7)
    store_records([new], folder / "results")
    code, lines = check()
    assert code == 1
    assert lines[:2] == [
        f"record {path_of(folder).stem[:12]} (digits, pcgrad of mtlbench, seed 1): gone since the board was written",
        f"record {new['key'][:12]} (digits, swep of mtlbench, seed 7): new: the board was written without it",
    ]


def test_of_many_new_records_a_dozen_is_named_and_the_others_counted(folder, check):
    store_records([made_up_record("swep", seed=seed) for seed in range(20)], folder / "results")
    path_of(folder).unlink()
    _, lines = check()
    assert sum(line.startswith("record ") for line in lines) == 12
    assert lines[12] == "... 9 more; in all 1 gone, 20 new"


def test_a_file_that_differs_where_no_record_does_is_said_to(folder, check):
    path = folder / "tables/digits-scores.csv"
    path.write_text(path.read_text().replace("70.00", "70.01", 1))
    code, lines = check()
    assert code == 1
    assert lines[0] == "no good record is changed, gone or new since the board was written"


def test_an_edited_list_is_found(folder, check):
    path = folder / "records.csv"
    text = path.read_text()
    for edited in (text.replace("mtl", "\x1b[2Jmtl"), text + "a,b\n", text + '"\n' + "x" * 200_000, text[:-1]):
        path.write_text(edited)
        code, lines = check()
        assert code == 1
        assert lines[-1] == "records.csv: differs from the list of the records that are there"
        assert all(line.isprintable() for line in lines)
    path.unlink()
    assert check() == (1, ["records.csv: is missing"])


def test_a_list_of_somebody_else_is_not_overwritten(folder, tmp_path, capsys):
    (tmp_path / "records.csv").write_text("artist,title\n")
    assert main(["leaderboard", "--out", str(tmp_path)]) == 2
    assert "records.csv was not written by mtlbench leaderboard" in capsys.readouterr().err


def test_long_diffs_and_long_lines_are_cut_unless_they_are_asked_for(folder, check):
    table, page = folder / "tables/digits-scores.md", folder / "index.html"
    whole = page.read_text()
    table.write_text("".join(f"line {number}\n" for number in range(100)))
    page.write_text(whole.replace("mtl", "mtI"))
    _, lines = check()
    start = lines.index("--- a/tables/digits-scores.md")
    [more] = [
        place for place, line in enumerate(lines) if line.endswith("of tables/digits-scores.md; --full shows them")
    ]
    assert more - start == 40
    assert re.fullmatch(r"\.\.\. \d+ more lines .*", lines[more])
    assert max(map(len, lines)) < 400
    _, full = check("--full")
    assert len(full) > len(lines) + 60
    assert max(map(len, full)) > 1000
    assert not any("--full" in line for line in full)


def test_full_without_check_is_misuse(folder, capsys):
    assert main(["leaderboard", "--full"]) == 2
    assert "--full goes with --check" in capsys.readouterr().err
