"""Checkpoints: nested state of tensors and plain data as safetensors plus JSON, never pickle."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

__all__ = ["load_checkpoint", "save_checkpoint"]

_TENSOR = "__tensor__"
_PAIRS = "__pairs__"


def save_checkpoint(folder: Path, state: Any) -> None:
    """Write ``state`` (dicts, lists, tuples, strings, numbers, None, tensors) as the folder's only checkpoint.

    A checkpoint is a folder of its own, finished before the name ``current`` points to it: whoever is killed while
    writing leaves the last one in force.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    last = _current(folder)
    name = f"step-{int(last.name.removeprefix('step-')) + 1 if last else 0}"
    target = folder / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    tensors: dict[str, Tensor] = {}
    plain = _split(state, tensors)
    save_file(tensors, target / "tensors.safetensors")
    (target / "state.json").write_text(json.dumps(plain), encoding="utf-8")
    pointer = folder / ".current"
    pointer.write_text(name, encoding="utf-8")
    for written in (*target.iterdir(), pointer):
        with written.open("rb") as file:
            os.fsync(file.fileno())
    pointer.replace(folder / "current")
    for other in folder.glob("step-*"):
        if other.name != name:
            shutil.rmtree(other, ignore_errors=True)


def load_checkpoint(folder: Path) -> Any | None:
    """The state last saved in ``folder``, or None when there is none that can be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    current = _current(folder)
    if current is None:
        return None
    try:
        tensors = load_file(current / "tensors.safetensors")
        plain = json.loads((current / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, SafetensorError):
        return None  # a damaged checkpoint costs time, not the cell: it starts anew
    return _join(plain, tensors.__getitem__)


def _current(folder: Path) -> Path | None:
    try:
        name = (folder / "current").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return folder / name if name.removeprefix("step-").isdigit() and (folder / name).is_dir() else None


def _split(state: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(state, Tensor):
        name = str(len(tensors))
        tensors[name] = state.detach().contiguous().clone()  # safetensors refuses views of one storage
        return {_TENSOR: name}
    if isinstance(state, dict):
        if all(isinstance(key, str) for key in state) and not {_TENSOR, _PAIRS} & state.keys():
            return {key: _split(value, tensors) for key, value in state.items()}
        return {_PAIRS: [[_split(key, tensors), _split(value, tensors)] for key, value in state.items()]}
    if isinstance(state, (list, tuple)):
        return [_split(item, tensors) for item in state]
    if state is None or isinstance(state, (str, bool, int, float)):
        return state
    raise TypeError(f"a checkpoint cannot hold {type(state).__name__}: use tensors, numbers, strings, lists, dicts")


def _join(plain: Any, tensor: Callable[[str], Tensor]) -> Any:
    if isinstance(plain, dict):
        if plain.keys() == {_TENSOR}:
            return tensor(plain[_TENSOR])
        if plain.keys() == {_PAIRS}:
            return {_key(_join(key, tensor)): _join(value, tensor) for key, value in plain[_PAIRS]}
        return {key: _join(value, tensor) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_join(item, tensor) for item in plain]
    return plain


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
