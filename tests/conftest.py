"""For all tests: signals as a terminal would have them."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def _an_interrupt_that_interrupts() -> Iterator[None]:
    """A shell starts background jobs deaf to ^C, and children inherit that: tests that send one would wait for ever."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
