from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtlbench import BadRecord, Cell
from mtlbench.study.keys import canonical_json, keyed
from mtlbench.study.records import (
    SCHEMA,
    FutureRecord,
    cell_of,
    check_record,
    load_record,
    make_record,
    migrate,
    record_bytes,
)
from mtlbench.study.store import Store

RecordOf = Callable[..., dict[str, Any]]


def test_a_record_reads_back_as_it_was_made(cell: Cell, record_of: RecordOf, store: Store) -> None:
    record = record_of(cell, curve=[{"gradients": 1, "dev": {"a": 0.1}}], words="é")
    assert store.write(cell, record) == "stored"
    assert store.load(cell) == record
    assert cell_of(record) == cell


def test_equal_records_are_equal_bytes_with_a_line_for_each_entry(cell: Cell, record_of: RecordOf) -> None:
    one = record_bytes(record_of(cell, a={"y": 1, "x": 2}, b=3))
    other = record_bytes(record_of(cell, b=3, a={"x": 2, "y": 1}))
    assert one == other
    assert '"a":{"x":2,"y":1},' in [line.replace(" ", "") for line in one.decode().splitlines()]
    assert one.endswith(b"}\n")


def test_tuples_and_numbered_keys_are_hashed_as_they_will_be_read(cell: Cell, record_of: RecordOf) -> None:
    record = record_of(cell, pairs=(1, 2), table={2: "b", 10: "a"})
    assert check_record(json.loads(record_bytes(record)))["outcome"]["table"] == {"2": "b", "10": "a"}


def test_a_diverged_outcome_makes_a_diverged_record(cell: Cell, record_of: RecordOf) -> None:
    assert record_of(cell)["status"] == "done"
    assert record_of(cell, divergence={"gradients": 3, "reason": "NaN"})["status"] == "diverged"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_an_outcome_that_is_no_json_is_refused(cell: Cell, value: object) -> None:
    with pytest.raises(BadRecord, match=r"^the outcome of fussy on pond is not JSON: "):
        make_record(cell, {"average": value}, {}, {})


def edit(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """Change entries of the header, or with ``block__entry`` of a block; None takes one out."""

    def apply(record: dict[str, Any]) -> None:
        for path, value in changes.items():
            *blocks, name = path.split("__")
            target = record
            for block in blocks:
                target = target[block]
            target[name] = value
            if value is None:
                del target[name]

    return apply


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit(cell__seed=5), "^key does not match the cell: one of them was changed after the run$"),
        (edit(cell__settings={"beta": 0.4, "mood": "calm"}), "^key does not match"),
        (edit(key="0" * 64), "^key does not match"),
        (edit(outcome__average=99.9), "^digest does not match the outcome: one of them was changed after the run$"),
        (edit(digest="0" * 64), "^digest does not match"),
        (edit(status="diverged"), "^status 'diverged' contradicts the outcome's divergence$"),
        (edit(status="best"), "^'status' must be one of done, diverged, found 'best'$"),
        (edit(outcome=None), "^lacks 'outcome'$"),
        (edit(digest=None), "^lacks 'digest'$"),
        (edit(cell="pond"), "^'cell' must be dict, found 'pond'$"),
        (edit(variant=3), "^'variant' must be str, found 3$"),
        (edit(cell__extra=1), "^'cell' lacks or does not know: extra$"),
        (edit(cell__seed=None), "^'cell' lacks or does not know: seed$"),
        (edit(cell__seed="0"), r"^cell\.seed must be int, found '0'$"),
        (edit(cell__method=["fussy"]), r"^cell\.method must be str, found \['fussy'\]$"),
        (edit(cell__options=[1]), r"^cell\.options must be dict, found \[1\]$"),
        (edit(schema=None), "^'schema' must be a whole number, found None$"),
        (edit(schema="1"), "^'schema' must be a whole number, found '1'$"),
        (edit(schema=True), "^'schema' must be a whole number, found True$"),
        (edit(schema=0), "^schema 0 was never in use$"),
        (
            edit(schema=SCHEMA + 1),
            r"^written by a newer mtlbench \(schema 2; this one reads up to 1\): upgrade mtlbench$",
        ),
    ],
)
def test_a_record_that_was_changed_is_refused(
    cell: Cell, record_of: RecordOf, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    record = json.loads(record_bytes(record_of(cell)))
    change(record)
    with pytest.raises(BadRecord, match=message):
        check_record(record)


def test_what_may_differ_from_run_to_run_is_not_guarded(cell: Cell, record_of: RecordOf) -> None:
    record = record_of(cell)
    edit(measured={"seconds": 7}, variant="fussy[beta=0.5]", provenance={})(record)
    assert check_record(record) == record


@pytest.mark.parametrize(
    ("settings", "variant"),
    [
        ({}, "fussy"),
        ({}, "fussy[rows=8]"),
        ({"beta": 1e-7}, "fussy[beta=1e-07,mood=calm,rows=8]"),
        ({"mood": "a,beta=9]"}, "fussy[beta=0.5,mood=a,beta=9]]"),
        ({"names": ["a", "b"], "clip": None}, "fussy[clip=none,names=[a,b]]"),
    ],
)
def test_a_variant_tells_values_of_the_cell(
    cell: Cell, record_of: RecordOf, settings: dict[str, Any], variant: str
) -> None:
    protocol = {**cell.protocol, "rows": 8}
    named = dataclasses.replace(cell, settings={**cell.settings, **settings}, protocol=protocol, variant=variant)
    assert check_record(record_of(keyed(named)))["variant"] == variant


@pytest.mark.parametrize(
    "variant",
    ["", "plain", "fussy[beta=0.4]", "fussy[beta=0.5", "fussy]", "fussy[depth=3]", "fussy[mood=wild]", "fussy[best]"],
)
def test_a_variant_that_is_not_the_cells_is_refused(cell: Cell, record_of: RecordOf, variant: str) -> None:
    record = {**record_of(cell), "variant": variant}
    with pytest.raises(BadRecord, match=r"^variant does not match the cell: "):
        check_record(record)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "^the file is empty$"),
        (b" \n", "^the file is empty$"),
        (b'{"schema": 1, "key"', "^not JSON, perhaps cut short: "),
        (b"[" * 100_000, "^not JSON, perhaps cut short: "),
        (b'{"average": NaN}', "^not JSON, perhaps cut short: NaN is not JSON$"),
        (b"\xff\xfe", "^not JSON, perhaps cut short: "),
        (b"[]", "^a record is a JSON object, found list$"),
    ],
)
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(data)
    with pytest.raises(BadRecord, match=message):
        load_record(path)


def test_every_cut_of_a_record_is_refused(tmp_path: Path, cell: Cell, record_of: RecordOf) -> None:
    data = record_bytes(record_of(cell)).rstrip()
    path = tmp_path / "x.json"
    for length in range(0, len(data), 37):
        path.write_bytes(data[:length])
        with pytest.raises(BadRecord, match=r"empty|cut short"):
            load_record(path)


def test_no_digit_of_what_was_asked_or_came_out_can_be_changed(cell: Cell, record_of: RecordOf, store: Store) -> None:
    record = record_of(cell, curve=[{"gradients": 400, "train_loss": 0.0123456789}], average=1e-07)
    store.write(cell, record)
    path = store.path(cell)
    data = path.read_bytes()
    for place, char in enumerate(data):
        if char not in b"0123456789":
            continue
        path.write_bytes(data[:place] + (b"1" if char != ord("1") else b"2") + data[place + 1 :])
        try:
            changed = load_record(path)
        except BadRecord:
            continue
        assert {name for name in record if changed[name] != record[name]} <= {"measured", "provenance"}


@pytest.mark.parametrize("cut", [b"\n", b"\n  ", b"\r\n "])
def test_an_outcome_that_is_the_right_text_only_without_its_line_ends_is_refused(
    cell: Cell, record_of: RecordOf, store: Store, cut: bytes
) -> None:
    record = record_of(cell, average=0.125, note="two words")
    store.write(cell, record)
    path = store.path(cell)
    data = path.read_bytes()
    for broken in (data.replace(b"0.125", b"0.1" + cut + b"25"), data.replace(b"two words", b"two" + cut + b" words")):
        assert broken != data
        path.write_bytes(broken)
        with pytest.raises(BadRecord, match=r"cut short|digest"):
            load_record(path)
    path.write_bytes(data.replace(b'"average":', b'"average":' + cut))
    assert load_record(path) == record


def test_a_record_in_the_wrong_place_is_refused(tmp_path: Path, cell: Cell, record_of: RecordOf) -> None:
    path = tmp_path / "silent" / "fussy" / f"{cell.key}.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(record_bytes(record_of(cell)))
    with pytest.raises(BadRecord, match=f"^lies in the wrong place: it belongs at pond/fussy/{cell.key}.json$"):
        load_record(path)


def test_an_old_schema_is_brought_up_to_date_step_by_step() -> None:
    steps = {
        1: lambda record: {**record, "renamed": record["name"]},
        2: lambda record: {**record, "renamed": record["renamed"] + "!"},
    }
    assert migrate({"schema": 1, "name": "a"}, steps, 3) == {"schema": 3, "name": "a", "renamed": "a!"}
    assert migrate({"schema": 2, "renamed": "a"}, steps, 3)["renamed"] == "a!"
    assert migrate({"schema": 3}, steps, 3) == {"schema": 3}
    with pytest.raises(FutureRecord):
        migrate({"schema": 4}, steps, 3)


def test_the_digest_is_of_the_canonical_outcome(cell: Cell, record_of: RecordOf) -> None:
    import hashlib

    record = record_of(cell)
    assert record["digest"] == hashlib.sha256(canonical_json(record["outcome"]).encode()).hexdigest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text, block: text.replace(block, '\n "outcome": {"a": 2},').replace("M{", f"M{{{block[:-1]},"),
            "digest",
        ),
        (
            lambda text, block: text.replace(block, '\n "outcome": null,').replace("M{", f"M{{{block[:-1]},"),
            "found None",
        ),
        (lambda text, block: text.replace(block, f'{block}\n "outcome": null,'), "found None"),
        (lambda text, block: text.replace(block, f'{block}\n "outcom\\u0065": null,'), "found None"),
        (lambda text, block: text.replace(block, f'{block}\n "outcome": {{"a": 2}},'), "digest"),
    ],
)
def test_an_outcome_that_is_not_the_records_does_not_pass_for_it(
    cell: Cell, record_of: RecordOf, store: Store, change: Callable[[str, str], str], message: str
) -> None:
    record = record_of(cell, a=1)
    store.write(cell, record)
    path = store.path(cell)
    text = path.read_text()
    block = text[text.index('\n "outcome": {') : text.index('\n "measured"')]
    hidden = change(text.replace('"measured": {', "M{", 1), block).replace("M{", '"measured": {')
    path.write_text(hidden)
    assert json.loads(hidden)["outcome"] != record["outcome"]
    with pytest.raises(BadRecord, match=message):
        load_record(path)


def test_an_outcome_whose_block_seems_to_end_elsewhere_is_read(cell: Cell, record_of: RecordOf, store: Store) -> None:
    record = record_of(cell, a={"b": 1})
    store.write(cell, record)
    path = store.path(cell)
    text = path.read_text()
    for other in (text.replace('{"b":1}', '{"b":1\n }'), text.replace("\n },\n", "\n\t},\n")):
        assert other != text
        path.write_text(other)
        assert load_record(path) == record
