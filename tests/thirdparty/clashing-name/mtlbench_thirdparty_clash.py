"""Offers a method under a name that is taken."""

from __future__ import annotations

from dataclasses import dataclass

from mtlbench import Method, hookimpl


@dataclass
class BetterMTL(Method):
    """MTL, as somebody else would have it."""

    name = "mtl"


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [BetterMTL]
