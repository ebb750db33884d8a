"""Random shifts, turns, slants and changes of size, as a function of (seed, step). HOT: inside the compiled loop."""

from __future__ import annotations

import math

import tensorflow as tf

from convscope.training.options import TrainOptions

SALT = 0x0A06


def is_wanted(options: TrainOptions) -> bool:
    """Whether any of the four is switched on."""
    return bool(options.shift or options.rotate or options.zoom or options.shear)


def augment(images: tf.Tensor, step: tf.Tensor, options: TrainOptions) -> tf.Tensor:
    """One random affine map an image, bilinear; what comes in from outside repeats the border.

    A shift alone is by whole pixels and changes no value.

    Args:
        images: float32 ``(n, h, w, c)``.
        step: int32 scalar; with ``options.seed`` it decides every number drawn here.
        options: ``shift`` in pixels, ``rotate`` in degrees, ``zoom`` as a share, ``shear`` in columns a row: each the
            largest, each way.

    Returns:
        float32 ``(n, h, w, c)``.
    """
    n, h, w = images.shape[0], images.shape[1], images.shape[2]
    draw = tf.random.stateless_uniform([6, n], seed=tf.stack([options.seed ^ SALT, step]), minval=-1.0, maxval=1.0)
    angle = draw[0] * math.radians(options.rotate or 0)
    rows, columns = 1 + draw[1] * (options.zoom or 0), 1 + draw[2] * (options.zoom or 0)
    reach = (options.shift or 0) + 0.5 - 1e-4
    down, right = tf.round(draw[3] * reach), tf.round(draw[4] * reach)
    slant = draw[5] * (options.shear or 0)
    cos, sin = tf.cos(angle), tf.sin(angle)
    # Output to input: slant, then stretch, then turn; all about the middle of the picture.
    a0, b0 = cos * columns, sin * columns
    a1, b1 = a0 * slant - sin * rows, b0 * slant + cos * rows
    middle_x, middle_y = (w - 1) / 2, (h - 1) / 2
    a2 = middle_x + right - a0 * middle_x - a1 * middle_y
    b2 = middle_y + down - b0 * middle_x - b1 * middle_y
    zero = tf.zeros_like(angle)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1),
        output_shape=tf.constant([h, w]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
