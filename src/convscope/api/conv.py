"""Show a sliding window: numbers, shapes, and pictures of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from convscope.errors import DataError, OptionError, RunError
from convscope.explanation import sliding_window
from convscope.explanation.sliding_window import MAX_SIZE, ConvOptions, Pair, SlidingWindow
from convscope.model.files import replace_file
from convscope.report.sliding.scene import scene
from convscope.report.sliding.svg import to_svg

MAX_TEXT = 1_000_000
"""Characters of numbers given by hand."""


class ShownSlidingWindow(SlidingWindow):
    """A slide that can be looked at: in a notebook by itself, elsewhere as a file."""

    def save(self, path: str | Path, *, numbers: bool = True) -> Path:
        """Write a picture: ``.gif`` and ``.svg`` move, ``.png`` is a strip of steps, ``.html`` is a page to play with.

        Args:
            path: The file; one that exists is replaced.
            numbers: Whether the cells hold their numbers.

        Raises:
            OptionError: The ending is none of these, or the grids are too large for a picture.
            RunError: The file cannot be written; nothing is left of it then.
        """
        path = Path(path)
        write = PICTURES.get(path.suffix.lower())
        if write is None:
            raise OptionError(f"The picture must end in {', '.join(PICTURES)}. Received: {path.name}.")
        content = write(self, numbers)
        try:
            replace_file(path, [content])
        except OSError as error:
            raise RunError(f"{path} cannot be written ({error.strerror}).") from None
        return path

    def _repr_html_(self) -> str:
        drawing = scene(self)
        return f'<div style="max-width:{drawing.width * 0.75:g}px">{to_svg(drawing)}</div>'


def conv(
    *,
    size: int | Pair | None = None,
    kernel_size: int | Pair | None = None,
    padding: str | int | Pair = "valid",
    strides: int | Pair | None = None,
    dilation_rate: int | Pair = 1,
    groups: int = 1,
    channels: int | None = None,
    filters: int | None = None,
    pool: str | None = None,
    input: str | np.ndarray = "random",  # noqa: A002
    kernel: str | np.ndarray = "random",
    seed: int = 0,
) -> ShownSlidingWindow:
    """Slide a window over an input and keep every number: a convolution, or pooling.

    A number stands for a pair: rows and columns.

    Args:
        size: Rows and columns of the input, 1..512; None takes those of ``input``, or 9.
        kernel_size: K, 1..64; None takes that of ``kernel``, or 3 (2 for pooling).
        padding: P, ``"valid"``, ``"same"``, or zeros on each side, 0..64.
        strides: S, 1..64; None takes 1 (for pooling the kernel size, as in Keras).
        dilation_rate: D, 1..64.
        groups: G; divides channels and filters.
        channels: Of the input, 1..64; None takes those of ``input``, or 1.
        filters: Of the output, 1..64; None takes those of ``kernel``, or 1.
        pool: ``"max"`` or ``"average"`` to pool instead.
        input: An array ``(h, w)`` or ``(h, w, c)``; ``"random"``; ``"mnist:7"``; numbers such as ``"1 2; 3 4"``; or the
            path of a small image.
        kernel: An array ``(rows, columns)`` or ``(rows, columns, channels / groups, filters)``; ``"random"``; or
            numbers such as ``"1 0 -1; 2 0 -2; 1 0 -1"``.
        seed: Random seed.

    Returns:
        The sliding window; it shows itself in a notebook, and ``save`` writes it as a file.

    Raises:
        OptionError: An option is out of range, or the options do not fit together; the message suggests values.
        DataError: The image cannot be read, or has more than 512 pixels per side.

    Example:
        >>> conv().caption
        'input (1, 9, 9) · output (1, 7, 7) · K (3, 3) · P (0, 0) · S (1, 1) · D (1, 1) · G 1'
    """
    if pool not in (None, "max", "average"):
        raise OptionError(f"pool must be max or average. Received: pool={pool!r}.")
    pixels = read_input(input) if isinstance(input, str) else _as_image(input)
    depth = max((channels or (1 if pixels is None else pixels.shape[2])) // max(groups, 1), 1)
    made = sliding_window.slide(
        ConvOptions(
            size=size,
            kernel_size=kernel_size,
            padding=padding,
            strides=strides,
            dilation_rate=dilation_rate,
            groups=groups,
            channels=channels,
            filters=filters,
            operation=pool or "conv",
            pixels=pixels,
            kernel=read_kernel(kernel, depth=depth) if isinstance(kernel, str) else _as_kernel(kernel),
            seed=seed,
        )
    )
    return ShownSlidingWindow(**vars(made))


def _as_image(values: Any) -> np.ndarray:
    values = _as_array("input", values)
    return values[:, :, None] if values.ndim == 2 else values


def _as_kernel(values: Any) -> np.ndarray:
    values = _as_array("kernel", values)
    return values[:, :, None, None] if values.ndim == 2 else values


def _as_array(name: str, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        array = np.zeros(0)
    if array.ndim < 2:
        raise OptionError(f"{name} must be an array of at least rows and columns. Received: {str(values)[:60]}.")
    return array


def read_input(text: str) -> np.ndarray | None:
    """What a person means by ``--input``.

    Args:
        text: ``random``; ``mnist:7``, the picture number 7 of the test set (from 0); numbers, as
            `read_numbers` has them; or the path of a small picture.

    Returns:
        ``(rows, columns, channels)``, pixels 0..255 for a picture; None for ``random``.

    Raises:
        OptionError: It is none of these.
        DataError: The picture cannot be read, or has more than 512 pixels per side.
    """
    if text == "random":
        return None
    if text.startswith("mnist:"):
        from convscope.data.mnist import digit

        try:
            numbered = digit(text)
        except DataError as error:
            raise OptionError(str(error)) from None
        if numbered is not None:
            return numbered.astype(np.float32)
    if re.fullmatch(r"[-+0-9.eE\s,;|]+", text):
        return read_numbers(text)
    return _read_picture(Path(text))


def read_numbers(text: str) -> np.ndarray:
    """Numbers given by hand: rows end with ``;``, channels with ``|``.

    Returns:
        float32 ``(rows, columns, channels)``.

    Raises:
        OptionError: They are no numbers, or the rows differ in length.

    Example:
        >>> read_numbers("1 2; 3 4 | 5 6; 7 8").shape
        (2, 2, 2)
    """
    wanted = "Expected numbers, rows ended by ';' and channels by '|', such as '1 0 -1; 2 0 -2'."
    if len(text) > MAX_TEXT:
        raise OptionError(f"{wanted} Received: {len(text):,} characters, more than {MAX_TEXT:,}.")
    try:
        with np.errstate(over="ignore"):  # what is infinite is refused later, by name
            return _array(text)
    except ValueError:
        raise OptionError(f"{wanted} Received: {text[:60]!r}.") from None


def _array(text: str) -> np.ndarray:
    channels = [
        [[float(number) for number in row.replace(",", " ").split()] for row in channel.split(";") if row.strip()]
        for channel in text.split("|")
    ]
    return np.array(channels, np.float32).transpose(1, 2, 0)


def read_kernel(text: str, *, depth: int) -> np.ndarray | None:
    """What a person means by ``--kernel``: ``random``, or numbers; filters end with ``/``.

    Args:
        text: One filter's channels after the other; a filter with one channel is used for all of them.
        depth: Channels a group.

    Returns:
        float32 ``(rows, columns, depth, filters)``; None for ``random``.

    Raises:
        OptionError: It is neither, or the filters differ in size.
    """
    if text == "random":
        return None
    filters = [read_numbers(part) for part in text.split("/")]
    filters = [np.repeat(one, depth, axis=2) if one.shape[2] == 1 else one for one in filters]
    if len({one.shape for one in filters}) > 1:
        sizes = ", ".join("×".join(map(str, one.shape)) for one in filters)
        raise OptionError(f"All filters must have the same rows, columns and channels. Received: {sizes}.")
    return np.stack(filters, axis=-1)


def _read_picture(path: Path) -> np.ndarray:
    from convscope.data.decode import decode_file

    if not path.exists():
        raise OptionError(
            f"Expected random, mnist:N, numbers such as '1 2; 3 4', or a picture file. Received: {str(path)[:80]!r}."
        )
    picture = decode_file(path)
    pixels = picture if picture.ndim == 3 else picture[:, :, None]
    if max(pixels.shape[:2]) > MAX_SIZE:
        raise DataError(
            f"{path}: expected at most {MAX_SIZE} pixels per side. Received: {pixels.shape[1]}×{pixels.shape[0]}."
        )
    return pixels.astype(np.float32)


def _gif(slide: SlidingWindow, numbers: bool) -> bytes:
    from convscope.report.sliding.raster import to_gif

    return to_gif(scene(slide, numbers=numbers))


def _png(slide: SlidingWindow, numbers: bool) -> bytes:
    from convscope.report.sliding.raster import to_strip

    return to_strip(scene(slide, numbers=numbers))


def _svg(slide: SlidingWindow, numbers: bool) -> bytes:
    return to_svg(scene(slide, numbers=numbers)).encode()


def _html(slide: SlidingWindow, numbers: bool) -> bytes:
    from convscope.report.sliding_page import sliding_page

    window, (rows, columns, channels) = slide.window, slide.pixels.shape
    settings = {
        "operation": slide.operation,
        "input_size": [rows, columns],
        "channels": channels,
        "filters": slide.output.shape[2],
        "kernel_size": list(window.kernel_size),
        "padding": window.padding if isinstance(window.padding, str) else list(window.padding),
        "strides": list(window.strides),
        "dilation_rate": list(window.dilation_rate),
        "groups": slide.groups,
        "pixels": slide.pixels.tolist(),
        "kernel": None if slide.kernel is None else slide.kernel.tolist(),
        "bias": None,
        "numbers": numbers,
    }
    return sliding_page(settings).encode()


PICTURES: dict[str, Callable[[SlidingWindow, bool], bytes]] = {".gif": _gif, ".svg": _svg, ".png": _png, ".html": _html}
"""Ending of a file to what writes it; the keys are what ``--out`` takes."""
