"""Pictures of figures on disk, and the list that says from which data and by which libraries they were drawn.

The list lets a check tell stale pictures from fresh ones where there is no matplotlib: it holds the digest of the data
behind each picture and of the picture itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlbench.interface.errors import BadSetting, MtlbenchError
from mtlbench.leaderboard.figures.kinds import KINDS
from mtlbench.leaderboard.figures.model import FOLDER, Figure
from mtlbench.study import atomic

__all__ = [
    "LIST",
    "SUFFIXES",
    "Drawn",
    "draw_all",
    "have_pictures",
    "left_over",
    "libraries",
    "stale_pictures",
    "write_pictures",
]

LIST = f"{FOLDER}/pictures.json"
"""Below the leaderboard's folder."""
SUFFIXES = ("svg", "png")


@dataclass(frozen=True)
class Drawn:
    """All pictures of a leaderboard. pictures: path below its folder to the bytes."""

    pictures: Mapping[str, bytes]
    list: bytes


def have_pictures(out: Path) -> bool:
    """Whether pictures were ever drawn in ``out``: from then on the page shows them, and checks expect them."""
    return (out / LIST).is_file()


def draw_all(figures: Sequence[Figure]) -> Drawn:
    """Every figure as a picture, and the list of them. Raises MissingExtra without matplotlib."""
    from mtlbench.leaderboard.figures.drawing.canvas import versions

    found = versions()
    from mtlbench.leaderboard.figures.drawing.draw import draw

    pictures: dict[str, bytes] = {}
    told: dict[str, dict[str, str]] = {}
    for figure in figures:
        drawn = draw(figure)
        pictures |= {f"{FOLDER}/{figure.stem}.{suffix}": data for suffix, data in drawn.items()}
        told[figure.stem] = {"data": figure.digest()} | {suffix: _sha256(data) for suffix, data in drawn.items()}
    text = json.dumps({"drawn_by": found, "pictures": told}, indent=1, sort_keys=True)
    return Drawn(pictures, f"{text}\n".encode())


def write_pictures(drawn: Drawn, out: Path) -> list[str]:
    """Bring the pictures in ``out`` up to date; returns the paths that changed, sorted.

    Raises MtlbenchError when they cannot be written.
    """
    files = {**drawn.pictures, LIST: drawn.list}
    changed = []
    try:
        for path in [*sorted(drawn.pictures), LIST]:  # the list comes last: it vouches for the others
            if not (out / path).is_file() or (out / path).read_bytes() != files[path]:
                atomic.replace(out / path, files[path])
                changed.append(path)
        for path in left_over({path.removesuffix(".svg") for path in drawn.pictures}, out, SUFFIXES):
            (out / path).unlink()
            changed.append(path)
    except OSError as error:
        raise MtlbenchError(f"cannot write pictures to {out / FOLDER}: {error.strerror or error}") from None
    return sorted(changed)


def left_over(stems: Iterable[str], out: Path, suffixes: Sequence[str]) -> list[str]:
    """Files in ``out`` with the name of a figure of ours, below the leaderboard's folder, and none of these stems."""
    known = set(stems)
    there = {path for kind in KINDS for suffix in suffixes for path in out.glob(f"{FOLDER}/*-{kind}.{suffix}")}
    found = sorted(path.relative_to(out).as_posix() for path in there)
    return [path for path in found if path.rpartition(".")[0] not in known]


def stale_pictures(figures: Sequence[Figure], out: Path, drawn: Drawn | None = None) -> Iterator[str]:
    """A line for each picture that is not what the records say; none where ``out`` never had pictures.

    drawn: the same pictures as drawn here, whose bytes the ones in ``out`` must have. Raises BadSetting for a list that
    cannot be read.
    """
    if not have_pictures(out):
        return
    told = _read(out)["pictures"]
    for figure in figures:
        entry = told.get(figure.stem)
        if entry is None or entry["data"] != figure.digest():
            yield f"{FOLDER}/{figure.stem}: {'not drawn yet' if entry is None else 'drawn from other data'}"
            continue
        for suffix in SUFFIXES:
            path = f"{FOLDER}/{figure.stem}.{suffix}"
            data = (out / path).read_bytes() if (out / path).is_file() else None
            if data is None:
                yield f"{path}: missing"
            elif _sha256(data) != entry[suffix]:
                yield f"{path}: changed since it was drawn"
            elif drawn is not None and data != drawn.pictures[path]:
                yield f"{path}: is drawn otherwise now"
    for path in left_over((f"{FOLDER}/{figure.stem}" for figure in figures), out, SUFFIXES):
        yield f"{path}: no record calls for it any more"


def libraries(out: Path) -> dict[str, str]:
    """Name to version of what drew the pictures in ``out``; only the same draw the same bytes."""
    found: dict[str, str] = _read(out)["drawn_by"]
    return found


def _read(out: Path) -> dict[str, Any]:
    wrong = BadSetting(f"{out / LIST} is no list of pictures; write it anew: mtlbench leaderboard --figures")
    try:
        told: dict[str, Any] = json.loads((out / LIST).read_bytes())
        entries = told["pictures"].values()
        sound = all(isinstance(entry[name], str) for entry in entries for name in ("data", *SUFFIXES))
        sound = sound and all(isinstance(version, str) for version in told["drawn_by"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise wrong from None
    if not sound:
        raise wrong
    return told


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
