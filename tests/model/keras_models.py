"""Random Keras models, saved by whatever Keras runs this file, with images and what that Keras predicts for them.

    python tests/model/keras_models.py FOLDER [--count 60] [--first 0]

It needs TensorFlow only, not convscope, because it runs in environments of old versions: see proofs/keras_versions.py.
A model is a function of its number, so that each version saves the same models, except for what it does not have.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

IMAGES = 8
SPREAD = 0.05
"""The least standard deviation of a probability over the images: five hundred times what may be wrong."""

ATTEMPTS = 24
FORMATS = ("keras", "keras_v3", "h5")
"""The endings of the files that are tried; ``keras_v3`` is what Keras 2.12 calls the zip archive."""

ACTIVATIONS = (
    "relu", "relu", "linear", "elu", "selu", "gelu", "swish", "silu", "softplus", "softsign", "tanh", "sigmoid",
    "leaky_relu", "relu6", "mish", "hard_silu",
)  # fmt: skip
STARTS = (
    "none",
    "rescaling",
    "rescaling to -1..1",
    "normalization",
    "fixed normalization",
    "flip",
    "nested flip",
    "no channel",
)
ENDS = ("softmax", "softmax", "softmax layer", "softmax activation", "logits", "sigmoid", "sigmoid activation")
UNSUPPORTED = (
    "several sigmoids", "one number", "ReLU up to 5", "PReLU", "UpSampling2D", "Conv2DTranspose", "hard_sigmoid",
    "Permute", "ELU 0.5", "Multiply", "softmax inside",
)  # fmt: skip
"""What some models have that convscope does not read in every version: they must be refused by name."""


def load_keras() -> tuple[Any, str]:
    """Keras as people of this version import it, and its version."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # TensorFlow 2.19 and later cannot run some models with it
    import keras as plain
    import tensorflow as tf

    version = plain.__version__
    return (plain if version.startswith("3") else tf.keras), version


class Maker:
    """Draws one model.

    Args:
        keras: The package.
        number: The model's number, its seed.
    """

    def __init__(self, keras: Any, number: int) -> None:
        self.keras, self.of = keras, keras.layers
        self.rng = random.Random(number)
        self.numbers = np.random.default_rng(number)
        self.start = STARTS[number % len(STARTS)]
        self.end = ENDS[number % len(ENDS)]
        self.odd = UNSUPPORTED[number // 5 % len(UNSUPPORTED)] if number % 5 == 4 else ""
        self.is_graph = self.rng.random() < 0.5 or self.odd == "Multiply"
        self.low, self.high = self.rng.choice([(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
        if self.start.startswith(("rescaling", "normalization")):
            self.low, self.high = 0.0, 255.0
        self.shape = (self.rng.randint(9, 12), self.rng.randint(9, 12), self.rng.choice([1, 3]))
        if self.start == "no channel":
            self.shape = self.shape[:2]

    def images(self, n: int) -> Any:
        """Images from 0 to 1."""
        return self.numbers.random((n, *self.shape), np.float32)

    def scaled(self, images: Any) -> Any:
        """Images in the range that the model takes."""
        return (self.low + (self.high - self.low) * images).astype(np.float32)

    def model(self) -> Any:
        """The model, with weights of its own in every layer."""
        model = self._functional() if self.is_graph else self.keras.Sequential(self._line())
        self._telling_weights(model)
        return model

    def _line(self) -> list[Any]:
        if self.start == "no channel" and not self.odd and self.rng.random() < 0.5:
            return [self._input(), *self._flat_head()]
        layers = [self._input(), *self._begin()]
        for _ in range(self.rng.randint(1, 3)):
            layers += self._block()
        return [*layers, *self._head()]

    def _flat_head(self) -> list[Any]:
        """The usual first network: Flatten at the image, and Dense."""
        of = self.of
        first = self.rng.choice([of.Flatten(), of.Reshape((self.shape[0] * self.shape[1],))])
        return [first, of.Dense(6, activation=self._activation()), of.Dropout(0.2), of.Dense(3, activation="softmax")]

    def _input(self) -> Any:
        if self.keras.__name__ == "keras" and hasattr(self.keras, "ops"):
            return self.keras.Input(self.shape)
        return self.of.InputLayer(self.shape) if not self.is_graph else self.keras.Input(self.shape)

    def _functional(self) -> Any:
        image = self._input()
        x = self._chain(image, self._begin())
        for _ in range(self.rng.randint(1, 2)):
            x = self._branches(self._chain(x, self._block()))
        return self.keras.Model(image, self._chain(x, self._head()))

    def _chain(self, x: Any, layers: list[Any]) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    def _branches(self, x: Any) -> Any:
        kind, channels = self.rng.choice(["add", "add input", "concatenate", "concatenate input"]), x.shape[-1]
        one = self._chain(x, [self._conv(channels, padding="same"), self.of.BatchNormalization()])
        other = x if "input" in kind else self.of.Conv2D(channels, 1, activation=self._activation())(x)
        if self.odd == "Multiply":
            return self.of.Multiply()([one, other])
        joined = self.of.Add() if kind.startswith("add") else self.of.Concatenate()
        return self.of.Dropout(0.1)(joined([one, other]), training=False)

    def _begin(self) -> list[Any]:
        of = self.of
        if self.start == "normalization":
            layer = of.Normalization()
            layer.adapt(self.scaled(self.images(20)))
            return [layer]
        if self.start == "no channel":
            return [of.Reshape(self.rng.choice([(*self.shape, 1), (self.shape[0], -1, 1)]))]
        return {
            "rescaling": lambda: [of.Rescaling(1 / 255)],
            "rescaling to -1..1": lambda: [of.Rescaling(1 / 127.5, offset=-1)],
            "fixed normalization": lambda: [
                of.Normalization(mean=[0.4] * self.shape[2], variance=[0.2] * self.shape[2])
            ],
            "flip": lambda: [of.RandomFlip("horizontal"), of.GaussianNoise(0.1)],
            "nested flip": lambda: [self.keras.Sequential([of.RandomFlip("horizontal"), of.RandomRotation(0.1)])],
        }.get(self.start, list)()

    def _activation(self) -> str:
        name = self.rng.choice(ACTIVATIONS)
        try:
            self.keras.activations.get(name)
        except ValueError:  # not in this version
            return "relu"
        return name

    def _conv(self, filters: int, **options: Any) -> Any:
        return self.of.Conv2D(filters, self.rng.choice([2, 3, (3, 2)]), activation=self._activation(), **options)

    def _block(self) -> list[Any]:
        of, rng = self.of, self.rng
        first = rng.choice([
            lambda: self._conv(rng.randint(2, 4), padding=rng.choice(["valid", "same"]), use_bias=rng.random() < 0.7),
            lambda: self._conv(4, padding="same", dilation_rate=2),
            lambda: of.DepthwiseConv2D(
                3, padding="same", depth_multiplier=rng.randint(1, 2), activation=self._activation()),
            lambda: of.SeparableConv2D(3, 2, padding="same", activation=self._activation()),
        ])()  # fmt: skip
        second = rng.choice([
            lambda: [of.BatchNormalization(scale=rng.random() < 0.7)],
            lambda: [of.LayerNormalization(center=rng.random() < 0.7)],
            lambda: [of.LeakyReLU(0.125)],
            lambda: [of.LeakyReLU()],
            lambda: [of.ReLU(max_value=6.0)],
            lambda: [of.ReLU(negative_slope=0.25)],
            lambda: [of.ELU()],
            lambda: [of.Activation(self._activation()), of.SpatialDropout2D(0.1)],
            lambda: [of.ZeroPadding2D(rng.choice([1, (1, 0), ((1, 0), (0, 2))]))],
            lambda: [of.Rescaling(0.5, offset=0.25)],
            lambda: [of.AveragePooling2D(2, strides=1, padding=rng.choice(["valid", "same"]))],
            lambda: [of.MaxPooling2D(2, strides=rng.randint(1, 2), padding="same")],
        ])()  # fmt: skip
        if isinstance(first, of.DepthwiseConv2D) and isinstance(second[0], of.LayerNormalization):
            second = [of.BatchNormalization()]  # of one channel, a normalization over the channels leaves nothing
        return [first, *self._unsupported(), *second]

    def _unsupported(self) -> list[Any]:
        of = self.of
        return {
            "ReLU up to 5": lambda: [of.ReLU(max_value=5.0)],
            "PReLU": lambda: [of.PReLU()],
            "UpSampling2D": lambda: [of.UpSampling2D(2)],
            "Conv2DTranspose": lambda: [of.Conv2DTranspose(2, 2)],
            "hard_sigmoid": lambda: [of.Activation("hard_sigmoid")],
            "Permute": lambda: [of.Permute((2, 1, 3))],
            "ELU 0.5": lambda: [of.ELU(0.5)],
            "softmax inside": lambda: [of.Softmax()],
        }.get(self.odd, list)()

    def _head(self) -> list[Any]:
        of, rng = self.of, self.rng
        flat = rng.choice(
            [of.Flatten, of.Flatten, of.GlobalAveragePooling2D, of.GlobalMaxPooling2D, lambda: of.Reshape((-1,))]
        )
        layers = [flat()]
        if rng.random() < 0.6:
            layers += [of.Dense(rng.randint(3, 6), activation=self._activation())]
            layers += rng.choice([[], [of.BatchNormalization()], [of.Dropout(0.2)], [of.LayerNormalization()]])
        classes, use_bias = rng.randint(2, 5), rng.random() < 0.8
        if self.odd in ("several sigmoids", "one number"):
            units, activation = (classes, "sigmoid") if self.odd == "several sigmoids" else (1, None)
            self.end = self.odd
            return [*layers, of.Dense(units, activation=activation)]
        dense = lambda units, **options: of.Dense(units, use_bias=use_bias, **options)  # noqa: E731
        return (
            layers
            + {
                "softmax": lambda: [dense(classes, activation="softmax")],
                "softmax layer": lambda: [dense(classes), of.Softmax()],
                "softmax activation": lambda: [dense(classes), of.Activation("softmax")],
                "logits": lambda: [dense(classes)],
                "sigmoid": lambda: [dense(1, activation="sigmoid")],
                "sigmoid activation": lambda: [dense(1), of.Activation("sigmoid")],
            }[self.end]()
        )

    def _telling_weights(self, model: Any) -> None:
        """Weights with which the images have different predictions: with dead units, any layer is right."""
        images = self.scaled(np.random.default_rng(0).random((IMAGES, *self.shape), np.float32))
        best, kept = -1.0, []
        for attempt in range(ATTEMPTS):
            self._set_weights(model, gain=1 + attempt % 4)
            predicted = np.asarray(model(images, training=False))
            if self.end == "logits":
                powers = np.exp(predicted - predicted.max(axis=1, keepdims=True))
                predicted = powers / powers.sum(axis=1, keepdims=True)
            spread = float(predicted.std(axis=0).max())
            if spread > best:
                best, kept = spread, model.get_weights()
            if spread > SPREAD:
                break
        model.set_weights(kept)

    def _set_weights(self, model: Any, *, gain: float) -> None:
        """Numbers of both signs, so that no statistic, scale or bias is at the value that hides a mistake."""
        fixed = tuple(layer.name for layer in model.layers if type(layer).__name__ == "Normalization")
        for variable in model.weights:
            name = getattr(variable, "path", variable.name)
            if (
                "int" in str(variable.dtype)
                or any(one in name for one in fixed)
                or name.split(":")[0] in ("mean", "variance")
            ):
                continue
            shape = tuple(variable.shape)
            inputs = max(1, int(np.prod(shape[:-1])))
            value = self.numbers.standard_normal(shape) / np.sqrt(inputs) * (gain if len(shape) > 1 else 1)
            if "variance" in name or "gamma" in name:
                value = np.abs(value) + 0.5
            variable.assign(value.astype(np.float32))


def save(maker: Maker, folder: Path, name: str) -> dict[str, Any]:
    """One model in every format of this version, and its predictions."""
    model = maker.model()
    images = maker.images(IMAGES)
    expected = np.asarray(model.predict(maker.scaled(images), verbose=0))
    files, failed = {}, {}
    for ending in FORMATS:
        path = folder / f"{name}.{ending.replace('keras_v3', 'v3.keras')}"
        try:
            model.save(path, **({"save_format": "keras_v3"} if ending == "keras_v3" else {}))
            files[ending] = path.name
        except Exception as error:  # a version cannot save some of its own models
            failed[ending] = f"{type(error).__name__}: {error}"[:200]
            path.unlink(missing_ok=True)
    np.savez(folder / f"{name}.npz", images=images, expected=expected)
    return {
        "name": name, "files": files, "failed": failed, "start": maker.start, "end": maker.end, "odd": maker.odd,
        "input_range": f"{maker.low}..{maker.high}", "layers": [type(layer).__name__ for layer in model.layers],
    }  # fmt: skip


def main() -> int:
    """Write the models and index.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    keras, version = load_keras()
    if version.startswith("3") or int(version.split(".")[1]) > 12:
        globals()["FORMATS"] = ("keras", "h5")
    options.folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(options.first, options.first + options.count):
        keras.backend.clear_session()
        made.append(save(Maker(keras, number), options.folder, f"{number:03d}"))
    (options.folder / "index.json").write_text(json.dumps({"keras": version, "models": made}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
