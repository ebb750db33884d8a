"""The moments of a training in the data of a page: rounded weights, and a confusion matrix of each.

Weights of moments take at most `LEAST_BYTES`, or `MOST_FRACTION` of what the weights of the trained network take. If
they would take more, kernels are rounded to 8, 6, 5 or 4 bits, then moments are dropped. The confusion matrices are
computed with the rounded weights, so that they are of what the page shows.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np

from convscope.data.dataset import Dataset
from convscope.errors import ModelFileError
from convscope.evaluation.confusion import confusion_matrix
from convscope.evaluation.predict import raw_outputs
from convscope.model.forward import Weights
from convscope.model.model_file import Model
from convscope.report.bundle_pictures import spread
from convscope.training.moments import Moments

IMAGES = 1000
MOST_MULTIPLY_ADDS = 10**11
"""Of all matrices together, some seconds on one core."""

LEAST_BYTES, MOST_FRACTION = 200_000, 0.45
BITS = (8, 6, 5, 4)


class MomentJson(TypedDict):
    """One moment: its weights, and how its network classifies the images of all moments.

    ``weights`` is base64 of the compressed bytes of all tensors, sorted by name. A tensor with at least two dimensions
    has float32 steps, one for each entry of its last axis, then int8 values, which are multiples of them; another one
    has float16 values. Numbers are little-endian. The last moment has none: it is the trained network.
    """

    step: int
    epoch: float
    confusion: list[list[int]]
    weights: str


class MomentsJson(TypedDict):
    """Moments of the training, in order; the last one is the trained network. ``bits`` are those of kernels."""

    images: int
    bits: int
    dropped: int
    moments: list[MomentJson]


@dataclass(frozen=True)
class _Packed:
    step: int
    content: str
    weights: Weights


def moments_json(model: Model, moments: Moments | None, dataset: Dataset) -> MomentsJson | None:
    """Round, choose and evaluate the moments of a training.

    Returns:
        None if there are none, or none fits, or the weights are so large that the logits overflow.
    """
    if moments is None:
        return None
    limit = max(LEAST_BYTES, int(MOST_FRACTION * 4 / 3 * sum(value.nbytes for value in model.weights.values())))
    bits, packed = _within(moments, limit)
    if not packed:
        return None
    matrices = _confusions(model, [*(one.weights for one in packed), model.weights], dataset)
    if matrices is None:
        return None
    steps = [*((one.step, one.content) for one in packed), (moments.total_steps, "")]
    return MomentsJson(
        images=int(matrices[0].sum()),
        bits=bits,
        dropped=len(moments.weights) - len(packed),
        moments=[
            MomentJson(
                step=step, epoch=step / moments.steps_per_epoch, confusion=matrix.astype(int).tolist(), weights=content
            )
            for (step, content), matrix in zip(steps, matrices, strict=True)
        ],
    )


def _within(moments: Moments, limit: int) -> tuple[int, list[_Packed]]:
    """The finest rounding with which all moments fit; with the coarsest one, as many moments as fit, evenly chosen."""
    packed: list[_Packed] = []
    for bits in BITS:
        packed = [pack(step, moments.float32(step), bits=bits) for step in moments.weights]
        if sum(len(one.content) for one in packed) <= limit:
            return bits, packed
    for count in range(len(packed) - 1, 0, -1):
        chosen = [packed[at] for at in np.linspace(0, len(packed) - 1, count).round().astype(int)]
        if sum(len(one.content) for one in chosen) <= limit:
            return BITS[-1], chosen
    return BITS[-1], []


def pack(step: int, weights: Weights, *, bits: int) -> _Packed:
    """Round weights, and write them as `MomentJson` describes.

    Args:
        step: Of the moment.
        weights: float32, by full name.
        bits: Of each value of a kernel, 2 to 8.
    """
    parts, rounded = [], {}
    most = 2 ** (bits - 1) - 1
    for name, value in sorted(weights.items()):
        if value.ndim < 2:
            parts.append(value.astype("<f2").tobytes())
            rounded[name] = value.astype(np.float16).astype(np.float32)
            continue
        steps = (np.abs(value).reshape(-1, value.shape[-1]).max(axis=0) / most).astype("<f4")
        levels = np.rint(value / np.where(steps > 0, steps, 1)).astype(np.int8)
        parts += [steps.tobytes(), levels.tobytes()]
        rounded[name] = levels.astype(np.float32) * steps.astype(np.float32)
    content = base64.b64encode(zlib.compress(b"".join(parts), 9)).decode("ascii")
    return _Packed(step, content, rounded)


def _confusions(model: Model, all_weights: list[Weights], dataset: Dataset) -> list[np.ndarray] | None:
    affordable = MOST_MULTIPLY_ADDS // max(1, model.spec.multiply_adds * len(all_weights))
    chosen = spread(dataset.labels, min(IMAGES, max(affordable, model.spec.num_classes)))
    pixels, labels = dataset.pixels[chosen], dataset.labels[chosen]
    k, matrices = model.spec.num_classes, []
    for weights in all_weights:
        try:
            computed, _ = raw_outputs(replace(model, weights=weights, subspace=None), pixels)
        except ModelFileError:  # these weights give no finite numbers
            return None
        matrices.append(confusion_matrix(labels, computed.argmax(axis=1), num_classes=k))
    return matrices
