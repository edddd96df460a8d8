from __future__ import annotations

import dataclasses
import re

import pytest

from mtlbench.interface.errors import BadSetting
from mtlbench.leaderboard.checks import sifted
from mtlbench.leaderboard.claims import Claim, read_claims
from mtlbench.leaderboard.model import boards_of
from mtlbench.leaderboard.reading import entries_of
from mtlbench.leaderboard.verdicts import Flip, flips, unacknowledged, verdicts_text
from mtlbench.testing.records import made_up_record

CLAIM = Claim("PCGrad scores better than MTL", "pcgrad", "mtl", "average", "better")


def boards(gain, *more):
    records = [made_up_record("mtl", {"a": 50.0 + seed}, seed=seed) for seed in range(3)]
    records += [made_up_record("pcgrad", {"a": 50.0 + seed + gain + 0.1 * seed}, seed=seed) for seed in range(3)]
    return boards_of(sifted(entries_of([*records, *more])[0])[0])


def text(gain, *more):
    return verdicts_text([CLAIM], boards(gain, *more))


FLIP = Flip("pcgrad-scores-better-than-mtl", "digits", "fails", "holds")


def test_a_verdict_that_became_its_opposite_is_a_flip():
    assert flips(text(-5.0), text(5.0)) == [FLIP]
    assert flips(text(5.0), text(6.0)) == []


def test_a_board_whose_label_changed_is_still_the_same_board():
    other = made_up_record("mtl", {"a": 50.0}, budget=400)
    assert [flip.board for flip in flips(text(-5.0), text(5.0, other))] == ["digits[budget=1600]"]


def test_claims_and_boards_that_come_or_go_are_no_flips():
    assert flips(verdicts_text([], boards(1.0)), text(5.0)) == []
    assert flips(text(5.0), verdicts_text([], boards(1.0))) == []


def test_a_claim_in_other_words_is_still_the_same_claim():
    reworded = dataclasses.replace(CLAIM, text="PCGrad beats MTL")
    now = verdicts_text([reworded], boards(5.0))
    assert flips(text(-5.0), now) == [dataclasses.replace(FLIP, claim="pcgrad-beats-mtl")]
    other = dataclasses.replace(CLAIM, text="PCGrad is closer", quantity="l2", direction="lower")
    assert flips(text(-5.0), verdicts_text([other], boards(5.0))) == []
    turned = dataclasses.replace(CLAIM, text="MTL is worse", method="mtl", against="pcgrad", direction="worse")
    assert flips(text(-5.0), verdicts_text([turned], boards(5.0))) == [dataclasses.replace(FLIP, claim="mtl-is-worse")]
    # It keeps its verdict where another one has taken its name.
    named = dataclasses.replace(other, name=CLAIM.id)
    assert dataclasses.replace(FLIP, claim="pcgrad-beats-mtl") in flips(
        text(-5.0), verdicts_text([reworded, named], boards(5.0))
    )
    # One that is new beside it has no verdict before.
    assert flips(text(5.0), verdicts_text([CLAIM, reworded], boards(5.0))) == []


def test_texts_of_before_claims_were_known_by_what_they_say_are_compared_by_name():
    old = re.sub(r', "says": "[^"]*"', "", text(-5.0)).replace('"schema": 3', '"schema": 2')
    assert flips(old, text(5.0)) == [FLIP]
    assert flips(old, verdicts_text([dataclasses.replace(CLAIM, name="other")], boards(5.0))) == []


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"verdicts": [1]}', '{"verdicts": [{"place": 1}]}', "[" * 99999])
def test_a_text_that_holds_no_verdicts_is_told_of(broken):
    with pytest.raises(ValueError, match="not a list of verdicts"):
        flips(broken, text(5.0))


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        (FLIP.line(), False),
        (f"{FLIP.line()}\n\n### Fixed\n\n- Other things.", False),
        (f"{FLIP.line()}\n## 0.1.0\n\n- Other things.", False),
        (f"{FLIP.line()}\n\nMore is to come.", False),
        (f"{FLIP.line().replace('because ...', '')}\n\n### Fixed\n", False),
        ("- pcgrad-scores-better-than-mtl on the board digits was fails and is now holds", False),
        ("- More seeds: pcgrad-scores-better-than-mtl, digits: fails → holds", True),
        ("- As more were run, pcgrad-scores-better-than-mtl, digits, went from fails to holds.", True),
        (f"- Texts with `<!--` in them.\n{FLIP.line().replace('...', 'of more seeds.')}", True),
        (FLIP.line().replace("...", "of more seeds."), True),
        (FLIP.line().replace("because ...", ""), False),
        (FLIP.line().replace("...", "the effect of more seeds now holds"), True),
        (f"<!--\n{FLIP.line().replace('...', 'of more seeds.')}\n-->", False),
        (f"<!-- {FLIP.line().replace('...', 'of more seeds.')}", False),
        (f"<!-- a -->\n{FLIP.line().replace('...', 'of more seeds.')}\n<!-- b -->", True),
        ("* `pcgrad-scores-better-than-mtl` on digits went\n  from fails to holds: more seeds.", True),
        ("- Verdict on pcgrad-scores-better-than-mtl, digits: holds → fails", False),
        ("- Verdict on pcgrad-scores-better-than-mtl, digits[budget=400]: fails → holds", False),
        ("- Verdict on not-pcgrad-scores-better-than-mtl, digits: fails → holds", False),
        ("- pcgrad-scores-better-than-mtl, digits\n- fails → holds", False),
        ("- Boards were rendered anew.", False),
        ("", False),
    ],
)
def test_a_flip_is_told_of_by_one_item_with_claim_board_and_both_verdicts(line, is_told):
    assert (unacknowledged([FLIP], f"# Changelog\n\n{line}\n", "# Changelog\n") == []) is is_told


QUALIFIED = Flip(FLIP.claim, FLIP.board, "holds", "holds, but not against mtl[rows=1]")
LOST = Flip(FLIP.claim, FLIP.board, QUALIFIED.now, "holds")


@pytest.mark.parametrize(
    ("flip", "line", "is_told"),
    [
        (QUALIFIED, QUALIFIED.line().replace("...", "a control was run"), True),
        (LOST, LOST.line().replace("...", "more seeds were run"), True),
        (QUALIFIED, LOST.line(), False),
        (LOST, QUALIFIED.line(), False),
        (FLIP, Flip(FLIP.claim, FLIP.board, "fails", QUALIFIED.now).line(), False),
        (QUALIFIED, Flip(FLIP.claim, FLIP.board, "holds", f"{QUALIFIED.now}, lookahead").line(), False),
        (QUALIFIED, Flip(FLIP.claim, FLIP.board, "holds", f"{QUALIFIED.now}; controls not run: swep").line(), False),
        (Flip(FLIP.claim, FLIP.board, "holds", "holds, controls not run: swep"), QUALIFIED.line(), False),
    ],
)
def test_what_controls_say_is_a_part_of_the_verdict(flip, line, is_told):
    assert (unacknowledged([flip], line, "") == []) is is_told


def test_a_control_that_goes_missing_flips_the_verdict():
    claim = Claim(CLAIM.text, "pcgrad", "mtl", "average", "better", controls=("swep",))
    control = [made_up_record("swep", {"a": 55.0 + seed}, seed=seed) for seed in range(3)]
    before, after = verdicts_text([claim], boards(5.0, *control)), verdicts_text([claim], boards(5.0))
    assert [(flip.before, flip.now) for flip in flips(before, after)] == [
        ("holds, but not against swep", "holds, controls not run: swep")
    ]


def test_an_item_that_was_there_before_tells_of_an_older_flip():
    log = f"# Changelog\n\n{FLIP.line()}\n"
    assert unacknowledged([FLIP], log, log) == [FLIP]


def test_two_claims_of_one_name_are_refused(tmp_path):
    claim = '[[claim]]\ntext = "{}"\nname = "x"\nmethod = "a"\nagainst = "b"\nquantity = "l2"\ndirection = "lower"\n'
    (tmp_path / "claims.toml").write_text(claim.format("one") + claim.format("two"))
    with pytest.raises(BadSetting, match="two claims are called 'x'"):
        read_claims(tmp_path / "claims.toml")
