from __future__ import annotations

import copy
import hashlib
import json
import re

import pytest

from mtlbench.cli import main
from mtlbench.interface.run import Cell
from mtlbench.study.keys import keyed
from mtlbench.study.records import make_record, record_bytes
from mtlbench.testing.records import made_up_record, store_records


@pytest.fixture
def theirs(tmp_path):
    """Another person's results: two methods at two seeds."""
    records = [made_up_record(name, seed=seed) for name in ("mtl", "newcomer") for seed in range(2)]
    return store_records(records, tmp_path / "theirs")


@pytest.fixture
def ours(tmp_path):
    return store_records([made_up_record("mtl", seed=0)], tmp_path / "ours")


def merge(folder, ours, *words):
    return main(["merge", str(folder), "--results", str(ours), *words])


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def path_of(folder, record):
    return folder / record["cell"]["suite"] / record["cell"]["method"] / f"{record['key']}.json"


def remade(record, **blocks):
    """A record whose key and digest fit what it says, however strange that is."""
    cell = Cell(**{**record["cell"], **blocks.pop("cell", {})}, variant=blocks.pop("variant", record["variant"]))
    whole = {**record, **blocks}
    return make_record(keyed(cell), whole["outcome"], whole["measured"], whole["provenance"])


def lay(folder, record, data=None):
    path = path_of(folder, record)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(record_bytes(record) if data is None else data)
    return path


def test_a_submission_is_packed_and_merged_and_merged_again_without_effect(theirs, ours, tmp_path, capsys):
    out = tmp_path / "submission"
    assert main(["submit", "--results", str(theirs), "--out", str(out)]) == 0
    assert "mtlbench run digits -m mtl -m newcomer --seeds 0,1 --budget 1600" in capsys.readouterr().out
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert len(manifest["records"]) == 4
    assert manifest["distributions"] == [{"distribution": "mtlbench", "version": "0"}]
    assert manifest["machines"][0]["cpu"] == "Example CPU"
    assert merge(out, ours) == 0
    assert "merged 3 records" in capsys.readouterr().out
    assert files(ours) == files(theirs)
    before = files(ours)
    assert merge(out, ours) == 0
    assert "merged 0 records" in capsys.readouterr().out
    assert files(ours) == before


def test_a_selection_names_suites_methods_and_keys(theirs, tmp_path, capsys):
    out = tmp_path / "submission"
    assert main(["submit", "digits/newcomer", "--results", str(theirs), "--out", str(out)]) == 0
    assert len(json.loads((out / "manifest.json").read_bytes())["records"]) == 2
    assert main(["submit", "digits/nobody", "--results", str(theirs), "--out", str(out)]) == 2
    assert "begins with 'digits/nobody'" in capsys.readouterr().err


def test_a_submission_into_a_folder_with_other_things_is_refused(theirs, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.tex").write_text("mine")
    assert main(["submit", "--results", str(theirs), "--out", str(tmp_path / "out")]) == 2
    assert "holds 'thesis.tex'" in capsys.readouterr().err
    assert files(tmp_path / "out") == {"thesis.tex": b"mine"}


@pytest.mark.parametrize("out", ["file", "file/below", "x" * 300])
def test_a_submission_that_cannot_be_written_is_one_line(out, theirs, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert main(["submit", "--results", str(theirs), "--out", str(tmp_path / out)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"mtlbench: error: {tmp_path / out}")
    assert err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_empty_words_select_nothing(theirs, ours, tmp_path, capsys):
    assert main(["submit", "", "--results", str(theirs), "--out", str(tmp_path / "out")]) == 2
    assert "begins with ''" in capsys.readouterr().err
    assert main(["merge", "", "--results", str(ours)]) == 2
    assert "a folder's path is empty" in capsys.readouterr().err


def test_a_dry_run_writes_nothing(theirs, ours, capsys):
    before = files(ours)
    assert merge(theirs, ours, "--dry-run") == 0
    assert "would merge 3 records" in capsys.readouterr().out
    assert files(ours) == before


def test_a_bad_record_is_not_packed(theirs, tmp_path, capsys):
    bad = made_up_record("mtl", seed=9, audit="backward passes: 3 metered, 9 seen")
    lay(theirs, bad)
    assert main(["submit", "--results", str(theirs), "--out", str(tmp_path / "out")]) == 1
    assert "the audit counted otherwise than the meter" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def digit_changed(record):
    return record_bytes(record).replace(b'"average": ', b'"average":').replace(b'"average":7', b'"average":8')


def with_outcome(record, change):
    outcome = copy.deepcopy(record["outcome"])
    change(outcome)
    return remade(record, outcome=outcome)


def named(record, name):
    return with_outcome(record, lambda outcome: outcome["tasks"][0].update(label=name))


def with_text(old, new):
    """The record's file with other text in its outcome, and the digest of that."""
    first, outcome, last = re.split(rb'(?<= "outcome": )(?=\{)|(?<=\n \})(?=,\n "measured")', record_bytes(RECORD))
    changed = outcome.replace(old, new, 1)
    digest = hashlib.sha256(b"".join(line.lstrip() for line in changed.splitlines())).hexdigest()
    return first.replace(RECORD["digest"].encode(), digest.encode()) + changed + last


def with_gram(record, point, gram):
    return with_outcome(record, lambda outcome: outcome["curve"][point]["probes"]["cosine"].update(gram=gram))


RECORD = made_up_record("mtl", seed=5)
UNSEEN = made_up_record("mtl", seed=5, unseen={"u": 40.0, "v": 60.0})
STRANGE = {
    "a name twice": (
        RECORD,
        with_text(b'"scores":', b'"scores":{},\n  "scores":'),
        "digest does not match the outcome",
    ),
    "infinite size": (RECORD, with_text(b'"size":100', b'"size":1e999'), "Out of range float values are not JSON"),
    "infinite seconds": (
        RECORD,
        record_bytes(RECORD).replace(b'"step_seconds": 0.005', b'"step_seconds": -1e999'),
        "cannot be written again: Out of range float values are not JSON compliant",
    ),
    "matrix where no board looks": (
        with_gram(RECORD, 1, [[1.0]]),
        None,
        "the Gram matrix after 400 gradients is no 2 x",
    ),
    "one digit": (RECORD, digit_changed(RECORD), "digest does not match the outcome"),
    "another key": (RECORD, record_bytes(RECORD | {"key": "0" * 64}), "key does not match the cell"),
    "not JSON": (RECORD, record_bytes(RECORD)[:500], "not JSON, perhaps cut short"),
    "empty": (RECORD, b"", "the file is empty"),
    "deep": (RECORD, b"[" * 100_000, "not JSON"),
    "NaN": (RECORD, record_bytes(RECORD).replace(b'"lr":0.001', b'"lr":NaN'), "NaN is not JSON"),
    "newer schema": (RECORD, record_bytes(RECORD | {"schema": 9}), "written by a newer mtlbench"),
    "foreign field": (
        RECORD,
        json.dumps({**RECORD, "evil": 1}).encode(),
        "has fields that no record has: 'evil'",
    ),
    "audit": (made_up_record("mtl", seed=6, audit="3 metered, 9 seen"), None, "3 metered, 9 seen"),
    "budget": (made_up_record("mtl", seed=6, gradients=9000), None, "spent 9000 gradients of a budget of 1600"),
    "foreign setting": (remade(RECORD, cell={"settings": {"evil": 1}}), None, "method mtl has no setting 'evil'"),
    "foreign protocol field": (
        remade(RECORD, cell={"protocol": {**RECORD["cell"]["protocol"], "evil": 1}}),
        None,
        "the protocol has no setting 'evil'",
    ),
    "long option": (remade(RECORD, cell={"options": {"a": "x" * 1000}}), None, "a name of 1000 characters"),
    "long version": (remade(RECORD, cell={"suite_version": "x" * 1000}), None, "a name of 1000 characters"),
    "hidden version": (
        remade(RECORD, cell={"suite_version": "1\u202e"}),
        None,
        r"characters that do not show: '1\u202e'",
    ),
    "text as average": (
        with_outcome(RECORD, lambda outcome: outcome.update(average="x")),
        None,
        "its average: expected a number, found 'x'",
    ),
    "another average": (
        with_outcome(RECORD, lambda outcome: outcome.update(average=99.0)),
        None,
        "its average is 99.0, and its scores make 70.0",
    ),
    "another zero-shot average": (
        with_outcome(UNSEEN, lambda outcome: outcome.update(average_unseen=99.0)),
        None,
        "its average_unseen is 99.0, and its scores make 50.0",
    ),
    "average of nothing": (
        with_outcome(RECORD, lambda outcome: outcome.update(scores={})),
        None,
        "its average is 70.0, and its scores make None",
    ),
    "score of no task": (
        with_outcome(RECORD, lambda outcome: outcome["scores"].update(z=outcome["scores"]["a"])),
        None,
        "has scores of 'z', which is none of its tasks",
    ),
    "no curve": (with_outcome(RECORD, lambda outcome: outcome.pop("curve")), None, "has no curve"),
    "cosine": (
        with_outcome(RECORD, lambda outcome: outcome["probes"]["cosine"].update(mean=7.0)),
        None,
        "a cosine is 7, and none below -1.000001 or above 1.000001 can be",
    ),
    "field of another form": (
        with_outcome(RECORD, lambda outcome: outcome["scores"]["a"]["dev"].update(examples="all")),
        None,
        "has not the form of a record: Expected `int | null`, got `str` - at `$.outcome.scores[...][...].examples`",
    ),
    "no zero-shot average": (
        with_outcome(UNSEEN, lambda outcome: outcome.update(average_unseen=None)),
        None,
        "its average_unseen is None, and its scores make 50.0",
    ),
    "control characters": (named(RECORD, "\x1b[31mred\x07"), None, r"characters that do not show: '\x1b[31mred\x07'"),
    "right-to-left mark": (named(RECORD, "a\u202eb"), None, r"characters that do not show: 'a\u202eb'"),
    "ten megabytes": (named(RECORD, "x" * 10_000_000), None, "and a record may have 8388608"),
    "long name": (named(RECORD, "x" * 1000), None, "a name of 1000 characters"),
    "other tasks": (made_up_record("mtl", {"z": 1.0}, seed=6), None, "its tasks are not those of the records here"),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_strange_record_is_refused_in_one_line_and_nothing_is_written(what, theirs, ours, capsys):
    record, data, reason = STRANGE[what]
    path = lay(theirs, record, data)
    before = files(ours)
    assert merge(theirs, ours) == 1
    err = capsys.readouterr().err
    assert [line for line in err.splitlines() if line.startswith("refused")] == [err.splitlines()[0]]
    assert err.startswith(f"refused: {path.relative_to(theirs).as_posix()}")
    assert reason in err
    assert err.replace("\n", "").isprintable()
    assert len(err) < 1500
    assert files(ours) == before
    assert merge(theirs, ours, "--keep-going") == 1
    assert len(files(ours)) == 4


def test_another_record_for_a_key_that_is_here_is_refused_with_the_difference(theirs, ours, capsys):
    other = with_outcome(made_up_record("mtl", seed=0), lambda outcome: outcome["counts"].update(tokens=1))
    lay(theirs, other)
    before = files(ours)
    assert merge(theirs, ours, "--keep-going") == 1
    refusal = capsys.readouterr().err
    assert f"{other['key']}.json (digits, mtl, seed 0): another record of this key is there" in refusal
    assert "outcome.counts.tokens" in refusal
    assert before.items() <= files(ours).items()


@pytest.mark.parametrize("name", ["<script>", "a b", "..", "sub/../../up", "-rf", "~"])
def test_a_folder_with_a_hostile_name_is_refused(name, theirs, ours, tmp_path, capsys):
    folder = theirs / "digits" / name
    if ".." in name:
        # A path that leads out of the folder is a file somewhere else, which is not looked at.
        (tmp_path / "up").mkdir()
        (tmp_path / "up/secret.json").write_text("{}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{'0' * 64}.json").write_text("{}")
    assert merge(theirs, ours) == 1
    assert "refused: " in capsys.readouterr().err
    assert all(path.startswith("digits/mtl/") for path in files(ours))


def test_links_and_other_files_are_refused(theirs, ours, tmp_path, capsys):
    (tmp_path / "secret.json").write_text("{}")
    (theirs / "digits/mtl/link.json").symlink_to(tmp_path / "secret.json")
    (theirs / "digits/run.sh").write_text("rm -rf /")
    (theirs / "elsewhere").symlink_to(tmp_path)
    assert merge(theirs, ours) == 1
    assert sorted(line.split(": ")[1:] for line in capsys.readouterr().err.splitlines() if "refused" in line) == [
        ["digits/mtl/link.json", "is a link or no plain file"],
        ["digits/run.sh", "is no record", "records are SUITE/METHOD/KEY.json"],
        ["elsewhere", "is a link or no plain file"],
    ]


def test_what_the_manifest_does_not_say_is_refused(theirs, ours, tmp_path, capsys):
    out = tmp_path / "submission"
    assert main(["submit", "--results", str(theirs), "--out", str(out)]) == 0
    gone, changed = sorted((out / "records").rglob("*.json"))[:2]
    gone.unlink()
    changed.write_bytes(changed.read_bytes() + b" ")
    lay(out / "records", made_up_record("mtl", seed=7))
    capsys.readouterr()
    assert merge(out, ours) == 1
    err = capsys.readouterr().err
    assert "the manifest names it, and it is not there" in err
    assert "its sha256 differs" in err
    assert "the manifest does not name it" in err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 7}', '{"schema": 1, "records": {"a": 1}}', "[" * 99999])
def test_a_manifest_that_is_none_is_refused(text, theirs, ours, capsys):
    (theirs / "manifest.json").write_text(text)
    assert merge(theirs, ours) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_method_that_is_not_installed_is_merged_with_a_note(theirs, ours, capsys):
    assert merge(theirs, ours) == 0
    assert "not checked: method newcomer is not installed here" in capsys.readouterr().err


def test_a_second_row_of_a_name_that_is_there_is_told_of_and_merged(ours, tmp_path, capsys):
    records = [made_up_record("mtl", seed=seed, protocol={"lr": 1e-5}) for seed in range(2)]
    other = store_records(records, tmp_path / "x")
    assert merge(other, ours) == 0
    told = capsys.readouterr()
    assert "note: digits has a row mtl already (lr=" in told.err
    assert "these records make another of that name (lr=1e-05)" in told.err
    assert told.out.startswith("merged 2 records")
