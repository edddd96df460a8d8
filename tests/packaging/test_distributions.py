"""What the sdist and the wheel hold."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"mtlbench", "mtlbench_methods", "mtlbench_executors", "mtlbench_tasks"}


def contents(wheel: Path) -> dict[str, bytes]:
    """Path to bytes of every file of a wheel, but those that describe the archive itself."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith(("/RECORD", "/WHEEL"))]
        return {name: archive.read(name) for name in names}


def test_the_wheel_claims_no_other_top_level_names(built):
    top = {name.partition("/")[0] for name in contents(built.wheel)}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES
    assert len([name for name in top if name.endswith(".dist-info")]) == 1


def test_the_wheel_from_the_sdist_is_the_wheel_from_the_checkout(built):
    from_sdist, direct = contents(built.wheel), contents(built.direct_wheel)
    assert from_sdist.keys() == direct.keys()
    assert [name for name in direct if direct[name] != from_sdist[name]] == []


def test_the_wheel_holds_every_source_and_data_file_of_the_packages(built):
    inside = contents(built.wheel)
    for folder in (ROOT / "mtlbench", *(ROOT / "plugins").glob("mtlbench_*"), *(ROOT / "tasks").glob("mtlbench_*")):
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert path.relative_to(folder.parent).as_posix() in inside, f"{path} is missing from the wheel"


def test_types_are_published(built):
    assert {f"{package}/py.typed" for package in PACKAGES} <= contents(built.wheel).keys()


def test_the_sdist_holds_no_caches_and_no_records(built):
    with tarfile.open(built.sdist) as archive:
        names = archive.getnames()
    assert not [name for name in names if "__pycache__" in name or "/leaderboard/results" in name]
    assert any(name.endswith("/LICENSE") for name in names)
