"""The config of a Keras model as a ``Spec``: nothing in it is imported, looked up or executed. Light."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

from convscope.errors import ModelFileError, SpecError
from convscope.model.layers import LAYERS
from convscope.model.layers.activation import Activation
from convscope.model.layers.dense import Dense
from convscope.model.layers.layer import Layer
from convscope.model.layers.softmax import Softmax
from convscope.model.spec import INPUT, MAX_LAYERS, Node, Spec, default_name
from convscope.model.spec_parser import make_layer

IDLE = (
    "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "ActivityRegularization", "RandomFlip", "RandomRotation",
    "RandomTranslation", "RandomZoom", "RandomShear", "RandomBrightness", "RandomContrast",
)  # fmt: skip
"""Layers that are active in training only; they are skipped, which changes no prediction."""

_INERT = {"name", "trainable", "dtype", "seed", "noise_shape", "build_config", "synchronized", "batch_input_shape"}
_INERT |= {"kernel_initializer", "renorm_clipping", "renorm_momentum"}
_INERT_ENDS = ("_initializer", "_regularizer", "_constraint")
_DEFAULTS: dict[str, tuple[object, ...]] = {
    "data_format": ("channels_last", None),
    "quantization_config": (None,),
    "lora_rank": (None,),
    "lora_alpha": (None,),
}
"""Arguments of many Keras layers that ours lack, each with the values at which it changes nothing."""

_MODULES = {
    "Sequential": ("keras", "keras.models"),
    "Functional": ("keras", "keras.models", "keras.src.models.functional"),
}


@dataclass(frozen=True)
class Entry:
    """One layer of a config.

    Attributes:
        kind: Keras's class name, one that we know.
        values: Its arguments, not checked.
        where: ``layer 3``, for messages.
        name: The layer's name in the config.
        inputs: The names of the layers that it takes; `INPUT` is the image.
        group: Where model.weights.h5 keeps its weights.
    """

    kind: str
    values: Mapping[str, Any]
    where: str
    name: str
    inputs: tuple[str, ...]
    group: str


@dataclass(frozen=True)
class KerasNetwork:
    """What a config describes.

    Attributes:
        spec: The network, without the rescaling at its input.
        groups: For each layer of ``spec`` where model.weights.h5 keeps its weights.
        scale: The first layers turn an input x into ``scale * x + offset``; None without a rescaling.
        offset: See ``scale``.
        is_logits: Whether the last layer had no softmax, which ``spec`` adds.
        idle: Skipped layers, by Keras's names.
    """

    spec: Spec
    groups: tuple[str, ...]
    scale: float | None
    offset: float
    is_logits: bool
    idle: tuple[str, ...]


def read_config(config: object) -> KerasNetwork:
    """Read the config of a Sequential model, or of a functional one from one image to one output.

    Raises:
        ModelFileError: It has a layer, an argument or a shape that is not supported; the message names the layer.
        SpecError: The layers do not fit together.
    """
    inner, is_graph = _model(config)
    entries = [_entry(one, index) for index, one in enumerate(inner["layers"])]
    shape = _input_shape(inner, entries[0])
    entries = _connected(inner, entries) if is_graph else _chained(entries)
    entries, idle = _without_idle(entries)
    entries, scale, offset = _without_rescaling(entries)
    if not entries:
        raise ModelFileError("its network has no layer that convscope knows.")
    layers = [_layer(entry) for entry in entries]
    is_logits = layers[-1].activation_name != "softmax"
    nodes = _nodes(entries)
    if is_logits:
        _check_gives_logits(layers[-1])
        layers.append(Softmax())
        nodes.append(Node("softmax", (nodes[-1].name,)))
    name = inner.get("name")
    spec = Spec(shape, tuple(layers), name if isinstance(name, str) else "network", tuple(nodes))
    groups = (*(entry.group for entry in entries), *([""] if is_logits else []))
    return KerasNetwork(spec, groups, scale, offset, is_logits, idle)


def _model(config: object) -> tuple[dict[str, Any], bool]:
    """The inner config of the model, and whether it is a graph."""
    kind = config.get("class_name") if isinstance(config, dict) else None
    known = _MODULES.get(kind) if isinstance(kind, str) else None
    if not isinstance(config, dict) or known is None or config.get("module", "keras") not in known:
        raise ModelFileError(
            f"Expected a Sequential or functional model. Received: {ascii(kind)[:60]}.",
            hint="Rebuild the model with keras.Sequential or keras.Model(inputs, outputs).",
        )
    inner = config.get("config")
    entries = inner.get("layers") if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or not isinstance(entries, list) or not 1 <= len(entries) <= 2 * MAX_LAYERS:
        raise ModelFileError(f"its config must have a list of 1 to {2 * MAX_LAYERS} layers.")
    return inner, kind == "Functional"


def _entry(entry: object, index: int) -> dict[str, Any]:
    """One layer, if its class is one of Keras's own and not another class of that name."""
    where = f"layer {index + 1}"
    kind = entry.get("class_name") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(kind, str) or not isinstance(entry.get("config"), dict):
        raise ModelFileError(f"{where} is not the description of a layer.")
    is_own = entry.get("registered_name") in (None, kind) and entry.get("module", "keras.layers") == "keras.layers"
    if not is_own or kind not in (*LAYERS, *IDLE, "InputLayer"):
        raise ModelFileError(
            f"{where} is {ascii(kind)[:60]} of {ascii(entry.get('module'))[:60]}, which convscope does not have.",
            hint=f"It reads {', '.join(LAYERS)}.",
        )
    return entry


def _input_shape(inner: Mapping[str, Any], first: Mapping[str, Any]) -> tuple[int, int, int]:
    shape = first["config"].get("batch_shape") or inner.get("build_input_shape")
    sizes = shape[1:] if isinstance(shape, list) and len(shape) == 4 else []
    if len(sizes) != 3 or any(type(size) is not int for size in sizes):
        raise ModelFileError(
            f"Expected images of fixed size: rows, columns, channels. Received: {ascii(shape)[:60]}.",
            hint="Begin the model with keras.Input((rows, columns, channels)).",
        )
    return sizes[0], sizes[1], sizes[2]


def _chained(entries: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """The layers of a Sequential model: each takes the one before."""
    counts: Counter[str] = Counter()
    found: list[Entry] = []
    for index, entry in enumerate(entries):
        kind, before = entry["class_name"], found[-1].name if found else INPUT
        group = default_name(kind, counts)
        if kind != "InputLayer":
            found.append(Entry(kind, entry["config"], f"layer {index + 1}", str(index), (before,), group))
    return found


def _connected(inner: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """The layers of a functional model, each with the layers that it takes."""
    counts: Counter[str] = Counter()
    images = [entry.get("name") for entry in entries if entry["class_name"] == "InputLayer"]
    if len(images) != 1 or not isinstance(images[0], str) or _ends(inner.get("input_layers")) != images:
        raise ModelFileError("Expected a model with one input, the image.", hint="Save a model with one keras.Input.")
    if entries[0]["class_name"] != "InputLayer" or _ends(inner.get("output_layers")) != [entries[-1].get("name")]:
        raise ModelFileError("Expected a model with one output, its last layer.", hint="Save a model with one output.")
    found = []
    for index, entry in enumerate(entries):
        kind, name, where = entry["class_name"], entry.get("name"), f"layer {index + 1}"
        group = default_name(kind, counts)
        if not isinstance(name, str):
            raise ModelFileError(f"{where} ({kind}) has no name.")
        if kind != "InputLayer":
            inputs = tuple(INPUT if one == images[0] else f"of {one}" for one in _inbound(entry, where))
            found.append(Entry(kind, entry["config"], where, f"of {name}", inputs, group))
    return found


def _ends(value: object) -> list[object]:
    """The layers of ``["a", 0, 0]`` or ``[["a", 0, 0]]``."""
    ends = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
    return [one[0] if isinstance(one, list) and len(one) == 3 and one[1:] == [0, 0] else None for one in ends]


def _inbound(entry: Mapping[str, Any], where: str) -> list[str]:
    """The names of the layers that a layer is called with, once."""
    nodes = entry.get("inbound_nodes")
    call = nodes[0] if isinstance(nodes, list) and len(nodes) == 1 and isinstance(nodes[0], dict) else {}
    given, options = call.get("args"), call.get("kwargs")
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
        given = given[0]
    inert = (None, False, True) if entry["class_name"] in IDLE else (None, False)  # Keras writes training=True there
    is_plain = isinstance(options, dict) and all(
        any(value is one for one in (inert if key == "training" else (None,))) for key, value in options.items()
    )
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_LAYERS or not is_plain:
        raise ModelFileError(f"{where} must be called once, on outputs of other layers.")
    names = []
    for tensor in given:
        inner = tensor.get("config") if isinstance(tensor, dict) else None
        history = inner.get("keras_history") if isinstance(inner, dict) else None
        if not isinstance(history, list) or len(history) != 3 or history[1:] != [0, 0] or type(history[0]) is not str:
            raise ModelFileError(f"{where} must be called once, on outputs of other layers.")
        names.append(history[0])
    return names


def _without_idle(entries: Sequence[Entry]) -> tuple[list[Entry], tuple[str, ...]]:
    """The layers that compute something, and the kinds of those that do not."""
    kept, idle = [], []
    stands_for: dict[str, str] = {}
    for entry in entries:
        inputs = tuple(stands_for.get(name, name) for name in entry.inputs)
        if entry.kind in IDLE:
            if len(inputs) != 1:
                raise ModelFileError(f"{entry.where} ({entry.kind}) must have one input.")
            idle.append(entry.kind)
            stands_for[entry.name] = inputs[0]
        else:
            kept.append(replace(entry, inputs=inputs))
    return kept, tuple(idle)


def _without_rescaling(entries: list[Entry]) -> tuple[list[Entry], float | None, float]:
    """The layers after the rescaling of the image, and what that rescaling does.

    It is not kept as a layer: together with the range of the pixels it becomes the input range of the run.
    """
    scale, offset, source = None, 0.0, INPUT
    while entries and _is_rescaling(entries[0], source) and sum(source in entry.inputs for entry in entries) == 1:
        first = entries.pop(0)
        by, plus = (_number(first, key) for key in ("scale", "offset"))
        scale, offset, source = by * (1.0 if scale is None else scale), by * offset + plus, first.name
    renamed = [
        replace(entry, inputs=tuple(INPUT if name == source else name for name in entry.inputs)) for entry in entries
    ]
    return renamed, scale, offset


def _is_rescaling(entry: Entry, source: str) -> bool:
    return entry.kind == "Rescaling" and entry.inputs == (source,)


def _number(entry: Entry, key: str) -> float:
    value = entry.values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e6:
        raise ModelFileError(f"{entry.where} (Rescaling): {key} must be a number. Received: {ascii(value)[:60]}.")
    return float(value)


def _layer(entry: Entry) -> Layer:
    layer, where = LAYERS[entry.kind], f"{entry.where} ({entry.kind})"
    names = {field.name: field.default for field in fields(layer)}
    defaults = _DEFAULTS | dict(layer.keras_defaults)
    given: dict[str, object] = {}
    for key, value in entry.values.items():
        if key in names and key != "kernel_initializer":
            given[key] = "linear" if key == "activation" and value is None else value
        elif key in defaults:
            if not any(type(value) is not bool or type(only) is bool for only in defaults[key] if value == only):
                raise ModelFileError(f"{where}: {key}={ascii(value)[:40]} is not supported.")
        elif key not in _INERT and not key.endswith(_INERT_ENDS):
            raise ModelFileError(f"{where}: convscope does not know the argument {ascii(key)[:60]}.")
    missing = [name for name, default in names.items() if default is MISSING and name not in given]
    if missing:
        raise ModelFileError(f"{where} lacks {', '.join(missing)}.")
    try:
        return make_layer(layer, given)
    except SpecError as error:
        raise ModelFileError(f"{where}: {error}") from None


def _nodes(entries: Sequence[Entry]) -> list[Node]:
    """Names as Keras gives them, and inputs by these names."""
    counts: Counter[str] = Counter()
    names = {INPUT: INPUT} | {entry.name: default_name(entry.kind, counts) for entry in entries}
    nodes = []
    for index, entry in enumerate(entries):
        known = {INPUT, *(one.name for one in entries[:index])}
        if not known.issuperset(entry.inputs):
            raise ModelFileError(f"{entry.where} takes the output of a layer that does not come before it.")
        nodes.append(Node(names[entry.name], tuple(names[name] for name in entry.inputs)))
    if len(names) != len(entries) + 1:
        raise ModelFileError("its layers must have different names.")
    return nodes


def _check_gives_logits(last: Layer) -> None:
    if not isinstance(last, Dense | Activation) or last.activation != "linear":
        raise ModelFileError(
            f"Expected one number for each class, as probabilities or logits. Received: {ascii(last)[:100]}.",
            hint="One sigmoid for two classes is not read; train with two units and softmax.",
        )
