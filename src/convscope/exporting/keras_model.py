"""A network as a Keras file and as a TensorFlow SavedModel, with uint8 images in and the temperature inside. Heavy."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from convscope.arrays import Pixels
from convscope.evaluation.temperature import temperature_of
from convscope.exporting.exporter import OUTPUTS, Runtime
from convscope.exporting.keras_score import keras_score
from convscope.exporting.score import OUTPUT, score_parts
from convscope.model.build import build, set_weights
from convscope.model.model_file import Model
from convscope.model.tensorflow import keras, tf

CHUNK = 64
METADATA_FILE = "metadata.json"


def keras_model(model: Model) -> Any:
    """A Keras model from uint8 ``(n, height, width, channels)`` to a dict of ``probabilities`` and ``logits``.

    It has Keras's own layers only, so that it loads without convscope. A network with a score for unknown images has a
    third output, ``score``, ``(n,)``.
    """
    network, parts = build(model.spec, output="logits"), score_parts(model)
    set_weights(network, model.weights)
    images = keras.Input(model.spec.input_shape, dtype="uint8", name="images")
    scaled = keras.layers.Rescaling(1 / 255, dtype="float32", name="scaled")(images)
    features = None
    if parts is None:
        computed = network(scaled)
    else:
        both = keras.Model(network.inputs[0], [network.outputs[0], network.get_layer(parts.row.name).input])
        computed, features = both(scaled)
    logits = keras.layers.Activation("linear", dtype="float32", name="logits")(computed)
    calibrated = keras.layers.Rescaling(1 / temperature_of(model.calibration), dtype="float32", name="calibrated")
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(calibrated(logits))
    outputs = {"probabilities": probabilities, "logits": logits}
    if parts is not None:
        outputs[OUTPUT] = keras_score(parts, images=scaled, features=features, logits=logits)
    return keras.Model(images, outputs, name="convscope")


def write_keras(model: Model, metadata: Mapping[str, str], path: Path) -> None:
    """Write a ``.keras`` file; it has no place for the texts."""
    keras_model(model).save(path)


def write_saved_model(model: Model, metadata: Mapping[str, str], path: Path) -> None:
    """Write a SavedModel: its signature ``serving_default`` takes ``images``; the texts are beside it as JSON."""
    exported = keras_model(model)
    given = tf.TensorSpec([None, *model.spec.input_shape], tf.uint8, name="images")

    @tf.function(input_signature=[given], autograph=False)
    def serve(images: Any) -> Any:
        return exported(images, training=False)

    holder = tf.Module()
    holder.weights = [variable.value for variable in exported.variables]  # not the model, of which Keras converts more
    with _without_generated_files():
        # AutoGraph, for which there is nothing to convert, would write a temporary file for each function.
        save = tf.autograph.experimental.do_not_convert(tf.saved_model.save)
        save(holder, str(path), signatures={"serving_default": serve.get_concrete_function()})
    (path / METADATA_FILE).write_text(json.dumps(dict(metadata), indent=1, ensure_ascii=False) + "\n", "utf-8")


@contextlib.contextmanager
def _without_generated_files() -> Iterator[None]:
    """Remove what AutoGraph writes: it does so itself as Python exits, which the program does not wait for."""
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in sys.modules.keys() - before:
            if name.startswith("__autograph_generated_file"):
                Path(sys.modules[name].__file__ or name).unlink(missing_ok=True)


def open_saved_model(path: Path, shape: tuple[int, int, int], classes: int) -> Runtime:
    """Load a SavedModel and take its signature, as TensorFlow Serving does."""
    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]

    def run(images: Pixels) -> Any:
        return serve(images=tf.constant(images))

    # the signature lives as long as what was loaded
    return Runtime(f"TensorFlow {tf.__version__}", _in_chunks(run), lambda: loaded.__dict__.clear())


def _in_chunks(compute: Any) -> Any:
    def run(images: Pixels) -> tuple[np.ndarray, ...]:
        parts = [compute(np.ascontiguousarray(images[at : at + CHUNK])) for at in range(0, len(images), CHUNK)]
        names = [name for name in OUTPUTS if name in parts[0]]
        return tuple(np.concatenate([np.asarray(part[name]) for part in parts]) for name in names)

    return run
