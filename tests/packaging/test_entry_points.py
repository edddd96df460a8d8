"""The table of entry points is what is on disk and what is installed: nothing is forgotten in any of the three."""

from __future__ import annotations

import ast
import importlib.metadata
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def table() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["entry-points"]["mtlbench"]


def modules_with_hooks() -> set[str]:
    """Modules of the project that implement a hook at their top level."""
    found = set()
    for folder in (ROOT, ROOT / "plugins", ROOT / "tasks"):
        for path in folder.glob("mtlbench*/**/*.py"):
            hooks = [
                node.name
                for node in ast.parse(path.read_text()).body
                if isinstance(node, ast.FunctionDef)
                and any("hookimpl" in ast.unparse(it) for it in node.decorator_list)
            ]
            parts = path.relative_to(folder).with_suffix("").parts
            if hooks:
                found.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def test_every_module_with_hooks_has_an_entry_point_and_the_other_way_round():
    listed, on_disk = set(table().values()), modules_with_hooks()
    assert on_disk - listed == set(), "modules with hooks that pyproject.toml does not list"
    assert listed - on_disk == set(), "entry points whose module is missing, or has no hook"


def test_what_is_installed_has_the_same_table():
    installed = {
        point.name: point.value
        for point in importlib.metadata.entry_points(group="mtlbench")
        if point.dist is not None and point.dist.name == "mtlbench"
    }
    assert installed == table(), "the installed mtlbench is an old one: pip install -e . again"
