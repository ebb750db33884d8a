"""Which kernels have a length that changes nothing."""

from __future__ import annotations

from convscope.model.layers import BatchNormalization, Conv2D
from convscope.model.spec import Spec

FACTOR_PASSES = ("linear", "relu", "leaky_relu")


def is_scale_invariant(spec: Spec, index: int) -> bool:
    """Whether the length of a convolution's kernel changes nothing: batch normalisation undoes it later.

    Between the two may only lie what lets a factor pass: no bias, and no activation but those of the ReLU kind.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=10)
        >>> [is_scale_invariant(spec, i) for i in range(3)], is_scale_invariant(spec, 9)
        ([True, False, True], False)
    """
    first = spec.layers[index]
    if not isinstance(first, Conv2D) or first.groups != 1:
        return False
    for layer in spec.layers[index:]:
        if isinstance(layer, BatchNormalization):
            return True
        if getattr(layer, "use_bias", False) or getattr(layer, "activation", "linear") not in FACTOR_PASSES:
            return False
    return False
