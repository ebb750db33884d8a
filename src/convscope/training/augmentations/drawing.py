"""Augmentations of what is drawn: other pens, lines across it. Light."""

import math
from dataclasses import dataclass
from typing import Annotated, Any

from convscope.training.augmentations.augmentation import Augmentation, Tensor, each
from convscope.training.option import AUGMENTATION, Option


class Thickness(Augmentation):
    """Random thickness: lines become thicker or thinner by a pixel, as by another pen."""

    draws = 2

    @dataclass(frozen=True)
    class Options:
        """The options of `Thickness`."""

        thickness: Annotated[
            float | None,
            Option("Fraction of the images whose lines become thicker or thinner by a pixel.", AUGMENTATION, 0, 1),
        ] = None

    def adjust(self, images: Tensor, draw: Tensor, options: Any, tf: Any) -> Tensor:
        """Replace each pixel by the largest or the smallest of it and its neighbors to the right and below."""
        largest = tf.nn.max_pool2d(images, 2, 1, "SAME")
        smallest = -tf.nn.max_pool2d(-images, 2, 1, "SAME")
        changed = tf.where(each(draw[1]) < 0, smallest, largest)
        return tf.where(each((draw[0] + 1) / 2) < options.thickness, changed, images)


class Lines(Augmentation):
    """Random lines: a straight line across some of the images."""

    draws = 4

    @dataclass(frozen=True)
    class Options:
        """The options of `Lines`."""

        lines: Annotated[
            float | None,
            Option("Fraction of the images that a straight line is drawn across.", AUGMENTATION, 0, 1),
        ] = None

    def adjust(self, images: Tensor, draw: Tensor, options: Any, tf: Any) -> Tensor:
        """Draw it at any angle, at most a fifth of the shorter side from the middle and up to a tenth of it wide.

        It is white on dark images and black on others.
        """
        height, width = images.shape[1], images.shape[2]
        side = min(height, width)
        rows = tf.range(height, dtype=tf.float32)[None, :, None, None] - (height - 1) / 2
        columns = tf.range(width, dtype=tf.float32)[None, None, :, None] - (width - 1) / 2
        angle = each(draw[1] * math.pi)
        distance = tf.abs(tf.cos(angle) * rows - tf.sin(angle) * columns - each(draw[2]) * side / 5)
        half = each(draw[3] + 1) * side / 40
        amount = tf.clip_by_value(half + 0.5 - distance, 0.0, 1.0)
        amount = tf.where(each((draw[0] + 1) / 2) < options.lines, amount, 0.0)
        ink = tf.where(tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True) < 0.5, 1.0, 0.0)
        return images + (ink - images) * amount
