"""Tensors kept in one file between runs, for what takes seconds to make and is the same every time."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

__all__ = ["kept"]

_NARROW = (torch.uint8, torch.int16, torch.int32)


def kept(path: Path | None, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of ``make``, floating-point or int64, sorted by name; from ``path`` where they were kept before.

    path: None to keep nothing. Its name must stand for all that the tensors depend on. A damaged file is made anew, and
    where none can be written, none is. Whole numbers take as few bytes in it as their values need.
    """
    if path is not None:
        with contextlib.suppress(OSError, SafetensorError):
            return {name: _widened(tensor) for name, tensor in sorted(load_file(path).items())}
    made = dict(sorted(make().items()))
    if path is not None:
        with contextlib.suppress(OSError):
            _write({name: _narrowed(tensor) for name, tensor in made.items()}, path)
    return made


def _write(tensors: dict[str, Tensor], path: Path) -> None:
    """Whole or not at all: several processes may write the same file at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        partial.write_bytes(save(tensors))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _narrowed(tensor: Tensor) -> Tensor:
    if tensor.dtype != torch.int64 or not tensor.numel():
        return tensor.contiguous()
    low, high = (int(end) for end in tensor.aminmax())
    fits = (kind for kind in _NARROW if torch.iinfo(kind).min <= low and high <= torch.iinfo(kind).max)
    return tensor.to(next(fits, torch.int64)).contiguous()


def _widened(tensor: Tensor) -> Tensor:
    return tensor if tensor.is_floating_point() else tensor.to(torch.int64)
