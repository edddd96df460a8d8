"""Records that were changed after the run, taken away, smuggled in, or made to do harm where they are printed."""

from __future__ import annotations

import copy
import csv
import functools
import html.parser
import json
import operator
import shutil

import pytest

from mtlbench.cli import main
from mtlbench.interface.errors import BadSetting
from mtlbench.study.records import cell_of, make_record
from mtlbench.testing.records import made_up_record, store_records

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "path": "../../../etc/passwd",
    "terminal": "\x1b]0;owned\x07\x1b[2J\x1b[31m",
    "line breaks": "a\r\nmtlbench: error: b\u2028c",
    "right to left": "\u202eabc\u2066\u200f",
    "formula": '=HYPERLINK("http://x")',
    "wide formula": "＝cmd",
    "markdown": "[x](javascript:alert(1)) | `b` @all",
    "latex": "\\input{/etc/passwd}",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with committed records and their tables."""
    monkeypatch.chdir(tmp_path)
    records = [made_up_record(variant, seed=seed) for variant in ("mtl", "pcgrad") for seed in range(2)]
    store_records(records, tmp_path / "leaderboard/results")
    assert main(["leaderboard"]) == 0
    return tmp_path / "leaderboard"


GONE = object()
STRANGE = [GONE, "x", 5, [], {}, None, [5], {"x": 5}, -1e308, True, "x" * 100_000, "\x1b[31m\u202e", 10**400]
COMMANDS = {
    "show": ["show", "{key}"],
    "explain": ["explain", "{key}"],
    "replay": ["replay", "pcgrad", "--json", "--on", "{key}"],
    "diff": ["diff", "{key}", "{other}"],
    "submit": ["submit", "--out", "submission"],
    "leaderboard": ["leaderboard", "--out", "board"],
}


def places_in(value, path=()):
    """Paths to all that a JSON value holds; of lists the beginning."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    yield path
    for name, part in inner:
        yield from places_in(part, (*path, name))


@pytest.mark.parametrize("shift", [0, 7])
@pytest.mark.parametrize("command", COMMANDS)
def test_whatever_a_field_holds_no_command_breaks_or_floods_the_terminal(command, shift, tmp_path, monkeypatch, capsys):
    """Every field of a record in turn, with the next of the strange values, and a digest that is right."""
    monkeypatch.chdir(tmp_path)
    sound = made_up_record("mtl", unseen={"u": 40.0})
    sound["outcome"]["scores"]["a"]["test"]["extra"] = {"recall": 0.5}
    other = made_up_record("mtl", seed=1, unseen={"u": 41.0})
    blocks = ("outcome", "measured", "provenance")
    places = [place for block in blocks for place in places_in(sound[block], (block,)) if len(place) > 1]
    assert len(places) > 150
    for number, (*above, last) in enumerate(places):
        record = copy.deepcopy(sound)
        around, value = functools.reduce(operator.getitem, above, record), STRANGE[(number + shift) % len(STRANGE)]
        if value is GONE:
            del around[last]
        else:
            around[last] = value
        made = make_record(cell_of(record), record["outcome"], record["measured"], record["provenance"])
        store_records([made, other], tmp_path / f"{number}")
        words = [word.format(key=sound["key"], other=other["key"]) for word in COMMANDS[command]]
        assert main([*words, "--results", f"{number}"]) in (0, 1, 2), (above, last)
        printed = capsys.readouterr()
        assert max(map(len, printed.err.splitlines()), default=0) < 3000, (above, last)
        assert max(map(len, printed.out.splitlines()), default=0) < 30_000, (above, last)
        shutil.rmtree(tmp_path / "submission", ignore_errors=True)


def record_paths(folder):
    return sorted((folder / "results").rglob("*.json"))


def hostile_record(name, seed=0, budget=1600):
    """A record, sound in itself, in which every free text is ``name``."""
    record = made_up_record("mtl", {"a": 70.0, "b": 60.0}, seed=seed, unseen={"u": 1.0}, budget=budget)
    outcome = copy.deepcopy(record["outcome"])
    for task in outcome["tasks"]:
        task |= {"label": name, "metric": name}
    outcome["tasks"][0]["name"] = name
    for part in (outcome["scores"], *(point["dev"] for point in outcome["curve"])):
        part[name] = part.pop("a")
    outcome["unseen"] = {name: {"test": {"value": 1.0, "examples": 1, "extra": {name: 1.0}}}}
    outcome["summary"] = {name: name}
    measured = {**record["measured"], "machine": {"fingerprint": name, "cpu": name}, "versions": {name: name}}
    about = {"distribution": name, "version": name, "source": name}
    return make_record(cell_of(record), outcome, measured, {"mtlbench": name, "method": about, "suite": about})


def test_one_changed_digit_is_told_of_in_one_line(folder, capsys):
    path = record_paths(folder)[0]
    path.write_bytes(path.read_bytes().replace(b'"value":80.0', b'"value":80.1', 1))
    capsys.readouterr()
    assert main(["leaderboard", "--check"]) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if "digest" in line]
    reason = "digest does not match the outcome: one of them was changed after the run"
    assert told == [f"{path.relative_to(folder / 'results')}: {reason}"]


@pytest.mark.parametrize("block", ["cell", "status", "variant", "key"])
def test_no_other_block_that_boards_rest_on_can_be_changed_unseen(block, folder, capsys):
    path = record_paths(folder)[0]
    record = json.loads(path.read_bytes())
    changed = {"cell": record["cell"] | {"seed": 9}, "status": "diverged", "variant": "mtl[lr=1]", "key": "0" * 64}
    path.write_text(json.dumps(record | {block: changed[block]}))
    capsys.readouterr()
    assert main(["leaderboard", "--check"]) == 1
    assert path.name in capsys.readouterr().err


def test_a_record_that_was_taken_away_makes_the_tables_stale(folder, capsys):
    record_paths(folder)[0].unlink()
    capsys.readouterr()
    assert main(["leaderboard", "--check"]) == 1
    found = capsys.readouterr()
    assert "stale; run:" in found.err
    assert "+++ b/tables/digits-scores.md" in found.out


def test_a_record_of_another_board_cannot_join_under_a_name_that_is_not_its_own(folder, capsys):
    record = made_up_record("swep")
    (folder / "results/digits/mtl" / f"{record['key']}.json").write_text(json.dumps(record))
    capsys.readouterr()
    assert main(["leaderboard", "--check"]) == 1
    assert "lies in the wrong place: it belongs at digits/swep/" in capsys.readouterr().err


def test_a_name_of_ten_megabytes_is_refused_and_rendered_nowhere(folder, capsys):
    store_records([hostile_record("x" * 10_000_000, seed=7)], folder / "results")
    assert main(["leaderboard"]) == 2
    found = capsys.readouterr()
    assert "has a name of 10000000 characters, and 200 are allowed" in found.err
    assert len(found.err) < 1000
    assert all(path.stat().st_size < 1e6 for path in folder.rglob("*") if "results" not in path.parts)


class Tags(html.parser.HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, text):
        super().__init__()
        self.found = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found |= {tag, *(name for name, _ in attrs)}


def test_hostile_text_is_rendered_harmless_everywhere(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    records = [hostile_record(name, budget=1000 + place) for place, name in enumerate(HOSTILE.values())]
    store_records(records, tmp_path / "leaderboard/results")
    assert main(["leaderboard"]) == 0
    plain = made_up_record("mtl", {"a": 70.0, "b": 60.0}, unseen={"u": 1.0})
    store_records([plain], tmp_path / "elsewhere/leaderboard/results")
    assert main(["leaderboard", "--results", "elsewhere/leaderboard/results", "--out", "elsewhere/leaderboard"]) == 0
    for path in (tmp_path / "leaderboard").rglob("*"):
        if path.is_dir() or "results" in path.parts:
            continue
        text = path.read_text("utf-8")
        assert all(char == "\n" or char.isprintable() for char in text), path
        if path.suffix == ".csv":
            for row in csv.reader(text.splitlines()):
                assert not any(cell.startswith(tuple("=@＝＋－＠")) for cell in row)
        if path.suffix == ".html":
            assert Tags(text).found <= Tags((tmp_path / "elsewhere/leaderboard" / path.name).read_text("utf-8")).found
        if path.suffix == ".md":
            assert "<script" not in text
            assert "<img" not in text
    capsys.readouterr()
    for record, other in zip(records, [*records[1:], records[0]], strict=True):
        for words in (["show", record["key"]], ["diff", record["key"], other["key"]]):
            assert main([*words, "--results", "leaderboard/results"]) == 0
    for words in (
        ["explain", records[3]["key"]],
        ["diff", "leaderboard/results", "elsewhere/leaderboard/results"],
        ["replay", "pcgrad", "--on", records[3]["key"]],
        ["leaderboard", "--check"],
    ):
        assert main(words) == 0, words
    found = capsys.readouterr()
    assert all(char == "\n" or char.isprintable() for char in found.out + found.err)


def test_text_that_is_no_unicode_cannot_be_part_of_a_record():
    with pytest.raises(BadSetting, match="no valid Unicode"):
        hostile_record("a\ud800b")


def test_a_file_name_cannot_speak_to_the_terminal(folder, capsys):
    (folder / "results/digits/\x1b[31mred.json").write_text("{}")
    capsys.readouterr()
    for words in (
        ["leaderboard", "--check"],
        ["diff", "leaderboard/results", "leaderboard/results"],
        ["verify", "--results", "leaderboard/results", "--sample", "1", "--quiet"],
        ["show", "0000", "--results", "leaderboard/results"],
    ):
        assert main(words) != 0
        assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("number", [1e308, -1e308, 1e160, 10**400])
def test_no_command_stumbles_over_a_huge_number(number, folder, capsys):
    record = made_up_record("swep", seed=3)
    outcome = copy.deepcopy(record["outcome"])
    outcome["scores"]["a"]["test"]["value"] = outcome["average"] = number
    outcome["curve"][1]["probes"]["cosine"]["gram"][0][1] = number
    huge = make_record(cell_of(record), outcome, record["measured"], record["provenance"])
    store_records([huge], folder.parent / "sent")
    capsys.readouterr()
    assert main(["merge", "sent", "--results", "leaderboard/results"]) == 1
    [refused] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("refused: ")]
    assert "1e12" in refused.replace("+", "") or "too large" in refused or "no 2 x 2 table" in refused
    store_records([huge], folder / "results")
    for words in (
        ["leaderboard"],
        ["leaderboard", "--check"],
        ["explain", huge["key"]],
        ["show", huge["key"], "--results", "leaderboard/results"],
        ["diff", "leaderboard", "leaderboard"],
        ["diff", huge["key"], made_up_record("mtl")["key"], "--results", "leaderboard/results"],
        ["submit", "--results", "leaderboard/results", "--out", "submission"],
    ):
        assert main(words) in (0, 1, 2), words
        found = capsys.readouterr()
        assert all(len(line) < 600 for line in found.err.splitlines())
