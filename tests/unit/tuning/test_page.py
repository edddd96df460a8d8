"""Selections as pages: what a plugin supplies stays text."""

from __future__ import annotations

from typing import Any

from mtlbench.tuning.page import lines, page


def selected(**method: Any) -> dict[str, Any]:
    trial = {"values": {}, "status": "done", "dev": [71.25], "average": 71.25, "keys": ["0" * 64]}
    chosen = {
        "trial": 0,
        "average": 71.25,
        "settings": {"kind": "a|b<script>"},
        "protocol": {"lr": 0.001},
        "edges": {"lr": "low"},
    }
    made = {
        "budget": 8,
        "space": {},
        "trials": [trial] * 12,
        "missing": 0,
        "expected_best": [60.0 + n for n in range(12)],
    }
    return {
        "schema": 1,
        "suite": "po_nd",
        "seeds": [1000],
        "trials": 12,
        "lower_is_better": [],
        "methods": {"mtl[rows=1]": {**made, "chosen": chosen, **method}},
    }


def test_a_page_holds_the_choice_its_score_and_its_edges():
    text = page(selected(), "mtlbench tune po_nd")
    row = next(line for line in text.splitlines() if line.startswith("| mtl"))
    assert row.startswith(
        r"| mtl\[rows=1\] | kind=a\|b&lt;script&gt;, lr=0.001 | 71.25 | 60.00 | 61.00 | 63.00 | 67.00 | 71.00 |"
    )
    assert row.endswith("| lr (low) |")
    assert "best of 1 | best of 2 | best of 4 | best of 8 | best of 12 |" in text
    assert "    mtlbench tune po_nd\n" in text


def test_what_is_missing_diverged_or_turned_round_is_told():
    trials = [{"status": "diverged"}] * 2 + [{"status": "missing"}] * 3 + [{"status": "done"}] * 7
    text = page({**selected(trials=trials, missing=3), "lower_is_better": ["a", "b"]}, "x")
    assert r"mtl\[rows=1\]: 2 of 12 trials diverged and count as its worst." in text
    assert "3 of 12 trials are missing, so its choice is not final." in text
    assert "lower is better count negatively: a, b." in text


def test_a_method_of_which_all_trials_diverged_has_dashes():
    made = selected(chosen=None, expected_best=[])
    assert "| — | — | — | — | — | — | — | — |" in page(made, "x")
    assert list(lines(made)) == ["po_nd: mtl[rows=1]: no trial is done"]


def test_a_line_for_a_terminal_shows_every_character():
    made = selected()
    made["suite"] = "po\x1bnd"
    assert next(lines(made)).startswith(
        "po\\x1bnd: mtl[rows=1]: dev score 71.25 with kind=a|b<script>, lr=0.001; lr (low)"
    )
