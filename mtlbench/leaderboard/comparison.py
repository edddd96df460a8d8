"""Every method against MTL and STL. No cell depends on which other methods there are."""

from __future__ import annotations

from collections.abc import Sequence

from mtlbench.interface.run import Table
from mtlbench.leaderboard.contrasts import below, delta_m, transfers, versus
from mtlbench.leaderboard.model import REFERENCE, SINGLE, Board
from mtlbench.leaderboard.namesakes import namesake_notes
from mtlbench.leaderboard.numbers import DASH, number, p_value, signed
from mtlbench.leaderboard.statistics import Estimate, estimate

__all__ = ["comparison_table", "interval_cell", "transfer_table"]


def comparison_table(board: Board) -> Table:
    """Averages with intervals, paired differences to MTL and STL, Δm."""
    rows = []
    for row in board.rows:
        to_reference, to_single = versus(board, row, board.reference), versus(board, row, board.single)
        rows.append(
            [
                row.name,
                str(len(row.averages)),
                interval_cell(estimate(list(row.averages.values()))),
                _seeds(to_reference),
                interval_cell(to_reference, plus=True),
                p_value(to_reference.p if to_reference else None),
                p_value(to_reference.flip_p if to_reference else None),
                interval_cell(to_single, plus=True),
                p_value(to_single.p if to_single else None),
                interval_cell(delta_m(board, row, board.single), plus=True),
            ]
        )
    heads = ["Shared", f"To {REFERENCE}", "p", "Flip p", f"To {SINGLE}", f"p ({SINGLE})", "Δm %"]
    return Table(
        title=f"{board.label}: against {REFERENCE} and {SINGLE}",
        columns=["Method", "n", "Average", *heads],
        rows=rows,
        notes=[
            "Means over seeds; ± is half of a 95 % t interval. Differences are positive where the method is better.",
            f"Shared: seeds that the method and {REFERENCE} both have; differences are paired by them.",
            "p: paired t test, not adjusted for the number of methods (the standing table is).",
            "Flip p: exact sign-flip test, which assumes no distribution; n seeds cannot bring it below 2 / 2^n.",
            f"Δm: mean relative gain over {SINGLE} on this board in percent; "
            + ("positive is better." if board.single else f"there is none, because there are no {SINGLE} runs."),
            *namesake_notes(board, (REFERENCE, SINGLE)),
        ],
    )


def transfer_table(board: Board) -> Table | None:
    """Task by task against STL; None where there are no such runs or a single task."""
    if board.single is None or len(board.tasks) < 2:
        return None
    return Table(
        title=f"{board.label}: transfer",
        columns=["Method", "Below", "Tasks below", *(task.label for task in board.tasks)],
        rows=[_transfer_row(board, name, found) for name, found in transfers(board).items()],
        align="lrl" + "r" * len(board.tasks),
        notes=[
            f"Difference to {SINGLE} by task, mean ± SD over shared seeds, positive where the method is better.",
            f"Below: tasks significantly worse than {SINGLE}, which is negative transfer.",
            "Significantly: by a paired t test over seeds, Holm-adjusted over the tasks, at 5 %.",
            "No spread: tasks that are worse by the same at every seed, of which few seeds say nothing.",
            *namesake_notes(board, (SINGLE,)),
        ],
    )


def _transfer_row(board: Board, name: str, found: Sequence[Estimate | None]) -> list[str]:
    worse = below(board, found)
    testable = any(one is not None and one.p is not None for one in found)
    steady = [
        task.label
        for task, one in zip(board.tasks, found, strict=True)
        if one is not None and one.has_no_spread and one.mean < 0 and task.label not in worse
    ]
    return [
        name,
        f"{len(worse)} of {len(board.tasks)}" + (f" ({len(steady)} no spread)" if steady else "") if testable else DASH,
        ", ".join(worse) if worse else DASH,
        *(_spread_cell(one) for one in found),
    ]


def interval_cell(found: Estimate | None, *, plus: bool = False) -> str:
    """The mean and half of its 95 % interval, or what there is of it."""
    if found is None:
        return DASH
    places = 2 if max(abs(found.mean), found.half or 0.0) >= 0.1 else 4
    mean = signed(found.mean, places) if plus else number(found.mean, places)
    return mean if found.half is None else f"{mean} ± {number(found.half, places)}"


def _spread_cell(found: Estimate | None) -> str:
    if found is None:
        return DASH
    return signed(found.mean, 2) + ("" if found.sd is None else f" ± {number(found.sd, 2)}")


def _seeds(found: Estimate | None) -> str:
    return DASH if found is None else str(found.n)
