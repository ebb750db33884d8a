"""Augmentations of how an image was taken: blur, noise. Light."""

from dataclasses import dataclass
from typing import Annotated, Any

from convscope.training.augmentations.augmentation import Augmentation, Tensor, each
from convscope.training.option import AUGMENTATION, Option

SMALLEST = 1e-3
"""Standard deviation in pixels below which a Gaussian blur changes no bit."""


class Blur(Augmentation):
    """Random Gaussian blur."""

    @dataclass(frozen=True)
    class Options:
        """The options of `Blur`."""

        blur: Annotated[
            float | None,
            Option(
                "Maximum random Gaussian blur of half of the images: standard deviation, as a fraction of the shorter "
                "side.",
                AUGMENTATION,
                0,
                0.25,
            ),
        ] = None

    def adjust(self, images: Tensor, draw: Tensor, options: Any, tf: Any) -> Tensor:
        """Blur half of the images with a standard deviation of 0 to the maximum; pixels outside have no weight."""
        height, width = images.shape[1], images.shape[2]
        sigma = draw[0] * options.blur * min(height, width)
        rows, columns = (_gaussian(tf.maximum(sigma, SMALLEST), size, tf) for size in (height, width))
        return _weighted(images, rows, columns, tf)


class Noise(Augmentation):
    """Random Gaussian noise."""

    draws = 3

    @dataclass(frozen=True)
    class Options:
        """The options of `Noise`."""

        noise: Annotated[
            float | None,
            Option(
                "Maximum random Gaussian noise in half of the images: standard deviation, as a fraction of the range "
                "of values.",
                AUGMENTATION,
                0,
                1,
            ),
        ] = None

    def adjust(self, images: Tensor, draw: Tensor, options: Any, tf: Any) -> Tensor:
        """Add noise with a standard deviation of 0 to the maximum to half of the images.

        Two numbers of the first image are the seed for all pixels, because the stream has few numbers for each image.
        """
        seed = tf.bitcast(draw[1:, 0], tf.int32)
        noise = tf.random.stateless_normal(tf.shape(images), seed=seed)
        return tf.clip_by_value(images + noise * each(tf.maximum(draw[0], 0.0) * options.noise), 0.0, 1.0)


def _gaussian(sigma: Tensor, size: int, tf: Any) -> Tensor:
    """The weights ``(n, size, size)`` of each place for each place; rows sum to 1."""
    places = tf.range(size, dtype=tf.float32)
    distances = (places[:, None] - places)[None] / sigma[:, None, None]
    return tf.nn.softmax(-0.5 * distances**2)


def _weighted(images: Tensor, rows: Tensor, columns: Tensor, tf: Any) -> Tensor:
    """Weighted means ``(n, h, w, c)`` over rows, then over columns."""
    n, height, width, channels = images.shape
    along = tf.reshape(tf.matmul(rows, tf.reshape(images, [n, height, width * channels])), images.shape)
    if channels == 1:
        return tf.matmul(along[..., 0], columns, transpose_b=True)[..., None]
    return tf.matmul(columns[:, None], along)
