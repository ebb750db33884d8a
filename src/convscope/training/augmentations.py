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
        return tf.clip_by_value(images * _each(1 + draw[0] * options.brightness), 0.0, 1.0)


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
        return tf.clip_by_value(mean + (images - mean) * _each(1 + draw[0] * options.contrast), 0.0, 1.0)


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
        return tf.clip_by_value(gray + (images - gray) * _each(1 + draw[0] * options.saturation), 0.0, 1.0)


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
        inside = _box(images, draw[0], draw[1], options.erase, tf)
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
        return _blend(images, _each(weight), tf), _blend(targets, weight[:, None], tf)


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
        inside = _box(images, draw[2], draw[3], _each(side), tf)
        kept = 1 - tf.reduce_mean(tf.cast(inside, tf.float32), axis=[1, 2, 3])
        return tf.where(inside, tf.roll(images, -1, axis=0), images), _blend(targets, kept[:, None], tf)


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
        changed = tf.where(_each(draw[1]) < 0, smallest, largest)
        return tf.where(_each((draw[0] + 1) / 2) < options.thickness, changed, images)


LUMA = (0.299, 0.587, 0.114)
"""The weights of red, green and blue in gray (ITU-R 601)."""


def _each(values: Tensor) -> Tensor:
    """One number for each image, to multiply images with."""
    return values[:, None, None, None]


def _blend(values: Tensor, weight: Tensor, tf: Any) -> Tensor:
    return values * weight + tf.roll(values, -1, axis=0) * (1 - weight)


def _box(images: Tensor, row: Tensor, column: Tensor, side: Any, tf: Any) -> Tensor:
    """A mask ``(n, h, w, 1)`` of a box around a random pixel; its sides are fractions of the image's."""
    height, width = images.shape[1], images.shape[2]
    rows = tf.range(height, dtype=tf.float32)[None, :, None, None] + 0.5
    columns = tf.range(width, dtype=tf.float32)[None, None, :, None] + 0.5
    beside_rows = tf.abs(rows - _each(row + 1) * height / 2) < side * height / 2
    return tf.logical_and(beside_rows, tf.abs(columns - _each(column + 1) * width / 2) < side * width / 2)


AUGMENTATIONS: dict[str, Augmentation] = {
    "rotate": Rotate(),
    "zoom": Zoom(),
    "shift": Shift(),
    "shear": Shear(),
    "flip": Flip(),
    "crop": Crop(),
    "brightness": Brightness(),
    "contrast": Contrast(),
    "saturation": Saturation(),
    "erase": Erase(),
    "mixup": MixUp(),
    "cutmix": CutMix(),
    "thickness": Thickness(),
}
"""Name to augmentation, in the order of the random numbers and of the arithmetic. Append; do not reorder, or the same
seed gives other images."""


@dataclass(frozen=True)
class AugmentationOptions(
    Thickness.Options,
    CutMix.Options,
    MixUp.Options,
    Erase.Options,
    Saturation.Options,
    Contrast.Options,
    Brightness.Options,
    Crop.Options,
    Flip.Options,
    Shear.Options,
    Zoom.Options,
    Rotate.Options,
    Shift.Options,
):
    """The options of all augmentations; a dataclass lists the fields of its last base first."""
