"""Who may import whom: every import statement of the project, those inside functions too, points the right way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ROOMS: dict[str, set[str]] = {
    "interface": set(),
    "plugins": {"interface"},
    "study": {"interface", "plugins"},
    "engine": {"interface", "plugins", "study"},
    "worker": {"interface", "plugins", "study", "engine"},
    "runner": {"interface", "plugins", "study", "engine", "worker"},
    "leaderboard": {"interface", "plugins", "study"},
    "tuning": {"interface", "plugins", "study", "engine", "worker", "runner", "leaderboard"},
    "cli": {"interface", "plugins", "study", "engine", "worker", "runner", "leaderboard", "tuning", "testing"},
    "testing": {"interface", "plugins", "study", "engine", "worker", "runner", "leaderboard", "cli"},
    "__init__": {"interface"},
    "__main__": {"cli"},
}
"""Room of the core to the rooms that it may import; ``cli`` runs the conformance kit, which runs the command line."""

GUESTS = ("mtlbench_methods", "mtlbench_executors", "mtlbench_tasks", "mtlbench_torchjd")
HEAVY = {"torch", "transformers", "datasets", "sklearn", "scipy", "pandas", "matplotlib"}
LIGHT_ROOMS = {"interface", "plugins", "study", "leaderboard", "tuning", "cli", "__init__", "__main__"}
WITH_TENSORS = {"mtlbench.interface.gradients", "mtlbench.interface.gram_only"}
"""What a light room may still import at its head, because nothing that only registers loads it."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Dotted name and tree of every module of the four roots."""
    for folder in (ROOT, ROOT / "plugins", ROOT / "tasks"):
        for package in sorted(folder.glob("mtlbench*/")):
            for path in sorted(package.rglob("*.py")):
                parts = path.relative_to(folder).with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
                yield name, ast.parse(path.read_text())


MODULES = dict(modules())


def imported(name: str, tree: ast.AST) -> Iterator[str]:
    """Every module (or name of a module) that import statements below ``tree`` ask for, as dotted names."""
    is_package = any(other.startswith(f"{name}.") for other in MODULES)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name.split(".")[: None if is_package and node.level == 1 else -node.level + is_package]
                base = ".".join([*package, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def room_of(dotted: str) -> str | None:
    """The room of the core that a dotted name asks for; the names that ``mtlbench`` re-exports are the interface's."""
    first, _, rest = dotted.partition(".")
    if first != "mtlbench":
        return None
    room = rest.partition(".")[0]
    return room if f"mtlbench.{room}" in MODULES else "interface"


def at_load(tree: ast.Module) -> ast.Module:
    """The statements that run when a module is imported: no functions, nothing under TYPE_CHECKING."""

    class Pruned(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None: ...

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None: ...

        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if "TYPE_CHECKING" in ast.dump(node.test) else self.generic_visit(node)

    return Pruned().visit(ast.parse(ast.unparse(tree)))


def core() -> list[tuple[str, str]]:
    """(room, module) of every module of the core."""
    found = []
    for name in MODULES:
        parts = name.split(".")
        if parts[0] == "mtlbench":
            found.append((parts[1] if len(parts) > 1 else "__init__", name))
    return found


@pytest.mark.parametrize(("room", "name"), core(), ids=lambda value: value)
def test_a_room_imports_only_the_rooms_above_it(room, name):
    assert room in ROOMS, f"{name} is in no room: add {room} to the list of rooms, with what it may import"
    rooms = {room_of(dotted) for dotted in imported(name, MODULES[name])} - {None, room}
    assert rooms <= ROOMS[room], f"{name} imports {sorted(rooms - ROOMS[room])}"


@pytest.mark.parametrize(("room", "name"), core(), ids=lambda value: value)
def test_the_core_names_no_method_suite_or_executor(room, name):
    guests = [dotted for dotted in imported(name, MODULES[name]) if dotted.startswith(GUESTS)]
    assert not guests, f"{name} imports {guests}"


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith(GUESTS)])
def test_what_enters_by_an_entry_point_imports_the_interface_and_its_own_package(name):
    own = name.partition(".")[0]
    for dotted in imported(name, MODULES[name]):
        if dotted.startswith("mtlbench"):
            allowed = dotted.startswith(f"{own}.") or dotted == own or room_of(dotted) == "interface"
            assert allowed, f"{name} imports {dotted}"


def entry_point_modules() -> list[str]:
    table = (ROOT / "pyproject.toml").read_text().partition("[project.entry-points.mtlbench]")[2].partition("\n[")[0]
    return re.findall(r'= "([\w.]+)"', table)


def light_modules() -> list[str]:
    light = [name for room, name in core() if room in LIGHT_ROOMS]
    return sorted({*light, *(name for name in entry_point_modules() if name in MODULES)} - WITH_TENSORS)


@pytest.mark.parametrize("name", light_modules())
def test_what_the_shell_loads_imports_nothing_heavy_at_its_head(name):
    heavy = {dotted for dotted in imported(name, at_load(MODULES[name])) if dotted.partition(".")[0] in HEAVY}
    assert not heavy, f"{name} imports {sorted(heavy)} when it is loaded"


def test_the_walk_sees_imports_of_every_form():
    tree = ast.parse(
        "import mtlbench.engine.oracle\nfrom mtlbench import runner, Method\nfrom . import x\nfrom .y import z\n"
        "def f():\n  from mtlbench.study import cells\n"
    )
    found = {room_of(dotted) for dotted in imported("mtlbench.plugins.registry", tree)}
    assert found == {"engine", "runner", "interface", "plugins", "study"}
    assert "mtlbench.study.cells" not in set(imported("m", at_load(tree)))
