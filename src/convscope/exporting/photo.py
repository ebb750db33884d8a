"""Preprocessing as the first part of an ONNX graph: transparency, channels, polarity, resizing.

The same formulas as `data.preprocess` and `data.resample`, on tensors whose height and width are known only when the
graph runs. ONNX's own Resize has other weights at the borders and other rounding, and does not average blocks first.
MNIST's framing looks for ink, which has no operations in ONNX.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from convscope.data.ink.polarity import WORKING_SIDE
from convscope.data.pixels import BRIGHTNESS
from convscope.data.preprocess import Preprocessing
from convscope.data.resample import BLOCKS_FROM, ROUNDING_MARGIN
from convscope.errors import DataError, OptionError
from convscope.exporting.onnx_graph import Graph
from convscope.exporting.onnx_values import Value

PHOTO_FILE = "model-photo.onnx"

PHOTO_SHAPE = ("n", "height", "width", "channels")
"""The input: any size, and 1 to 4 channels (grayscale, RGB, or one of them and alpha)."""


@dataclass(frozen=True, eq=False)
class Span:
    """Output pixels along one axis of a resized image.

    Attributes:
        inner: Size that the image is resized to, int64 ``(1,)``.
        first: Position of the first output pixel in the resized image; negative where there is a border.
        count: Number of output pixels.
    """

    inner: Value
    first: Value
    count: Value


def check_photo(preprocessing: Mapping[str, object]) -> Preprocessing:
    """The preprocessing that goes into the graph.

    Raises:
        OptionError: It cannot be expressed in ONNX, or the network has none.
    """
    try:
        contract = Preprocessing.from_json(preprocessing)
    except DataError:
        contract = None
    if contract and contract.fit != "mnist":
        return contract
    received = (
        "the fit 'mnist', which searches for ink" if contract else "a network without a preprocessing of convscope's"
    )
    raise OptionError(
        "Expected a preprocessing that can be written in ONNX: stretch, pad or crop. Received: photo=True with "
        f"{received}.",
        hint="Export without --photo, and prepare images as `convscope predict` does.",
    )


def add_preprocessing(graph: Graph, contract: Preprocessing) -> str:
    """Add the preprocessing to a graph; returns the name of the network's input, uint8 ``(n, height, width, c)``.

    Args:
        graph: Its input ``images`` is uint8 of the shape `PHOTO_SHAPE`.
        contract: As `check_photo` returned it.
    """
    flat = _flat(Value(graph, "images", np.uint8), contract.background)
    rgb = flat.op("Expand", [1, 1, 1, 3])
    shown = _gray(rgb) if contract.channels == 1 else rgb
    pixels = shown.op("Transpose", perm=[0, 3, 1, 2])
    if contract.polarity == "invert":
        pixels = _inverted(pixels)
    elif contract.polarity == "auto":
        dark = _has_dark_ink(_gray(rgb).op("Transpose", perm=[0, 3, 1, 2]))
        pixels = dark.where(_inverted(pixels), pixels)
    return FITS[contract.fit](pixels, contract.height, contract.width).op("Transpose", perm=[0, 2, 3, 1]).name


def _flat(images: Value, background: int) -> Value:
    """`data.pixels.flatten_alpha`."""
    channels = images.side(3)

    def blended(graph: Graph) -> Value:
        wide, colors = images.inside(graph).to(np.int32), channels.inside(graph) - 1
        alpha = wide.cut(3, colors, channels.inside(graph))
        levels = wide.cut(3, 0, colors) * alpha + (255 - alpha) * background
        return ((levels + 127) / 255).to(np.uint8)

    has_alpha = (channels / 2 * 2).equals(channels)
    return has_alpha.branch(blended, lambda graph: images.inside(graph).op("Identity"))


def _gray(rgb: Value) -> Value:
    """`data.pixels.to_grey`, for ``(n, h, w, 3)``."""
    sums = rgb.to(np.float32).op("MatMul", BRIGHTNESS[:, None]) + float(1 << 15)
    return (sums * (1 / (1 << 16))).to(np.uint8)


def _inverted(pixels: Value) -> Value:
    return (255 - pixels.to(np.int32)).to(np.uint8)


def _nearest(value: Value) -> Value:
    """`data.resample.nearest`, for values that are not negative."""
    return (value + (0.5 + ROUNDING_MARGIN)).to(np.int64)


def _sides(pixels: Value) -> tuple[Value, Value]:
    return pixels.side(2), pixels.side(3)


def _stretch(pixels: Value, height: int, width: int) -> Value:
    zero = pixels.like([0])
    return _resized(pixels, *(Span(side, zero, side) for side in (pixels.like([height]), pixels.like([width]))))


def _scaled(pixels: Value, limits: tuple[int, int], *, largest: bool) -> list[Span]:
    """Both axes of an image in its proportions: the largest that fits, or the smallest that covers."""
    scales = [
        pixels.like([limit]).to(np.float64) / side.to(np.float64)
        for limit, side in zip(limits, _sides(pixels), strict=True)
    ]
    scale = scales[0].op("Min" if largest else "Max", scales[1])
    spans = []
    for limit, side in zip(limits, _sides(pixels), strict=True):
        inner = _nearest(side.to(np.float64) * scale).op("Max", 1).op("Min" if largest else "Max", limit)
        rest = (limit - inner) / 2 if largest else (inner - limit) / 2
        spans.append(Span(inner, 0 - rest if largest else rest, pixels.like([limit])))
    return spans


def _pad(pixels: Value, height: int, width: int) -> Value:
    spans = _scaled(pixels, (height, width), largest=True)
    resized = _resized(pixels, *spans)
    border = _sorted(_border(pixels))
    middle = border.op("Gather", (border.side(2) - 1) / 2, axis=2).reshaped(0, 0, 1, 1).to(np.uint8)
    rows, columns = (_is_inside(span) for span in spans)
    return rows.reshaped(1, 1, -1, 1).op("And", columns.reshaped(1, 1, 1, -1)).where(resized, middle)


def _crop(pixels: Value, height: int, width: int) -> Value:
    return _resized(pixels, *_scaled(pixels, (height, width), largest=False))


FITS: dict[str, Callable[[Value, int, int], Value]] = {"stretch": _stretch, "pad": _pad, "crop": _crop}


def _is_inside(span: Span) -> Value:
    at = span.count.counted() + span.first
    return (at >= 0).op("And", span.inner > at)


def _resized(pixels: Value, rows: Span, columns: Span) -> Value:
    """`data.resample.resample`: the output pixels of both spans, uint8."""
    pixels = _averaged(pixels, rows.inner, columns.inner)
    height, width = (_weights(side, span) for side, span in zip(_sides(pixels), (rows, columns), strict=True))
    wide = height.op("MatMul", pixels.to(np.float64)).op("MatMul", width.op("Transpose", perm=[1, 0]))
    return (wide + (0.5 + ROUNDING_MARGIN)).to(np.uint8)


def _weights(size: Value, span: Span) -> Value:
    """`data.resample.triangle_weights` of the output pixels; those outside the image have the weights of its edge."""
    scale = size.to(np.float64) / span.inner.to(np.float64)
    at = (span.count.counted() + span.first).op("Max", 0).op("Min", span.inner - 1)
    middles = ((at.to(np.float64) + 0.5) * scale).reshaped(-1, 1)
    distances = ((size.counted().to(np.float64) + 0.5) - middles).op("Abs")
    weights = (1.0 - distances / scale.op("Max", 1.0)).op("Max", 0.0)
    return weights / weights.op("ReduceSum", [1], keepdims=1)


def _averaged(pixels: Value, height: Value, width: Value) -> Value:
    """`data.resample.average_blocks`, if both sides are reduced much."""
    (h, w), inner = _sides(pixels), (height, width)
    reductions = [side.to(np.float64) / to.to(np.float64) for side, to in zip((h, w), inner, strict=True)]
    reduction = reductions[0].op("Min", reductions[1])

    def averages(graph: Graph) -> Value:
        size = (reduction.inside(graph) / 4.0).to(np.int64)
        blocks, counts = pixels.inside(graph), []
        for axis, side in ((2, h.inside(graph)), (3, w.inside(graph))):
            count = side / size
            start = (side - count * size) / 2
            blocks = blocks.cut(axis, start, start + count * size)
            counts.append(count)
        apart = blocks.to(np.int32).reshaped(0, 0, counts[0], size, counts[1], size)
        sums = apart.op("ReduceSum", [5], keepdims=0).op("ReduceSum", [3], keepdims=0).to(np.int64)
        area = size * size
        return ((sums * 2 + area) / (area * 2)).to(np.uint8)

    return (reduction >= BLOCKS_FROM).branch(averages, lambda graph: pixels.inside(graph).op("Identity"))


def _border(pixels: Value) -> Value:
    """The outermost pixels of each channel, each once: ``(n, c, number)``; `data.ink.polarity.border_pixels`."""
    h, w = _sides(pixels)
    last_row, last_column = (h - 1).op("Max", 1), (w - 1).op("Max", 1)
    between = pixels.cut(2, 1, last_row)
    parts = [pixels.cut(2, 0, 1), pixels.cut(2, last_row, h), between.cut(3, 0, 1), between.cut(3, last_column, w)]
    flat = [part.reshaped(0, 0, part.side(2) * part.side(3)) for part in parts]
    return flat[0].op("Concat", *flat[1:], axis=2)


def _sorted(values: Value) -> Value:
    """Ascending along the last axis, int32."""
    wide = values.to(np.int32)
    return wide.op("TopK", values.side(2), axis=2, largest=0, sorted=1, unused=1)


def _has_dark_ink(gray: Value) -> Value:
    """`data.ink.polarity.has_dark_ink`: bool ``(n, 1, 1, 1)``."""
    (h, w), zero = _sides(gray), gray.like([0])
    longer = h.op("Max", w)
    spans = []
    for side in (h, w):
        scaled = _nearest((side * WORKING_SIDE).to(np.float64) / longer.to(np.float64)).op("Max", 1)
        inner = (longer > WORKING_SIDE).where(scaled, side)
        spans.append(Span(inner, zero, inner))
    reduced = _resized(gray, *spans)
    border, whole = _sorted(_border(reduced)), _sorted(reduced.reshaped(0, 0, -1))

    def level(values: Value, fraction: float) -> Value:
        at = ((values.side(2) - 1).to(np.float64) * fraction + 1e-6).to(np.int64)
        return values.op("Gather", at, axis=2).reshaped(0, 1, 1, 1)

    darker = level(border, 0.1) - level(whole, 0.002)
    lighter = level(whole, 0.998) - level(border, 0.9)
    undecided = darker.equals(lighter).op("And", level(border, 0.5) >= 128)
    return undecided.op("Or", darker > lighter)
