from __future__ import annotations

import os
import subprocess
import sys

from mtlbench_tasks.cldr.vocabulary import learn_pieces


def test_the_most_frequent_pair_is_merged_first() -> None:
    # hug x3, hub x2, pun x4: h ##u 5; ##u ##g 3; ##u ##b 2; p ##u 4; ##u ##n 4 -> hu, then of the two fours ##un
    pieces = learn_pieces({"hug": 3, "hub": 2, "pun": 4}, 10, ["[UNK]"])
    assert pieces == ["[UNK]", "##b", "##g", "##n", "##u", "h", "p", "hu", "##un", "pun"]


def test_pieces_end_when_every_word_is_whole() -> None:
    pieces = learn_pieces({"ab": 1, "abc": 1}, 100, [])
    assert pieces == ["##b", "##c", "a", "ab", "abc"]


def test_a_merge_that_repeats_in_a_word_is_made_wherever_it_stands() -> None:
    assert learn_pieces({"xabab": 2}, 5, []) == ["##a", "##b", "x", "##ab", "##abab"]


def test_the_size_bounds_the_characters_too() -> None:
    assert learn_pieces({"abc": 1}, 2, ["[PAD]"]) == ["[PAD]", "##b"]


def test_another_hash_seed_gives_the_same_pieces() -> None:
    code = (
        "from mtlbench_tasks.cldr.vocabulary import learn_pieces;"
        "print(learn_pieces({w: 1 for w in 'one two three four five six seven eight nine ten eleven'.split()}, 60, []))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
