from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mtlbench.engine.checkpoint import load_checkpoint, save_checkpoint


def test_nested_state_comes_back_as_it_went(tmp_path: Path) -> None:
    state = {
        "a": torch.arange(3),
        "b": [1, 2.5, None, "x", True],
        "c": {"d": torch.tensor(2.0)},
        "e": {1: "one", (0, 2): "pair"},
    }
    save_checkpoint(tmp_path, state)
    back = load_checkpoint(tmp_path)
    assert torch.equal(back["a"], state["a"])
    assert back["b"] == state["b"]
    assert float(back["c"]["d"]) == 2.0
    assert back["e"] == {1: "one", (0, 2): "pair"}


def test_only_the_last_checkpoint_is_kept(tmp_path: Path) -> None:
    for value in range(5):
        save_checkpoint(tmp_path, {"value": value})
    assert load_checkpoint(tmp_path) == {"value": 4}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_half_written_checkpoint_leaves_the_last_one_in_force(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"value": 1})
    (tmp_path / "step-1").mkdir()
    (tmp_path / "step-1" / "state.json").write_text("{")
    assert load_checkpoint(tmp_path) == {"value": 1}
    save_checkpoint(tmp_path, {"value": 2})
    assert load_checkpoint(tmp_path) == {"value": 2}


def test_a_damaged_checkpoint_reads_as_none(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"value": torch.ones(2)})
    next(tmp_path.glob("step-*/tensors.safetensors")).write_bytes(b"garbage")
    assert load_checkpoint(tmp_path) is None
    assert load_checkpoint(tmp_path / "nowhere") is None


def test_what_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="cannot hold set"):
        save_checkpoint(tmp_path, {"value": {1, 2}})
