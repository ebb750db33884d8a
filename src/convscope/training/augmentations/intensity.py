"""Augmentations of brightness and color. Light."""

from dataclasses import dataclass
from typing import Annotated, Any

from convscope.training.augmentations.augmentation import Augmentation, Tensor, each
from convscope.training.option import AUGMENTATION, Option

LUMA = (0.299, 0.587, 0.114)
"""The weights of red, green and blue in gray (ITU-R 601)."""


class Brightness(Augmentation):
    """Random brightness."""

    @dataclass(frozen=True)
    class Options:
        """The options of `Brightness`."""

        brightness: Annotated[
            float | None, Option("Maximum random change of brightness, as a fraction.", AUGMENTATION, 0, 1)
        ] = None

    def adjust(self, images: Tensor, draw: Tensor, options: Any, tf: Any) -> Tensor:
        """Multiply each image by 1 - brightness to 1 + brightness."""
        return tf.clip_by_value(images * each(1 + draw[0] * options.brightness), 0.0, 1.0)


class Contrast(Augmentation):
    """Random contrast."""

    @dataclass(frozen=True)
    class Options:
        """The options of `Contrast`."""

        contrast: Annotated[
            float | None, Option("Maximum random change of contrast, as a fraction.", AUGMENTATION, 0, 1)
        ] = None

    def adjust(self, images: Tensor, draw: Tensor, options: Any, tf: Any) -> Tensor:
        """Multiply the distance from the mean of each image by 1 - contrast to 1 + contrast."""
        mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
        return tf.clip_by_value(mean + (images - mean) * each(1 + draw[0] * options.contrast), 0.0, 1.0)


class Saturation(Augmentation):
    """Random saturation; grayscale images stay as they are."""

    @dataclass(frozen=True)
    class Options:
        """The options of `Saturation`."""

        saturation: Annotated[
            float | None, Option("Maximum random change of color saturation, as a fraction.", AUGMENTATION, 0, 1)
        ] = None

    def adjust(self, images: Tensor, draw: Tensor, options: Any, tf: Any) -> Tensor:
        """Multiply the distance of each pixel from gray by 1 - saturation to 1 + saturation."""
        if images.shape[-1] == 1:
            return images
        gray = tf.reduce_sum(images * tf.constant(LUMA), axis=-1, keepdims=True)
        return tf.clip_by_value(gray + (images - gray) * each(1 + draw[0] * options.saturation), 0.0, 1.0)
