"""Word pieces learned by pair merging, the same on every run.

The trainer of ``tokenizers`` breaks ties between equally frequent pairs by the order of a randomised hash table, so
two of its runs give two vocabularies. Here the pair that sorts first wins.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

__all__ = ["learn_pieces"]

_INSIDE = "##"
"""Marks a piece that continues a word."""

Pair = tuple[str, str]


def learn_pieces(counts: Mapping[str, int], size: int, special: Iterable[str]) -> list[str]:
    """At most ``size`` pieces: the special ones, all characters, then merges in the order they were made.

    counts: how often each word occurs. The most frequent pair of neighbours is merged until there are enough pieces
    or no pairs.
    """
    words = [[word[0], *(_INSIDE + char for char in word[1:])] for word in sorted(counts)]
    weights = [counts[word] for word in sorted(counts)]
    pieces = dict.fromkeys([*special, *sorted({piece for word in words for piece in word})])
    pairs: Counter[Pair] = Counter()
    homes: defaultdict[Pair, set[int]] = defaultdict(set)
    for place, word in enumerate(words):
        for pair in zip(word, word[1:], strict=False):
            pairs[pair] += weights[place]
            homes[pair].add(place)
    queue = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(queue)
    while queue and len(pieces) < size:
        negative, pair = heapq.heappop(queue)
        if -negative != pairs[pair]:
            continue  # its count has changed since; where it grew, a newer entry stands in the queue
        merged = pair[0] + pair[1].removeprefix(_INSIDE)
        pieces.setdefault(merged)
        changed: set[Pair] = set()
        for place in homes.pop(pair):
            changed |= _merge(place, words, weights[place], pair, merged, pairs, homes)
        for other in changed:
            if pairs[other] > 0:
                heapq.heappush(queue, (-pairs[other], other))
        del pairs[pair]
    return list(pieces)[:size]


def _merge(
    place: int,
    words: list[list[str]],
    weight: int,
    pair: Pair,
    merged: str,
    pairs: Counter[Pair],
    homes: defaultdict[Pair, set[int]],
) -> set[Pair]:
    """Merges ``pair`` wherever one word has it, and returns the pairs whose counts have changed by that."""
    word = words[place]
    before = list(zip(word, word[1:], strict=False))
    out, at = [], 0
    while at < len(word):
        joined = at + 1 < len(word) and (word[at], word[at + 1]) == pair
        out.append(merged if joined else word[at])
        at += 2 if joined else 1
    words[place] = out
    after = list(zip(out, out[1:], strict=False))
    for old in before:
        pairs[old] -= weight
    for new in after:
        pairs[new] += weight
        homes[new].add(place)
    for gone in set(before) - set(after):
        homes[gone].discard(place)
    return {*before, *after} - {pair}
