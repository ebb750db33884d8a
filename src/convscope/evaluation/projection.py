"""Feature vectors as points in two dimensions, and how much of the neighborhoods they keep. Light."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from convscope.errors import MissingExtraError
from convscope.model.blas_threads import one_blas_thread

NEIGHBORS = 12
"""Nearest neighbors that `trustworthiness` compares."""

MOST_COMPARED = 1000
"""Points whose neighbors are compared: all pairs of them are computed."""


@dataclass(frozen=True, eq=False)
class PrincipalComponents:
    """A projection on the directions of largest variance.

    Attributes:
        components: Orthonormal rows. Their sign is fixed: the largest entry by magnitude is positive.
        mean: Of the vectors.
        explained: Fraction of the variance along each component.
    """

    components: Float32[np.ndarray, "m d"]
    mean: Float32[np.ndarray, " d"]
    explained: tuple[float, ...]

    def project(self, features: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n m"]:
        """The coordinates of vectors."""
        return (features - self.mean) @ self.components.T


def principal_components(features: Float32[np.ndarray, "n d"], count: int = 2) -> PrincipalComponents:
    """Principal component analysis, by the eigenvectors of the smaller of the covariance and the Gram matrix.

    Args:
        features: At least one row.
        count: Components; those beyond the rank of the data are zero.

    Source:
        Hotelling, "Analysis of a complex of statistical variables into principal components" (1933).

    Example:
        >>> line = np.array([[0, 0], [2, 0], [4, 0]], np.float32)
        >>> principal_components(line, 1).explained
        (1.0,)
    """
    mean = features.mean(axis=0, dtype=np.float64)
    centered = (features - mean).astype(np.float32)
    n, d = features.shape
    with one_blas_thread():  # its threads would wait for each other at every step while other programs are busy
        values, vectors = np.linalg.eigh(centered.T @ centered if d <= n else centered @ centered.T)
    order = np.argsort(-values, kind="stable")[:count]
    rows = (vectors[:, order].T if d <= n else vectors[:, order].T @ centered).astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    total = float(np.square(centered).sum(dtype=np.float64))
    is_real = values[order] > 1e-6 * max(total, 1e-30)
    rows = np.where(is_real[:, None], rows / np.maximum(lengths, 1e-30), 0)
    rows *= np.where(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)] < 0, -1.0, 1.0)[:, None]
    explained = [float(value) / total if real else 0.0 for value, real in zip(values[order], is_real, strict=True)]
    missing = count - len(rows)
    rows = np.vstack([rows, np.zeros((missing, d))])
    return PrincipalComponents(rows.astype(np.float32), mean.astype(np.float32), (*explained, *[0.0] * missing))


def t_sne(features: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n 2"]:
    """t-SNE by scikit-learn, from the principal components and without randomness.

    Raises:
        MissingExtraError: scikit-learn is not installed.

    Source:
        van der Maaten and Hinton, "Visualizing data using t-SNE" (2008).
    """
    try:
        manifold = importlib.import_module("sklearn.manifold")
    except ImportError:
        raise MissingExtraError(
            "Expected scikit-learn for a t-SNE projection. Received: it is not installed.",
            hint="pip install 'convscope[projection]', or use --projection pca.",
        ) from None
    reduced = principal_components(features, min(50, *features.shape)).project(features)
    perplexity = min(30.0, max(1.0, (len(features) - 1) / 3))
    found = manifold.TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(reduced.astype(np.float64))
    return found.astype(np.float32)


def trustworthiness(
    features: Float[np.ndarray, "n d"], points: Float[np.ndarray, "n m"], *, neighbors: int = NEIGHBORS
) -> float:
    """How far neighbors among the points are neighbors among the vectors too: 0..1, 1 for all of them.

    Every vector that comes among the nearest of a point without being near counts with its rank. Of more than
    `MOST_COMPARED` vectors, evenly spaced ones are compared.

    Args:
        features: The vectors.
        points: Their projection.
        neighbors: Nearest neighbors compared, fewer than half of the vectors.

    Returns:
        1.0 for fewer than three vectors.

    Source:
        Venna and Kaski, "Neighborhood preservation in nonlinear projection methods" (2001).

    Example:
        >>> grid = np.arange(8.0)[:, None]
        >>> trustworthiness(grid, 3 * grid, neighbors=2)
        1.0
    """
    chosen = np.unique(np.linspace(0, len(features) - 1, min(len(features), MOST_COMPARED)).astype(int))
    n = len(chosen)
    k = min(neighbors, (n - 1) // 2)
    if k < 1:
        return 1.0
    ranks = np.empty((n, n), np.int64)
    order = _by_distance(features[chosen])
    np.put_along_axis(ranks, order, np.arange(n)[None, :], axis=1)  # the vector itself has rank 0
    nearest = _by_distance(points[chosen])[:, 1 : k + 1]
    excess = np.maximum(np.take_along_axis(ranks, nearest, axis=1) - k, 0)
    return 1.0 - 2.0 * float(excess.sum()) / (n * k * (2 * n - 3 * k - 1))


def _by_distance(vectors: np.ndarray) -> np.ndarray:
    """For each vector all others, nearest first; itself is the first."""
    centered = (vectors - vectors.mean(axis=0)).astype(np.float32)
    squares = np.square(centered).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * centered @ centered.T
    np.fill_diagonal(distances, -1)
    return np.argsort(distances, axis=1, kind="stable")
