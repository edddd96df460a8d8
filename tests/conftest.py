"""For all tests: signals as a terminal would have them, and a folder for prepared data of their own."""

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


@pytest.fixture(autouse=True, scope="session")
def _a_cache_of_the_tests_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is prepared once serves all tests, and nothing is left in anybody's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTLBENCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield
