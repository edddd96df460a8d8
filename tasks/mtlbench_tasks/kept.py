"""Tensors kept in one file between runs, for what takes seconds to make and is the same every time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import metadata, resources
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

__all__ = ["kept", "origin"]

_NARROW = (torch.uint8, torch.int16, torch.int32)
_LIBRARIES = ("babel", "numpy", "scikit-learn", "scipy", "tokenizers", "torch", "transformers")
_KERNELS = ("ATEN_", "DNNL_", "MKL_", "ONEDNN_", "OPENBLAS_")
"""How the names of environment variables begin that choose how a processor computes."""


def origin(*parts: str, modules: Sequence[str]) -> str:
    """A digest of all that something was made by: ``parts``, programs, Python, libraries, and the type of processor.

    modules: packages, of which every Python file counts, or single files as ``package:file``. Who changes a program,
    or computes on another processor, whose last bits are others, thus never meets what was made before.
    """
    told = [*parts, platform.python_version(), platform.machine(), _processor()]
    told += [f"{name} {metadata.version(name)}" for name in _LIBRARIES]
    told += [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(_KERNELS)]
    for module in modules:
        package, _, only = module.partition(":")
        files = [file for file in resources.files(package).iterdir() if file.name == only or not only]
        sources = [file for file in files if file.name.endswith(".py")]
        told += [file.read_text("utf-8") for file in sorted(sources, key=lambda file: file.name)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@cache
def _processor() -> str:
    """Its model and what it can do, as the system and torch tell it."""
    lines: set[str] = set()
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
        lines = {line for line in text.splitlines() if line.startswith(("model name", "flags", "Features", "CPU part"))}
    return "\n".join([torch.backends.cpu.get_cpu_capability(), *sorted(lines)])


def kept(path: Path | None, make: Callable[[], Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of ``make``, sorted by name; from ``path`` where they were kept before.

    path: None to keep nothing. Its name must stand for all that the tensors depend on, as a digest of ``origin`` does.
    A file that is damaged or another's is made anew, and where none can be written, none is. No two tensors may share
    memory. Whole numbers of 64 bits take as few bytes in the file as their values need.
    """
    if path is not None:
        with contextlib.suppress(OSError, SafetensorError, KeyError, ValueError):
            return _read(path)
    made = dict(sorted(make().items()))
    if path is not None:
        with contextlib.suppress(OSError):
            _write(made, path)
    return made


def _read(path: Path) -> dict[str, Tensor]:
    with safe_open(path, "pt") as file:
        about = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    if about["digest"] != _digest(path, tensors):
        raise ValueError("not what was written")
    wide = set(json.loads(about["wide"]))
    return {name: tensor.to(torch.int64) if name in wide else tensor for name, tensor in tensors.items()}


def _write(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Whole or not at all: several processes may write the same file at once."""
    wide = [name for name, tensor in tensors.items() if tensor.dtype == torch.int64]
    narrow = {name: (_narrowed(tensor) if name in wide else tensor).contiguous() for name, tensor in tensors.items()}
    about = {"digest": _digest(path, narrow), "wide": json.dumps(wide)}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        partial.write_bytes(save(narrow, about))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _digest(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Of tensors, sorted by name, and of the name of the file that they belong in."""
    total = hashlib.sha256(path.name.encode())
    for name, tensor in tensors.items():
        total.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        total.update(tensor.flatten().view(torch.uint8).numpy().data)
    return total.hexdigest()


def _narrowed(tensor: Tensor) -> Tensor:
    if not tensor.numel():
        return tensor
    low, high = (int(end) for end in tensor.aminmax())
    fits = (kind for kind in _NARROW if torch.iinfo(kind).min <= low and high <= torch.iinfo(kind).max)
    return tensor.to(next(fits, torch.int64))
