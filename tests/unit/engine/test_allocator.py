from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, torch
from mtlbench.engine.allocator import keep_freed_pages

def step():
    large = [torch.ones(2**power) for power in (20, 22, 24)]  # up to 64 MiB
    return [2 * tensor for tensor in large]

keep_freed_pages()
for _ in range(20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_touched_anew(**environment: str) -> int:
    """In the last of some steps that allocate and free the same blocks."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    command = [sys.executable, "-c", PROGRAM]
    told = subprocess.run(command, env={**inherited, **environment}, capture_output=True, text=True, check=True)
    return int(told.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep freed memory")
def test_freed_memory_is_used_again_unless_the_environment_says_how_to_allocate() -> None:
    few = pages_touched_anew()
    assert pages_touched_anew(MALLOC_ARENA_MAX="2") > 10 * max(few, 10)
