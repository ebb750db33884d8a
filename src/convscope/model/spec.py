"""An architecture as data: a tuple of layers over an input shape, checked without TensorFlow."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from functools import cached_property

from convscope.arithmetic import ReceptiveField, padding_split
from convscope.errors import SpecError
from convscope.model.checks import by
from convscope.model.layers import Layer, Shape, Softmax

MAX_LAYERS = 200
MAX_NAME = 200
MAX_PARAMETERS = 50_000_000
MAX_ACTIVATIONS = 100_000_000
MAX_IMAGE_SIDE = 1024


@dataclass(frozen=True)
class Row:
    """One line of the shape table.

    Attributes:
        name: Unique in its network, as Keras would name it (``conv2d_1``).
        layer: The layer itself.
        input_shape: ``(h, w, c)`` or ``(units,)``.
        output_shape: The same for what comes out.
        parameters: Numbers in its weights, moving statistics included.
        multiply_adds: For one image.
        receptive_field: Rows and columns that one output pixel sees; None once rows and columns are gone.
    """

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: int
    multiply_adds: int
    receptive_field: tuple[ReceptiveField, ReceptiveField] | None

    @property
    def kind(self) -> str:
        """The layer's class name, Keras's word."""
        return type(self.layer).__name__


@dataclass(frozen=True)
class Spec:
    """A sequential network: what `build` turns into Keras and `forward` computes in NumPy.

    The last layer gives one probability a class: a softmax, as a layer or as the last activation.

    Attributes:
        input_shape: Rows, columns, channels.
        layers: In order.
        name: For people.

    Raises:
        SpecError: A layer does not fit its input; the message says which and why.

    Example:
        >>> from convscope.model.spec_parser import parse
        >>> lines = ["Flatten()", "Dense(num_classes, activation='softmax')"]
        >>> spec = parse(chr(10).join(lines), input_shape=(28, 28, 1), num_classes=10)
        >>> spec.num_classes, spec.parameters
        (10, 7850)
    """

    input_shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    name: str = "network"

    def __post_init__(self) -> None:
        if len(self.name) > MAX_NAME or not self.name.isprintable():
            raise SpecError(
                f"A network's name has at most {MAX_NAME} printable characters. Received: {self.name[:60]!r}."
            )
        _check_input_shape(self.input_shape)
        if not 1 <= len(self.layers) <= MAX_LAYERS:
            raise SpecError(f"A network has 1 to {MAX_LAYERS} layers. Received: {len(self.layers)}.")
        rows = self.table()
        last = rows[-1]
        if not _is_softmax(last.layer) or len(last.output_shape) != 1 or last.output_shape[0] < 2:
            raise SpecError(
                "The last layer must give one probability for each of two or more classes. "
                f"Received: {last.kind} with output {by(last.output_shape)}.",
                hint='End with Dense(num_classes, activation="softmax").',
            )
        if any(_is_softmax(layer) for layer in self.layers[:-1]):
            raise SpecError("Only the last layer may be a softmax. Received: one earlier.")
        if self.parameters > MAX_PARAMETERS:
            raise SpecError(f"A network has at most {MAX_PARAMETERS:,} parameters. Received: {self.parameters:,}.")

    @property
    def num_classes(self) -> int:
        """How many classes the softmax spans."""
        return self.table()[-1].output_shape[0]

    @property
    def parameters(self) -> int:
        """All numbers in all weights, as Keras's ``count_params`` counts."""
        return sum(row.parameters for row in self.table())

    @property
    def multiply_adds(self) -> int:
        """For one image, forward."""
        return sum(row.multiply_adds for row in self.table())

    def table(self) -> tuple[Row, ...]:
        """The shape table, by arithmetic alone."""
        return self._table

    @cached_property
    def _table(self) -> tuple[Row, ...]:  # reading a model file asks for it eleven times
        rows: list[Row] = []
        shape: Shape = self.input_shape
        field: tuple[ReceptiveField, ReceptiveField] | None = (ReceptiveField(), ReceptiveField())
        counts: dict[str, int] = {}
        for index, layer in enumerate(self.layers):
            kind = type(layer).__name__
            try:
                output = layer.output_shape(shape)
            except SpecError as error:
                raise SpecError(f"layer {index + 1} ({kind}): {error}") from None
            if math.prod(output) > MAX_ACTIVATIONS:
                raise SpecError(f"layer {index + 1} ({kind}): its output has more than {MAX_ACTIVATIONS:,} numbers.")
            field = _see(layer, shape, field) if len(output) == 3 else None
            counts[kind] = counts.get(kind, 0) + 1
            rows.append(
                Row(
                    name=_snake(kind) + (f"_{counts[kind] - 1}" if counts[kind] > 1 else ""),
                    layer=layer,
                    input_shape=shape,
                    output_shape=output,
                    parameters=layer.parameters(shape),
                    multiply_adds=layer.multiply_adds(shape),
                    receptive_field=field,
                )
            )
            shape = output
        return tuple(rows)

    def weight_shapes(self) -> dict[str, Shape]:
        """Every weight by its full name, ``layer/weight``, in Keras's order."""
        return {
            f"{row.name}/{weight}": shape
            for row in self.table()
            for weight, shape in row.layer.weight_shapes(row.input_shape).items()
        }

    def to_json(self) -> dict[str, object]:
        """Plain values that `spec_parser.from_json` reads back."""
        layers = [{"layer": type(layer).__name__} | asdict(layer) for layer in self.layers]
        return {"name": self.name, "input_shape": list(self.input_shape), "layers": layers}


def _check_input_shape(shape: tuple[int, int, int]) -> None:
    h, w, c = shape
    if any(type(size) is not int for size in shape) or not (1 <= h <= MAX_IMAGE_SIDE and 1 <= w <= MAX_IMAGE_SIDE):
        raise SpecError(f"Images must be 1 to {MAX_IMAGE_SIDE} pixels a side. Received: {shape}.")
    if c not in (1, 3):
        raise SpecError(f"Images must have 1 (grey) or 3 (RGB) channels. Received: {c}.")


def _see(
    layer: Layer, shape: Shape, seen: tuple[ReceptiveField, ReceptiveField] | None
) -> tuple[ReceptiveField, ReceptiveField] | None:
    window = layer.window
    if window is None or seen is None:
        return seen
    after = []
    for axis in (0, 1):
        slide = window.axis(axis)
        before, _ = padding_split(shape[axis], **slide)
        kernel, stride, rate = slide["kernel_size"], slide["strides"], slide["dilation_rate"]
        after.append(seen[axis].after(kernel, strides=stride, padding_before=before, dilation_rate=rate))
    return after[0], after[1]


def _is_softmax(layer: Layer) -> bool:
    return isinstance(layer, Softmax) or getattr(layer, "activation", "") == "softmax"


def _snake(kind: str) -> str:
    known = {"ReLU": "re_lu"}
    return known.get(kind) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()
