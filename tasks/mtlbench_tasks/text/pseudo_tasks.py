"""One data set as several tasks: its examples grouped by the pretrained encoder (METHODS, section 12)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from mtlbench_tasks.text.clustering import fit_clusters, warn_of_small

if TYPE_CHECKING:
    from mtlbench_tasks.text.suite import Part, TextSuite

__all__ = ["groups", "state_digest"]


def groups(
    suite: TextSuite, encoder: Any, parts: Sequence[tuple[Part, Sequence[int]]], count: int
) -> list[NDArray[Any]]:
    """Per part, the group of each of its rows named beside it; the first part forms the groups.

    Kept between runs by encoder weights and tokens, because every example passes through the encoder once. Warns of
    small groups every time.
    """
    tokens = hashlib.sha256()
    for part, rows in parts:
        tokens.update(np.asarray(part.ids.flat).tobytes())
        tokens.update(np.asarray(part.ids.starts).tobytes())
        tokens.update(np.asarray(rows, dtype=np.int64).tobytes())

    def make() -> dict[str, NDArray[Any]]:
        features = [_features(suite, encoder, part, rows) for part, rows in parts]
        clusters = fit_clusters(features[0], count, warn=False)
        return {"group": np.concatenate([clusters.assign(each) for each in features])}

    found = suite.stored(f"groups 1 {count}", [state_digest(encoder), tokens.hexdigest()], make)["group"]
    ends = np.cumsum([len(rows) for _, rows in parts])
    pieces = [np.asarray(piece) for piece in np.split(found, ends[:-1])]
    warn_of_small(pieces[0], count)
    return pieces


def _features(suite: TextSuite, encoder: Any, part: Part, rows: Sequence[int]) -> NDArray[np.float32]:
    """(N, d): the mean of the last hidden states over the tokens that are no padding, dropout off."""
    from mtlbench_tasks.text.networks import HeadedEncoder

    network = HeadedEncoder(encoder, None, {}).to(suite.context.device).eval()
    found = np.zeros((len(rows), int(encoder.config.hidden_size)), dtype=np.float32)
    place_of = {row: place for place, row in enumerate(rows)}
    with torch.no_grad():
        for chosen, batch in suite.looks(part):
            wanted = [at for at, row in enumerate(chosen) if row in place_of]
            if not wanted:
                continue
            mask = batch.mask[..., None].float()
            means = (network.states(batch)[0].float() * mask).sum(1) / mask.sum(1)  # (B, d)
            found[[place_of[chosen[at]] for at in wanted]] = means[wanted].cpu().numpy()
    encoder.to("cpu")
    return found


def state_digest(encoder: Any) -> str:
    """A digest of an encoder's parameters and buffers."""
    total = hashlib.sha256()
    for name, tensor in sorted(encoder.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()
