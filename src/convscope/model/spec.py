"""An architecture as data: named layers, each with its inputs, checked without TensorFlow."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from keyword import iskeyword
from typing import Any

from convscope.arithmetic import ReceptiveField
from convscope.errors import SpecError
from convscope.model.checks import by, shown
from convscope.model.layers.layer import Fields, Layer
from convscope.model.window import Shape

INPUT = "input"
"""The name that stands for the image among a layer's inputs."""

MAX_LAYERS = 200
MAX_NAME = 200
MAX_LAYER_NAME = 60
MAX_PARAMETERS = 50_000_000
MAX_ACTIVATIONS = 100_000_000
MAX_IMAGE_SIDE = 1024


@dataclass(frozen=True)
class Node:
    """The place of a layer in a graph.

    Attributes:
        name: The layer's name, unique in its network: a Python identifier in ASCII.
        inputs: The names of the layers whose outputs it takes, each defined before it; ``"input"`` is the image.
    """

    name: str
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One line of the shape table.

    Attributes:
        name: Unique in its network, as Keras would name it (``conv2d_1``) unless the spec gives another.
        layer: The layer itself.
        input_shape: ``(h, w, c)`` or ``(units,)``; of a layer that merges several inputs, the shape of what it merges
            them to.
        output_shape: The same for its output.
        parameters: Numbers in its weights, moving statistics included.
        multiply_adds: For one image.
        receptive_field: Rows and columns that one output pixel sees; None once rows and columns are gone.
        inputs: The names of the layers it takes as inputs; ``"input"`` is the image.
        input_shapes: One for each of ``inputs``.
    """

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: int
    multiply_adds: int
    receptive_field: Fields | None
    inputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]

    @property
    def kind(self) -> str:
        """The layer's class name, which is Keras's."""
        return type(self.layer).__name__


@dataclass(frozen=True)
class Spec:
    """A network: what `build` turns into Keras and `forward` computes in NumPy.

    By default it is a line: each layer takes the output of the one before it. A graph names its layers and their
    inputs in ``nodes``. The last layer gives one probability for each class: a softmax, as a layer or as the last
    activation.

    Attributes:
        input_shape: Rows, columns, channels.
        layers: In order: each comes after its inputs.
        name: For people.
        nodes: One for each layer; empty for a line whose layers have Keras's names.

    Raises:
        SpecError: A layer does not fit its input; the message names the layer and the reason.

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
    nodes: tuple[Node, ...] = ()

    def __post_init__(self) -> None:
        if len(self.name) > MAX_NAME or not self.name.isprintable():
            raise SpecError(
                f"A network's name has at most {MAX_NAME} printable characters. Received: {self.name[:60]!r}."
            )
        _check_input_shape(self.input_shape)
        if not 1 <= len(self.layers) <= MAX_LAYERS:
            raise SpecError(f"A network has 1 to {MAX_LAYERS} layers. Received: {len(self.layers)}.")
        if self.nodes:
            _check_nodes(self.nodes, len(self.layers))
            if self.nodes == line(self.layers):
                object.__setattr__(self, "nodes", ())
        rows = self.table()
        last = rows[-1]
        if last.layer.activation_name != "softmax" or len(last.output_shape) != 1 or last.output_shape[0] < 2:
            raise SpecError(
                "The last layer must give one probability for each of two or more classes. "
                f"Received: {last.kind} with output {by(last.output_shape)}.",
                hint='End with Dense(num_classes, activation="softmax").',
            )
        if any(layer.activation_name == "softmax" for layer in self.layers[:-1]):
            raise SpecError("Only the last layer may be a softmax. Received: one earlier.")
        if self.parameters > MAX_PARAMETERS:
            raise SpecError(f"A network has at most {MAX_PARAMETERS:,} parameters. Received: {self.parameters:,}.")

    @property
    def is_line(self) -> bool:
        """Whether each layer takes the output of the one before it, and nothing else."""
        names = [INPUT, *(node.name for node in self.nodes)]
        return all(node.inputs == (before,) for node, before in zip(self.nodes, names, strict=False))

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
        rows: dict[str, Row] = {}
        for index, (layer, node) in enumerate(zip(self.layers, self.nodes or line(self.layers), strict=True)):
            where = f"layer {index + 1} ({type(layer).__name__})"
            shapes = tuple(self.input_shape if name == INPUT else rows[name].output_shape for name in node.inputs)
            try:
                shape = layer.merge_shapes(shapes)
                output = layer.output_shape(shape)
            except SpecError as error:
                raise SpecError(f"{where}: {error}") from None
            if math.prod(output) > MAX_ACTIVATIONS:
                raise SpecError(f"{where}: its output has more than {MAX_ACTIVATIONS:,} numbers.")
            fields = [_WHOLE if name == INPUT else rows[name].receptive_field for name in node.inputs]
            rows[node.name] = Row(
                name=node.name,
                layer=layer,
                input_shape=shape,
                output_shape=output,
                parameters=layer.parameters(shape),
                multiply_adds=layer.multiply_adds(shape),
                receptive_field=_field_after(layer, shape, fields) if len(output) == 3 else None,
                inputs=node.inputs,
                input_shapes=shapes,
            )
        return tuple(rows.values())

    def weight_shapes(self) -> dict[str, Shape]:
        """Every weight by its full name, ``layer/weight``, in Keras's order."""
        return dict(self._weight_shapes)

    @cached_property
    def _weight_shapes(self) -> dict[str, Shape]:
        return {
            f"{row.name}/{weight}": shape
            for row in self.table()
            for weight, shape in row.layer.weight_shapes(row.input_shape).items()
        }

    def to_json(self) -> dict[str, object]:
        """Plain values that `spec_parser.from_json` reads back."""
        layers: list[dict[str, Any]] = [{"layer": type(layer).__name__} | asdict(layer) for layer in self.layers]
        for entry, node in zip(layers, self.nodes, strict=False):
            entry |= {"name": node.name, "inputs": list(node.inputs)}
        return {"name": self.name, "input_shape": list(self.input_shape), "layers": layers}


_WHOLE: Fields = (ReceptiveField(), ReceptiveField())


def line(layers: Sequence[Layer]) -> tuple[Node, ...]:
    """The nodes of a line, with the names that Keras gives.

    Example:
        >>> from convscope.model.layers.re_lu import ReLU
        >>> [(node.name, node.inputs) for node in line([ReLU(), ReLU()])]
        [('re_lu', ('input',)), ('re_lu_1', ('re_lu',))]
    """
    counts: Counter[str] = Counter()
    nodes: list[Node] = []
    for layer in layers:
        name = default_name(type(layer).__name__, counts)
        nodes.append(Node(name, (nodes[-1].name if nodes else INPUT,)))
    return tuple(nodes)


def default_name(kind: str, counts: Counter[str]) -> str:
    """The name that Keras gives to the next layer of a kind; ``counts``, of the earlier ones, is updated."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    counts[name] += 1
    return name if counts[name] == 1 else f"{name}_{counts[name] - 1}"


def _check_nodes(nodes: Sequence[Node], count: int) -> None:
    """Names that are unique, inputs that come before, and no layer but the last without a use."""
    if len(nodes) != count:
        raise SpecError(f"A graph needs one node for each of its {count} layers. Received: {len(nodes)}.")
    defined, used = {INPUT}, {nodes[-1].name}
    for index, node in enumerate(nodes):
        where = f"layer {index + 1}"
        check_layer_name(node.name)
        if node.name in defined:
            raise SpecError(f"{where}: another layer is named {node.name} already.", hint="Names must be unique.")
        if not 1 <= len(node.inputs) <= MAX_LAYERS:
            raise SpecError(f"{where}: a layer has 1 to {MAX_LAYERS} inputs. Received: {len(node.inputs)}.")
        for name in node.inputs:
            if name not in defined:
                raise SpecError(
                    f"{where}: its input {shown(name)} is not defined before it.",
                    hint="An input is the name of an earlier layer, or 'input' for the image.",
                )
        defined.add(node.name)
        used.update(node.inputs)
    unused = [node.name for node in nodes if node.name not in used]
    if unused:
        raise SpecError(
            f"The output of every layer but the last must be used. Received: {', '.join(unused[:3])} without a use.",
            hint="Remove the layer, or add its name to the inputs of a later one.",
        )


def check_layer_name(name: object) -> None:
    """Refuse what cannot name a layer in a spec file, a weight and a line of Python.

    Raises:
        SpecError: It is no ASCII identifier, too long, or reserved.
    """
    is_name = isinstance(name, str) and name.isascii() and name.isidentifier() and not iskeyword(name)
    if not is_name or len(str(name)) > MAX_LAYER_NAME or name == INPUT:
        raise SpecError(
            f"A layer's name must be an identifier of at most {MAX_LAYER_NAME} letters, digits and underscores, and "
            f"not {INPUT!r}. Received: {shown(name)}."
        )


def _check_input_shape(shape: tuple[int, int, int]) -> None:
    h, w, c = shape
    if any(type(size) is not int for size in shape) or not (1 <= h <= MAX_IMAGE_SIDE and 1 <= w <= MAX_IMAGE_SIDE):
        raise SpecError(f"Images must be 1 to {MAX_IMAGE_SIDE} pixels per side. Received: {shape}.")
    if c not in (1, 3):
        raise SpecError(f"Images must have 1 (gray) or 3 (RGB) channels. Received: {c}.")


def _field_after(layer: Layer, shape: Shape, fields: Sequence[Fields | None]) -> Fields | None:
    """The receptive field of a layer's output: what it sees of any of its inputs."""
    known = [field for field in fields if field is not None]
    if len(known) < len(fields) or len(shape) != 3:
        return None
    rows, columns = (_union([field[axis] for field in known], shape[axis]) for axis in (0, 1))
    return layer.receptive_field(shape, (rows, columns))


def _union(fields: Sequence[ReceptiveField], outputs: int) -> ReceptiveField:
    """The smallest field that covers the given ones at each of the outputs.

    Branches usually step alike; where they do not, the field is that of the largest step, wide enough for all.
    """
    jump = max(field.jump for field in fields)
    ends = (0, outputs - 1)
    start = min(field.start + (field.jump - jump) * at for field in fields for at in ends)
    stop = max(field.start + field.size + (field.jump - jump) * at for field in fields for at in ends)
    return ReceptiveField(size=stop - start, jump=jump, start=start)
