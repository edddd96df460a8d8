from __future__ import annotations

import os
from pathlib import Path

import pytest

from mtlbench.testing.golden import replay_folder

SHARED = Path(os.environ.get("MTLBENCH_SHARED") or Path(__file__).parents[2] / ".." / "shared")
FOLDER = SHARED.resolve() / "golden"


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"there are no golden vectors at {FOLDER} (set MTLBENCH_SHARED)")
def test_every_golden_vector_is_computed(mtlbench_registry):
    replays = list(replay_folder(FOLDER, mtlbench_registry))
    assert [str(replay) for replay in replays if not replay.ok] == []
    assert len(replays) >= 58
