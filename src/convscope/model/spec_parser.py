"""How a network is written down: a text of Keras calls, or plain JSON values. Read strictly, executed never."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from dataclasses import MISSING, fields

from convscope.errors import SpecError
from convscope.model.layers import LAYERS, Layer
from convscope.model.spec import MAX_LAYERS, Spec


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
    return make_layer(layer, values)


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


def make_layer(layer: type[Layer], values: Mapping[str, object]) -> Layer:
    """A layer from values by name, as a person or a file gave them.

    Raises:
        SpecError: A value is missing, unknown, of another type or out of its range.
    """
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
        return make_layer(layer, {key: value for key, value in entry.items() if key != "layer"})
    except SpecError as error:
        raise SpecError(f"layer {index + 1} ({layer.__name__}): {error}") from None


def _record(value: object, keys: set[str], what: str) -> dict[str, object]:
    if not isinstance(value, dict) or set(value) != keys:
        given = sorted(map(str, value))[:20] if isinstance(value, dict) else type(value).__name__
        raise SpecError(f"{what} must have exactly the keys {sorted(keys)}. Received: {given}.")
    return value
