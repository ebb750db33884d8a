"""Random augmentation as a function of (seed, step). Heavy: runs inside the compiled loop."""

from __future__ import annotations

import tensorflow as tf

from convscope.training.augmentations import AUGMENTATIONS, Augmentation, Placement
from convscope.training.options import TrainOptions

SALT = 0x0A06


def is_wanted(options: TrainOptions) -> bool:
    """Whether any augmentation is on."""
    return any(augmentation.is_on(options) for augmentation in AUGMENTATIONS.values())


def augment(
    images: tf.Tensor, targets: tf.Tensor, step: tf.Tensor, options: TrainOptions, *, shard: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Apply all augmentations that are on.

    Geometry is one random affine map for each image, bilinear, borders repeated; then come the values, then the mixing
    with other images.

    Args:
        images: float32 ``(n, h, w, c)``.
        targets: float32 ``(n, k)``, the probability of each class.
        step: int32 scalar; with ``options.seed`` it decides every random number here.
        options: The options of each member of `AUGMENTATIONS`.
        shard: int32 scalar: which of ``options.shards`` of the batch these images are; None for a whole batch.

    Returns:
        Images and targets of the same shapes.
    """
    n = images.shape[0]
    total = sum(augmentation.draws for augmentation in AUGMENTATIONS.values())
    # One stream for all, whichever are on: the numbers of one do not depend on the others.
    count = n if shard is None else n * options.shards
    seed = tf.stack([options.seed ^ SALT, step])
    draw = tf.random.stateless_uniform([total, count], seed=seed, minval=-1.0, maxval=1.0)
    if shard is not None:
        draw = tf.ensure_shape(draw[:, shard * n : (shard + 1) * n], [total, n])
    zero, one, (h, w) = tf.zeros([n]), tf.ones([n]), images.shape[1:3]
    placement = Placement(xx=one, xy=zero, yx=zero, yy=one, right=zero, down=zero, height=h, width=w)
    active, begin = [], 0
    for augmentation in AUGMENTATIONS.values():
        if augmentation.is_on(options):
            active.append((augmentation, draw[begin : begin + augmentation.draws]))
        begin += augmentation.draws
    if any(type(augmentation).move is not Augmentation.move for augmentation, _ in active):
        for augmentation, numbers in active:
            placement = augmentation.move(placement, numbers, options, tf)
        images = _resample(images, placement)
    for augmentation, numbers in active:
        images = augmentation.adjust(images, numbers, options, tf)
    for augmentation, numbers in active:
        images, targets = augmentation.mix(images, targets, numbers, options, tf)
    return images, targets


def _resample(images: tf.Tensor, placement: Placement) -> tf.Tensor:
    h, w = images.shape[1], images.shape[2]
    middle_x, middle_y = (w - 1) / 2, (h - 1) / 2
    x = middle_x + placement.right - placement.xx * middle_x - placement.xy * middle_y
    y = middle_y + placement.down - placement.yx * middle_x - placement.yy * middle_y
    zero = tf.zeros_like(x)
    rows = [placement.xx, placement.xy, x, placement.yx, placement.yy, y, zero, zero]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack(rows, axis=1),
        output_shape=tf.constant([h, w]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
