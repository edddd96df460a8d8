"""Chosen values on their way into a suite's file of recommendations."""

from __future__ import annotations

import tomllib

import pytest

from mtlbench.interface.errors import BadSetting
from mtlbench.tuning.recommending import with_recommendations

BEFORE = """# What this file is.
# Two lines of it.

[lake.mtl.protocol]
lr = 1e-3  # a reason

# About the pond.
[pond.gradvac.settings]
beta = 0.1

[pond."mtl[rows=1]".protocol]
lr = 2e-3

# About the sea.
[sea.mtl.settings]
depth = [
  [1, 2],
  [3, 4],
]
"""

CHOSEN = {
    "pond": {
        "mtl[rows=1]": {"settings": {}, "protocol": {"lr": 1e-05, "clip": None, "warmup": 0.0}},
        "swep": {"settings": {"start_at_prior": True, "layers": [1, 2], "kind": 'a "b"\x7f'}, "protocol": {}},
    }
}


def test_only_the_tables_of_the_tuned_suite_are_replaced():
    after = with_recommendations(BEFORE, CHOSEN, "r.toml")
    found = tomllib.loads(after)
    before = tomllib.loads(BEFORE)
    assert {name: found[name] for name in ("lake", "sea")} == {name: before[name] for name in ("lake", "sea")}
    assert found["pond"] == {
        "mtl[rows=1]": {"protocol": {"lr": 1e-05, "clip": "none", "warmup": 0.0}},
        "swep": {"settings": {"start_at_prior": True, "layers": [1, 2], "kind": 'a "b"\x7f'}},
    }
    assert after.startswith("# What this file is.\n# Two lines of it.\n\n[lake.mtl.protocol]\nlr = 1e-3  # a reason\n")
    assert "# About the sea.\n[sea.mtl.settings]" in after
    assert after.index("[lake.") < after.index("[pond.") < after.index("[sea.")


def test_writing_twice_changes_nothing_more():
    once = with_recommendations(BEFORE, CHOSEN, "r.toml")
    assert with_recommendations(once, CHOSEN, "r.toml") == once


def test_a_new_file_and_a_new_suite_get_their_tables_at_the_end():
    assert with_recommendations("", {"new": {"mtl": {"settings": {}, "protocol": {"lr": 0.1}}}}, "r.toml") == (
        "[new.mtl.protocol]\nlr = 0.1\n"
    )
    assert tomllib.loads(with_recommendations(BEFORE, {"new": CHOSEN["pond"]}, "r.toml"))["new"]["swep"]


def test_a_suite_without_a_choice_loses_its_tables():
    assert "pond" not in tomllib.loads(with_recommendations(BEFORE, {"pond": {}}, "r.toml"))


@pytest.mark.parametrize("text", ["pond.mtl.protocol.lr = 1", '[sea.mtl.settings]\nx = """\n[pond.a.settings]\n"""\n'])
def test_what_cannot_be_edited_is_left_alone(text):
    with pytest.raises(BadSetting, match=r"^r\.toml: "):
        with_recommendations(text, CHOSEN, "r.toml")
