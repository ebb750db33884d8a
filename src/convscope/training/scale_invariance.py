"""Which convolution kernels are scale-invariant: multiplying them by a factor changes no output in training."""

from __future__ import annotations

from convscope.model import layers
from convscope.model.spec import Spec

_HOMOGENEOUS = (
    layers.Conv2D,
    layers.DepthwiseConv2D,
    layers.SeparableConv2D,
    layers.Dense,
    layers.MaxPooling2D,
    layers.AveragePooling2D,
    layers.GlobalAveragePooling2D,
    layers.ReLU,
    layers.Activation,
    layers.Dropout,
    layers.Flatten,
)
"""Layers whose output is multiplied by a positive factor when their input is, without a bias and with one of these:"""

_HOMOGENEOUS_ACTIVATIONS = ("linear", "relu", "leaky_relu")


def is_scale_invariant(spec: Spec, index: int) -> bool:
    """Whether batch normalization cancels the length of a convolution's kernel.

    Only layers that pass a positive factor on may come between the two.

    Args:
        spec: The network.
        index: Of the layer.

    Returns:
        False also for a layer that is no `Conv2D`, and for a convolution in groups, whose kernels have a length each.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=10)
        >>> [is_scale_invariant(spec, i) for i in range(3)], is_scale_invariant(spec, 9)
        ([True, False, True], False)
    """
    first = spec.layers[index]
    if not isinstance(first, layers.Conv2D) or first.groups != 1:
        return False
    for layer in spec.layers[index:]:
        if isinstance(layer, layers.BatchNormalization):
            return True
        if not isinstance(layer, _HOMOGENEOUS):
            return False
        if getattr(layer, "use_bias", False) or getattr(layer, "activation", "linear") not in _HOMOGENEOUS_ACTIVATIONS:
            return False
    return False
