"""Augmentations that hide a part of an image, or mix it with another one. Light."""

import math
from dataclasses import dataclass
from typing import Annotated, Any

from convscope.training.augmentations.augmentation import Augmentation, Tensor, box, each
from convscope.training.option import AUGMENTATION, Option


class Erase(Augmentation):
    """Random erasing: a square of each image becomes the mean color of the image."""

    draws = 2

    @dataclass(frozen=True)
    class Options:
        """The options of `Erase`."""

        erase: Annotated[
            float | None,
            Option("Side of a randomly placed erased square, as a fraction of the size.", AUGMENTATION, 0, 1),
        ] = None

    def adjust(self, images: Tensor, draw: Tensor, options: Any, tf: Any) -> Tensor:
        """Center the square on any pixel, so that the border may crop it."""
        inside = box(images, draw[0], draw[1], options.erase, tf)
        return tf.where(inside, tf.reduce_mean(images, axis=[1, 2], keepdims=True), images)


class MixUp(Augmentation):
    """Mixup: a weighted mean of two images and of their labels.

    Source:
        Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018. The weight has the distribution Beta(0.5, 0.5),
        whose quantiles are a sine.
    """

    @dataclass(frozen=True)
    class Options:
        """The options of `MixUp`."""

        mixup: Annotated[
            float | None, Option("Fraction of the images that are averaged with another one.", AUGMENTATION, 0, 1)
        ] = None

    draws = 2

    def mix(self, images: Tensor, targets: Tensor, draw: Tensor, options: Any, tf: Any) -> tuple[Tensor, Tensor]:
        """Mix each image with the next one of the batch; the batch is in random order already."""
        weight = tf.sin((draw[0] + 1) * math.pi / 4) ** 2
        weight = tf.where((draw[1] + 1) / 2 < options.mixup, weight, 1.0)
        return _blend(images, each(weight), tf), _blend(targets, weight[:, None], tf)


class CutMix(Augmentation):
    """CutMix: a square of each image is replaced by that of another, and the labels are mixed by area.

    Source:
        Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", 2019.
    """

    @dataclass(frozen=True)
    class Options:
        """The options of `CutMix`."""

        cutmix: Annotated[
            float | None,
            Option("Fraction of the images of which a part is replaced by another one.", AUGMENTATION, 0, 1),
        ] = None

    draws = 4

    def mix(self, images: Tensor, targets: Tensor, draw: Tensor, options: Any, tf: Any) -> tuple[Tensor, Tensor]:
        """Take the part from the next image of the batch; its area is uniform in 0..1 before the border crops it."""
        side = tf.sqrt((draw[0] + 1) / 2)
        side = tf.where((draw[1] + 1) / 2 < options.cutmix, side, 0.0)
        inside = box(images, draw[2], draw[3], each(side), tf)
        kept = 1 - tf.reduce_mean(tf.cast(inside, tf.float32), axis=[1, 2, 3])
        return tf.where(inside, tf.roll(images, -1, axis=0), images), _blend(targets, kept[:, None], tf)


def _blend(values: Tensor, weight: Tensor, tf: Any) -> Tensor:
    return values * weight + tf.roll(values, -1, axis=0) * (1 - weight)
