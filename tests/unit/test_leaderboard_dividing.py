from __future__ import annotations

import gc
import os

import pytest

from mtlbench.leaderboard import dividing, page
from mtlbench.leaderboard.board import Reading
from mtlbench.leaderboard.checks import sifted
from mtlbench.leaderboard.dividing import divided
from mtlbench.leaderboard.model import boards_of
from mtlbench.leaderboard.page import rendered
from mtlbench.leaderboard.reading import entries_of
from mtlbench.testing.records import made_up_record


@pytest.fixture(params=[1, 2, 3])
def cores(request, monkeypatch):
    if request.param > 1 and not hasattr(os, "fork"):
        pytest.skip("work is divided by forking")
    monkeypatch.setattr(dividing, "_processes", lambda: request.param)
    return request.param


def test_every_item_is_in_one_share(cores):
    shares = divided(lambda share: list(range(7))[share], 7)
    assert len(shares) == (1 if cores == 1 else 7)
    assert sorted(item for share in shares for item in share) == list(range(7))


def test_there_are_no_more_processes_than_items(cores):
    places = divided(lambda share: (os.getpid(), [0][share]), 1)
    assert places == [(os.getpid(), [0])]


def test_of_the_first_shares_one_is_done_here_and_the_others_elsewhere_and_so_on(cores):
    here = [process == os.getpid() for process in divided(lambda _: os.getpid(), 7)]
    assert here == [True] if cores == 1 else here == [place % cores == 0 for place in range(7)]


def test_long_lists_have_more_shares_than_processes(cores):
    shares = divided(lambda share: list(range(100))[share], 100)
    assert len(shares) == (1 if cores == 1 else 8 * cores)
    assert sorted(item for share in shares for item in share) == list(range(100))


@pytest.mark.parametrize("place", [0, 1])
def test_what_a_share_raises_is_raised(cores, place):
    def work(share):
        if share in (slice(place, None, 7), slice(None)):
            raise ValueError("of this share")

    assert gc.isenabled()
    with pytest.raises(ValueError, match="of this share"):
        divided(work, 7)
    assert gc.isenabled()


def test_a_board_is_the_same_however_many_processes_write_it(cores, monkeypatch):
    monkeypatch.setattr(page, "MANY", 1)
    records = [made_up_record(variant, seed=seed) for seed in range(3) for variant in ("mtl", "stl")]
    entries, problems = entries_of(records)
    kept, _ = sifted(entries)
    assert not problems
    several = rendered(Reading(boards_of(kept), [], entries))
    monkeypatch.setattr(page, "MANY", 10**9)
    assert several == rendered(Reading(boards_of(kept), [], entries))
    assert list(several) == list(rendered(Reading(boards_of(kept), [], entries)))
