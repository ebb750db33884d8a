"""The map of the test images in the data of a page: points in two dimensions, and how to add another image to it.

The page also shows where a drawing lies. With PCA that is a product with the stored components, which are rounded to
8 bits. The points are computed with the rounded ones, so that the page gives the same image the same place. t-SNE has
no formula for a new image: it is shown at the mean place of the nearest images, compared by eight principal components.
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from convscope.data.dataset import Dataset
from convscope.evaluation.projection import principal_components, t_sne, trustworthiness
from convscope.report.array_json import Array, array_json
from convscope.report.examined import Examined

PCA, T_SNE = "pca", "tsne"
PROJECTIONS = (PCA, T_SNE)
COMPARED_COMPONENTS = 8
LEVELS = 65_535


class TestMapJson(TypedDict):
    """Test images as points, one row of each array for each image.

    A coordinate is ``low + point / 65535 * span``. Another image has the components
    ``components @ features * scale - offset``; with PCA these are its coordinates.
    """

    method: str
    layer: str
    trustworthiness: float
    explained_variance: float | None
    indexes: Array
    labels: Array
    predicted: Array
    points: Array
    low: list[float]
    span: float
    components: Array
    scale: list[float]
    offset: list[float]
    codes: Array | None


def test_map_json(examined: Examined, dataset: Dataset, *, projection: str) -> TestMapJson:
    """Project the features of the images.

    Args:
        examined: The images.
        dataset: Where they are from.
        projection: ``pca`` or ``tsne``.

    Raises:
        MissingExtraError: ``tsne`` without scikit-learn.
    """
    features, labels = examined.scan.features, dataset.labels[examined.positions]
    is_pca = projection == PCA
    found = principal_components(features, 2 if is_pca else COMPARED_COMPONENTS)
    components, scale = _rounded(found.components)
    offset = (components.astype(np.float64) @ found.mean) * scale
    own = (features @ components.T.astype(np.float32)) * scale.astype(np.float32) - offset.astype(np.float32)
    points = own if is_pca else t_sne(features)
    low = points.min(axis=0)
    span = float(max((points.max(axis=0) - low).max(), 1e-12))
    return TestMapJson(
        method=projection,
        layer=examined.scan.feature_layer,
        trustworthiness=round(trustworthiness(features, points), 4),
        explained_variance=round(sum(found.explained), 4) if is_pca else None,
        indexes=array_json(examined.positions.astype(np.uint32)),
        labels=array_json(labels.astype(np.uint16)),
        predicted=array_json(examined.scan.logits.argmax(axis=1).astype(np.uint16)),
        points=array_json(np.rint((points - low) / span * LEVELS).astype(np.uint16)),
        low=[float(value) for value in low],
        span=span,
        components=array_json(components),
        scale=[float(value) for value in scale],
        offset=[float(value) for value in offset],
        codes=None if is_pca else array_json(own.astype(np.float32)),
    )


def _rounded(components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row as 8-bit integers and the value of one of their steps."""
    scale = np.maximum(np.abs(components).max(axis=1).astype(np.float64), 1e-30) / 127
    return np.rint(components / scale[:, None]).astype(np.int8), scale
