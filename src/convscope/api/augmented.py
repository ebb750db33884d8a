"""Draw what the augmentation of a training makes of a dataset's images. Heavy: runs TensorFlow."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from convscope.api.prepare import facts_of
from convscope.arrays import Picture, to_images
from convscope.data.dataset import LoadedData
from convscope.report.bundle_pictures import spread
from convscope.report.pictures.augmented import augmented_images
from convscope.report.pictures.canvas import save
from convscope.training.augmentations import AUGMENTATIONS
from convscope.training.options import TrainOptions, resolve
from convscope.training.recipe import choose

IMAGES, VERSIONS = 8, 7


def draw_augmented(loaded: LoadedData, out: Path, options: TrainOptions | None = None) -> Path:
    """Write a sheet of augmented images as PNG.

    Args:
        loaded: The data.
        out: The PNG file.
        options: Of a training; None takes the recipe that `train` would choose for the data.

    Raises:
        RunError: The file cannot be written.
        MissingExtraError: TensorFlow is not installed.
    """
    chosen = resolve(choose(options or TrainOptions(), facts_of(loaded))[0])
    indices = spread(loaded.train.labels, IMAGES)
    pixels = loaded.train.pixels[indices]
    versions = [pixels, *(_augmented(pixels, step, chosen) for step in range(VERSIONS))]
    names = [loaded.train.class_names[label] for label in loaded.train.labels[indices]]
    rows: list[tuple[str, list[Picture]]] = [
        (name, [version[row] for version in versions]) for row, name in enumerate(names)
    ]
    return save(augmented_images(rows, options=describe(chosen)), out)


def describe(options: TrainOptions) -> str:
    """The augmentations that are on, in words.

    Example:
        >>> describe(resolve(TrainOptions(model="accurate")))
        'rotate 9, zoom 0.12, shift 2, shear 0.12'
    """
    on = [
        f"{field.name} {value:g}" if not isinstance(value := getattr(options, field.name), bool) else field.name
        for one in AUGMENTATIONS.values()
        if one.is_on(options)
        for field in fields(one.Options)
    ]
    return ", ".join(on) or "none"


def _augmented(pixels: np.ndarray, step: int, options: TrainOptions) -> np.ndarray:
    from convscope.model.tensorflow import start_devices, tf
    from convscope.training.augment import augment, is_wanted

    if not is_wanted(options):
        return pixels
    start_devices()
    images, targets = tf.constant(to_images(pixels)), tf.ones([len(pixels), 1])
    changed, _ = augment(images, targets, tf.constant(step), options)
    return np.clip(np.floor(changed.numpy() * 255 + 0.5), 0, 255).astype(np.uint8)
