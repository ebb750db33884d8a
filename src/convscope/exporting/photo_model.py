"""A network with its preprocessing as one ONNX model, and its comparison on images of many sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from convscope.arrays import Picture, Pixels
from convscope.data.resample import resample
from convscope.exporting.compare import Comparison, compare
from convscope.exporting.exporter import Runtime
from convscope.exporting.onnx_model import onnx_proto
from convscope.exporting.photo import check_photo
from convscope.exporting.score import score_parts
from convscope.model.model_file import Model

COUNT = 128

LARGEST = 12.0
"""Up to this many times as many rows, or columns, as the network's input."""

SMALLEST = 0.1


def photo_bytes(model: Model, metadata: Mapping[str, str]) -> bytes:
    """The network with its preprocessing in front, as the bytes of an ONNX file.

    The input ``images`` is uint8 ``(n, height, width, channels)``, images of any size with 1 to 4 channels; the outputs
    are those of `onnx_model.onnx_bytes`.

    Args:
        model: The network.
        metadata: Texts that the file holds.

    Raises:
        MissingExtraError, SpecError: As `onnx_model.onnx_bytes`.
        OptionError: The preprocessing cannot be expressed in ONNX.
    """
    return onnx_proto(model, metadata, score_parts(model), photo=check_photo(model.preprocessing)).SerializeToString()


def mixed_pictures(pixels: Pixels) -> list[Picture]:
    """Images of many sizes and proportions, with 1 to 4 channels, half of them noise; the same for the same images.

    Args:
        pixels: uint8 ``(n, h, w, c)``; the other half is made from them.
    """
    rng = np.random.default_rng(0)
    found = []
    for index in range(COUNT):
        sides = [max(1, int(side * factor)) for side, factor in zip(pixels.shape[1:3], _factors(rng), strict=True)]
        channels = 1 + index // 2 % 4
        if index % 2:
            picture = rng.integers(0, 256, (*sides, channels)).astype(np.uint8)
        else:
            colors = resample(pixels[rng.integers(len(pixels))], *sides)
            rgb = np.repeat(colors, 3, axis=-1) if colors.shape[-1] == 1 else colors
            alpha = rng.integers(0, 256, (*sides, 1)).astype(np.uint8)
            transparent = 1 - channels % 2
            picture = np.concatenate([rgb[..., : channels - transparent], alpha[..., :transparent]], axis=-1)
        found.append(np.ascontiguousarray(picture))
    return found


def _factors(rng: np.random.Generator) -> np.ndarray:
    """How many times as high and as wide: similar for most images, and anything for the others."""
    both = np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST), 2))
    return both if rng.random() < 0.3 else both[0] * rng.uniform(0.6, 1.6, 2)


def compare_photos(runtime: Runtime, model: Model, pictures: Sequence[Picture]) -> Comparison:
    """Run images of any size through both, and insist that they agree, as `compare` does.

    Args:
        runtime: The opened file, whose input is images of any size.
        model: The network, with a preprocessing that `check_photo` accepts.
        pictures: uint8 ``(h, w, c)``, at least one.

    Raises:
        RunError: As `compare`.
    """
    contract = check_photo(model.preprocessing)
    prepared = [contract.apply(picture) for picture in pictures]
    of_input = {one.tobytes(): picture for one, picture in zip(prepared, pictures, strict=True)}

    def run(images: Pixels) -> tuple[np.ndarray, ...]:
        found = [runtime.run(of_input[one.tobytes()][None]) for one in images]
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))

    return compare(Runtime(runtime.name, run), model, np.stack(prepared))
