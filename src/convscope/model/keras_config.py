"""The config of a Keras model as a ``Spec``: nothing in it is imported, looked up or executed. Light."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from convscope.errors import ModelFileError, SpecError
from convscope.model.keras_graph import Entry, chained, connected, layers_of, without_idle
from convscope.model.keras_layers import Place, convert, is_adapted_normalization
from convscope.model.layers.activation import Activation
from convscope.model.layers.dense import Dense
from convscope.model.layers.layer import Layer
from convscope.model.layers.rescaling import Rescaling
from convscope.model.layers.softmax import Softmax
from convscope.model.spec import INPUT, Node, Spec, default_name
from convscope.model.window import Shape

_MODULES = {
    "Sequential": ("keras", "keras.models"),
    "Functional": (
        "keras",
        "keras.models",
        "keras.src.models.functional",
        "keras.engine.functional",  # Keras 2.12
        "keras.src.engine.functional",  # Keras 2.13 to 2.15
    ),
}
PLAIN, ADAPTED, TWO_CLASSES = "as stored", "mean and variance", "one unit for two classes"
"""How a layer's numbers are stored: `keras_weights` reads each form."""


@dataclass(frozen=True)
class Stored:
    """Where the numbers of one layer are in the file.

    Attributes:
        entry: The layer in the config; None for one that was added.
        shapes: What is stored, by our names, in Keras's order.
        form: `PLAIN`, `ADAPTED` or `TWO_CLASSES`.
    """

    entry: Entry | None
    shapes: Mapping[str, Shape]
    form: str = PLAIN


@dataclass(frozen=True)
class KerasNetwork:
    """What a config describes.

    Attributes:
        spec: The network, without the rescaling at its input.
        stored: For each layer of ``spec`` where its numbers are.
        scale: The first layers turn an input x into ``scale * x + offset``; None without a rescaling.
        offset: See ``scale``.
        is_logits: Whether the last layer had no softmax, which ``spec`` adds.
        is_sigmoid: Whether the last layer was one sigmoid unit, which ``spec`` has as a softmax over two classes.
        idle: Skipped layers, by Keras's names.
    """

    spec: Spec
    stored: tuple[Stored, ...]
    scale: float | None
    offset: float
    is_logits: bool
    is_sigmoid: bool
    idle: tuple[str, ...]


@dataclass(frozen=True)
class _Step:
    """One layer on the way to the spec, with its inputs by the names of entries."""

    entry: Entry
    layer: Layer
    inputs: tuple[str, ...]
    input_shape: Shape


def read_config(config: object, *, major: int = 3) -> KerasNetwork:
    """Read the config of a Sequential model, or of a functional one from one image to one output.

    Args:
        config: From JSON.
        major: The major version of Keras that wrote it: some words changed their meaning.

    Raises:
        ModelFileError: It has a layer, an argument or a shape that is not supported; the message names the layer.
        SpecError: The layers do not fit together.
    """
    inner, is_graph, built = _model(config)
    entries = connected(inner) if is_graph else chained(inner["layers"])
    shape, is_bare = _input_shape(inner, built)
    entries, idle = without_idle(entries)
    steps = _converted(entries, Place(major, shape, is_bare))
    steps, scale, offset = _without_rescaling(steps)
    if not steps:
        raise ModelFileError("its network has no layer that convscope knows.")
    for step in steps[:-1]:
        if step.layer.activation_name == "softmax":
            raise ModelFileError(
                f"{step.entry.where} ({step.entry.kind}) is a softmax; only the last layer may be one."
            )
    steps, is_sigmoid = _with_two_classes(steps)
    layers, nodes = [step.layer for step in steps], _nodes(steps)
    is_logits = layers[-1].activation_name != "softmax"
    stored = [_stored(step) for step in steps]
    if is_logits:
        _check_gives_logits(layers[-1])
        layers.append(Softmax())
        nodes.append(Node("softmax", (nodes[-1].name,)))
        stored.append(Stored(None, {}))
    name = inner.get("name")
    spec = Spec(shape, tuple(layers), name if isinstance(name, str) else "network", tuple(nodes))
    return KerasNetwork(spec, tuple(stored), scale, offset, is_logits, is_sigmoid, idle)


def _model(config: object) -> tuple[dict[str, Any], bool, object]:
    """The inner config of the model, whether it is a graph, and the shape that it was built for."""
    kind = config.get("class_name") if isinstance(config, dict) else None
    known = _MODULES.get(kind) if isinstance(kind, str) else None
    if not isinstance(config, dict) or known is None or config.get("module", "keras") not in known:
        raise ModelFileError(
            f"Expected a Sequential or functional model. Received: {ascii(kind)[:60]}.",
            hint="Rebuild the model with keras.Sequential or keras.Model(inputs, outputs).",
        )
    inner, built = config.get("config"), config.get("build_config")
    layers_of(inner)
    assert isinstance(inner, dict)
    return inner, kind == "Functional", built.get("input_shape") if isinstance(built, dict) else None


def _input_shape(inner: Mapping[str, Any], built: object) -> tuple[tuple[int, int, int], bool]:
    """The shape of the images, and whether they have no channel axis: then a channel of one is added."""
    given = [shape for shape in (*_stated_shapes(inner), inner.get("build_input_shape"), built) if shape is not None]
    for shape in given:
        sizes = shape[1:] if isinstance(shape, list) and len(shape) in (3, 4) else []
        if sizes and all(type(size) is int for size in sizes):
            return (sizes[0], sizes[1], sizes[2] if len(sizes) == 3 else 1), len(sizes) == 2
        if inner["layers"][0]["class_name"] == "InputLayer":  # the others say what it was built for, not what it takes
            break
    shown = given[0] if given else None
    if isinstance(shown, list) and len(shown) == 2:
        raise ModelFileError(
            f"Expected images: rows, columns, channels. Received: rows of {ascii(shown[1])[:20]} numbers.",
            hint="Begin the model with keras.Input((rows, columns, channels)) and Flatten().",
        )
    raise ModelFileError(
        f"Expected images of fixed size: rows, columns, channels. Received: {ascii(shown)[:60]}.",
        hint="Begin the model with keras.Input((rows, columns, channels)).",
    )


def _stated_shapes(inner: Mapping[str, Any]) -> Iterator[object]:
    """What the first layer says: in the word of Keras 3, then of Keras 2; a model inside the model may say it too."""
    first = inner["layers"][0]["config"]
    yield first.get("batch_shape")
    yield first.get("batch_input_shape")
    if isinstance(first.get("layers"), list) and first["layers"]:
        yield from _stated_shapes(first)


def _converted(entries: Sequence[Entry], image: Place) -> list[_Step]:
    """Each layer as ours, in order; one that changes nothing is left out."""
    outputs: dict[str, Place] = {INPUT: image}
    stands_for: dict[str, str] = {}
    steps: list[_Step] = []
    for entry in entries:
        if any(name not in outputs for name in entry.inputs):
            raise ModelFileError(f"{entry.where} takes the output of a layer that does not come before it.")
        inputs = tuple(stands_for.get(name, name) for name in entry.inputs)
        places = [outputs[name] for name in entry.inputs]
        layer = convert(entry, places[0])
        if layer is None:
            stands_for[entry.name] = inputs[0]
            is_bare = places[0].is_bare and entry.kind != "Reshape"
            outputs[entry.name] = replace(places[0], is_bare=is_bare)
            continue
        try:
            shape = layer.merge_shapes([place.shape for place in places])
            output = layer.output_shape(shape)
        except SpecError as error:
            raise ModelFileError(f"{entry.where} ({entry.kind}): {error.args[0]}", hint=error.hint) from None
        is_bare = places[0].is_bare and output == image.shape
        outputs[entry.name] = replace(image, shape=output, is_bare=is_bare)
        steps.append(_Step(entry, layer, inputs, shape))
    return steps


def _without_rescaling(steps: list[_Step]) -> tuple[list[_Step], float | None, float]:
    """The layers after the rescaling of the image, and what that rescaling does.

    It is not kept as a layer: together with the range of the pixels it becomes the input range of the run.
    """
    scale, offset, source = None, 0.0, INPUT
    while steps and steps[0].inputs == (source,) and sum(source in step.inputs for step in steps) == 1:
        first = steps[0].layer
        if not isinstance(first, Rescaling):
            break
        scale, offset = first.scale * (1.0 if scale is None else scale), first.scale * offset + first.offset
        source = steps.pop(0).entry.name
    renamed = [replace(step, inputs=tuple(INPUT if name == source else name for name in step.inputs)) for step in steps]
    return renamed, scale, offset


def _with_two_classes(steps: list[_Step]) -> tuple[list[_Step], bool]:
    """One sigmoid unit at the end becomes a softmax over two classes; several are refused."""
    last, before = steps[-1], steps[-2] if len(steps) > 1 else None
    if isinstance(last.layer, Activation) and last.layer.activation == "sigmoid" and before is not None:
        is_ending = isinstance(before.layer, Dense) and before.layer.activation == "linear"
        if is_ending and last.inputs == (before.entry.name,):
            steps = [*steps[:-2], replace(before, layer=replace(before.layer, activation="sigmoid"))]
            last = steps[-1]
    if not isinstance(last.layer, Dense) or last.layer.activation not in ("sigmoid", "linear"):
        return steps, False
    units, activation = last.layer.units, last.layer.activation
    if activation == "sigmoid" and units > 1:
        raise ModelFileError(
            f"{last.entry.where} ({last.entry.kind}) gives {units} sigmoids: labels that can hold together.",
            hint="Of classes that exclude each other, train with softmax.",
        )
    if activation == "linear" and units == 1:
        raise ModelFileError(
            f"{last.entry.where} ({last.entry.kind}) gives one number without an activation: a regression, or a logit.",
            hint="If it is the logit of two classes, add keras.layers.Activation('sigmoid') and save again.",
        )
    if activation == "linear":
        return steps, False
    two = replace(last.layer, units=2, activation="softmax")
    return [*steps[:-1], replace(last, layer=two)], True


def _stored(step: _Step) -> Stored:
    shapes = step.layer.weight_shapes(step.input_shape)
    if is_adapted_normalization(step.entry):
        has_axis = step.entry.values.get("axis", -1) not in (None, [])
        shape = step.input_shape[-1:] if has_axis else ()
        return Stored(step.entry, {"mean": shape, "variance": shape}, ADAPTED)
    if isinstance(step.layer, Dense) and step.entry.values.get("units") == 1 and step.layer.units == 2:
        return Stored(step.entry, {name: (*shape[:-1], 1) for name, shape in shapes.items()}, TWO_CLASSES)
    return Stored(step.entry, shapes)


def _nodes(steps: Sequence[_Step]) -> list[Node]:
    """Names as Keras gives them, and inputs by these names."""
    counts: Counter[str] = Counter()
    names = {INPUT: INPUT} | {step.entry.name: default_name(type(step.layer).__name__, counts) for step in steps}
    return [Node(names[step.entry.name], tuple(names[name] for name in step.inputs)) for step in steps]


def _check_gives_logits(last: Layer) -> None:
    if not isinstance(last, Dense | Activation) or last.activation != "linear":
        raise ModelFileError(
            f"Expected one number for each class, as probabilities or logits. Received: {ascii(last)[:100]}.",
            hint="End the model with Dense(num_classes, activation='softmax').",
        )
