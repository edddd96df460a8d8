"""Pseudo-tasks from one data set: sentences grouped by what the pretrained encoder makes of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mtlbench.interface import require

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Clusters", "cluster", "fit_clusters", "warn_of_small"]

SMALL_SHARE = 0.05
"""A cluster with less of the data than this is worth a warning: the paper's are nearly equal."""


@dataclass(frozen=True)
class Clusters:
    """A fitted reduction and mixture, and the number that each component goes by."""

    reduction: Any
    mixture: Any
    numbers: NDArray[Any]

    def assign(self, features: NDArray[Any]) -> NDArray[Any]:
        """The cluster of every row of (N, d) features: that of its most probable component, (N,) int64."""
        found: NDArray[Any] = self.numbers[self.mixture.predict(self.reduction.transform(_float64(features)))]
        return found


def fit_clusters(
    features: NDArray[Any],
    clusters: int = 4,
    *,
    seed: int = 0,
    dimensions: int = 50,
    fit_on: int = 20_000,
    starts: int = 3,
    warn: bool = True,
) -> Clusters:
    """Clusters of examples, numbered by how many of ``features`` they hold; the largest is 0.

    features: (N, d), one row an example: the mean of the encoder's last hidden states over non-padding tokens.
    Principal components (centred, not whitened; at most ``dimensions``) of a seeded sample of ``fit_on`` rows, then a
    Gaussian mixture with full covariances, started from k-means, the best of ``starts``. The steps are those of
    Aharoni and Goldberg (2020), whom the paper follows; both leave the number of dimensions open. ``warn``: tell of
    clusters that came out small, as ``warn_of_small`` does.
    """
    import numpy as np
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    count, width = features.shape
    require(count >= clusters, f"{clusters} clusters need at least as many examples, found {count}")
    values = _float64(features)
    sample = values
    if count > fit_on:
        sample = values[np.sort(np.random.default_rng(seed).choice(count, fit_on, replace=False))]
    reduction = PCA(min(dimensions, width, len(sample)), svd_solver="full").fit(sample)
    mixture = GaussianMixture(
        clusters, covariance_type="full", init_params="kmeans", n_init=starts, max_iter=300, random_state=seed
    ).fit(reduction.transform(sample))
    fitted = Clusters(reduction, mixture, np.arange(clusters))
    found = fitted.assign(values)
    sizes = np.bincount(found, minlength=clusters)
    # Equal sizes are ordered by their first example, so that the numbering is unique.
    first = [int(np.argmax(found == each)) if sizes[each] else count for each in range(clusters)]
    order = sorted(range(clusters), key=lambda each: (-sizes[each], first[each]))
    numbered = replace(fitted, numbers=np.argsort(np.array(order)).astype(np.int64))
    if warn:
        warn_of_small(numbered.numbers[found], clusters)
    return numbered


def warn_of_small(found: NDArray[Any], clusters: int) -> None:
    """Warn when one of the clusters holds less than a twentieth of the examples that formed them.

    found: (N,) the cluster of each, freshly assigned or kept from an earlier run.
    """
    import numpy as np

    sizes = np.bincount(found, minlength=clusters)
    if sizes.min() < SMALL_SHARE * len(found):
        shares = ", ".join(f"{size / len(found):.1%}" for size in sizes)
        warnings.warn(f"a cluster holds less than {SMALL_SHARE:.0%} of the examples: {shares}", stacklevel=3)


def cluster(features: NDArray[Any], clusters: int = 4, *, seed: int = 0, **settings: Any) -> NDArray[Any]:
    """The cluster of each of the examples that the clusters are fitted to; settings as ``fit_clusters`` has them."""
    return fit_clusters(features, clusters, seed=seed, **settings).assign(features)


def _float64(features: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    return np.asarray(features, dtype=np.float64)
