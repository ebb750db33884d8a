"""Augmentations that move pixels, in one affine map for each image. Light."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, Any

from convscope.training.augmentations.augmentation import Augmentation, Placement, Tensor
from convscope.training.option import AUGMENTATION, Option


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


class Flip(Augmentation):
    """Random horizontal flip."""

    @dataclass(frozen=True)
    class Options:
        """The options of `Flip`."""

        flip: Annotated[bool | None, Option("Flip half of the images horizontally.", AUGMENTATION)] = None

    def move(self, placement: Placement, draw: Tensor, options: Any, tf: Any) -> Placement:
        """Mirror the columns of half of the images."""
        side = tf.where(draw[0] < 0, -1.0, 1.0)
        return replace(placement, xx=placement.xx * side, yx=placement.yx * side)


class Crop(Augmentation):
    """Random resized crop: a part of the image, at a random place and of a random shape, fills the image."""

    draws = 4

    @dataclass(frozen=True)
    class Options:
        """The options of `Crop`."""

        crop: Annotated[
            float | None,
            Option("Random resized crop: largest fraction of the area to crop away.", AUGMENTATION, 0, 0.95),
        ] = None

    def move(self, placement: Placement, draw: Tensor, options: Any, tf: Any) -> Placement:
        """Take a part of 1 - crop to 1 of the area, with sides in proportions of 3:4 to 4:3."""
        area = 1 - options.crop * (draw[0] + 1) / 2
        stretch = tf.exp(draw[1] * math.log(4 / 3) / 2)
        across, along = (tf.minimum(tf.sqrt(area) * side, 1.0) for side in (stretch, 1 / stretch))
        return replace(
            placement,
            xx=placement.xx * across,
            yx=placement.yx * across,
            xy=placement.xy * along,
            yy=placement.yy * along,
            right=placement.right + draw[2] * (1 - across) * (placement.width - 1) / 2,
            down=placement.down + draw[3] * (1 - along) * (placement.height - 1) / 2,
        )
