"""How a network is written: a text of Keras calls, or plain JSON values. Read strictly, never executed."""

from __future__ import annotations

import ast
import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields

from convscope.errors import SpecError
from convscope.model.checks import shown
from convscope.model.layers import LAYERS
from convscope.model.layers.layer import Layer
from convscope.model.spec import INPUT, MAX_LAYERS, Node, Spec, check_layer_name, default_name


@dataclass(frozen=True)
class _Line:
    """One layer as written; what is not given is None: the name that Keras gives, and the layer of the line before."""

    layer: Layer
    name: str | None = None
    inputs: tuple[str, ...] | None = None


def parse(text: str, *, input_shape: tuple[int, int, int], num_classes: int, name: str = "network") -> Spec:
    """Read a spec file: one layer on each line, written as in Keras; ``num_classes`` is the data's number of classes.

    A layer takes the output of the layer on the line before. A graph gives names to layers, and takes other inputs as
    in Keras's functional API: ``shortcut = Conv2D(8, 1)(input)``, ``Add()(shortcut, conv2d_2)``. A layer without a name
    has the name that Keras gives; ``input`` is the image. Nothing in the text is executed: names come from the
    vocabulary and values are literals.

    Args:
        text: The file's text; ``#`` starts a comment.
        input_shape: Rows, columns, channels of the data.
        num_classes: How many classes the data has.
        name: The network's name.

    Returns:
        The checked spec.

    Raises:
        SpecError: The line cannot be read (with its number) or a layer does not fit (with its position).

    Example:
        >>> lines = ["MaxPooling2D(2)", "Flatten()", "Dense(2, activation='softmax')"]
        >>> parse(chr(10).join(lines), input_shape=(5, 5, 1), num_classes=2).layers[0]
        MaxPooling2D(pool_size=(2, 2), strides=(2, 2), padding='valid')
        >>> lines = ["stem = Conv2D(4, 3)", "Conv2D(4, 1)(stem)", *lines]
        >>> parse(chr(10).join(lines), input_shape=(5, 5, 1), num_classes=2).nodes[1]
        Node(name='conv2d', inputs=('stem',))
    """
    lines: list[_Line] = []
    for number, text_line in enumerate(text.splitlines(), start=1):
        if len(lines) >= MAX_LAYERS:
            raise SpecError(f"{name}: more than {MAX_LAYERS} layers.")
        content = text_line.strip()
        if not content or content.startswith("#"):
            continue
        try:
            lines.append(_parse_line(content, num_classes))
        except SpecError as error:
            raise SpecError(f"{name}, line {number}: {error}") from None
    try:
        spec = Spec(input_shape, tuple(one.layer for one in lines), name, _nodes(lines))
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
    nodes = tuple(_node_from_json(entry, index) for index, entry in enumerate(entries)) if _is_graph(entries) else ()
    spec = Spec((shape[0], shape[1], shape[2]), layers, name, nodes)
    if nodes and not spec.nodes:
        raise SpecError("A network that is a line must not name its layers and their inputs.")
    return spec


_PAIRS = ("kernel_size", "pool_size", "strides", "dilation_rate", "padding")
"""The arguments for which one number stands for rows and columns."""


def keras_call(layer: Layer) -> str:
    """The layer as a call of Keras, without arguments that have their default; also a line of a spec file.

    ``pool_size`` is always written: AveragePooling2D has no default for it in Keras.

    Example:
        >>> from convscope.model.layers.conv2d import Conv2D
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
        if field.name in _PAIRS and isinstance(value, tuple) and value[0] == value[1]:
            value = value[0]
        positional = field.name in ("filters", "units", "kernel_size", "pool_size", "rate", "target_shape")
        positional |= type(layer).__name__ == "Activation"
        parts.append(f"{value!r}" if positional else f"{field.name}={value!r}")
    return f"{type(layer).__name__}({', '.join(parts)})"


def spec_lines(spec: Spec) -> list[str]:
    """The network as the lines of a spec file, which `parse` reads back.

    Example:
        >>> spec = parse(chr(10).join(["Flatten()", "Softmax()"]), input_shape=(1, 2, 1), num_classes=2)
        >>> spec_lines(spec)
        ['Flatten()', 'Softmax()']
    """
    if not spec.nodes:
        return [keras_call(layer) for layer in spec.layers]
    lines, before = [], INPUT
    counts: Counter[str] = Counter()
    for layer, node in zip(spec.layers, spec.nodes, strict=True):
        after = counts.copy()
        is_default = node.name == default_name(type(layer).__name__, after)
        counts = after if is_default else counts  # as in Keras, only layers without a name of their own are counted
        name = "" if is_default else f"{node.name} = "
        inputs = "" if node.inputs == (before,) else f"({', '.join(node.inputs)})"
        lines.append(f"{name}{keras_call(layer)}{inputs}")
        before = node.name
    return lines


def _nodes(lines: Sequence[_Line]) -> tuple[Node, ...]:
    """Names and inputs of the lines, with those that are not written; nothing for a plain line."""
    if all(line.name is None and line.inputs is None for line in lines):
        return ()
    counts: Counter[str] = Counter()
    nodes: list[Node] = []
    for line in lines:
        name = line.name or default_name(type(line.layer).__name__, counts)
        before = nodes[-1].name if nodes else INPUT
        nodes.append(Node(name, (before,) if line.inputs is None else line.inputs))
    return tuple(nodes)


_EXPECTED = "Expected a layer as in Keras, such as Conv2D(64, 3, activation='relu')."


def _parse_line(line: str, num_classes: int) -> _Line:
    name, call = None, _statement(line)
    if isinstance(call, ast.Assign):
        (target,) = call.targets if len(call.targets) == 1 else (None,)
        if not isinstance(target, ast.Name):
            raise SpecError(f"{_EXPECTED} Received: {line[:60]!r}.")
        name, call = target.id, call.value
        check_layer_name(name)
    if isinstance(call, ast.Tuple) and len(call.elts) == 1:  # a comma at the end, as in a list of layers
        call = call.elts[0]
    inputs = None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Call):
        inputs, call = _inputs(call, line), call.func
    if not isinstance(call, ast.Call):
        raise SpecError(f"{_EXPECTED} Received: {line[:60]!r}.")
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
    return _Line(make_layer(layer, values), name, inputs)


def _statement(line: str) -> ast.expr | ast.Assign:
    """The one expression or assignment of a line."""
    try:
        statements = ast.parse(line).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        statements = []
    if len(statements) == 1 and isinstance(statements[0], ast.Expr):
        return statements[0].value
    if len(statements) == 1 and isinstance(statements[0], ast.Assign):
        return statements[0]
    raise SpecError(f"{_EXPECTED} Received: {line[:60]!r}.")


def _inputs(call: ast.Call, line: str) -> tuple[str, ...]:
    """The names in the second call of ``Add()(a, b)``; Keras's ``Add()([a, b])`` is read too."""
    given = call.args
    if len(given) == 1 and isinstance(given[0], ast.List | ast.Tuple):
        given = given[0].elts
    if call.keywords or not given or not all(isinstance(one, ast.Name) for one in given):
        raise SpecError(
            f"Inputs must be names of earlier layers, such as Add()(shortcut, conv2d_2). Received: {line[:60]!r}."
        )
    return tuple(one.id for one in given if isinstance(one, ast.Name))


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
    """A layer from values by name, as a person or a file gives them.

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


def _is_graph(entries: Sequence[object]) -> bool:
    return any(isinstance(entry, dict) and ("name" in entry or "inputs" in entry) for entry in entries)


def _layer_from_json(entry: object, index: int) -> Layer:
    if not isinstance(entry, dict) or "layer" not in entry:
        raise SpecError(f"layer {index + 1}: expected an object with the key 'layer'.")
    layer = _layer_class(entry["layer"])
    place = {"name", "inputs"} if _is_graph([entry]) else set()
    keys = {"layer"} | place | {field.name for field in fields(layer)}
    _record(entry, keys, f"layer {index + 1} ({layer.__name__})")
    try:
        return make_layer(layer, {key: value for key, value in entry.items() if key not in {"layer", *place}})
    except SpecError as error:
        raise SpecError(f"layer {index + 1} ({layer.__name__}): {error}") from None


def _node_from_json(entry: Mapping[str, object], index: int) -> Node:
    """Name and inputs, which a graph gives for every layer."""
    name, inputs = entry.get("name"), entry.get("inputs")
    names = [one for one in inputs if isinstance(one, str)] if isinstance(inputs, list) else []
    if not isinstance(name, str) or not 1 <= len(names) <= MAX_LAYERS or names != inputs:
        raise SpecError(
            f"layer {index + 1}: expected a name and a list of 1 to {MAX_LAYERS} inputs. "
            f"Received: {shown(name)} and {shown(inputs)}."
        )
    return Node(name, tuple(names))


def _record(value: object, keys: set[str], what: str) -> dict[str, object]:
    if not isinstance(value, dict) or set(value) != keys:
        given = sorted(map(str, value))[:20] if isinstance(value, dict) else type(value).__name__
        raise SpecError(f"{what} must have exactly the keys {sorted(keys)}. Received: {given}.")
    return value
