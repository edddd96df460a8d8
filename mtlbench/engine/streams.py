"""Named random streams: all of a cell's randomness, seeded by suite, seed and name, and NOT by the method.

Two methods on one suite and seed therefore see the same initial weights, the same task draws and the same batches,
and no method can shift another stream by drawing more or less from its own.
"""

from __future__ import annotations

import hashlib

import torch

__all__ = ["Streams"]


class Streams:
    """The streams of one (suite, seed)."""

    def __init__(self, suite: str, seed: int) -> None:
        self._root = f"{suite}\x1f{seed}"

    def seed(self, *name: object) -> int:
        """A 63-bit seed for a stream; ``name`` may have several parts."""
        text = "\x1f".join([self._root, *map(str, name)])
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1

    def generator(self, *name: object) -> torch.Generator:
        """A CPU generator at the beginning of a stream."""
        return torch.Generator().manual_seed(self.seed(*name))
