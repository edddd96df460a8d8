"""Which points of a space are tried: a Latin hypercube, the same on every machine."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from typing import Any

from mtlbench.study.keys import canonical_json
from mtlbench.tuning.dimensions import Dimension

__all__ = ["points"]


def points(space: Mapping[str, Dimension], count: int, *seed: str) -> list[dict[str, Any]]:
    """``count`` points: every dimension is cut into ``count`` equal strata, and each is met once, in an order of its
    own.

    seed: whose points they are, as suite and method. A dimension's values depend on its name and on nothing else of
    the space. Only ``random.random`` is used, whose numbers Python promises to keep; a library's sampler may change
    with its version, and with it the trials that a committed selection rests on.
    """
    shares = {name: _shares(count, canonical_json([*seed, name, count])) for name in space}
    return [{name: space[name].at(shares[name][index]) for name in space} for index in range(count)]


def _shares(count: int, seed: str) -> list[float]:
    """One number in each of ``count`` strata of [0, 1), shuffled."""
    generator = random.Random(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]))
    keys = [generator.random() for _ in range(count)]
    order = sorted(range(count), key=keys.__getitem__)
    return [(stratum + generator.random()) / count for stratum in order]
