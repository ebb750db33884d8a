"""A small data set, a small network and short trainings, shared by the tests of training. No TensorFlow."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from convscope.data.dataset import Dataset
from convscope.model.spec import Spec
from convscope.model.spec_parser import parse
from convscope.training.checkpoint import Checkpoint, CheckpointManager
from convscope.training.options import TrainOptions, resolve

IDENTITY = {"options": {"seed": 0}}
NETWORK = """
Conv2D(6, 3, strides=2, use_bias=False)
BatchNormalization(momentum=0.7)
ReLU()
Dropout(0.2)
Flatten()
Dense(num_classes, activation="softmax")
"""
EVERY_KIND = """
Conv2D(8, 3, padding="same", use_bias=False)
BatchNormalization(center=False)
Activation("silu")
SeparableConv2D(8, 3, dilation_rate=2, padding="same")
DepthwiseConv2D(3, strides=2)
AveragePooling2D(2)
Flatten()
Dense(16, activation="leaky_relu")
BatchNormalization(scale=False)
Dense(num_classes, activation="softmax")
"""


def bars(n: int, seed: int = 0) -> Dataset:
    """Horizontal and vertical bars on noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    pixels = rng.integers(0, 80, (n, 10, 10, 1)).astype(np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        at = rng.integers(1, 9)
        image[(at, slice(None)) if label else (slice(None), at)] = 220
    return Dataset(pixels, labels.astype(np.int64), ("vertical", "horizontal"), source="bars")


def network(text: str = NETWORK) -> Spec:
    return parse(text, input_shape=(10, 10, 1), num_classes=2)


def options(**changes: object) -> TrainOptions:
    small = {"model": "a.txt", "epochs": 3.0, "batch_size": 20, "shift": 1, "average": 0.3}
    return resolve(TrainOptions(**(small | changes)))


def plain(**changes: object) -> TrainOptions:
    """Plain SGD steps: no augmentation, averaging, smoothing or warmup."""
    off = {"shift": 0, "average": 0.0, "label_smoothing": 0.0, "warmup": 0.0, "optimizer": "sgd"}
    return options(**(off | changes))


def digest(weights: Mapping[str, np.ndarray]) -> str:
    return hashlib.sha256(b"".join(weights[name].tobytes() for name in sorted(weights))).hexdigest()


def a_checkpoint(step: int = 3, **changes: object) -> Checkpoint:
    state = {"weight/0": np.arange(6, dtype=np.float32).reshape(2, 3), "second/0": np.zeros((), np.float32)}
    losses = np.linspace(1, 0, step).astype(np.float32)
    return replace(Checkpoint(step, state, losses, {min(step, 2): (0.5, 0.75)}, 1.5, IDENTITY), **changes)


class EveryStep(CheckpointManager):
    """Keeps the state after each call of the graph in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshots: dict[int, dict[str, np.ndarray]] = {}
        self.ends_epoch: dict[int, bool] = {}
        self._ends_epoch = False

    def is_due(self, *, ends_epoch: bool) -> bool:
        self._ends_epoch = ends_epoch
        return True

    def save(self, step, state, losses, measured, moments=None) -> None:
        self.snapshots[step] = dict(state())
        assert len(losses) == step
        if step:
            self.ends_epoch[step] = self._ends_epoch

    def weights(self, step: int, names: list[str]) -> dict[str, np.ndarray]:
        """The weights after a step, by the names of a network's weights."""
        found = {}
        for kind in ("weight", "moving"):
            own = [name for name in names if ("moving" in name) == (kind == "moving")]
            found |= {name: self.snapshots[step][f"{kind}/{index}"] for index, name in enumerate(own)}
        return found
