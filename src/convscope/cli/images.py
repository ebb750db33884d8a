"""What the commands that act on images share."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from convscope.api.check_output_path import check_output_path
from convscope.api.notes import note
from convscope.data.dataset import Skipped
from convscope.errors import OptionError, RunError
from convscope.training.run_folder import RUN_FILE


def is_several(images: Sequence[str]) -> bool:
    """Whether outputs go into a folder, one file for each image."""
    return len(images) > 1 or any(Path(image).is_dir() for image in images)


def check_images(images: Sequence[str], run: Path, *outputs: Path | None) -> None:
    """Refuse a run given as an image, and outputs that would overwrite an input or each other.

    Raises:
        OptionError: The message names the path.
    """
    for image in images:
        if (Path(image) / RUN_FILE).is_file():
            raise OptionError(
                f"Expected images. Received: {image}, which is a run folder.", hint=f"Give the run as --run {image}."
            )
    for index, output in enumerate(outputs):
        check_output_path(output, run, *outputs[index + 1 :], *images)


def output_file(out: Path, file_name: str, *, several: bool) -> Path:
    """Where an output goes, its folder made: the path itself, or a file in it if there are several.

    Raises:
        RunError: The folder cannot be made.
    """
    path = out / file_name if several else out
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path.parent} cannot be made ({error.strerror}).") from None
    return path


def file_stem(name: str) -> str:
    """The name of an image as part of a file name.

    Example:
        >>> file_stem("mnist:7"), file_stem("photos/cat.jpg")
        ('mnist-7', 'cat')
    """
    return Path(name.replace("mnist:", "mnist-")).stem


def report_skipped(skipped: Iterable[Skipped], *, most: int = sys.maxsize) -> int:
    """Name the images that were skipped, at most so many, on stderr; the exit code is 1 if there are any."""
    reasons = [one.reason for one in skipped]
    for reason in reasons[:most]:
        note(f"convscope: skipped: {reason}")
    if len(reasons) > most:
        note(f"convscope: and {len(reasons) - most:,} more that could not be read")
    return 1 if reasons else 0
