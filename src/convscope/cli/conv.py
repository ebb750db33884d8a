"""``convscope conv``."""

from __future__ import annotations

from pathlib import Path

from convscope.cli.output import say, say_json
from convscope.errors import OptionError

MAX_STEPS = 1000
"""Steps that are written out; a person reads no more."""

MAX_CELLS = 1_000_000
"""Numbers of the input that are printed for them, all steps together."""

WIDEST = 40
"""Columns of a grid that is printed unasked."""


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
    pool: str | None = None,
    input: str = "random",  # noqa: A002
    kernel: str = "random",
    seed: int = 0,
    step: bool = False,
    no_numbers: bool = False,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Slide a window over pixels: shapes by arithmetic, every number by hand.

    Example: convscope conv --padding same --strides 2 --out window.gif

    Parameters
    ----------
    size
        Rows×columns of the input, such as 9 or 9x12. Default: 9, or what the input has.
    kernel_size
        K. Rows×columns of the kernel, such as 3 or 3x5. Default: 3; 2 for pooling.
    padding
        P. valid, same, or zeros on each side, such as 1 or 1x2.
    strides
        S. Pixels from one window to the next, such as 2 or 2x1. Default: 1; the kernel size for pooling.
    dilation_rate
        D. Pixels from one tap to the next, such as 2.
    groups
        G. Equal parts of the channels; each makes its share of the filters.
    channels
        Of the input. Default: 1.
    filters
        Of the output. Default: 1.
    pool
        max or average: pool instead of convolving.
    input
        random; mnist:7 for a digit of the test set; numbers such as "1 2; 3 4"; or a picture file.
    kernel
        random, or numbers such as "1 0 -1; 2 0 -2; 1 0 -1".
    seed
        For what is random.
    step
        Write out every step.
    no_numbers
        Leave the numbers out: shades only.
    out
        Also draw it: .gif or .svg (moving), .png (a strip of steps), .html (to play with).
    json
        Print everything as JSON.
    """
    from convscope.api.conv import conv as slide_window

    if out:
        from convscope.api.check_output_path import check_output_path

        check_output_path(out, input)
    slide = slide_window(
        size=_pair("size", size),
        kernel_size=_pair("kernel-size", kernel_size),
        padding=padding if padding in ("valid", "same") else _pair("padding", padding) or 0,
        strides=_pair("strides", strides),
        dilation_rate=_pair("dilation-rate", dilation_rate) or 1,
        groups=groups,
        channels=channels,
        filters=filters,
        pool=pool,
        input=input,
        kernel=kernel,
        seed=seed,
    )
    drawn = slide.save(out, numbers=not no_numbers) if out else None
    if json:
        say_json(slide.to_json() | {"drawn": str(drawn) if drawn else None})
        return 0
    _say(slide, step=step, numbers=not no_numbers)
    if drawn:
        say(f"\n{drawn}")
    return 0


def _say(slide, *, step: bool, numbers: bool) -> None:
    from convscope.report.sliding.steps import draw_grid, draw_input, draw_step, sum_in_words

    say(slide.caption)
    say(f"\n{slide.formula}")
    if numbers and max(slide.pixels.shape[1], slide.output.shape[1]) <= WIDEST:
        for channel in range(slide.pixels.shape[2]):
            say(f"\ninput{_which('channel', channel, slide.pixels.shape[2])}\n{draw_input(slide, channel)}")
        if slide.kernel is not None:
            _, _, depth, filters = slide.kernel.shape
            for index in range(depth * filters):
                channel, which = index % depth, _which("filter", index // depth, filters)
                grid = draw_grid(slide.kernel[:, :, channel, index // depth])
                say(f"\nkernel{which}{_which('channel', channel, depth)}\n{grid}")
        for index in range(slide.output.shape[2]):
            say(f"\noutput{_which('filter', index, slide.output.shape[2])}\n{draw_grid(slide.output[:, :, index])}")
    if step:
        shown = min(slide.steps, MAX_STEPS, MAX_CELLS // slide.pixels.size + 1)
        for index in range(shown):
            say(f"\n{draw_step(slide, index)}")
        if slide.steps > shown:
            say(f"\nand {slide.steps - shown:,} more steps")
    else:
        say(f"\noutput row 0, column 0:  {sum_in_words(slide, 0)}")


def _which(noun: str, index: int, count: int) -> str:
    return f", {noun} {index}" if count > 1 else ""


def _pair(name: str, text: str | None) -> tuple[int, int] | None:
    """``3`` or ``3x5``."""
    if text is None:
        return None
    parts = text.replace("×", "x").replace(",", "x").split("x")
    if len(parts) not in (1, 2) or not all(part.strip().isdecimal() and len(part) < 6 for part in parts):
        words = "valid, same, or " if name == "padding" else ""
        raise OptionError(f"--{name} must be {words}a whole number such as 3, or two such as 3x5. Received: {text!r}.")
    rows, columns = int(parts[0]), int(parts[-1])
    return rows, columns
