"""The subspace of the features of training images: their principal directions. Light."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from convscope.model.features import Features, Subspace, most_directions, power_of_two_steps

FITTED_ON = 2_500
"""Training images that the subspace is fitted on, evenly spaced; more change nothing that can be measured."""

EXACT_FEATURES = 128
"""Up to so many features, all eigenvectors are computed, and directions are not rounded to 8 bits."""

MOST_ROUNDING = 0.001
"""The variance of rounding, as a fraction of the variance outside of the subspace: more would change the distances."""

FEW_DIRECTIONS, IMAGES_EACH = 64, 20
"""More directions than these need so many images each: the features of few images lie in their own subspace."""

OVERSAMPLING, ITERATIONS = 16, 8


def fit_subspace(features: Features) -> Subspace | None:
    """The principal directions of the features of training images.

    Args:
        features: float32 ``(n, f)``, of images that the network was trained on.

    Returns:
        The subspace; None if there are fewer than two images or features, or none of them varies.

    Example:
        >>> line = np.arange(8, dtype=np.float32)[:, None] * np.array([[3, 4, 0, 0]], np.float32)
        >>> abs(fit_subspace(line).directions[:, 0]).round(1).tolist()
        [0.60009765625, 0.7998046875, 0.0, 0.0]
    """
    most = most_directions(features.shape[1]) if features.size else 0
    count = min(most, max(len(features) // IMAGES_EACH, FEW_DIRECTIONS))
    if len(features) < 2 or count < 1:
        return None
    wide = features.astype(np.float64)
    center = wide.mean(axis=0)
    covariance = (wide - center).T @ (wide - center) / len(wide)
    if not np.isfinite(covariance).all() or not covariance.any():
        return None
    kept = _to_store(covariance, _principal_directions(covariance, count))
    return Subspace(center.astype(np.float32), np.clip(kept, -1, 1).astype(np.float16))


def _to_store(
    covariance: Float64[np.ndarray, "f f"], directions: Float64[np.ndarray, "f d"]
) -> Float64[np.ndarray, "f e"]:
    """The directions rounded to 8 bits; of few features, or if it would change distances, those that fit in 16 bits."""
    features = len(directions)
    steps = power_of_two_steps(directions)
    rounded = np.rint(directions / steps) * steps
    outside = np.trace(covariance) - _variance(covariance, directions)
    if features > EXACT_FEATURES and _variance(covariance, rounded - directions) <= MOST_ROUNDING * outside:
        return rounded
    return directions[:, : most_directions(features, rounded=False)]


def _variance(covariance: Float64[np.ndarray, "f f"], directions: Float64[np.ndarray, "f d"]) -> float:
    """The variance of features along directions."""
    return float(np.einsum("fd,fd->", covariance @ directions, directions))


def _principal_directions(covariance: Float64[np.ndarray, "f f"], count: int) -> Float64[np.ndarray, "f d"]:
    """The eigenvectors of the largest eigenvalues.

    All eigenvectors of 576 features take seconds where other programs keep the cores busy, because their threads wait
    for each other at every step. A block of vectors that is multiplied and made orthonormal again needs only products.
    """
    size = len(covariance)
    if size <= EXACT_FEATURES:
        return np.linalg.eigh(covariance)[1][:, ::-1][:, :count]
    block = np.random.default_rng(0).normal(size=(size, count + OVERSAMPLING))
    scaled = covariance / np.trace(covariance)
    try:
        for _ in range(ITERATIONS):
            block = scaled @ block
            block = block @ np.linalg.inv(np.linalg.cholesky(block.T @ block)).T
        is_orthonormal = np.allclose(block.T @ block, np.eye(block.shape[1]), atol=1e-6)
    except np.linalg.LinAlgError:
        is_orthonormal = False
    if not is_orthonormal:  # fewer features vary than the block has columns
        return np.linalg.eigh(covariance)[1][:, ::-1][:, :count]
    inner = np.linalg.eigh(block.T @ scaled @ block)[1][:, ::-1]
    return block @ inner[:, :count]
