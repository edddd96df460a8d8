"""Where real data lies, if it lies here."""

from __future__ import annotations

import os
from pathlib import Path

import huggingface_hub.constants
import pytest

from mtlbench.interface import SuiteContext

SHARED = Path(os.environ.get("MTLBENCH_SHARED", Path(__file__).parents[3] / "shared"))


@pytest.fixture(scope="session")
def data_root() -> Path:
    root = SHARED / "data"
    if not (root / "nyu-mll" / "glue").is_dir():
        pytest.skip(f"no real data in {root}; set MTLBENCH_SHARED to the folder that holds data/")
    return root


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def context(data_root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> SuiteContext:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return SuiteContext(data_root=data_root, cache_dir=cache)
