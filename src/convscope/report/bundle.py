"""The versioned contract between Python and the page: everything the page shows, as plain JSON values.

``web/bundle.d.ts`` holds these types in TypeScript, written by ``scripts/types``. Arrays are base64 of their
little-endian bytes: weights as float32, images as uint8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import PurePath
from typing import Any, TypedDict

import numpy as np

from convscope.data.dataset import Dataset
from convscope.errors import printable
from convscope.evaluation.confusion import ConfusedPair
from convscope.evaluation.evaluation import Evaluation
from convscope.evaluation.temperature import temperature_of
from convscope.model.model_file import Model
from convscope.model.reference import Reference
from convscope.model.spec import Spec
from convscope.report.array_json import Array, array_json
from convscope.report.bundle_moments import MomentsJson, moments_json
from convscope.report.bundle_pictures import PagePictures, PicturesJson, choose_pictures, pictures_json
from convscope.report.bundle_rejection import RejectionJson, rejection_json
from convscope.report.bundle_test_map import PCA, TestMapJson, test_map_json
from convscope.report.bundle_top_images import TopImagesJson, add_pictures, top_images_json
from convscope.report.examined import examine
from convscope.report.keras_source import keras_source
from convscope.training.moments import Moments
from convscope.training.run import PATH_FROM_RUN, RunRecord

SCHEMA_VERSION = 2

CLAIMED_PAIRS = ((0, 6), (4, 9))
"""The pairs that "Convolutional Neural Networks With TensorFlow" calls confused; tested for every digit classifier."""


FEWEST_SAMPLES = 500
"""From so many values of a layer on, the page compares a part of them."""


class ReceptiveFieldJson(TypedDict):
    """As `arithmetic.ReceptiveField`, on one axis."""

    size: int
    jump: int
    start: int


class LayerJson(TypedDict):
    """One row of the shape table; an input is the name of a layer, or "input" for the image."""

    name: str
    kind: str
    config: dict[str, Any]
    inputs: list[str]
    input_shape: list[int]
    output_shape: list[int]
    parameters: int
    multiply_adds: int
    receptive_field: list[ReceptiveFieldJson] | None


class NetworkJson(TypedDict):
    """A spec with its shapes."""

    name: str
    input_shape: list[int]
    num_classes: int
    parameters: int
    multiply_adds: int
    layers: list[LayerJson]


class ReferenceJson(TypedDict):
    """What another engine computed for a few images; `model.reference` defines which values are sampled."""

    engine: str
    images: Array
    logits: Array
    samples: dict[str, Array]


class CrossValidationJson(TypedDict):
    """With ``folds``: the accuracy of all images, each by a network that was trained without it."""

    folds: int
    accuracy: dict[str, Any]


class Bundle(TypedDict):
    """Everything the page shows."""

    schema_version: int
    convscope: str
    title: str
    network: NetworkJson
    class_names: list[str]
    preprocessing: dict[str, Any]
    temperature: float
    weights: dict[str, Array]
    reference: ReferenceJson
    pictures: PicturesJson
    rejection: RejectionJson | None
    test_map: TestMapJson | None
    top_images: dict[str, TopImagesJson]
    moments: MomentsJson | None
    evaluation: dict[str, Any] | None
    cross_validation: CrossValidationJson | None
    reliability: dict[str, Any] | None
    claimed_pairs: list[dict[str, Any]]
    history: list[dict[str, Any]]
    training: dict[str, Any]
    keras_source: str


def make_bundle(
    model: Model,
    run: RunRecord,
    reference: Reference,
    dataset: Dataset,
    evaluation: Evaluation | None,
    *,
    part: str,
    projection: str = PCA,
    moments: Moments | None = None,
    pictures: PagePictures | None = None,
) -> Bundle:
    """Everything that the page shows, as plain values.

    Args:
        model: The network.
        run: Its record.
        reference: What TensorFlow computed for a few images.
        dataset: The images of the evaluated split.
        evaluation: The figures on these images; None for a run that was not evaluated.
        part: ``test`` or ``validation``: what the images are.
        projection: How the map of the images is made: ``pca`` or ``tsne``.
        moments: Weights kept while it was trained.
        pictures: The images of a page that shows no more than these; None chooses them, and adds the map and the images
            that excite each feature map.

    Returns:
        Plain values, ready for `json.dumps`.
    """
    chosen = pictures or choose_pictures(dataset, evaluation)
    examined = None if pictures else examine(model, dataset, chosen)
    if examined:
        chosen = add_pictures(examined, dataset, chosen)
    return Bundle(
        schema_version=SCHEMA_VERSION,
        convscope=str(model.provenance.get("convscope", "")),
        title=printable(run.name),
        network=network_json(model.spec),
        class_names=list(model.class_names),
        preprocessing=dict(model.preprocessing),
        temperature=float(temperature_of(model.calibration)),
        weights={name: array_json(value) for name, value in model.weights.items()},
        reference=_reference_json(reference),
        pictures=pictures_json(model, dataset, chosen, part=part),
        rejection=rejection_json(model, dataset.pixels[chosen.all]),
        test_map=test_map_json(examined, dataset, projection=projection) if examined else None,
        top_images=top_images_json(examined, model.spec, chosen) if examined else {},
        moments=moments_json(model, moments, dataset),
        evaluation=_evaluation_json(evaluation) if evaluation else None,
        cross_validation=_cross_validation_json(run),
        reliability=_reliability_json(run),
        claimed_pairs=[pair.to_json() for pair in claimed_pairs(evaluation)] if evaluation else [],
        history=[asdict(row) for row in run.history],
        training=_training_json(run),
        keras_source=keras_source(model.spec),
    )


def _training_json(run: RunRecord) -> dict[str, Any]:
    return {
        "created": run.created,
        "outcome": run.outcome,
        "options": _options_json(run),
        "data": {key: value for key, value in run.data.items() if key != PATH_FROM_RUN},
        "environment": dict(run.environment),
        "seconds": dict(run.seconds),
        "stopped_early": run.stopped_early,
        "weights_sha256": run.weights_sha256,
    }


def _cross_validation_json(run: RunRecord) -> CrossValidationJson | None:
    if run.measured is None or run.measured[0] != "cross_validation":
        return None
    found = run.measured[1]
    return CrossValidationJson(folds=found["folds"], accuracy=found["accuracy"])


def network_json(spec: Spec) -> NetworkJson:
    """A spec and its shape table as plain values.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> network_json(load_spec("classic", input_shape=(28, 28, 1), num_classes=10))["layers"][0]["output_shape"]
        [26, 26, 64]
    """
    layers = [
        LayerJson(
            name=row.name,
            kind=row.kind,
            config=asdict(row.layer),
            inputs=list(row.inputs),
            input_shape=list(row.input_shape),
            output_shape=list(row.output_shape),
            parameters=row.parameters,
            multiply_adds=row.multiply_adds,
            receptive_field=[ReceptiveFieldJson(**asdict(axis)) for axis in row.receptive_field]
            if row.receptive_field
            else None,
        )
        for row in spec.table()
    ]
    return NetworkJson(
        name=spec.name,
        input_shape=list(spec.input_shape),
        num_classes=spec.num_classes,
        parameters=spec.parameters,
        multiply_adds=spec.multiply_adds,
        layers=layers,
    )


def claimed_pairs(evaluation: Evaluation) -> tuple[ConfusedPair, ...]:
    """The tutorial's pairs in this evaluation; none unless the classes are the ten digits."""
    if evaluation.class_names != tuple("0123456789"):
        return ()
    return tuple(pair for pair in evaluation.pairs if (pair.first, pair.second) in CLAIMED_PAIRS)


def _options_json(run: RunRecord) -> dict[str, Any]:
    """The options, with names instead of paths: a page that is handed round names no folder of the machine."""
    return asdict(run.options) | {"data": run.data["source"], "model": PurePath(run.options.model).name}


def _evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """Without the mistakes, which the page has as images."""
    return {key: value for key, value in evaluation.to_json().items() if key != "mistakes"}


def _reliability_json(run: RunRecord) -> dict[str, Any] | None:
    """Without the risk-coverage curve, which the page does not draw."""
    found = {key: value for key, value in (run.reliability or {}).items() if key != "risk_coverage"}
    return found or None


def _reference_json(reference: Reference) -> ReferenceJson:
    samples: Mapping[str, np.ndarray] = reference.samples
    return ReferenceJson(
        engine=reference.engine,
        images=array_json(reference.images),
        logits=array_json(reference.logits),
        samples={name: array_json(_fewer(value)) for name, value in samples.items()},
    )


def _fewer(samples: np.ndarray) -> np.ndarray:
    """Every fifth or third value of a layer, which are what `model.reference` would have sampled of so many.

    Neither 5 nor 3 divides the usual numbers of channels, so that values of all channels are left.
    """
    step = next((step for step in (5, 3) if samples.shape[1] % step == 0 and samples.shape[1] >= FEWEST_SAMPLES), 1)
    return samples[:, ::step]
