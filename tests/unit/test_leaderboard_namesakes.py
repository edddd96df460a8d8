from __future__ import annotations

from mtlbench.leaderboard.alarms import alarms
from mtlbench.leaderboard.comparison import comparison_table, transfer_table
from mtlbench.leaderboard.cost import cost_table
from mtlbench.leaderboard.model import boards_of
from mtlbench.leaderboard.namesakes import second_rows
from mtlbench.leaderboard.reading import entries_of
from mtlbench.testing.records import made_up_record


def board(*records):
    [only] = boards_of(entries_of(records)[0])
    return only


def runs(variant, lr, seeds):
    return [made_up_record(variant, seed=seed, protocol={"lr": lr}, noise=int(lr * 100)) for seed in seeds]


def test_runs_at_seeds_that_nobody_else_has_make_no_reference():
    one = board(*runs("mtl", 0.1, range(3)), *runs("mtl", 0.2, range(9, 19)), *runs("pcgrad", 0.3, range(3)))
    assert one.reference.name == "mtl[lr=0.1]"


def test_of_equally_many_runs_the_protocol_that_others_share_decides():
    one = board(*runs("mtl", 0.1, range(3)), *runs("mtl", 0.2, range(3)), *runs("pcgrad", 0.2, range(3)))
    assert one.reference.name == "mtl[lr=0.2]"


def test_several_rows_of_the_references_name_raise_an_alarm_and_tables_say_which_is_meant():
    one = board(*runs("mtl", 0.1, range(3)), *runs("mtl", 0.2, range(2)), *runs("stl", 0.1, [0]))
    assert alarms([one]) == [
        "digits: 2 rows are called mtl; differences are taken to mtl[lr=0.1], and not to mtl[lr=0.2]"
    ]
    told = "2 rows are mtl with other settings; mtl here is mtl[lr=0.1]."
    assert told in comparison_table(one).notes
    assert told in cost_table(one).notes
    assert told not in transfer_table(one).notes


def test_one_row_of_a_name_needs_no_word():
    one = board(*runs("mtl", 0.1, range(3)), *runs("mtl[lr=0.2]", 0.2, range(3)))
    assert alarms([one]) == []
    assert "other settings" not in " ".join(comparison_table(one).notes)


def test_arriving_records_that_would_make_a_second_row_of_a_name_are_told_of():
    there, same, other = (
        entries_of(records)[0]
        for records in (runs("mtl", 0.1, range(2)), runs("mtl", 0.1, [5]), runs("mtl", 0.2, range(2)))
    )
    assert second_rows(there, same) == []
    assert second_rows(there, other) == [
        "digits has a row mtl already (lr=0.1); these records make another of that name (lr=0.2)"
    ]
    assert second_rows([], other) == []
