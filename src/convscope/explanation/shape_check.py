"""Whether the letters of a sliding window fit together, and what would fit where they do not."""

from __future__ import annotations

import numpy as np

from convscope.arithmetic import PADDINGS, effective_kernel_size, output_size, padding_split
from convscope.errors import OptionError
from convscope.model.window import Axis, Window

Pair = tuple[int, int]

_AXES = ("rows", "columns")


def check_fit(window: Window, size: Pair, channels: int, filters: int, groups: int, *, pools: bool) -> None:
    """Refuse a combination that has no output.

    Args:
        window: What slides.
        size: Rows and columns of the input.
        channels: Of the input.
        filters: Of the output.
        groups: Equal parts of the channels.
        pools: Whether padding counts for nothing, so that a window must meet the picture.

    Raises:
        OptionError: The message names the letter, the hint says what would fit.

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
        if pools and not _meets_the_picture(size[index], axis):
            fits = [p for p in range(axis["kernel_size"]) if _pools_with(size[index], axis, padding=p)]
            raise OptionError(
                f"P: some windows of the pooling would see only padding in the {name}, and padding has no "
                f"largest value and no mean.",
                hint=f"What would fit: P {_either([str(p) for p in fits])}."
                if fits
                else "Use a smaller dilation_rate.",
            )


def pair(name: str, value: int | Pair, *, low: int, high: int) -> Pair:
    """A number for both axes, or one for each.

    Raises:
        OptionError: It is neither, or outside of ``low..high``.
    """
    both = (value, value) if isinstance(value, int) else tuple(value)
    if len(both) != 2 or any(type(one) is not int or not low <= one <= high for one in both):
        raise OptionError(f"{name} must be one or two whole numbers from {low} to {high}. Received: {value!r}.")
    return both


def count(name: str, value: int, *, low: int = 1, high: int) -> int:
    """A whole number in a range, or OptionError."""
    if type(value) is not int or not low <= value <= high:
        raise OptionError(f"{name} must be a whole number from {low} to {high}. Received: {value!r}.")
    return value


def pad(value: str | int | Pair, *, high: int) -> str | Pair:
    """A padding as `Window` has it: a word, or zeros for each side of the rows and of the columns.

    Raises:
        OptionError: It is no padding.
    """
    if isinstance(value, str):
        if value not in PADDINGS:
            raise OptionError(f"padding (P) must be {', '.join(PADDINGS)} or a number. Received: {value!r}.")
        return value
    return pair("padding (P)", value, low=0, high=high)


def numbers(value: object, what: str, axes: str) -> np.ndarray | None:
    """Numbers that a person gave, as float32.

    Args:
        value: Anything array-like, or None.
        what: For the message.
        axes: For the message, as ``"rows, columns, channels"``: as many as the array must have.

    Raises:
        OptionError: They are no finite numbers, or have other axes.
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
    """What a window gave, as it is.

    Raises:
        OptionError: Its sums are beyond float32.
    """
    if not np.isfinite(output).all():
        raise OptionError(
            "The sums are too large for float32. Received: an output that is not finite.", hint="Use smaller numbers."
        )
    return output


def agreed(name: str, asked: int | Pair | None, given: Pair | None, default: int, *, high: int) -> Pair:
    """The rows and columns that a person asked for, those of what was given, or the default.

    Raises:
        OptionError: They were asked for and given, and differ.
    """
    if asked is None:
        return pair(name, given or default, low=1, high=high)
    wanted = pair(name, asked, low=1, high=high)
    if given is not None and wanted != tuple(given):
        raise OptionError(f"{name} is {given[0]}×{given[1]} by the numbers that were given. Received: {asked!r}.")
    return wanted


def agreed_count(name: str, asked: int | None, given: int | None, *, high: int) -> int:
    """The same for one number; the default is 1."""
    wanted = count(name, asked if asked is not None else given or 1, high=high)
    if given not in (None, wanted):
        raise OptionError(f"{name} is {given} by the numbers that were given. Received: {asked!r}.")
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
    return output_size(size, **changed) >= 1 and _meets_the_picture(size, changed)


def _meets_the_picture(size: int, axis: Axis) -> bool:
    """Whether every window has a tap on a pixel."""
    before, _ = padding_split(size, **axis)
    taps = [tap * axis["dilation_rate"] - before for tap in range(axis["kernel_size"])]
    starts = range(0, output_size(size, **axis) * axis["strides"], axis["strides"])
    return all(any(0 <= start + tap < size for tap in taps) for start in starts)


def _either(ways: list[str]) -> str:
    return ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])} or {ways[-1]}"
