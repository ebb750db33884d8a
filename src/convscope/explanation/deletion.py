"""The deletion test: the logit as pixels are removed, the most important first, against random orders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from convscope.explanation.attribution_target import Image, attribution_target, baseline
from convscope.model.forward import logits
from convscope.model.model_file import Model

POINTS = 21
"""Points of a curve: from nothing removed, in steps of 5 %."""

ORDERS = 20
"""Number of random orders that a map's order is compared with."""

_BATCH_BYTES = 1 << 24


@dataclass(frozen=True, eq=False)
class RandomBaseline:
    """The deletion curves of random orders, for one logit of one image.

    Attributes:
        target: The class.
        pixels: Indices of the removable pixels in the flattened image: those that differ from the baseline.
        fractions: The fraction of them that is removed at each point of a curve, 0 to 1.
        logit: One row for each random order.
    """

    target: int
    pixels: Int64[np.ndarray, " pixels"]
    fractions: np.ndarray
    logit: Float32[np.ndarray, "orders points"]


@dataclass(frozen=True, eq=False)
class Deletion:
    """The deletion curve of one map.

    Attributes:
        fractions: The fraction of the removable pixels that is removed at each point, 0 to 1.
        logit: The logit as pixels are removed in the map's order.
        random: The same in random orders.
        pixels: Number of removable pixels.
        flips_at: The first of the fractions at which the network predicts another class; None if it never does, or
            predicts another one from the beginning.
    """

    fractions: np.ndarray
    logit: Float32[np.ndarray, " points"]
    random: Float32[np.ndarray, "orders points"]
    pixels: int
    flips_at: float | None

    @property
    def area(self) -> float:
        """The area under the curve, as a mean logit: the lower, the better the order."""
        return float(_area(self.logit))

    @property
    def random_area(self) -> float:
        """The mean area of the random orders."""
        return float(_area(self.random).mean())

    @property
    def random_orders_beaten(self) -> int:
        """Number of random orders with a larger area than the map's order."""
        return int((_area(self.random) > _area(self.logit)).sum())

    def to_json(self) -> dict[str, object]:
        """Convert to plain values."""
        return {
            "pixels": self.pixels,
            "shares": self.fractions.tolist(),
            "logit": self.logit.tolist(),
            "random_mean": self.random.mean(axis=0, dtype=np.float64).tolist(),
            "area": self.area,
            "random_area": self.random_area,
            "random_orders": len(self.random),
            "random_orders_beaten": self.random_orders_beaten,
            "flips_at": self.flips_at,
        }


def random_baseline(
    network: Model, image: Image, *, target: int | None = None, seed: int = 0, orders: int = ORDERS
) -> RandomBaseline:
    """Compute the deletion curves of random orders, shared by all maps of one logit.

    Args:
        network: Not changed.
        image: In [0, 1], with the network's input shape.
        target: The class; None takes the predicted one.
        seed: Seed of the orders.
        orders: Number of orders.

    Raises:
        OptionError: There is no such class.
        DataError: The image has another shape.
    """
    _, target = attribution_target(network, image, target)
    pixels = np.flatnonzero((image != np.float32(baseline(network))).any(axis=2))
    points = min(POINTS, len(pixels) + 1)
    fractions = np.arange(points) / max(1, points - 1)
    rng = np.random.default_rng([seed, 1])
    curves = [_deletion_curve(network, image, rng.permutation(pixels), fractions)[:, target] for _ in range(orders)]
    return RandomBaseline(target, pixels, fractions, np.stack(curves))


def deletion(
    network: Model, image: Image, importance: Float32[np.ndarray, "h w"], *, random: RandomBaseline, seed: int = 0
) -> Deletion:
    """Remove pixels, the most important first; a removed pixel gets the baseline intensity.

    Args:
        network: Not changed.
        image: In [0, 1], with the network's input shape.
        importance: One number for each pixel, such as `Attribution.importance`.
        random: From `random_baseline`, for the same network and image.
        seed: Seed of the order of equally important pixels.

    Source:
        Petsiuk, Das and Saenko, "RISE: randomized input sampling for explanation of black-box models", 2018, and Samek
        et al., "Evaluating the visualization of what a deep neural network has learned", 2017. They plot the
        probability and count all pixels. We plot the logit, count only pixels whose removal changes the image (most of
        a digit's image is black anyway), and compare with random orders of the same pixels.
    """
    values = importance.ravel()[random.pixels]
    shuffled = np.random.default_rng([seed, 2]).permutation(len(values))
    order = random.pixels[shuffled[np.argsort(-values[shuffled], kind="stable")]]
    curve = _deletion_curve(network, image, order, random.fractions)
    others = np.flatnonzero(curve.argmax(axis=1) != random.target)
    flips_at = float(random.fractions[others[0]]) if len(others) and others[0] > 0 else None
    return Deletion(random.fractions, curve[:, random.target].copy(), random.logit, len(order), flips_at)


def _deletion_curve(
    network: Model, image: Image, order: np.ndarray, fractions: np.ndarray
) -> Float32[np.ndarray, "points k"]:
    removed, counts = np.float32(baseline(network)), np.rint(fractions * len(order)).astype(int)
    at_once = max(1, _BATCH_BYTES // image.nbytes)
    parts = []
    for start in range(0, len(counts), at_once):
        some = counts[start : start + at_once]
        images = np.repeat(image[None], len(some), axis=0)
        pixels = images.reshape(len(some), -1, image.shape[2])
        for one, count in zip(pixels, some, strict=True):
            one[order[:count]] = removed
        parts.append(logits(network.spec, network.weights, images))
    return np.concatenate(parts)


def _area(curves: np.ndarray) -> np.ndarray | np.float64:
    """The area under each curve by the trapezoidal rule, over a width of one."""
    last = max(1, curves.shape[-1] - 1)
    return (curves[..., :last].astype(np.float64) + curves[..., -last:]).mean(axis=-1) / 2
