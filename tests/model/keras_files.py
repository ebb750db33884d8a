"""Keras models as people save them, and copies of their files that lie."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


@cache
def models() -> dict[str, Callable[[], Any]]:
    """One maker for each way to build a network of the vocabulary."""
    from convscope.model.tensorflow import keras

    of = keras.layers

    def stack(*layers: Any, shape: tuple[int, ...] = (12, 12, 1)) -> Callable[[], Any]:
        return lambda: keras.Sequential([keras.Input(shape), *layers])

    def functional(body: Callable[[Any], Any]) -> Callable[[], Any]:
        def make() -> Any:
            image = keras.Input((12, 12, 3))
            return keras.Model(image, of.Dense(3, activation="softmax")(of.Flatten()(body(image))))

        return make

    def shortcut(x: Any) -> Any:
        x = of.BatchNormalization()(of.Conv2D(4, 3, name="first-conv")(x))
        y = of.Dropout(0.2)(of.Conv2D(4, 3, padding="same", activation="relu")(of.ReLU()(x)), training=False)
        return of.ReLU()(of.Add()([of.BatchNormalization(name="conv2d")(y), x, of.Conv2D(4, 1)(x)]))

    head = lambda *words: [of.Flatten(), of.Dense(3, *words)]  # noqa: E731
    return {
        "the tutorial's": stack(
            of.Conv2D(4, 3, activation="relu"), of.Conv2D(5, 3), of.ReLU(), of.MaxPooling2D(), of.Dropout(0.33),
            *head("softmax"),
        ),
        "pixels rescaled": stack(of.Rescaling(1 / 255), of.Conv2D(3, 3, padding="same"), *head("softmax")),
        "pixels to -1..1, padded": stack(
            of.Rescaling(1 / 127.5, offset=-1), of.Conv2D(3, 3, padding="same"), *head("softmax"), shape=(9, 11, 3)
        ),
        "rescaled twice": stack(of.Rescaling(1 / 255), of.Rescaling(2.0, offset=-1.0), *head("softmax")),
        "logits": stack(of.Conv2D(3, 3, strides=2, use_bias=False), *head()),
        "softmax as a layer": stack(*head(), of.Softmax()),
        "softmax as an activation": stack(*head(), of.Activation("softmax")),
        "batch normalisation": stack(
            of.Conv2D(4, 3, use_bias=False), of.BatchNormalization(), of.Activation("relu"), of.AveragePooling2D(2),
            of.BatchNormalization(scale=False), *head("softmax"),
        ),
        "depthwise and separable": stack(
            of.DepthwiseConv2D(3, depth_multiplier=2), of.SeparableConv2D(6, 3, padding="same"),
            of.GlobalAveragePooling2D(), of.Dense(3, activation="softmax"), shape=(12, 12, 3),
        ),
        "groups and dilation": stack(
            of.Conv2D(4, 1), of.Conv2D(4, 3, groups=2, dilation_rate=2), of.MaxPooling2D(3, 2, "same"),
            *head("softmax"),
        ),
        "idle layers": stack(
            of.RandomFlip("horizontal"), of.Conv2D(3, 3), of.SpatialDropout2D(0.1), of.GaussianNoise(0.2),
            *head("softmax"),
        ),
        "rescaled in the middle": stack(of.Conv2D(3, 3), of.Rescaling(0.5, offset=1.0), *head("softmax")),
        "the newer kinds": stack(
            of.ZeroPadding2D(((1, 0), (2, 3))), of.Conv2D(4, 3), of.LayerNormalization(), of.LeakyReLU(0.1),
            of.GlobalMaxPooling2D(), of.Dense(3, activation="softmax"), shape=(12, 12, 3),
        ),
        "no channel, flattened": stack(of.Flatten(), of.Dense(4, activation="gelu"), of.Dense(3), shape=(12, 12)),
        "no channel, reshaped": stack(
            of.Rescaling(1 / 255), of.Reshape((12, -1, 1)), of.Conv2D(4, 3), *head("softmax"), shape=(12, 12)),
        "augmentation as a model": stack(keras.Sequential([of.RandomRotation(0.1)]), of.Conv2D(4, 3), *head("softmax")),
        "models in a model": stack(
            keras.Sequential([of.Conv2D(4, 3), of.BatchNormalization()]), keras.Sequential([of.Conv2D(3, 3)]),
            of.Conv2D(2, 3), *head("softmax")),
        "one sigmoid": stack(of.Conv2D(4, 3, activation="mish"), of.Flatten(), of.Dense(1, activation="sigmoid")),
        "branches side by side": functional(
            lambda x: of.Concatenate()([of.Conv2D(4, 3, padding="same")(x), of.Conv2D(2, 1)(x), x])),
        "a functional line": functional(lambda x: of.Conv2D(4, 3)(of.Rescaling(1 / 255)(x))),
        "a shortcut": functional(shortcut),
        "a shortcut from the image": functional(lambda x: of.Add()([of.Conv2D(3, 3, padding="same")(x), x])),
        "a rescaled image with a shortcut": functional(
            lambda x: shortcut(of.Rescaling(1 / 255)(of.RandomFlip("horizontal")(x)))),
        "ten of a kind": stack(*[of.Conv2D(3, 2) for _ in range(10)], *head("softmax")),
    }  # fmt: skip


def save(model: Any, path: Path, *, seed: int = 0) -> Path:
    """Give every weight a value of its own, and save as people do."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        for variable in layer.weights:
            if "seed" not in variable.path:
                spread = rng.standard_normal(variable.shape) * 0.3
                variable.assign(np.abs(spread) + 0.5 if "variance" in variable.path else spread)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(path)
    return path


def repack(content: bytes, *, form: int = zipfile.ZIP_STORED, **changes: bytes | None) -> bytes:
    """The archive with other members; None leaves one out. Names: metadata, config, weights, or as given."""
    names = {"metadata": MEMBERS[0], "config": MEMBERS[1], "weights": MEMBERS[2]}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members: dict[str, bytes | None] = {name: archive.read(name) for name in MEMBERS}
    members |= {names.get(key, key): value for key, value in changes.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", form) as archive:
        for name, value in members.items():
            if value is not None:
                archive.writestr(name, value)
    return out.getvalue()


def with_config(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The archive with another config.json."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        config = json.loads(archive.read("config.json"))
    change(config)
    return repack(content, config=json.dumps(config).encode())


def weights_of(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("model.weights.h5")


def with_h5(content: bytes, change: Callable[[Any], None]) -> bytes:
    """The archive with its weights changed by h5py, which only tests use."""
    import h5py

    stream = io.BytesIO(weights_of(content))
    with h5py.File(stream, "a") as file:
        change(file)
    return repack(content, weights=stream.getvalue())
