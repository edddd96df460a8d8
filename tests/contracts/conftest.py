"""The laws as tests: the same plugin that third parties load."""

from __future__ import annotations

from mtlbench.testing.pytest_plugin import *  # noqa: F403
from mtlbench.testing.pytest_plugin import pytest_configure, pytest_generate_tests  # noqa: F401
