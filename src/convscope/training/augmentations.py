"""The augmentations. Each is one class with its options, their help texts, and its arithmetic.

To add one, write a class and enter it in `AUGMENTATIONS` and `AugmentationOptions`; `augment` applies it, and the
command line, ``config.toml``, records and docs have its options. Light: TensorFlow is passed in.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar

from convscope.training.option import AUGMENTATION, Option

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
    """

    xx: Tensor
    xy: Tensor
    yx: Tensor
    yy: Tensor
    right: Tensor
    down: Tensor


class Augmentation:
    """One kind of random change; a subclass overrides `move` for geometry, or `adjust` for values.

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


class Rotate(Augmentation):
    """Random rotation."""

    @dataclass(frozen=True)
    class Options:
        """The options of `Rotate`."""

        rotate: Annotated[
            float | None, Option("Maximum random rotation, in degrees, either way.", AUGMENTATION, 0, 180)
        ] = None

    def move(self, placement: Placement, draw: Tensor, options: Any, tf: Any) -> Placement:
        """Turn about the middle."""
        angle = draw[0] * math.radians(options.rotate)
        cos, sin = tf.cos(angle), tf.sin(angle)
        return replace(
            placement,
            xx=placement.xx * cos + placement.xy * sin,
            xy=placement.xy * cos - placement.xx * sin,
            yx=placement.yx * cos + placement.yy * sin,
            yy=placement.yy * cos - placement.yx * sin,
        )


class Zoom(Augmentation):
    """Random zoom, rows and columns apart."""

    draws = 2

    @dataclass(frozen=True)
    class Options:
        """The options of `Zoom`."""

        zoom: Annotated[
            float | None, Option("Maximum random zoom in or out, as a fraction of the size.", AUGMENTATION, 0, 0.9)
        ] = None

    def move(self, placement: Placement, draw: Tensor, options: Any, tf: Any) -> Placement:
        """Stretch or shrink."""
        rows, columns = 1 + draw[0] * options.zoom, 1 + draw[1] * options.zoom
        return replace(
            placement,
            xx=placement.xx * columns,
            yx=placement.yx * columns,
            xy=placement.xy * rows,
            yy=placement.yy * rows,
        )


class Shift(Augmentation):
    """Random shift by whole pixels; alone, it changes no value."""

    draws = 2

    @dataclass(frozen=True)
    class Options:
        """The options of `Shift`."""

        shift: Annotated[
            int | None, Option("Maximum random shift, in pixels, in each direction.", AUGMENTATION, 0, 16)
        ] = None

    def move(self, placement: Placement, draw: Tensor, options: Any, tf: Any) -> Placement:
        """Move by -shift..shift pixels, each equally likely."""
        reach = options.shift + 0.5 - 1e-4
        down, right = tf.round(draw[0] * reach), tf.round(draw[1] * reach)
        return replace(placement, right=placement.right + right, down=placement.down + down)


class Shear(Augmentation):
    """Random shear."""

    @dataclass(frozen=True)
    class Options:
        """The options of `Shear`."""

        shear: Annotated[
            float | None, Option("Maximum random shear, in pixels per row, either way.", AUGMENTATION, 0, 1)
        ] = None

    def move(self, placement: Placement, draw: Tensor, options: Any, tf: Any) -> Placement:
        """Move each row in proportion to its distance from the middle."""
        amount = draw[0] * options.shear
        return replace(
            placement,
            xy=placement.xx * amount + placement.xy,
            yy=placement.yx * amount + placement.yy,
        )


AUGMENTATIONS: dict[str, Augmentation] = {"rotate": Rotate(), "zoom": Zoom(), "shift": Shift(), "shear": Shear()}
"""Name to augmentation, in the order of the random numbers and of the arithmetic. Append; do not reorder, or the same
seed gives other images."""


@dataclass(frozen=True)
class AugmentationOptions(Shear.Options, Zoom.Options, Rotate.Options, Shift.Options):
    """The options of all augmentations; a dataclass lists the fields of its last base first."""
