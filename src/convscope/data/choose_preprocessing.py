"""The preprocessing that fits the images of a dataset, chosen by their size, their channels and how they are framed.

Light: NumPy only.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convscope.data import digit_normalization
from convscope.data.load_options import LoadOptions
from convscope.data.mapped_pixels import OtherPixels, StoredPixels
from convscope.data.pixels import to_grey
from convscope.data.preprocess import BACKGROUNDS, Preprocessing
from convscope.data.resample import resample_many
from convscope.decisions import Decision


def contract_for(pixels: StoredPixels, options: LoadOptions) -> Preprocessing:
    """Choose the preprocessing for images like these.

    Grayscale images framed like MNIST's get MNIST's preprocessing with polarity ``"auto"``, so that photos of digits
    are brought to the same form. All others get ``"pad"`` and keep their polarity. ``options.fit`` overrides both.
    """
    h, w, c = pixels.shape[1:]
    height, width = options.size or (h, w)
    channels = options.channels or c
    background = BACKGROUNDS.get(options.background, 255)
    if options.fit != "auto":
        return Preprocessing(int(height), int(width), int(channels), fit=options.fit, background=background)
    if channels == 1 and c == 1 and follows_mnist(pixels):
        return Preprocessing(int(height), int(width), 1, fit="mnist", polarity="auto", background=background)
    return Preprocessing(int(height), int(width), int(channels), background=background)


def follows_mnist(pixels: StoredPixels) -> bool:
    """Whether at least 95 % of up to 1,000 evenly spaced images pass `digit_normalization.is_framed`.

    MNIST passes; Fashion-MNIST, KMNIST and EMNIST do not. Blank images do not count as framed.
    """
    h, w, c = pixels.shape[1:]
    if c != 1 or h != w or h < 14 or len(pixels) == 0:
        return False
    sample = pixels[np.unique(np.linspace(0, len(pixels) - 1, 1000).astype(int)), :, :, 0]
    framed = sum(bool(image.any()) and digit_normalization.is_framed(image, int(h), int(w)) for image in sample)
    return framed >= 0.95 * len(sample)


def framing_decision(contract: Preprocessing) -> tuple[Decision, ...]:
    """What was decided about framing and polarity; empty if images are only padded."""
    if contract.fit != "mnist":
        return ()
    chosen = "as MNIST's: light ink on dark, fitted into 20×20 of 28×28 and centered"
    return (Decision("framing", chosen, "these images are framed so"),)


def convert(pixels: StoredPixels, contract: Preprocessing) -> OtherPixels:
    """Resize the images of a dataset to the contract's size and channels, by its fit (``"mnist"`` as ``"pad"``).

    Polarity and MNIST's framing are not applied: these images define the form that other images are brought to.
    """
    n, h, w, c = pixels.shape
    if (h, w, c) == (contract.height, contract.width, contract.channels):
        return pixels
    array: np.ndarray = pixels[:]
    if contract.channels == 1 and c == 3:
        array = to_grey(array.reshape(1, -1, 3)).reshape(n, h, w, 1)
    if h * contract.width == w * contract.height:
        array = resample_many(array, contract.height, contract.width)
    else:
        fit = "pad" if contract.fit == "mnist" else contract.fit
        plain = replace(contract, channels=array.shape[-1], fit=fit, polarity="as_is")
        array = np.stack([plain.apply(image) for image in array])
    return np.repeat(array, 3, axis=-1) if contract.channels > array.shape[-1] else array
