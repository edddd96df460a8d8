"""Distributions built once a session, from copies, so that nothing stale gets in and nothing is left behind."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "mtlbench", "plugins", "tasks")
THIRD_PARTIES = ("example", "broken-import", "clashing-name", "other-interface")

Shell = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Built:
    """What ``python -m build`` makes of the checkout."""

    sdist: Path
    wheel: Path
    """Built from the sdist."""
    direct_wheel: Path
    """Built from the checkout itself."""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    require_build_tools()
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in SOURCES:
        copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check"]
    run([*build, "--outdir", str(out / "both"), str(source)])
    run([*build, "--wheel", "--outdir", str(out / "direct"), str(source)])
    (sdist,), (wheel,), (direct,) = (out.glob(it) for it in ("both/*.tar.gz", "both/*.whl", "direct/*.whl"))
    return Built(sdist, wheel, direct)


@pytest.fixture(scope="session")
def site(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with mtlbench and the four third-party distributions installed into it."""
    source, target = tmp_path_factory.mktemp("thirdparty"), tmp_path_factory.mktemp("site")
    for name in THIRD_PARTIES:
        copy(ROOT / "tests" / "thirdparty" / name, source / name)
    dists = [str(built.wheel), *(str(source / name) for name in THIRD_PARTIES)]
    run([*pip_install(), "--target", str(target), *dists])
    return target


@pytest.fixture
def python(site: Path, tmp_path: Path) -> Shell:
    """Runs the interpreter in an empty folder, with what is installed in ``site``."""

    def shell(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *words]
        return subprocess.run(command, cwd=tmp_path, env=environment(site), capture_output=True, text=True, timeout=300)

    return shell


@pytest.fixture
def mtlbench(python: Shell) -> Shell:
    """Runs ``mtlbench`` as installed in ``site``."""
    return lambda *words: python("-m", "mtlbench", *words)


def environment(*paths: Path) -> dict[str, str]:
    """This process's environment, with ``paths`` searched first and nothing blocked."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MTLBENCH_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"}


def pip_install() -> list[str]:
    """pip without the network: no dependencies, no index, and the build tools of this environment."""
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    return [sys.executable, "-m", "pip", "install", *options]


def require_build_tools() -> None:
    """Skip where packages cannot be built without the network."""
    for tool in ("build", "pip", "setuptools"):
        if importlib.util.find_spec(tool) is None:
            pytest.skip(f"{tool} is not installed, and building in isolation would need the network")
    found = importlib.metadata.version("setuptools")
    if int(found.partition(".")[0]) < 77:
        pytest.skip(f"setuptools {found} is installed; this needs 77 or newer")


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build", ".*"))
    elif source.exists():
        shutil.copy(source, target)


def run(command: list[str]) -> None:
    """Run a tool; what it printed is told when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
