"""Check that the hyperparameters of a sliding window fit together, and suggest values that would."""

from __future__ import annotations

import numpy as np

from convscope.arithmetic import PADDINGS, effective_kernel_size, output_size, padding_split
from convscope.errors import OptionError
from convscope.model.window import Axis, Window

Pair = tuple[int, int]

_AXES = ("rows", "columns")


def check_fit(window: Window, size: Pair, channels: int, filters: int, groups: int, *, pools: bool) -> None:
    """Refuse a combination without an output.

    Args:
        window: The sliding window.
        size: Rows and columns of the input.
        channels: Number of input channels.
        filters: Number of output channels.
        groups: Number of groups that the channels are split into.
        pools: Whether padding is ignored, so that each window must overlap the input.

    Raises:
        OptionError: The message names the hyperparameter, the hint suggests values that fit.

    Example:
        >>> check_fit(Window((5, 5)), (4, 9), 1, 1, 1, pools=False)
        Traceback (most recent call last):
            ...
        convscope.errors.OptionError: K: a kernel of 5 rows needs 5, and the input has 4. What would fit: K up to 4, \
P 1 or more, 'same', or an input of 5 rows or more.
    """
    if channels % groups or filters % groups:
        fits = [str(g) for g in range(1, min(channels, filters) + 1) if not channels % g and not filters % g]
        raise OptionError(
            f"G: {groups} groups must divide the channels ({channels}) and the filters ({filters}).",
            hint=f"What would fit: G {_either(fits)}.",
        )
    for index, name in enumerate(_AXES):
        axis = window.axis(index)
        if output_size(size[index], **axis) < 1:
            raise OptionError(_too_large(size[index], axis, name), hint=_what_fits(size[index], axis, name))
        if pools and not _overlaps_the_input(size[index], axis):
            fits = [p for p in range(axis["kernel_size"]) if _pools_with(size[index], axis, padding=p)]
            raise OptionError(
                f"P: some pooling windows would contain only padding in the {name}, and padding has no "
                "maximum and no mean.",
                hint=f"What would fit: P {_either([str(p) for p in fits])}."
                if fits
                else "Use a smaller dilation_rate.",
            )


def pair(name: str, value: int | Pair, *, low: int, high: int) -> Pair:
    """Validate one number for both axes, or one for each.

    Raises:
        OptionError: It is neither, or out of range.
    """
    both = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(both) != 2 or any(type(one) is not int or not low <= one <= high for one in both):
        raise OptionError(f"{name} must be one or two whole numbers from {low} to {high}. Received: {value!r}.")
    return both


def count(name: str, value: int, *, low: int = 1, high: int) -> int:
    """Validate an integer in a range.

    Raises:
        OptionError: It is out of range.
    """
    if type(value) is not int or not low <= value <= high:
        raise OptionError(f"{name} must be a whole number from {low} to {high}. Received: {value!r}.")
    return value


def pad(value: str | int | Pair, *, high: int) -> str | Pair:
    """Validate a padding: ``"valid"``, ``"same"``, or zeros on each side of the rows and of the columns.

    Raises:
        OptionError: It is none of these.
    """
    if isinstance(value, str):
        if value not in PADDINGS:
            raise OptionError(f"padding (P) must be {', '.join(PADDINGS)} or a number. Received: {value!r}.")
        return value
    return pair("padding (P)", value, low=0, high=high)


def numbers(value: object, what: str, axes: str) -> np.ndarray | None:
    """Convert user input to a float32 array.

    Args:
        value: Anything array-like, or None.
        what: Name of the array, for the message.
        axes: Names of the axes, such as ``"rows, columns, channels"``; the array must have as many.

    Raises:
        OptionError: The values are not finite numbers, or have other axes.
    """
    if value is None:
        return None
    wanted = f"The {what} must be finite numbers ({axes})."
    try:
        array = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError):
        raise OptionError(f"{wanted} Received: {type(value).__name__}.") from None
    if array.ndim != len(axes.split(", ")) or 0 in array.shape:
        raise OptionError(f"{wanted} Received: an array of shape {array.shape}.")
    if not np.isfinite(array).all():
        raise OptionError(f"{wanted} Received: an infinite number or NaN.")
    return array


def finite(output: np.ndarray) -> np.ndarray:
    """Return an output if it is finite.

    Raises:
        OptionError: The sums overflow float32.
    """
    if not np.isfinite(output).all():
        raise OptionError(
            "The sums are too large for float32. Received: an output that is not finite.", hint="Use smaller numbers."
        )
    return output


def agreed(name: str, option: int | Pair | None, given: Pair | None, default: int, *, high: int) -> Pair:
    """Resolve rows and columns from an option, from the array that was given, or from the default.

    Raises:
        OptionError: Option and array disagree.
    """
    if option is None:
        return pair(name, given or default, low=1, high=high)
    wanted = pair(name, option, low=1, high=high)
    if given is not None and wanted != tuple(given):
        raise OptionError(f"{name} must match the array, which has {given[0]}×{given[1]}. Received: {option!r}.")
    return wanted


def agreed_count(name: str, option: int | None, given: int | None, *, high: int) -> int:
    """The same for one number; the default is 1."""
    wanted = count(name, option if option is not None else given or 1, high=high)
    if given not in (None, wanted):
        raise OptionError(f"{name} must match the array, which has {given}. Received: {option!r}.")
    return wanted


def _too_large(size: int, axis: Axis, name: str) -> str:
    before, after = padding_split(size, **axis)
    extent = effective_kernel_size(axis["kernel_size"], dilation_rate=axis["dilation_rate"])
    dilated = f" dilated by {axis['dilation_rate']}" if axis["dilation_rate"] > 1 else ""
    padded = f", with {before} + {after} of padding {size + before + after}" if before + after else ""
    return f"K: a kernel of {axis['kernel_size']} {name}{dilated} needs {extent}, and the input has {size}{padded}."


def _what_fits(size: int, axis: Axis, name: str) -> str:
    extent = effective_kernel_size(axis["kernel_size"], dilation_rate=axis["dilation_rate"])
    before, after = padding_split(size, **axis)
    reach = size + before + after - 1  # from the first place to the last; (K - 1) · D must not be more
    padding = -(-(extent - size) // 2)
    ways = [f"K up to {reach // axis['dilation_rate'] + 1}"]
    ways += [f"D up to {rate}"] if (rate := reach // (axis["kernel_size"] - 1)) else []
    ways += [f"P {padding} or more", "'same'", f"or an input of {extent - before - after} {name} or more"]
    return f"What would fit: {', '.join(ways)}."


def _pools_with(size: int, axis: Axis, *, padding: int) -> bool:
    changed: Axis = {**axis, "padding": padding}
    return output_size(size, **changed) >= 1 and _overlaps_the_input(size, changed)


def _overlaps_the_input(size: int, axis: Axis) -> bool:
    """Whether every window covers a pixel of the input."""
    before, _ = padding_split(size, **axis)
    taps = [tap * axis["dilation_rate"] - before for tap in range(axis["kernel_size"])]
    starts = range(0, output_size(size, **axis) * axis["strides"], axis["strides"])
    return all(any(0 <= start + tap < size for tap in taps) for start in starts)


def _either(ways: list[str]) -> str:
    return ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])} or {ways[-1]}"
