from __future__ import annotations

import numpy as np
import pytest

from mtlbench.interface import BadSetting
from mtlbench_tasks.text.clustering import cluster, fit_clusters


def blobs(sizes: list[int], width: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points around far-apart centres, shuffled, with the blob that each comes from."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    centres = 20.0 * rng.standard_normal((len(sizes), width))
    points = centres[truth] + rng.standard_normal((len(truth), width))
    order = rng.permutation(len(truth))
    return points[order], truth[order]


def test_separated_blobs_are_recovered_and_numbered_by_size() -> None:
    points, truth = blobs([150, 400])
    labels = cluster(points, 2)
    assert np.array_equal(labels, 1 - truth)


def test_four_blobs_get_four_tasks_and_every_example_gets_one() -> None:
    points, truth = blobs([300, 200, 150, 100])
    labels = cluster(points)
    assert labels.shape == truth.shape
    assert np.array_equal(labels, truth)


def test_the_same_seed_gives_the_same_labels() -> None:
    points, _ = blobs([120, 100, 90])
    rng = np.random.default_rng(3)
    noisy = points + 15.0 * rng.standard_normal(points.shape)
    assert np.array_equal(cluster(noisy, seed=5), cluster(noisy, seed=5))


def test_features_scaled_down_are_clustered_alike() -> None:
    points, _ = blobs([150, 100])
    assert np.array_equal(cluster(points, 2), cluster(points * 1e-2, 2))


def test_examples_beyond_the_fitted_sample_are_assigned_too() -> None:
    points, truth = blobs([300, 200])
    assert np.array_equal(cluster(points, 2, fit_on=60, dimensions=10), truth)


def test_a_small_cluster_is_warned_of() -> None:
    points, _ = blobs([300, 5], width=8)
    with pytest.warns(UserWarning, match="less than 5%"):
        cluster(points, 2)


def test_fewer_examples_than_clusters_is_a_mistake() -> None:
    with pytest.raises(BadSetting, match="found 3"):
        cluster(np.zeros((3, 8)))


def test_new_examples_go_to_the_clusters_of_their_likes() -> None:
    points, truth = blobs([200, 100], width=6)
    clusters = fit_clusters(points[:150], 2)
    assert np.array_equal(clusters.assign(points[150:]), truth[150:])
