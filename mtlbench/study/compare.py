"""Where two outcomes of one cell part."""

from __future__ import annotations

from typing import Any

__all__ = ["first_difference"]


def first_difference(recorded: Any, again: Any, path: str = "outcome") -> str | None:
    """The first place, keys sorted, at which two JSON values are not the same to the last bit; None if there is none.

    1 and 1.0 differ, as their bytes on disk do.
    """
    if isinstance(recorded, dict) and isinstance(again, dict):
        for key in sorted(recorded.keys() | again.keys()):
            if key not in again:
                return f"{path}.{key} is only in the record"
            if key not in recorded:
                return f"{path}.{key} is not in the record"
            found = first_difference(recorded[key], again[key], f"{path}.{key}")
            if found is not None:
                return found
        return None
    if isinstance(recorded, list) and isinstance(again, list):
        for index, (one, other) in enumerate(zip(recorded, again, strict=False)):
            found = first_difference(one, other, f"{path}[{index}]")
            if found is not None:
                return found
        if len(recorded) != len(again):
            return f"{path} has {len(recorded)} entries in the record and {len(again)} now"
        return None
    if type(recorded) is type(again) and recorded == again:
        return None
    return f"{path} is {recorded!r:.60} in the record and {again!r:.60} now"
