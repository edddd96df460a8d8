"""The C library's allocator: whether freed memory stays with the process."""

from __future__ import annotations

import contextlib
import ctypes
import os
from functools import cache

__all__ = ["give_back_freed_pages", "keep_freed_pages"]

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""glibc's names for what ``mallopt`` sets."""


@cache
def keep_freed_pages() -> None:
    """Let freed memory be used again as it is, to the end of the process; nothing happens without glibc.

    Blocks above 32 MiB are the system's by default, given anew and zeroed page by page at every use: up to a quarter of
    a step, where activations are as large. What it costs is memory, in gaps that fit nothing, so whoever allocates less
    goes without it. A process whose environment says how to allocate (``MALLOC_...``, ``GLIBC_TUNABLES``) stays with
    that.
    """
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        return
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, -1)


def give_back_freed_pages() -> None:
    """Once, now; with another C library nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
