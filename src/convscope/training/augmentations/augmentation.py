"""What an augmentation is, and what several of them need. Light: TensorFlow is passed in."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

Tensor = Any


@dataclass(frozen=True)
class Placement:
    """An affine map from output to input coordinates about the middle of the image, for each of n images.

    Attributes:
        xx: How far the input column moves for each output column.
        xy: How far the input column moves for each output row.
        yx: How far the input row moves for each output column.
        yy: How far the input row moves for each output row.
        right: Columns added.
        down: Rows added.
        height: Rows of the image.
        width: Columns of the image.
    """

    xx: Tensor
    xy: Tensor
    yx: Tensor
    yy: Tensor
    right: Tensor
    down: Tensor
    height: int
    width: int


class Augmentation:
    """One kind of random change: a subclass overrides `move` for geometry, `adjust` for values, `mix` for labels too.

    Attributes:
        Options: A dataclass of its options, each 0 or None when it is off.
        draws: How many random numbers it takes for each image.
    """

    Options: ClassVar[type]
    draws: ClassVar[int] = 1

    def is_on(self, options: Any) -> bool:
        """Whether one of its options is above 0."""
        return any(getattr(options, field.name) for field in fields(self.Options))

    def move(self, placement: Placement, draw: Tensor, options: Any, tf: Any) -> Placement:
        """Where the pixels come from.

        Args:
            placement: What the augmentations before this one made of it.
            draw: float32 ``(draws, n)``, uniform in [-1, 1).
            options: The options of the training.
            tf: TensorFlow.
        """
        return placement

    def adjust(self, images: Tensor, draw: Tensor, options: Any, tf: Any) -> Tensor:
        """New values for images that are already in place; the same arguments as `move`."""
        return images

    def mix(self, images: Tensor, targets: Tensor, draw: Tensor, options: Any, tf: Any) -> tuple[Tensor, Tensor]:
        """Combine images with others of the batch.

        Args:
            images: float32 ``(n, h, w, c)``, adjusted.
            targets: float32 ``(n, k)``, the probability of each class; rows sum to 1.
            draw: As for `move`.
            options: The options of the training.
            tf: TensorFlow.
        """
        return images, targets


def each(values: Tensor) -> Tensor:
    """One number for each image, to multiply images with."""
    return values[:, None, None, None]


def box(images: Tensor, row: Tensor, column: Tensor, side: Any, tf: Any) -> Tensor:
    """A mask ``(n, h, w, 1)`` of a box around a random pixel; its sides are fractions of the image's."""
    height, width = images.shape[1], images.shape[2]
    rows = tf.range(height, dtype=tf.float32)[None, :, None, None] + 0.5
    columns = tf.range(width, dtype=tf.float32)[None, None, :, None] + 0.5
    beside_rows = tf.abs(rows - each(row + 1) * height / 2) < side * height / 2
    return tf.logical_and(beside_rows, tf.abs(columns - each(column + 1) * width / 2) < side * width / 2)
