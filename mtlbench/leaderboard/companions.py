"""What a leaderboard's folder holds beside the records, and the tables of no single board that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlbench.interface.run import Table
from mtlbench.leaderboard.beside import beside_table
from mtlbench.leaderboard.claims import Claim, claims_table, read_claims
from mtlbench.leaderboard.model import Board
from mtlbench.leaderboard.paper import PaperValue, read_paper
from mtlbench.leaderboard.ratios import FILE, Ratios, ratios_table, read_ratios

__all__ = ["ALONE", "OVERALL", "Companions", "overall_tables", "read_companions"]

OVERALL = {"claims": "tables/all-claims", "beside": "tables/all-paper", "ratios": "tables/all-ratios"}
"""The tables of no single board: the file of each, without its suffix."""


@dataclass(frozen=True)
class Companions:
    """All that boards are rendered from, but for records and plugins."""

    claims: Sequence[Claim] = ()
    paper: Sequence[PaperValue] | None = None
    """None where the folder keeps no values of the literature."""
    ratios: Ratios | None = None
    """None where the benchmarks have left nothing there."""


ALONE = Companions()
"""Of records that nothing stands beside."""


def read_companions(folder: Path) -> Companions:
    """What lies in ``folder``; raises BadSetting that names the file and what is wrong with it."""
    paper = folder / "paper"
    return Companions(
        claims=read_claims(folder / "claims.toml"),
        paper=read_paper(paper) if paper.is_dir() else None,
        ratios=read_ratios(folder / FILE),
    )


def overall_tables(companions: Companions, boards: Sequence[Board]) -> dict[str, Table]:
    """By their names in ``OVERALL``, those that there are."""
    made = {
        "claims": claims_table(companions.claims, boards),
        "beside": beside_table(companions.paper, boards),
        "ratios": ratios_table(companions.ratios),
    }
    return {name: table for name, table in made.items() if table is not None}
