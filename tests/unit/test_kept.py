from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtlbench_tasks.kept import kept

WHOLE = st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300) | st.integers(-40_000, 40_000)
TENSORS = st.dictionaries(
    st.text("ab c", min_size=1, max_size=4),
    st.lists(WHOLE, max_size=6).map(lambda numbers: torch.tensor(numbers, dtype=torch.int64))
    | st.lists(st.floats(width=32), max_size=6).map(torch.tensor),
    max_size=4,
)


def nothing_made() -> Any:
    pytest.fail("it was kept")


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return [*one] == [*two] and all(
        one[name].dtype == two[name].dtype and torch.equal(one[name].nan_to_num(7.25), two[name].nan_to_num(7.25))
        for name in one
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TENSORS)
def test_what_was_made_once_is_read_as_it_was_made(tmp_path: Path, made: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "folder" / "kept.safetensors"
    path.unlink(missing_ok=True)
    assert same(kept(path, lambda: made), dict(sorted(made.items())))
    assert same(kept(path, nothing_made), dict(sorted(made.items())))
    assert [*path.parent.iterdir()] == [path]


def test_small_numbers_take_few_bytes(tmp_path: Path) -> None:
    path = tmp_path / "kept.safetensors"
    kept(path, lambda: {"ids": torch.arange(10_000) % 200})
    assert path.stat().st_size < 11_000


@pytest.mark.parametrize("damage", [b"", b"no tensors", None])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    path, made = tmp_path / "kept.safetensors", {"ids": torch.arange(100)}
    kept(path, lambda: made)
    path.write_bytes(path.read_bytes()[:-3] if damage is None else damage)
    assert same(kept(path, lambda: made), made)
    assert same(kept(path, nothing_made), made)


def test_where_nothing_can_be_kept_it_is_made_every_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (None, tmp_path / "file" / "kept.safetensors"):
        for number in (1, 2):
            assert same(kept(path, lambda: {"ids": torch.tensor(number)}), {"ids": torch.tensor(number)})  # noqa: B023
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
