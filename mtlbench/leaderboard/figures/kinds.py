"""What figures there are, by the ends of their files' names."""

from __future__ import annotations

__all__ = ["KINDS"]

KINDS = (
    "surface",
    "paths",
    "ranks",
    "profile",
    "transfer",
    "curves",
    "seconds",
    "price",
    "cosine",
    "alignment",
    "forgetting",
    "distance",
    "sweep-*",
)
"""A file of ours that ends so and that no record calls for any more is removed."""
