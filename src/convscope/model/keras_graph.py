"""The layers of a Keras config and their connections, in the words of every version: nothing is looked up. Light."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from convscope.errors import ModelFileError
from convscope.model.keras_vocabulary import IDLE, KINDS
from convscope.model.spec import INPUT, MAX_LAYERS, default_name

LAYOUTS = (("layers", 1), ("_layer_checkpoint_dependencies", 1), ("_layer_checkpoint_dependencies", 2))
"""How model.weights.h5 names the groups of layers: the group around them, and how often one with weights is counted.

The first is that of Keras 2.15 and 3, the second that of Keras 2.14, the third that of Keras 2.12 and 2.13.
"""

MAX_DEPTH = 2
MAX_NAME = 200

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One layer of a config.

    Attributes:
        kind: Keras's class name, one that we know.
        values: Its arguments, not checked.
        where: ``layer 3``, for messages.
        name: Unique in its network.
        inputs: The names of the layers that it takes; `INPUT` is the image.
        groups: Where model.weights.h5 keeps its weights, for each of `LAYOUTS`.
        owners: Keras's names of the layer and of the models that it is in, outermost first; .h5 files use them.
    """

    kind: str
    values: Mapping[str, Any]
    where: str
    name: str
    inputs: tuple[str, ...]
    groups: tuple[str, ...]
    owners: tuple[str, ...]


def check_entry(entry: object, where: str) -> Raw:
    """One layer, if its class is one of Keras's own and not another class of that name.

    Raises:
        ModelFileError: It is none, or is not read.
    """
    kind = entry.get("class_name") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(kind, str) or not isinstance(entry.get("config"), dict):
        raise ModelFileError(f"{where} is not the description of a layer.")
    modules = ("keras", "keras.models") if kind == "Sequential" else ("keras.layers",)
    is_own = entry.get("registered_name") in (None, kind) and entry.get("module", modules[0]) in modules
    if not is_own or kind not in (*KINDS, *IDLE, "InputLayer"):
        raise ModelFileError(
            f"{where} is {ascii(kind)[:60]} of {ascii(entry.get('module'))[:60]}, which convscope does not have.",
            hint=f"It reads {', '.join(KINDS)}.",
        )
    if kind == "Sequential":
        layers_of(entry["config"], where)
    return entry


def layers_of(inner: object, where: str = "its config") -> list[Any]:
    """The list of layers in a model's config.

    Raises:
        ModelFileError: It has none, or too many.
    """
    entries = inner.get("layers") if isinstance(inner, dict) else None
    if not isinstance(entries, list) or not 1 <= len(entries) <= 2 * MAX_LAYERS:
        raise ModelFileError(f"{where} must have a list of 1 to {2 * MAX_LAYERS} layers.")
    return entries


def chained(raw: Sequence[Any]) -> list[Entry]:
    """The layers of a Sequential model: each takes the one before."""
    found: list[Entry] = []
    for where, entry, groups in _placed(raw, "", ("",) * len(LAYOUTS)):
        found += _inlined(entry, where, _own_name(entry), (found[-1].name if found else INPUT,), groups, ())
        _check_count(found)
    return found


def connected(inner: Raw) -> list[Entry]:
    """The layers of a functional model, each with the layers that it takes.

    Raises:
        ModelFileError: It has several inputs or outputs, or a layer that is called more than once.
    """
    placed = list(_placed(inner["layers"], "", ("",) * len(LAYOUTS)))
    entries = [entry for _, entry, _ in placed]
    images = [entry.get("name") for entry in entries if entry["class_name"] == "InputLayer"]
    if len(images) != 1 or not isinstance(images[0], str) or _ends(inner.get("input_layers")) != images:
        raise ModelFileError("Expected a model with one input, the image.", hint="Save a model with one keras.Input.")
    if entries[0]["class_name"] != "InputLayer" or _ends(inner.get("output_layers")) != [entries[-1].get("name")]:
        raise ModelFileError("Expected a model with one output, its last layer.", hint="Save a model with one output.")
    names = {images[0]: INPUT}
    models = {entry.get("name") for entry in entries if entry["class_name"] == "Sequential"}
    found: list[Entry] = []
    for where, entry, groups in placed[1:]:
        name = entry.get("name")
        if not isinstance(name, str):
            raise ModelFileError(f"{where} ({entry['class_name']}) has no name.")
        if name in names:
            raise ModelFileError("its layers must have different names.")
        inputs = tuple(names.get(one, f"of {one}") for one in _inbound(entry, where, models))
        inlined = _inlined(entry, where, name, inputs, groups, ())
        names[name] = inlined[-1].name if inlined else inputs[0]
        found += inlined
        _check_count(found)
    return found


def without_idle(entries: Sequence[Entry]) -> tuple[list[Entry], tuple[str, ...]]:
    """The layers that compute something, and the kinds of those that are active in training only."""
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


def has_weights(kind: str, values: Mapping[str, Any]) -> bool:
    """Whether Keras keeps numbers for a layer."""
    if kind == "Sequential":
        return any(has_weights(*_kind_and_values(entry)) for entry in layers_of(values))
    if kind == "Normalization":
        return values.get("mean") is None
    if kind == "LayerNormalization":
        return bool(values.get("scale", True) or values.get("center", True))
    return kind in ("BatchNormalization", "Conv2D", "Dense", "DepthwiseConv2D", "SeparableConv2D")


def _kind_and_values(entry: object) -> tuple[str, Mapping[str, Any]]:
    checked = check_entry(entry, "a layer of the model")
    return checked["class_name"], checked["config"]


def _placed(raw: Sequence[Any], within: str, parents: Sequence[str]) -> Iterator[tuple[str, Raw, tuple[str, ...]]]:
    """Each layer with its position in words, and its group in each of `LAYOUTS`.

    A group is named after the class, and numbered.
    """
    counts = [Counter[str]() for _ in LAYOUTS]
    for index, one in enumerate(raw):
        where = f"layer {index + 1}{within}"
        entry = check_entry(one, where)
        kind, groups = entry["class_name"], []
        is_counted_again = has_weights(kind, entry["config"])
        for parent, (container, times), count in zip(parents, LAYOUTS, counts, strict=True):
            groups.append(f"{parent}{container}/{default_name(kind, count)}")
            for _ in range(times - 1 if is_counted_again else 0):
                default_name(kind, count)
        yield where, entry, tuple(groups)


def _inlined(
    entry: Raw, where: str, name: str, inputs: tuple[str, ...], groups: tuple[str, ...], outer: tuple[str, ...]
) -> list[Entry]:
    """A layer; or the layers of a Sequential model that stands in its place."""
    kind, owners = entry["class_name"], (*outer, _own_name(entry))
    if kind == "InputLayer":
        return []
    if kind != "Sequential":
        unique = "/".join((*outer, name))
        return [Entry(kind, entry["config"], where, f"of {unique} {groups[0]}", inputs, groups, owners)]
    if len(owners) > MAX_DEPTH:
        raise ModelFileError(f"{where} has models inside each other, more than {MAX_DEPTH} deep.")
    found: list[Entry] = []
    below = [f"{group}/" for group in groups]
    for inner_where, inner, inner_groups in _placed(layers_of(entry["config"], where), f" of {where}", below):
        before = (found[-1].name,) if found else inputs
        found += _inlined(inner, inner_where, _own_name(inner), before, inner_groups, owners)
    return found


def _own_name(entry: Raw) -> str:
    name = entry["config"].get("name", entry.get("name"))
    return name[:MAX_NAME] if isinstance(name, str) else ""


def _check_count(found: Sequence[Entry]) -> None:
    if len(found) > 2 * MAX_LAYERS:
        raise ModelFileError(f"its config must have a list of 1 to {2 * MAX_LAYERS} layers.")


def _ends(value: object) -> list[object]:
    """The layers of ``["a", 0, 0]`` or ``[["a", 0, 0]]``."""
    ends = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
    return [one[0] if isinstance(one, list) and len(one) == 3 and one[1:] == [0, 0] else None for one in ends]


def _inbound(entry: Raw, where: str, models: Collection[object]) -> list[str]:
    """The names of the layers that a layer is called with, once.

    A model inside the model was called before, with its own input: there Keras 2 counts the calls from 1.
    """
    nodes = entry.get("inbound_nodes")
    call = nodes[0] if isinstance(nodes, list) and len(nodes) == 1 else None
    histories, options = _call_of_keras_2(call) if isinstance(call, list) else _call_of_keras_3(call)
    inert = (None, False, True) if entry["class_name"] in IDLE else (None, False)  # Keras writes training=True there
    is_plain = isinstance(options, dict) and all(
        any(value is one for one in (inert if key == "training" else (None,))) for key, value in options.items()
    )
    is_called = 1 <= len(histories) <= MAX_LAYERS and all(
        isinstance(one, list)
        and len(one) == 3
        and type(one[0]) is str
        and (one[1:] == [0, 0] or (one[1:] == [1, 0] and one[0] in models))
        for one in histories
    )
    if not is_called or not is_plain:
        raise ModelFileError(f"{where} must be called once, on outputs of other layers.")
    return [one[0] for one in histories]


def _call_of_keras_3(call: object) -> tuple[list[Any], object]:
    """The histories of the tensors in ``{"args": [tensor, …], "kwargs": {…}}``, and the options."""
    given, options = (call.get("args"), call.get("kwargs")) if isinstance(call, dict) else (None, None)
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
        given = given[0]
    tensors = given if isinstance(given, list) else []
    inner = [tensor.get("config") if isinstance(tensor, dict) else None for tensor in tensors]
    return [one.get("keras_history") if isinstance(one, dict) else None for one in inner], options


def _call_of_keras_2(call: list[Any]) -> tuple[list[Any], object]:
    """The same of ``[[name, 0, 0, {…}], …]``; the options stand at the first tensor."""
    parts = [one if isinstance(one, list) and len(one) in (3, 4) else [None] for one in call]
    options = [one[3] for one in parts if len(one) == 4 and one[3] != {}]
    return [one[:3] for one in parts], options[0] if len(options) == 1 else {} if not options else None
