"""Verdicts on claims as data, and what of them changed since a revision: a change must stand in the change log."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlbench.interface.errors import BadSetting
from mtlbench.leaderboard.claims import Claim
from mtlbench.leaderboard.judging import judged
from mtlbench.leaderboard.model import Board

__all__ = ["CHANGES", "VERDICTS", "Flip", "Revision", "flips", "unacknowledged", "verdicts_text"]

VERDICTS = "tables/all-verdicts.json"
"""Where they are, below the leaderboard's folder."""
CHANGES = "CHANGELOG.md"
_SCHEMA = 3
_MORE = r"|\[|-\w|, but not against|[,;] controls not run|, (?!because)\S+(?=$|[,;])"
"""What makes a verdict another one where it follows: the rest of a name, or what the controls say."""
_NO_REASON = "verdict|on|the|of|for|board|was|is|went|changed|from|to|and|now|because"
"""Words that tell of a change and not of its reason."""


@dataclass(frozen=True, order=True)
class Flip:
    """A verdict that is another one than before."""

    claim: str
    """The claim's id now."""
    board: str
    """The board's label."""
    before: str
    now: str

    def line(self) -> str:
        """What the change log should say, but for the reason."""
        return f"- Verdict on {self.claim}, {self.board}: {self.before} → {self.now}, because ..."

    def is_told_in(self, item: str) -> bool:
        """Whether an item of a change log names claim, board and both verdicts, the old one first, and says why."""
        name = rf"(.*)(?<![\w-]){re.escape(self.claim)}(?![\w-])(.*){re.escape(self.board)}(?![\w\[-])"
        before, now = (rf"(?<![\w-]){re.escape(verdict)}(?!\w{_MORE})" for verdict in (self.before, self.now))
        found = re.search(rf"{name}(.*?){before}(.*?){now}(.*)", item)
        more = re.findall(r"\w+", " ".join(found.groups()).lower()) if found else []
        return not all(re.fullmatch(_NO_REASON, word) for word in more)


def verdicts_text(claims: Sequence[Claim], boards: Sequence[Board]) -> str:
    """One line for each claim and board that has runs to judge it by, as JSON.

    A board is known by what was asked, because its label changes when its suite gets another board; a claim by its id,
    and by what it says where its text or name was changed.
    """
    places = _places(boards)
    rows = [
        {
            "board": one.board.label,
            "claim": one.claim.id,
            "place": places[id(one.board)],
            "says": one.claim.says,
            "verdict": one.verdict,
        }
        for one in judged(claims, boards)
    ]
    lines = sorted(json.dumps(row, sort_keys=True, ensure_ascii=True) for row in rows)
    return f'{{"schema": {_SCHEMA}, "verdicts": [\n' + ",\n".join(lines) + "\n]}\n"


def _places(boards: Sequence[Board]) -> dict[int, str]:
    """A name for each board that no other board's coming or going changes (but of the same suite on other data)."""
    met: Counter[str] = Counter()
    places = {}
    for board in boards:
        setting = next(entry.setting for row in board.rows for entry in row.entries)
        name = hashlib.sha256(setting.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        met[name] += 1
        places[id(board)] = name if met[name] == 1 else f"{name}-{met[name]}"
    return places


def flips(before: str, now: str) -> list[Flip]:
    """Verdicts that two texts of ``verdicts_text`` both have, and not alike; sorted.

    A claim or board that only one of them has is no flip. Raises ValueError where a text is none.
    """
    old, new = _by_place(before), _by_place(now)
    # Claims that are called otherwise by now, by what they say.
    renamed = {
        (row["place"], row["says"]): row
        for place, row in old.items()
        if "says" in row and (place not in new or new[place].get("says") != row["says"])
    }
    found = []
    for place, row in new.items():
        namesake = old.get(place)
        is_same = namesake is not None and namesake.get("says") in (None, row.get("says"))
        earlier = namesake if is_same else renamed.get((row["place"], row.get("says")), namesake)
        if earlier is not None and earlier["verdict"] != row["verdict"]:
            found.append(Flip(row["claim"], row["board"], earlier["verdict"], row["verdict"]))
    return sorted(found)


def _by_place(text: str) -> dict[tuple[str, str], Mapping[str, Any]]:
    try:
        content = json.loads(text)
        return {(row["place"], row["claim"]): row for row in content["verdicts"] if row["verdict"] and row["board"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a list of verdicts: {error}") from None


def unacknowledged(found: Sequence[Flip], changes: str, changes_before: str) -> list[Flip]:
    """Flips that no item tells of which the change log has gained since."""
    gained = [item for item in _items(changes) if item not in set(_items(changes_before))]
    return [flip for flip in found if not any(flip.is_told_in(item) for item in gained)]


def _items(text: str) -> list[str]:
    """The items of Markdown lists, each on one line; without comments, which nobody reads, and what follows a list."""
    shown = re.sub(r"^ {0,3}<!--.*?(-->|\Z)|<!--.*?-->", "", text, flags=re.DOTALL | re.MULTILINE)
    items = re.split(r"^\s*[-*] ", shown, flags=re.MULTILINE)
    return [" ".join(re.split(r"\n\s*\n|\n#", item)[0].split()) for item in items]


@dataclass(frozen=True)
class Revision:
    """A commit of the git repository that holds a folder."""

    top: Path
    """The repository's own folder."""
    name: str

    @classmethod
    def of(cls, folder: Path, since: str | None) -> Revision | str:
        """Where ``since`` and HEAD parted, or HEAD when it is None; without git or commits: why there is none.

        Raises BadSetting when a revision was named and is not there.
        """
        top = _git(folder, "rev-parse", "--show-toplevel")
        if top is None:
            reason = f"{folder} is in no git repository, or git is not installed"
        else:
            wanted = "HEAD" if since is None else since
            commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{wanted}^{{commit}}")
            if commit is not None:
                parted = _git(folder, "merge-base", commit.strip(), "HEAD")
                return cls(Path(top.strip()), (parted or commit).strip())
            reason = f"git knows no revision {wanted!r}" + (
                "; fetch it (a shallow clone lacks history)" if since is not None else ""
            )
        if since is not None:
            raise BadSetting(f"--since {since}: {reason}")
        return reason

    def text(self, path: Path) -> str | None:
        """A file as it was; None where there was none."""
        try:
            inner = path.resolve().relative_to(self.top.resolve()).as_posix()
        except ValueError:
            return None
        return _git(self.top, "show", f"{self.name}:{inner}")


def _git(folder: Path, *words: str) -> str | None:
    """What git prints, or None where it fails or is not there."""
    try:
        found = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.decode("utf-8", "replace")
