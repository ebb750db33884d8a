"""Which kernels can be scaled without changing what the network computes."""

from __future__ import annotations

from convscope.model.layers.batch_normalization import BatchNormalization
from convscope.model.layers.conv2d import Conv2D
from convscope.model.layers.dense import Dense
from convscope.model.spec import Spec


def is_scale_invariant(spec: Spec, index: int) -> bool:
    """Whether a factor on a kernel changes nothing, because batch normalization removes it.

    The kernel is that of a Conv2D or Dense layer. The factor must pass through every layer between the two: no bias,
    and only activations such as ReLU.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=10)
        >>> [is_scale_invariant(spec, i) for i in range(3)], is_scale_invariant(spec, 9)
        ([True, False, True], False)
    """
    rows = spec.table()
    row = rows[index]
    if not isinstance(row.layer, Dense) and not (isinstance(row.layer, Conv2D) and row.layer.groups == 1):
        return False
    while row.layer.is_homogeneous:
        users = [later for later in rows if row.name in later.inputs]
        if len(users) != 1 or len(users[0].inputs) != 1:  # in a graph the factor could reach the logits another way
            return False
        row = users[0]
        if isinstance(row.layer, BatchNormalization):
            return True
    return False
