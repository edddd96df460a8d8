from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from mtlbench_tasks.kept import kept, origin

ONE = torch.ones(3, dtype=torch.int64)
WHOLE = st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300) | st.integers(-40_000, 40_000)
TENSORS = st.dictionaries(
    st.text("ab c", min_size=1, max_size=4),
    st.lists(WHOLE, max_size=6).map(lambda numbers: torch.tensor(numbers, dtype=torch.int64))
    | st.lists(st.floats(width=32), max_size=6).map(torch.tensor)
    | st.lists(st.integers(0, 255), max_size=6).map(lambda numbers: torch.tensor(numbers, dtype=torch.uint8)),
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


def flipped(data: bytes) -> bytes:
    return data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]


@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda _: b"no tensors", lambda data: data[:-3], flipped, lambda _: save({"ids": ONE})]
)
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path, made = tmp_path / "kept.safetensors", {"ids": torch.arange(100)}
    kept(path, lambda: made)
    path.write_bytes(damage(path.read_bytes()))
    assert same(kept(path, lambda: made), made)
    assert same(kept(path, nothing_made), made)


def test_a_file_under_anothers_name_is_made_anew(tmp_path: Path) -> None:
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    kept(one, lambda: {"ids": ONE})
    one.rename(other)
    assert same(kept(other, lambda: {"ids": 2 * ONE}), {"ids": 2 * ONE})


def test_an_origin_is_of_parts_programs_and_the_way_to_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    here = origin("part", modules=["mtlbench_tasks:kept.py"])
    assert here == origin("part", modules=["mtlbench_tasks:kept.py"])
    others = [origin("part", modules=["mtlbench_tasks"]), origin("other", modules=["mtlbench_tasks:kept.py"])]
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    others.append(origin("part", modules=["mtlbench_tasks:kept.py"]))
    monkeypatch.delenv("MKL_CBWR")
    monkeypatch.setattr("mtlbench_tasks.kept._processor", lambda: "another")
    others.append(origin("part", modules=["mtlbench_tasks:kept.py"]))
    assert len({here, *others}) == 5


def test_where_nothing_can_be_kept_it_is_made_every_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (None, tmp_path / "file" / "kept.safetensors"):
        for number in (1, 2):
            assert same(kept(path, lambda: {"ids": torch.tensor(number)}), {"ids": torch.tensor(number)})  # noqa: B023
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
