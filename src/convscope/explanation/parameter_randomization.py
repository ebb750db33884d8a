"""The parameter-randomization test: compare a map with those of networks with random weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import Image
from convscope.explanation.saliency import EXPLAINERS
from convscope.model.model_file import Model
from convscope.model.spec import Row, Spec

NETWORKS = 5
"""Number of networks with random weights that a map is compared with."""

_TRUNCATED_DEVIATION = 0.87962566103423978
"""Standard deviation of a standard normal distribution truncated at -2 and 2."""


@dataclass(frozen=True, eq=False)
class ParameterRandomization:
    """How similar a map is to the maps of networks with random weights.

    Attributes:
        attribution: The map of the first of these networks.
        signed: Rank correlation of the maps, -1 to 1, one for each network.
        magnitude: Rank correlation of their absolute values, one for each network.
    """

    attribution: Attribution
    signed: tuple[float, ...]
    magnitude: tuple[float, ...]

    @property
    def mean_signed(self) -> float:
        """Mean of `signed`. Near 0 the map depends on what was learned, near 1 it does not."""
        return float(np.mean(self.signed))

    @property
    def mean_magnitude(self) -> float:
        """Mean of `magnitude`. Near 1 the image alone decides where the map is strong."""
        return float(np.mean(self.magnitude))

    def to_json(self) -> dict[str, object]:
        """Convert to plain values."""
        return {
            "networks": len(self.signed),
            "rank_correlation": self.mean_signed,
            "rank_correlation_of_magnitudes": self.mean_magnitude,
            "each": list(self.signed),
            "each_of_magnitudes": list(self.magnitude),
        }


def parameter_randomization(
    network: Model, image: Image, attribution: Attribution, *, seed: int = 0, networks: int = NETWORKS
) -> ParameterRandomization:
    """Compute the same map for networks with the same layers and random weights.

    Args:
        network: The network that the map explains; not changed.
        image: The image that the map explains.
        attribution: From a member of `EXPLAINERS`.
        seed: Seed of the weights.
        networks: Number of networks, at least 1.

    Source:
        Adebayo et al., "Sanity checks for saliency maps", 2018: the model parameter randomization test. They also
        randomize layer by layer, and use more similarity measures. We randomize all weights at once, and report
        Spearman's rank correlation with signs and without, the mean over several networks.
    """
    explain = EXPLAINERS[attribution.method]
    maps = [
        explain(
            replace(network, weights=initial_weights(network.spec, seed=seed + index)),
            image,
            target=attribution.target,
            seed=seed,
        )
        for index in range(networks)
    ]
    signed = tuple(rank_correlation(attribution.flat, one.flat) for one in maps)
    magnitude = tuple(rank_correlation(np.abs(attribution.flat), np.abs(one.flat)) for one in maps)
    return ParameterRandomization(maps[0], signed, magnitude)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation; equal values share their mean rank.

    Returns:
        -1 to 1; 0 if all values of one side are equal.

    Source:
        Spearman, "The proof and measurement of association between two things", 1904.

    Example:
        >>> rank_correlation(np.array([1.0, 2.0, 9.0]), np.array([0.1, 0.3, 0.2]))
        0.5
    """
    x, y = (_ranks(values.ravel()) for values in (a, b))
    x, y = x - x.mean(), y - y.mean()
    size = math.sqrt(float((x * x).sum() * (y * y).sum()))
    return round(float((x * y).sum()) / size, 12) if size > 0 else 0.0


def initial_weights(spec: Spec, *, seed: int) -> dict[str, np.ndarray]:
    """Draw initial weights from the distributions that Keras uses, each kernel by its layer's initializer.

    Args:
        spec: The network.
        seed: 0 or more.

    Returns:
        All weights, float32: biases 0, scales and variances 1.

    Source:
        Glorot and Bengio, 2010; He et al., 2015; LeCun et al., 1998. NumPy draws the numbers, so that they
        follow the distributions of `model.build` without being equal.
    """
    rng = np.random.default_rng([seed, 3])
    weights = {}
    for row in spec.table():
        for name, shape in row.layer.weight_shapes(row.input_shape).items():
            if name.endswith("kernel"):
                value = _draw(row, shape, rng)
            else:
                value = np.full(shape, 1.0 if name in ("gamma", "moving_variance") else 0.0)
            weights[f"{row.name}/{name}"] = value.astype(np.float32)
    return weights


def _draw(row: Row, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    initializer = getattr(row.layer, "kernel_initializer", "glorot_uniform")
    field = math.prod(shape[:-2])
    inputs, outputs = field * shape[-2], field * shape[-1]
    family, distribution = initializer.split("_")
    variance = {"glorot": 2 / (inputs + outputs), "he": 2 / inputs, "lecun": 1 / inputs}[family]
    if distribution == "uniform":
        limit = math.sqrt(3 * variance)
        return rng.uniform(-limit, limit, shape)
    drawn = rng.standard_normal(shape)
    while (outside := np.abs(drawn) > 2).any():
        drawn[outside] = rng.standard_normal(int(outside.sum()))
    return drawn * math.sqrt(variance) / _TRUNCATED_DEVIATION


def _ranks(values: np.ndarray) -> np.ndarray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]
