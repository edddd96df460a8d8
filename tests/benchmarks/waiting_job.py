"""A job for workers, which import it by name."""

from __future__ import annotations

import time
from typing import Any

__all__ = ["wait"]


def wait(payload: Any, report: Any) -> dict[str, str]:
    """A job that takes its time and computes nothing, so that a busy machine does not lengthen it."""
    time.sleep(payload["seconds"])
    return {"status": "done"}
