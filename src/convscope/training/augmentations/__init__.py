"""The augmentations. Each is one class with its options, their help texts, and its arithmetic.

To add one, write a class in one of the modules and enter it in `AUGMENTATIONS` and `AugmentationOptions`; `augment`
applies it, and the command line, ``config.toml``, records and docs have its options. Light: TensorFlow is passed in.
"""

from dataclasses import dataclass

from convscope.training.augmentations.augmentation import Augmentation, Placement
from convscope.training.augmentations.camera import Blur, Noise
from convscope.training.augmentations.drawing import Lines, Thickness
from convscope.training.augmentations.geometry import Crop, Flip, Rotate, Shear, Shift, Zoom
from convscope.training.augmentations.intensity import Brightness, Contrast, Saturation
from convscope.training.augmentations.mixing import CutMix, Erase, MixUp

__all__ = ["AUGMENTATIONS", "Augmentation", "AugmentationOptions", "Placement"]

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
    "lines": Lines(),
    "blur": Blur(),
    "noise": Noise(),
}
"""Name to augmentation, in the order of the random numbers and of the arithmetic. Append; do not reorder, or the same
seed gives other images."""


@dataclass(frozen=True)
class AugmentationOptions(
    Noise.Options,
    Blur.Options,
    Lines.Options,
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
