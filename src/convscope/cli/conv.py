"""``convscope conv``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from convscope.cli.output import Output, say, say_json
from convscope.errors import OptionError

if TYPE_CHECKING:
    from convscope.explanation.sliding_window import SlidingWindow

MAX_STEPS = 1000
"""Steps that are printed."""

MAX_CELLS = 1_000_000
"""Values of the input that are printed, all steps together."""

MAX_COLUMNS = 40
"""Columns of the widest grid that is printed."""


def conv(
    *,
    size: str | None = None,
    kernel_size: str | None = None,
    padding: str = "valid",
    strides: str | None = None,
    dilation_rate: str = "1",
    groups: int = 1,
    channels: int | None = None,
    filters: int | None = None,
    pool: Literal["max", "average"] | None = None,
    input: str = "random",  # noqa: A002
    kernel: str = "random",
    seed: int = 0,
    step: bool = False,
    no_numbers: bool = False,
    out: Path | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Show a convolution or pooling step by step, with all numbers.

    Parameters
    ----------
    size
        Rows x columns of the input, such as 9 or 9x12. Default: 9, or the size of --input.
    kernel_size
        K. Rows x columns of the kernel, such as 3 or 3x5. Default: 3; 2 for pooling.
    padding
        P. valid, same, or zeros on each side, such as 1 or 1x2.
    strides
        S. Such as 2 or 2x1. Default: 1; the kernel size for pooling.
    dilation_rate
        D. Such as 2 or 2x1.
    groups
        G. Groups of a grouped convolution; divides channels and filters.
    channels
        Channels of the input. Default: 1.
    filters
        Filters, the channels of the output. Default: 1.
    pool
        Pool instead of convolving.
    input
        random; mnist:7 for image 7 (from 0) of MNIST's test split; numbers such as "1 2; 3 4"; or an image file.
    kernel
        random, or numbers such as "1 0 -1; 2 0 -2; 1 0 -1".
    seed
        Random seed.
    step
        Print every step.
    no_numbers
        Hide the values.
    out
        Also draw it: .gif or .svg (animated), .png (a strip of steps), .html (interactive).
    """
    from convscope.api.conv import conv as slide_window

    if out:
        from convscope.api.check_output_path import check_output_path

        check_output_path(out, input)
    window = slide_window(
        size=_pair("size", size),
        kernel_size=_pair("kernel_size", kernel_size),
        padding=padding if padding in ("valid", "same") else _pair("padding", padding) or 0,
        strides=_pair("strides", strides),
        dilation_rate=_pair("dilation_rate", dilation_rate) or 1,
        groups=groups,
        channels=channels,
        filters=filters,
        pool=pool,
        input=input,
        kernel=kernel,
        seed=seed,
    )
    figure = window.save(out, numbers=not no_numbers) if out else None
    if output.json:
        say_json(window.to_json() | {"figure": str(figure) if figure else None})
        return 0
    _print(window, step=step, numbers=not no_numbers)
    if figure:
        say(f"\n{figure}")
    return 0


def _print(window: SlidingWindow, *, step: bool, numbers: bool) -> None:
    from convscope.report.sliding.steps import draw_grid, draw_input, draw_step, sum_in_words

    say(window.caption)
    say(f"\n{window.formula}")
    if numbers and max(window.pixels.shape[1], window.output.shape[1]) <= MAX_COLUMNS:
        for channel in range(window.pixels.shape[2]):
            say(f"\ninput{_label('channel', channel, window.pixels.shape[2])}\n{draw_input(window, channel)}")
        if window.kernel is not None:
            _, _, depth, filters = window.kernel.shape
            for index in range(depth * filters):
                channel, which = index % depth, _label("filter", index // depth, filters)
                grid = draw_grid(window.kernel[:, :, channel, index // depth])
                say(f"\nkernel{which}{_label('channel', channel, depth)}\n{grid}")
        for index in range(window.output.shape[2]):
            say(f"\noutput{_label('filter', index, window.output.shape[2])}\n{draw_grid(window.output[:, :, index])}")
    if step:
        shown = min(window.steps, MAX_STEPS, MAX_CELLS // window.pixels.size + 1)
        for index in range(shown):
            say(f"\n{draw_step(window, index)}")
        if window.steps > shown:
            say(f"\nand {window.steps - shown:,} more steps")
    else:
        say(f"\noutput row 0, column 0:  {sum_in_words(window, 0)}")


def _label(noun: str, index: int, count: int) -> str:
    return f", {noun} {index}" if count > 1 else ""


def _pair(name: str, text: str | None) -> tuple[int, int] | None:
    """``3`` or ``3x5``."""
    if text is None:
        return None
    parts = text.replace("×", "x").replace(",", "x").split("x")
    if len(parts) not in (1, 2) or not all(part.strip().isdecimal() and len(part) < 6 for part in parts):
        words = "valid, same, or " if name == "padding" else ""
        raise OptionError(f"{name} must be {words}an integer such as 3, or two such as 3x5. Received: {name}={text!r}.")
    rows, columns = int(parts[0]), int(parts[-1])
    return rows, columns
