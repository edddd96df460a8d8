"""What ``mtlbench leaderboard --check`` says of verdicts that changed since a revision."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["flips_fail"]


def flips_fail(now: str | None, out: Path, since: str | None) -> bool:
    """Whether a verdict changed of which the change log does not tell; says so on stderr.

    now: the text of the verdicts, None where there are no claims. since: as for ``Revision.of``.
    """
    from mtlbench.interface.errors import BadSetting
    from mtlbench.leaderboard.escaping import visible
    from mtlbench.leaderboard.verdicts import CHANGES, VERDICTS, Revision, flips, unacknowledged

    if now is None and since is None:
        return False
    base = Revision.of(out, since)
    if isinstance(base, str):
        print(f"verdicts are compared with none before: {base}", file=sys.stderr)
        return False
    before = base.text(out / VERDICTS)
    if before is None or now is None:
        return False
    try:
        found = flips(before, now)
    except ValueError as error:
        raise BadSetting(f"{out / VERDICTS} at {base.name[:12]}: {error}") from None
    log = base.top / CHANGES
    changes = log.read_text("utf-8", "replace") if log.is_file() else ""
    untold = unacknowledged(found, changes, base.text(log) or "")
    for flip in untold:
        told = f"{flip.claim} on {flip.board} was {flip.before} at {base.name[:12]} and is {flip.now}"
        print(
            visible(f"a verdict changed: {told}; {CHANGES} must tell of it, and why, in a line such as"),
            file=sys.stderr,
        )
        print(f"  {visible(flip.line())}", file=sys.stderr)
    return bool(untold)
