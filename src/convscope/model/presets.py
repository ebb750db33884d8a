"""Networks by name. Each is the text of a spec file, to copy and change."""

from __future__ import annotations

import difflib
import functools
from pathlib import Path

from convscope.errors import OptionError, SpecError
from convscope.model.spec import Spec
from convscope.model.spec_parser import parse

CLASSIC = """\
# The network of the tutorial "Convolutional Neural Networks With TensorFlow": 258,826 parameters on MNIST.
Conv2D(64, 3, activation="relu")
Conv2D(128, 3, activation="relu")
MaxPooling2D(2)
Dropout(0.33)
Flatten()
Dense(num_classes, activation="softmax")
"""

QUICK = """\
# The least time to 99 % on two CPU cores: a wide look at a quarter of the places, a small convolution, a dense layer.
Conv2D(32, 5, strides=2, activation="relu", use_bias=False)
AveragePooling2D(2)
Conv2D(32, 3, use_bias=False)
BatchNormalization(momentum=0.8)
ReLU()
Flatten()
Dense(128, use_bias=False)
BatchNormalization(momentum=0.8)
ReLU()
Dense(num_classes, activation="softmax")
"""

ACCURATE = """\
# The best single network that a CPU trains in minutes: five convolutions with batch normalization.
Conv2D(32, 5, strides=2, padding="same", use_bias=False)
BatchNormalization(momentum=0.9)
ReLU()
Conv2D(64, 3, padding="same", use_bias=False)
BatchNormalization(momentum=0.9)
ReLU()
Conv2D(64, 3, strides=2, padding="same", use_bias=False)
BatchNormalization(momentum=0.9)
ReLU()
Conv2D(96, 3, use_bias=False)
BatchNormalization(momentum=0.9)
ReLU()
Conv2D(128, 3, use_bias=False)
BatchNormalization(momentum=0.9)
ReLU()
Dropout(0.3)
Flatten()
Dense(num_classes, activation="softmax")
"""


def compact(height: int, width: int) -> str:
    """The spec text of ``compact`` for images of a size: grayscale or color, from a few pixels to a thousand.

    Each stage halves rows and columns and doubles the filters until about 8×8 places are left; then come global pooling
    and one Dense layer, so that the number of weights does not grow with the image.

    Example:
        >>> compact(28, 28).count("Conv2D"), compact(64, 64).count("Conv2D"), compact(224, 224).count("Conv2D")
        (4, 4, 6)
    """
    shortest = min(height, width)
    lines = [
        "# For any images: convolutions with batch normalization, halved to about 8×8 places, then global pooling."
    ]
    if shortest >= SMALLEST_STRIDED:
        lines += _convolution(32, 'kernel_size=5, strides=2, padding="same"')
        shortest = -(-shortest // 2)
    else:
        lines += _convolution(32, 'kernel_size=3, padding="same"')
    filters = 32
    while shortest >= 4 and (filters < 128 or shortest > 12):
        filters = min(2 * filters, 256)
        lines.append("MaxPooling2D(2)")
        lines += _convolution(filters, 'kernel_size=3, padding="same"')
        shortest //= 2
    lines += _convolution(filters, 'kernel_size=3, padding="same"')
    return "\n".join([*lines, "GlobalAveragePooling2D()", 'Dense(num_classes, activation="softmax")', ""])


SMALLEST_STRIDED = 20
"""Images of at least this many rows and columns are halved by the first convolution of ``compact``."""


def residual(height: int, width: int) -> str:
    """The spec text of ``residual`` for images of a size: grayscale or color, from a few pixels to a thousand.

    Stages of three convolutions, the last two with a shortcut around them, halved until about 8×8 places are left. It
    takes about ten times the arithmetic of ``compact`` and is the better one where that time is there.

    Example:
        >>> residual(28, 28).count("Conv2D"), residual(64, 64).count("Add"), residual(224, 224).count("Add")
        (7, 2, 4)
    """
    shortest = min(height, width)
    lines = ["# For any images, given time: residual blocks, halved to about 8×8 places, then global pooling."]
    if shortest >= SMALLEST_STRIDED_RESIDUAL:
        lines += _convolution(32, 'kernel_size=5, strides=2, padding="same"', momentum=0.9)
        shortest = -(-shortest // 2)
    else:
        lines += _convolution(32, 'kernel_size=3, padding="same"', momentum=0.9)
    filters, stage = 32, 0
    while shortest >= 4 and (filters < 128 or shortest > 12):
        filters, stage, shortest = min(2 * filters, 256), stage + 1, shortest // 2
        before, after = f"stage{stage}", f"stage{stage}_end"
        convolution = _convolution(filters, 'kernel_size=3, padding="same"', momentum=0.9)
        lines += ["MaxPooling2D(2)", *convolution[:-1], f"{before} = ReLU()"]
        lines += [*convolution, *convolution[:-1], f"{after} = ReLU()", f"Add()({before}, {after})"]
    return "\n".join([*lines, "GlobalAveragePooling2D()", 'Dense(num_classes, activation="softmax")', ""])


SMALLEST_STRIDED_RESIDUAL = 48
"""Images of at least this many rows and columns are halved by the first convolution of ``residual``."""


def _convolution(filters: int, how: str, momentum: float = 0.8) -> list[str]:
    return [f"Conv2D({filters}, {how}, use_bias=False)", f"BatchNormalization(momentum={momentum})", "ReLU()"]


SIZED = {"compact": compact, "residual": residual}
"""The presets whose layers depend on the size of the images: functions of rows and columns."""

PRESETS: dict[str, str] = {
    "classic": CLASSIC,
    "quick": QUICK,
    "accurate": ACCURATE,
    **{name: text(28, 28) for name, text in SIZED.items()},
}
"""Preset name to spec text, for MNIST where it depends on the size; the keys are the command line's choices."""

MAX_SPEC_BYTES = 100_000


def load_spec(name_or_path: str, *, input_shape: tuple[int, int, int], num_classes: int) -> Spec:
    """The network of a preset or of a spec file, for the shape and classes of the data.

    Args:
        name_or_path: A key of `PRESETS`, or the path of a text file with one layer on each line.
        input_shape: Rows, columns, channels of the data.
        num_classes: How many classes the data has.

    Raises:
        OptionError: There is no such preset or file.
        SpecError: The network does not fit the data.

    Example:
        >>> load_spec("classic", input_shape=(28, 28, 1), num_classes=10).parameters
        258826
    """
    text, name = spec_text(name_or_path)
    if name_or_path in SIZED:
        text = SIZED[name_or_path](*input_shape[:2])
    try:
        return parse(text, input_shape=input_shape, num_classes=num_classes, name=name)
    except SpecError:
        if name_or_path not in PRESETS or min(input_shape[:2]) >= (needed := smallest_side(name_or_path)):
            raise
    h, w, _ = input_shape
    raise SpecError(
        f"{name} needs images of at least {needed}×{needed}. Received: images of {h}×{w}.",
        hint=f"Use --size {max(needed, DEFAULT_SIDE)}, or --model compact, which takes any size.",
    )


DEFAULT_SIDE = 28
"""The side for which the presets are made."""


@functools.cache
def smallest_side(preset: str) -> int:
    """The least number of rows and columns that the network of a preset takes.

    Example:
        >>> smallest_side("classic"), smallest_side("compact")
        (6, 1)
    """
    for side in range(1, DEFAULT_SIDE):
        text = SIZED[preset](side, side) if preset in SIZED else PRESETS[preset]
        try:
            parse(text, input_shape=(side, side, 1), num_classes=2, name=preset)
        except SpecError:
            continue
        return side
    return DEFAULT_SIDE


def spec_text(name_or_path: str) -> tuple[str, str]:
    """The text and the short name behind a preset or a spec file.

    Raises:
        OptionError: There is no such preset or file.
        SpecError: The file is not a short text.
    """
    if name_or_path in PRESETS:
        return PRESETS[name_or_path], name_or_path
    path = Path(name_or_path)
    if not path.is_file():
        near = difflib.get_close_matches(name_or_path, PRESETS, n=1)
        hint = (
            f"Did you mean {near[0]}?" if near else "Give a preset or the path of a text file with one layer per line."
        )
        raise OptionError(
            f"Expected a preset ({', '.join(PRESETS)}) or a spec file. Received: {name_or_path!r}.", hint=hint
        )
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SPEC_BYTES + 1)
        if len(content) > MAX_SPEC_BYTES:
            raise SpecError(f"{path}: a spec file has at most {MAX_SPEC_BYTES:,} bytes.")
        return content.decode("utf-8-sig"), path.stem
    except UnicodeDecodeError:
        raise SpecError(f"{path}: expected a text file in UTF-8, one layer on each line.") from None
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror}).") from None
