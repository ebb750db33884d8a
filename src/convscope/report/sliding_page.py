"""The page of a sliding window: a slider for every hyperparameter, every value computed in the page."""

from __future__ import annotations

from collections.abc import Mapping

from convscope.errors import OptionError
from convscope.report.page import assemble, to_script

MAX_SIZE_BYTES = 2_000_000
"""Of the settings as JSON; larger pages are slow to open."""

STYLES = ("style.css", "values.css", "conv.css")
LAYERS = ("layers/conv2d.js", "layers/max_pooling2d.js", "layers/average_pooling2d.js")
NAMES = {"conv": "Convolution", "max": "Max pooling", "average": "Average pooling"}


def sliding_page(settings: Mapping[str, object]) -> str:
    """The page of a sliding window as HTML that needs no other file and makes no request.

    The page shows the given pixels and kernel until a slider changes their shape; then it draws small random integers,
    always the same for the same shape.

    Args:
        settings: Plain values: ``operation`` (``"conv"``, ``"max"`` or ``"average"``), ``input_size``,
            ``kernel_size``, ``strides`` and ``dilation_rate`` as ``[rows, columns]``, ``padding`` (``"valid"``,
            ``"same"``, or ``[rows, columns]`` of zeros on each side), ``channels``, ``filters``, ``groups``, ``pixels``
            (rows, columns, channels), ``kernel`` (rows, columns, channels of a group, filters; None for pooling),
            ``bias`` (one number per filter, or None), ``numbers`` (whether the cells show their values).

    Raises:
        OptionError: There are too many numbers for a page.
        ValueError: A number is infinite or NaN.

    Example:
        >>> one = {"input_size": [1, 1], "kernel_size": [1, 1], "strides": [1, 1], "dilation_rate": [1, 1]}
        >>> many = {"operation": "max", "padding": "valid", "channels": 1, "filters": 1, "groups": 1, "numbers": True}
        >>> "<title>Max pooling" in sliding_page(one | many | {"pixels": [[[7]]], "kernel": None, "bias": None})
        True
    """
    size = len(to_script(settings))
    if size > MAX_SIZE_BYTES:
        raise OptionError(
            f"Expected at most {MAX_SIZE_BYTES:,} bytes of numbers for a page. Received: {size:,}.",
            hint="Use a smaller input, or fewer channels or filters.",
        )
    title = f"{NAMES.get(str(settings.get('operation')), 'Sliding window')} step by step"
    return assemble(settings, title=title, entry="conv_main.js", layers=LAYERS, styles=STYLES)
