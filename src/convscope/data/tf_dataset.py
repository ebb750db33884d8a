"""Read a ``tf.data.Dataset`` of images and labels into arrays. TensorFlow is not imported: the dataset brings it."""

from __future__ import annotations

from typing import Any

import numpy as np

from convscope.data.build_dataset import MAX_BYTES
from convscope.errors import DataError

INFINITE = -1
"""What TensorFlow gives as the cardinality of a repeated dataset."""


def is_tf_dataset(value: object) -> bool:
    """Whether a value is a dataset of TensorFlow."""
    return hasattr(value, "element_spec") and hasattr(value, "as_numpy_iterator")


def arrays_of(dataset: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """All images and labels of a dataset, in its order.

    Args:
        dataset: Elements are pairs: an image and its label, or a batch of images and their labels.
        name: The name of the dataset, for messages.

    Returns:
        Images ``(n, h, w)`` or ``(n, h, w, c)`` and labels ``(n,)``.

    Raises:
        DataError: Other elements, images of different shapes, no end, no element, or more than two gigabytes.
    """
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2 or not all(hasattr(one, "shape") for one in spec):
        raise DataError(
            f"Expected pairs of images and labels in {name}. Received: element_spec={str(spec)[:200]}.",
            hint="Use dataset.map(lambda ...: (image, label)).",
        )
    if int(dataset.cardinality()) == INFINITE:
        raise DataError(f"Expected {name} with an end. Received: one that is repeated forever.", hint="Use take(n).")
    images, labels, size = [], [], 0
    for image, label in dataset.as_numpy_iterator():
        images.append(_rounded(np.asarray(image)))
        labels.append(np.asarray(label))
        size += images[-1].nbytes
        if size > 4 * MAX_BYTES:
            raise DataError(f"Expected at most {4 * MAX_BYTES:,} bytes in {name}. Received: more than that.")
    if not images:
        raise DataError(f"Expected images in {name}. Received: none.")
    join = np.concatenate if _is_batched(spec, labels[0]) else np.stack
    shapes = sorted({image.shape[1:] if join is np.concatenate else image.shape for image in images})
    if len(shapes) > 1:
        raise DataError(
            f"Expected images of one shape in {name}. Received: shapes {', '.join(map(str, shapes[:3]))}.",
            hint="Resize them: dataset.map(lambda image, label: (tf.image.resize(image, (64, 64)), label)).",
        )
    return join(images), join(labels)


def _rounded(image: np.ndarray) -> np.ndarray:
    """Floats from 0 to 255, as Keras resizes images to, without fractions: they would be refused as ambiguous."""
    if image.dtype.kind == "f" and image.size and 1 < image.max() <= 255 and image.min() >= 0:
        return np.rint(image)
    return image


def _is_batched(spec: tuple[Any, Any], label: np.ndarray) -> bool:
    """Whether an element is a batch: four axes, or three where each image has a label of its own."""
    rank = spec[0].shape.rank
    return rank == 4 or (rank != 2 and label.ndim == 1 and spec[0].shape[-1] not in (1, 3))
