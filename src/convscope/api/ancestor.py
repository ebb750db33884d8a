"""Start a training from the weights of an earlier run instead of from random ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convscope.api.run import Run
from convscope.data.dataset import Dataset
from convscope.decisions import Decision
from convscope.errors import OptionError
from convscope.model.forward import Weights
from convscope.model.layers.dense import Dense
from convscope.model.model_file import Model, weights_sha256
from convscope.model.spec import Spec


@dataclass(frozen=True, eq=False)
class Ancestor:
    """What a training takes over from an earlier run.

    Attributes:
        spec: The network: the earlier one, with as many outputs as the data have classes.
        weights: By full name, float32; what is not in it starts from random values.
        record: For the record of the new run: ``run``, ``weights_sha256``, ``epochs`` so far, and what was taken over.
    """

    spec: Spec
    weights: Weights
    record: dict[str, Any]

    @property
    def decision(self) -> Decision:
        """What was taken over, and why."""
        return Decision("initial weights", str(self.record["taken_over"]), str(self.record["because"]))


def descend(run: Run, dataset: Dataset, *, spec: Spec | None = None) -> Ancestor:
    """Take over the weights of a run for training on a dataset.

    Layers are matched by name and shape. With the same classes, in whatever order, the last layer is kept too; with
    other classes it is new.

    Args:
        run: The earlier run.
        dataset: The training data, in the input shape of the run's network.
        spec: The network to train; None takes the run's.

    Raises:
        OptionError: The images do not have the network's input shape, or nothing can be taken over.
    """
    model = run.model
    if dataset.image_shape != model.spec.input_shape:
        raise OptionError(
            f"Expected images of the shape {model.spec.input_shape} of the network in {run.folder}. Received: "
            f"{dataset.image_shape} from {dataset.source}.",
            hint="Load the data with its size and channels.",
        )
    spec = spec or with_outputs(model.spec, dataset.num_classes)
    shapes = spec.weight_shapes()
    last = _last_dense(model.spec).name
    kept: dict[str, np.ndarray] = {
        name: value
        for name, value in model.weights.items()
        if shapes.get(name) == value.shape and not name.startswith(f"{last}/")
    }
    same_classes = set(model.class_names) == set(dataset.class_names) and _last_dense(spec).name == last
    if same_classes:
        kept |= _permuted(model, last, dataset.class_names)
    if not kept:
        raise OptionError(
            f"Expected a network with layers like those in {run.folder}. Received: none of the same shape."
        )
    whole = len(kept) == len(shapes)
    chosen = f"the weights of {run.name}" if whole else f"{len(kept)} of {len(shapes)} weight arrays of {run.name}"
    because = (
        "the same layers and classes" if whole else "the other layers or classes differ and start from random weights"
    )
    record = {
        "run": run.name,
        "weights_sha256": weights_sha256(model.weights),
        "epochs": _epochs(run),
        "taken_over": chosen,
        "because": because,
    }
    return Ancestor(spec, kept, record)


def with_outputs(spec: Spec, num_classes: int) -> Spec:
    """The network with another number of outputs.

    Raises:
        OptionError: Its last layer with weights is not Dense.
    """
    last = _last_dense(spec)
    layers = [replace(row.layer, units=num_classes) if row.name == last.name else row.layer for row in spec.table()]
    return replace(spec, layers=tuple(layers))


def _last_dense(spec: Spec) -> Any:
    row = next((row for row in reversed(spec.table()) if row.parameters), None)
    if row is None or not isinstance(row.layer, Dense):
        raise OptionError("Expected a network whose last layer with weights is Dense. Received: another one.")
    return row


def _permuted(model: Model, last: str, class_names: Sequence[str]) -> dict[str, np.ndarray]:
    """The weights of the last layer with its outputs in another order of the classes."""
    order = [model.class_names.index(name) for name in class_names]
    return {name: value[..., order] for name, value in model.weights.items() if name.startswith(f"{last}/")}


def _epochs(run: Run) -> float | None:
    """The epochs that went into the weights, over all generations; None if they are not known."""
    own = run.record.history[-1].epoch if run.record.history else None
    before = run.record.network.get("ancestor")
    earlier = before.get("epochs") if isinstance(before, dict) else 0.0
    return own + earlier if own is not None and isinstance(earlier, int | float) else own
