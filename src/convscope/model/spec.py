"""An architecture as data: a tuple of layers over an input shape, checked without TensorFlow."""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields

from convscope.arithmetic import ReceptiveField, padding_split
from convscope.errors import SpecError
from convscope.model.layers import LAYERS, Layer, Shape, Softmax

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
                f"Received: {last.kind} with output {_by(last.output_shape)}.",
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
        """Plain values that `from_json` reads back."""
        layers = [{"layer": type(layer).__name__} | asdict(layer) for layer in self.layers]
        return {"name": self.name, "input_shape": list(self.input_shape), "layers": layers}


def parse(text: str, *, input_shape: tuple[int, int, int], num_classes: int, name: str = "network") -> Spec:
    """Read a spec file: one layer a line, written as in Keras; ``num_classes`` stands for the data's own number.

    Nothing in the text is executed: names come from the vocabulary and values are literals.

    Args:
        text: The file's text; ``#`` starts a comment.
        input_shape: Rows, columns, channels of the data.
        num_classes: How many classes the data has.
        name: For people.

    Returns:
        The checked spec.

    Raises:
        SpecError: The line cannot be read (with its number) or a layer does not fit (with its position).

    Example:
        >>> lines = ["MaxPooling2D(2)", "Flatten()", "Dense(2, activation='softmax')"]
        >>> parse(chr(10).join(lines), input_shape=(5, 5, 1), num_classes=2).layers[0]
        MaxPooling2D(pool_size=(2, 2), strides=(2, 2), padding='valid')
    """
    layers = []
    for number, line in enumerate(text.splitlines(), start=1):
        if len(layers) >= MAX_LAYERS:
            raise SpecError(f"{name}: more than {MAX_LAYERS} layers.")
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        try:
            layers.append(_parse_line(content, num_classes))
        except SpecError as error:
            raise SpecError(f"{name}, line {number}: {error}") from None
    try:
        spec = Spec(input_shape=input_shape, layers=tuple(layers), name=name)
    except SpecError as error:
        raise SpecError(f"{name}: {error}") from None
    if spec.num_classes != num_classes:
        raise SpecError(
            f"{name}: the last layer must have one unit a class, {num_classes}. Received: {spec.num_classes}.",
            hint="Write num_classes instead of the number.",
        )
    return spec


def from_json(value: object) -> Spec:
    """Rebuild a spec from plain values, refusing whatever `Spec.to_json` would not have written.

    Raises:
        SpecError: A key is missing or unknown, a layer is not in the vocabulary, or the layers do not fit.
    """
    record = _record(value, {"name", "input_shape", "layers"}, "a network")
    name, shape, entries = record["name"], record["input_shape"], record["layers"]
    if not isinstance(name, str):
        raise SpecError("A network's name must be a text.")
    if not isinstance(entries, list) or len(entries) > MAX_LAYERS:
        raise SpecError(f"A network's layers must be a list of at most {MAX_LAYERS}.")
    if not isinstance(shape, list) or len(shape) != 3:
        raise SpecError(f"input_shape must be three whole numbers. Received: {str(shape)[:60]}.")
    layers = tuple(_layer_from_json(entry, index) for index, entry in enumerate(entries))
    return Spec(input_shape=(shape[0], shape[1], shape[2]), layers=layers, name=name)


def keras_call(layer: Layer) -> str:
    """The layer as a line of Keras, arguments at their defaults left out; also a line of a spec file.

    ``pool_size`` is always said: AveragePooling2D has no default for it in Keras.

    Example:
        >>> from convscope.model.layers import Conv2D
        >>> keras_call(Conv2D(64, 3, activation="relu"))
        "Conv2D(64, 3, activation='relu')"
    """
    parts = []
    for field in fields(layer):
        value = getattr(layer, field.name)
        if (value == field.default and field.name != "pool_size") or (
            field.name == "strides" and value == getattr(layer, "pool_size", None)
        ):
            continue
        if isinstance(value, tuple) and value[0] == value[1]:
            value = value[0]
        positional = field.name in ("filters", "units", "kernel_size", "pool_size", "rate")
        positional |= type(layer).__name__ == "Activation"
        parts.append(f"{value!r}" if positional else f"{field.name}={value!r}")
    return f"{type(layer).__name__}({', '.join(parts)})"


def _parse_line(line: str, num_classes: int) -> Layer:
    shape = "Expected a layer as in Keras, such as Conv2D(64, 3, activation='relu')."
    try:
        call = ast.parse(line, mode="eval").body
        if isinstance(call, ast.Tuple) and len(call.elts) == 1:  # a comma at the end, as in a list of layers
            call = call.elts[0]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(f"{shape} Received: {line[:60]!r}.") from None
    if not isinstance(call, ast.Call):
        raise SpecError(f"{shape} Received: {line[:60]!r}.")
    kind = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    layer = _layer_class(kind)
    names = [field.name for field in fields(layer)]
    if len(call.args) > len(names):
        raise SpecError(f"{kind} takes at most {len(names)} values. Received: {len(call.args)}.")
    values = {name: _literal(node, num_classes) for name, node in zip(names, call.args, strict=False)}
    for keyword in call.keywords:
        if keyword.arg in values:
            raise SpecError(f"{kind}: {keyword.arg} is given twice.")
        values[keyword.arg or "**"] = _literal(keyword.value, num_classes)
    return _make(layer, values)


def _literal(node: ast.expr, num_classes: int) -> object:
    if isinstance(node, ast.Name) and node.id == "num_classes":
        return num_classes
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        raise SpecError(
            f"Values must be numbers, texts, pairs or num_classes. Received: {ast.unparse(node)[:60]}."
        ) from None


def _layer_class(kind: object) -> type[Layer]:
    if isinstance(kind, str) and kind in LAYERS:
        return LAYERS[kind]
    near = difflib.get_close_matches(str(kind)[:60], LAYERS, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"The layers are {', '.join(LAYERS)}."
    raise SpecError(f"Unknown layer. Received: {str(kind)[:60]!r}.", hint=hint)


def _make(layer: type[Layer], values: Mapping[str, object]) -> Layer:
    names = [field.name for field in fields(layer)]
    kind = layer.__name__
    for name in values:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"It takes {', '.join(names) or 'none'}."
            raise SpecError(f"{kind} has no argument {str(name)[:60]!r}.", hint=hint)
    try:
        return layer(**values)
    except TypeError:
        required = [field.name for field in fields(layer) if field.default is MISSING and field.name not in values]
        raise SpecError(f"{kind} needs {', '.join(required)}. Received: {str(values)[:60]}.") from None


def _layer_from_json(entry: object, index: int) -> Layer:
    if not isinstance(entry, dict) or "layer" not in entry:
        raise SpecError(f"layer {index + 1}: expected an object with the key 'layer'.")
    layer = _layer_class(entry["layer"])
    _record(entry, {"layer"} | {field.name for field in fields(layer)}, f"layer {index + 1} ({layer.__name__})")
    try:
        return _make(layer, {key: value for key, value in entry.items() if key != "layer"})
    except SpecError as error:
        raise SpecError(f"layer {index + 1} ({layer.__name__}): {error}") from None


def _record(value: object, keys: set[str], what: str) -> dict[str, object]:
    if not isinstance(value, dict) or set(value) != keys:
        given = sorted(map(str, value))[:20] if isinstance(value, dict) else type(value).__name__
        raise SpecError(f"{what} must have exactly the keys {sorted(keys)}. Received: {given}.")
    return value


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
        kernel, stride, rate = window.kernel_size[axis], window.strides[axis], window.dilation_rate[axis]
        before, _ = padding_split(shape[axis], kernel, strides=stride, padding=window.padding, dilation_rate=rate)
        after.append(seen[axis].after(kernel, strides=stride, padding_before=before, dilation_rate=rate))
    return after[0], after[1]


def _is_softmax(layer: Layer) -> bool:
    return isinstance(layer, Softmax) or getattr(layer, "activation", "") == "softmax"


def _snake(kind: str) -> str:
    known = {"ReLU": "re_lu"}
    return known.get(kind) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()


def _by(shape: Shape) -> str:
    return "×".join(str(size) for size in shape)
