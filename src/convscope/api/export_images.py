"""The images of a run that an export is compared, calibrated and measured on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convscope.api.run import Run
from convscope.api.run_data import part_of_run
from convscope.arrays import Pixels
from convscope.data.dataset import Dataset
from convscope.errors import DataError, OptionError
from convscope.exporting.int8_accuracy import CALIBRATION_IMAGES
from convscope.model.model_file import self_test_images
from convscope.model.reference import REFERENCE_FILE, read_reference

COMPARED = 1000
"""Test images that each file is compared on."""

RANDOM_IMAGES = 32


@dataclass(frozen=True, eq=False)
class Int8Images:
    """What a quantized file is made and measured with.

    Attributes:
        calibration: Training images, uint8.
        test: The test split, or the validation split if there is none.
        validation: The validation split, for the thresholds of the score; None if there is none.
    """

    calibration: Pixels
    test: Dataset
    validation: Dataset | None = None


def int8_images(run: Run) -> Int8Images:
    """Training images for calibration, and the labeled images to measure accuracy on.

    Raises:
        OptionError: The run was imported without data.
        DataError: The data of the run cannot be read.
    """
    part = "test" if run.test else "validation"
    try:
        train, test = part_of_run(run, "train"), part_of_run(run, part)
        validation = part_of_run(run, "validation") if run.validation else None
    except DataError as error:
        raise OptionError(
            f"A quantized file is calibrated on training images and measured on the {part} images. Received: a run "
            f"whose data cannot be read: {error}",
            hint="Export without --int8.",
        ) from None
    chosen = np.unique(np.linspace(0, len(train) - 1, CALIBRATION_IMAGES).astype(np.int64))
    return Int8Images(np.asarray(train.pixels[chosen]), test, validation)


def compared_images(run: Run) -> tuple[Pixels, str]:
    """The images that files are compared on, and where they are from."""
    model = run.model
    shape = model.spec.input_shape
    given = [np.rint(self_test_images(model.spec) * 255).astype(np.uint8)]
    given.append(np.random.default_rng(0).integers(0, 256, (RANDOM_IMAGES, *shape), np.uint8))
    if (run.folder / REFERENCE_FILE).exists():
        reference = read_reference(run.folder / REFERENCE_FILE, model.spec)
        given.append(np.rint(reference.images * 255).astype(np.uint8))
    part = "test" if run.test else "validation"
    try:
        dataset = part_of_run(run, part)
        chosen = np.arange(min(len(dataset), COMPARED))
        given.insert(0, np.asarray(dataset.pixels[chosen]))
        source = f"{len(chosen):,} {part} images, and {sum(map(len, given[1:]))} of waves and noise"
    except DataError as error:
        source = f"waves and noise, because the data could not be read: {error}"
    return np.concatenate(given), source
