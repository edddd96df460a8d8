"""Whether nested numbers are what they should be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["differences"]


def differences(got: Any, want: Any, *, rtol: float, atol: float, where: str = "") -> list[str]:
    """One line per place where ``got`` departs from ``want``: ``steps[0].phi[1]: got 1.0, want 2.0``.

    Numbers may differ by atol + rtol |want|; NaN matches NaN alone, null matches null alone. All that ``want`` has
    must be there; fields that only ``got`` has are not looked at.
    """
    if isinstance(want, Mapping):
        return _of_mappings(got, want, rtol, atol, where)
    if isinstance(want, (list, tuple)):
        return _of_lists(got, want, rtol, atol, where)
    alike = _close(got, want, rtol, atol) if _is_number(want) else type(got) is type(want) and got == want
    return [] if alike else [f"{where or 'value'}: got {_short(got)}, want {_short(want)}"]


def _of_mappings(got: Any, want: Mapping[str, Any], rtol: float, atol: float, where: str) -> list[str]:
    if not isinstance(got, Mapping):
        return [f"{where or 'value'}: got {_short(got)}, want an object with {', '.join(want)}"]
    found = []
    for key, value in want.items():
        place = f"{where}.{key}" if where else str(key)
        if key not in got:
            found.append(f"{place}: missing, want {_short(value)}")
        else:
            found += differences(got[key], value, rtol=rtol, atol=atol, where=place)
    return found


def _of_lists(got: Any, want: Sequence[Any], rtol: float, atol: float, where: str) -> list[str]:
    if not isinstance(got, (list, tuple)):
        return [f"{where or 'value'}: got {_short(got)}, want a list of {len(want)}"]
    if len(got) != len(want):
        return [f"{where or 'value'}: got a list of {len(got)}, want a list of {len(want)}"]
    pairs = enumerate(zip(got, want, strict=True))
    return [
        line
        for index, (mine, theirs) in pairs
        for line in differences(mine, theirs, rtol=rtol, atol=atol, where=f"{where}[{index}]")
    ]


def _close(got: Any, want: float, rtol: float, atol: float) -> bool:
    if not _is_number(got):
        return False
    if not (math.isfinite(got) and math.isfinite(want)):
        return bool(got == want) or (math.isnan(got) and math.isnan(want))
    return bool(abs(got - want) <= atol + rtol * abs(want))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
