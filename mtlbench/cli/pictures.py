"""The pictures of ``mtlbench leaderboard``: drawn where ``--figures`` asks for them, told of where they are stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtlbench.interface.errors import BadSetting

if TYPE_CHECKING:
    from mtlbench.leaderboard.figures.model import Figure

__all__ = ["can_draw", "draw_pictures", "pictures_differ"]


def can_draw(args: argparse.Namespace) -> None:
    """Raises MissingExtra without matplotlib, and BadSetting where there is nowhere to draw."""
    from mtlbench.leaderboard.figures.drawing.canvas import versions

    if args.style:
        raise BadSetting("--figures draws into the folder of --out, and --style writes nothing: give one of them")
    versions()


def draw_pictures(figures: Sequence[Figure], args: argparse.Namespace) -> None:
    """Draw all of them, or say in one line that the ones there show other data."""
    from mtlbench.leaderboard.figures.model import FOLDER
    from mtlbench.leaderboard.figures.pictures import draw_all, stale_pictures, write_pictures

    if args.figures:
        drawn = draw_all(figures)
        changed = write_pictures(drawn, args.out)
        print(f"{args.out / FOLDER}: {len(changed)} of {len(drawn.pictures) + 1} files drawn anew")
        return
    stale = list(stale_pictures(figures, args.out))
    if stale:
        print(
            f"{len(stale)} pictures are stale ({stale[0]}); mtlbench leaderboard --figures draws them", file=sys.stderr
        )


def pictures_differ(figures: Sequence[Figure], args: argparse.Namespace) -> Iterator[str]:
    """A line for each stale picture. With ``--figures`` bytes are compared too, where libraries are the same."""
    from mtlbench.leaderboard.figures.drawing.canvas import versions
    from mtlbench.leaderboard.figures.pictures import LIST, draw_all, have_pictures, libraries, stale_pictures

    drawn = None
    if args.figures:
        if not have_pictures(args.out):
            yield f"{LIST}: missing, no pictures were drawn yet"
            return
        mine, theirs = versions(), libraries(args.out)
        if mine == theirs:
            drawn = draw_all(figures)
        else:
            told = [", ".join(f"{name} {version}" for name, version in sorted(one.items())) for one in (theirs, mine)]
            print(f"pictures were drawn by {told[0]}; here is {told[1]}: bytes are not compared", file=sys.stderr)
    yield from stale_pictures(figures, args.out, drawn)
