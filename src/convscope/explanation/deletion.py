"""The deletion curve: how the logit falls while pixels go, the most important first or in random order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from convscope.explanation.attribution_target import Image, attribution_target, baseline
from convscope.model.forward import logits
from convscope.model.model_file import Model

POINTS = 21
"""Of a curve: nothing removed, then 5 % more at a time."""

ORDERS = 20
"""Random orders that a map's order is compared with."""

_COVERED_BYTES = 1 << 24


@dataclass(frozen=True, eq=False)
class RandomBaseline:
    """The curves of random orders, for one logit of one image.

    Attributes:
        target: The class.
        places: Where the removable pixels lie in the flattened image: those that differ from what stands for nothing.
        shares: The share of them that is gone at each point of a curve, 0 to 1.
        logit: One row a random order.
    """

    target: int
    places: Int64[np.ndarray, " pixels"]
    shares: np.ndarray
    logit: Float32[np.ndarray, "orders points"]


@dataclass(frozen=True, eq=False)
class Deletion:
    """How the logit falls when the most important pixels go first.

    Attributes:
        shares: The share of the removable pixels that is gone at each point, 0 to 1.
        logit: In the map's order.
        random: In random orders.
        pixels: How many can be removed.
        flips_at: The first of the shares at which the network names another class; None if it never does, or named
            another one from the beginning.
    """

    shares: np.ndarray
    logit: Float32[np.ndarray, " points"]
    random: Float32[np.ndarray, "orders points"]
    pixels: int
    flips_at: float | None

    @property
    def area(self) -> float:
        """The mean logit over the shares: the lower, the better the order."""
        return float(_mean_height(self.logit))

    @property
    def random_area(self) -> float:
        """The mean of the same over the random orders."""
        return float(_mean_height(self.random).mean())

    @property
    def beaten(self) -> int:
        """How many random orders leave the logit higher on the way than the map's order does."""
        return int((_mean_height(self.random) > _mean_height(self.logit)).sum())

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "pixels": self.pixels,
            "shares": self.shares.tolist(),
            "logit": self.logit.tolist(),
            "random_mean": self.random.mean(axis=0, dtype=np.float64).tolist(),
            "area": self.area,
            "random_area": self.random_area,
            "random_orders": len(self.random),
            "random_orders_beaten": self.beaten,
            "flips_at": self.flips_at,
        }


def random_baseline(
    network: Model, image: Image, *, target: int | None = None, seed: int = 0, orders: int = ORDERS
) -> RandomBaseline:
    """The curves of random orders, which serve every map of this logit.

    Args:
        network: Left unchanged.
        image: In [0, 1], the network's input shape.
        target: The class; None takes the one that the network names.
        seed: Of the orders.
        orders: How many.

    Raises:
        OptionError: There is no such class.
        DataError: The image has another shape.
    """
    _, target = attribution_target(network, image, target)
    places = np.flatnonzero((image != np.float32(baseline(network))).any(axis=2))
    points = min(POINTS, len(places) + 1)
    shares = np.arange(points) / max(1, points - 1)
    rng = np.random.default_rng([seed, 1])
    falls = [_fall(network, image, rng.permutation(places), shares)[:, target] for _ in range(orders)]
    return RandomBaseline(target, places, shares, np.stack(falls))


def deletion(
    network: Model, image: Image, importance: Float32[np.ndarray, "h w"], *, chance: RandomBaseline, seed: int = 0
) -> Deletion:
    """Remove pixels, the most important ones first; a removed pixel has the intensity that stands for nothing.

    Args:
        network: Left unchanged.
        image: In [0, 1], the network's input shape.
        importance: One number a pixel, such as `Attribution.importance`.
        chance: From `random_baseline`, for the same network and image.
        seed: Decides between equally important pixels.

    Source:
        Petsiuk, Das and Saenko, "RISE: randomized input sampling for explanation of black-box models", 2018, and Samek
        et al., "Evaluating the visualization of what a deep neural network has learned", 2017. They follow the
        probability and count all pixels. We follow the logit, count only pixels whose removal changes the image (most
        of a digit's picture is black anyway), and compare with random orders of the same pixels.
    """
    ranks = importance.ravel()[chance.places]
    mixed = np.random.default_rng([seed, 2]).permutation(len(ranks))
    order = chance.places[mixed[np.argsort(-ranks[mixed], kind="stable")]]
    fall = _fall(network, image, order, chance.shares)
    others = np.flatnonzero(fall.argmax(axis=1) != chance.target)
    flips_at = float(chance.shares[others[0]]) if len(others) and others[0] > 0 else None
    return Deletion(chance.shares, fall[:, chance.target].copy(), chance.logit, len(order), flips_at)


def _fall(network: Model, image: Image, order: np.ndarray, shares: np.ndarray) -> Float32[np.ndarray, "points k"]:
    nothing, counts = np.float32(baseline(network)), np.rint(shares * len(order)).astype(int)
    at_once = max(1, _COVERED_BYTES // image.nbytes)
    parts = []
    for start in range(0, len(counts), at_once):
        some = counts[start : start + at_once]
        left = np.repeat(image[None], len(some), axis=0)
        pixels = left.reshape(len(some), -1, image.shape[2])
        for one, count in zip(pixels, some, strict=True):
            one[order[:count]] = nothing
        parts.append(logits(network.spec, network.weights, left))
    return np.concatenate(parts)


def _mean_height(curves: np.ndarray) -> np.ndarray | np.float64:
    """The mean of curves over equally far points, straight lines between them; one number a curve."""
    last = max(1, curves.shape[-1] - 1)
    return (curves[..., :last].astype(np.float64) + curves[..., -last:]).mean(axis=-1) / 2
