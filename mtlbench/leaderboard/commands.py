"""The command line that trains recorded cells again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from mtlbench.interface.settings import spec_text

__all__ = ["cell_command", "row_command"]

_LONGEST = 4000
"""Characters of a command that is printed."""


def row_command(
    suite: str, options: Mapping[str, Any], method: str, settings: Mapping[str, Any], protocol: Mapping[str, Any]
) -> str | None:
    """What trains a row's cells anew but for its seeds; every value is given, so that no default can move it.

    protocol: with the budget. None for a command that is too long, or that would hold characters which do not show.
    """
    words = [
        "mtlbench",
        "run",
        spec_text(suite, options),
        "-m",
        spec_text(method, settings),
        *(word for name in sorted(protocol) for word in ("--set", spec_text("", {name: protocol[name]})[1:-1])),
    ]
    text = shlex.join(words) if sum(map(len, words)) <= _LONGEST else ""
    return text if text.isprintable() and text else None


def cell_command(cell: Mapping[str, Any]) -> str | None:
    """The same for one cell, as its record holds it."""
    row = row_command(cell["suite"], cell["options"], cell["method"], cell["settings"], cell["protocol"])
    # A single number would be a count of seeds; with a comma it is a list.
    return None if row is None else f"{row} --seeds {cell['seed']},"
