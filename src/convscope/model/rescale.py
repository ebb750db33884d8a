"""Adapt a network that was trained on another range of pixel values to images in [0, 1]."""

from __future__ import annotations

import math
import re

import numpy as np

from convscope.errors import OptionError
from convscope.model.forward import Weights
from convscope.model.layers.depthwise_conv2d import DepthwiseConv2D
from convscope.model.spec import INPUT, Node, Spec

SAME = 1e-6
"""The distance from slope 1 and offset 0 that counts as rounding."""


def parse_range(text: str) -> tuple[float, float]:
    """The two ends of a range of numbers, written as ``LOW..HIGH``.

    Raises:
        OptionError: It is not written like this, or the ends are equal or beyond a million.

    Example:
        >>> parse_range("-1..1")
        (-1.0, 1.0)
    """
    found = re.fullmatch(r"\s*([-+0-9.e]+?)\s*\.\.\s*([-+0-9.e]+)\s*", text)
    try:
        low, high = (float(end) for end in found.groups()) if found else (math.nan, math.nan)
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low != high and max(abs(low), abs(high)) <= 1e6):
        raise OptionError(
            f"Expected a range as LOW..HIGH. Received: {text[:40]!r}.",
            hint="Say 0..1, 0..255 or -1..1: what black and white were in training.",
        )
    return low, high


def with_input_layer(
    spec: Spec, weights: Weights, *, slope: float, offset: float
) -> tuple[Spec, dict[str, np.ndarray]]:
    """Put ``slope * x + offset`` in front of a network, as a layer that the page shows.

    It is a depthwise 1×1 convolution. Folded into the weights of the next layer, it would be wrong at padded borders.

    Args:
        spec: Of the network.
        weights: By full name.
        slope: Not 0 in float32.
        offset: In the units of the network's input.

    Raises:
        OptionError: With this slope all images would be equal.

    Returns:
        Both unchanged for slope 1 and offset 0; else with one more layer, and in a line with later layers renamed.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> spec = load_spec("classic", input_shape=(28, 28, 1), num_classes=10)
        >>> with_input_layer(spec, {}, slope=1.0, offset=0.0)[0] == spec
        True
    """
    with np.errstate(over="ignore"):
        numbers = np.array([slope, offset], np.float32)
    if numbers[0] == 0 or not np.isfinite(numbers).all():
        raise OptionError(
            f"Expected pictures that differ after rescaling. Received: {slope:g} x + {offset:g}.",
            hint="Give --input-range, or see the Rescaling layer of the file.",
        )
    if abs(slope - 1) <= SAME and abs(offset) <= SAME:
        return spec, dict(weights)
    channels = spec.input_shape[2]
    first = DepthwiseConv2D((1, 1), use_bias=abs(offset) > SAME)
    longer = Spec(spec.input_shape, (first, *spec.layers), spec.name, _nodes_after(spec.nodes))
    front = {"kernel": np.full((1, 1, channels, 1), slope, np.float32), "bias": np.full(channels, offset, np.float32)}
    names = list(longer.weight_shapes())
    own = [name.rsplit("/", 1)[1] for name in names[: len(names) - len(weights)]]
    return longer, dict(zip(names, [*(front[name] for name in own), *weights.values()], strict=True))


def _nodes_after(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """The nodes of a graph with one more layer between the image and all that take it; nothing for a line."""
    if not nodes:
        return ()
    name = "input_scaling"
    while any(node.name == name for node in nodes):
        name += "_"
    moved = (Node(node.name, tuple(name if one == INPUT else one for one in node.inputs)) for node in nodes)
    return (Node(name, (INPUT,)), *moved)
