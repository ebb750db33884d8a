"""Checkpoints: everything needed to resume a training bit for bit, however the process ended.

A checkpoint is one file in the container of model files (`model.safetensors_io`). It has a hash and is written to a
temporary file that is then renamed, so that a file with a checkpoint's name is either complete or known to be damaged.
The last two are kept.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from convscope.arrays import is_number
from convscope.data.cache_file import CACHE_FOLDER, is_cache_folder
from convscope.errors import ModelFileError, RunError
from convscope.model.files import make_folder, replace_file
from convscope.model.safetensors_io import encode, open_file, parse_json, tensors_of
from convscope.model.spec import Spec
from convscope.training.lock import lock_file, unlock_file
from convscope.training.moments import MOMENTS_FILE, Moments, read_kept, write_moments

FOLDER = "checkpoints"
LOCK_FILE = "lock"
PART_FILES = (".step-*.part", f".{MOMENTS_FILE}*.part")
KEPT = 2
SECONDS_BETWEEN = 10.0
SCHEMA_VERSION = 1
MAX_BYTES = 2_000_000_000
"""With optimizer state and averages, a checkpoint is up to four times as large as its model."""

_LOSSES = "losses"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two steps.

    Attributes:
        step: Number of steps taken.
        state: Weights, moving statistics, averages and optimizer slots, float32, by the names that `fit` uses.
        losses: One for each step taken.
        measured: Validation loss and accuracy, by the step after which they were measured.
        seconds: Training time so far, without interruptions.
        identity: Data, network, options and versions; they must be the same when the training is resumed.
    """

    step: int
    state: Mapping[str, np.ndarray]
    losses: Float32[np.ndarray, " steps"]
    measured: Mapping[int, tuple[float, float]]
    seconds: float
    identity: Mapping[str, Any]


@dataclass(frozen=True)
class LatestCheckpoint:
    """The newest complete checkpoint of a run, and a message for each newer one that is damaged."""

    checkpoint: Checkpoint
    damaged: tuple[str, ...]


class CheckpointManager:
    """Writes the checkpoints of one training.

    Args:
        folder: The run's folder; None writes no checkpoints.
        identity: Plain JSON values; see `Checkpoint`.
        resume_from: The checkpoint to resume from; None starts a new training.
    """

    def __init__(
        self,
        folder: Path | None = None,
        identity: Mapping[str, Any] | None = None,
        resume_from: Checkpoint | None = None,
    ) -> None:
        self.resume_from = resume_from
        self._folder = folder / FOLDER if folder else None
        self._identity = identity or {}
        self._started = time.monotonic() - (resume_from.seconds if resume_from else 0.0)
        self._saved_at = time.monotonic()
        self._moments_written = 0

    def moments_to_resume(self, spec: Spec) -> Moments | None:
        """The moments that the interrupted training had kept; None if there are none."""
        return read_kept(self._folder / MOMENTS_FILE, spec) if self._folder and self.resume_from else None

    def is_due(self, *, ends_epoch: bool) -> bool:
        """Whether it is time to save: at the end of an epoch, and every `SECONDS_BETWEEN` seconds."""
        if self._folder is None:
            return False
        return ends_epoch or time.monotonic() - self._saved_at >= SECONDS_BETWEEN

    def save(
        self,
        step: int,
        state: Callable[[], Mapping[str, np.ndarray]],
        losses: list[float],
        measured: Mapping[int, tuple[float, float]],
        moments: Moments | None = None,
    ) -> None:
        """Write a checkpoint, and delete all older ones but the last.

        Args:
            step: Number of steps taken.
            state: Returns the state; called only if a checkpoint is written.
            losses: One for each step.
            measured: See `Checkpoint`.
            moments: All that were kept so far. They are written first, so that a checkpoint never lacks one.

        Raises:
            RunError: The checkpoint cannot be written. Earlier ones are untouched.
        """
        if self._folder is None:
            return
        checkpoint = Checkpoint(
            step, state(), np.array(losses, np.float32), measured, time.monotonic() - self._started, self._identity
        )
        if moments and len(moments.weights) > self._moments_written:
            make_folder(self._folder)
            write_moments(moments, self._folder / MOMENTS_FILE)
            self._moments_written = len(moments.weights)
        save_checkpoint(checkpoint, self._folder)
        self._saved_at = time.monotonic()


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write a checkpoint into a folder, and delete all but the last two.

    Returns:
        The path of the file.

    Raises:
        RunError: The disk is full or the folder read-only. Earlier checkpoints are untouched.
    """
    text = json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "step": checkpoint.step,
            "measured": [[step, *values] for step, values in checkpoint.measured.items()],
            "seconds": checkpoint.seconds,
            "identity": checkpoint.identity,
            "shapes": {name: list(value.shape) for name, value in checkpoint.state.items()},
        }
    )
    path = folder / f"step-{checkpoint.step:09d}.safetensors"
    try:
        folder.mkdir(exist_ok=True)
        replace_file(path, encode(text, {**checkpoint.state, _LOSSES: checkpoint.losses}, max_bytes=MAX_BYTES))
        for old in files(folder)[KEPT:]:
            old.unlink()
    except OSError as error:
        raise RunError(
            f"The checkpoint {path} could not be written ({error.strerror}). Earlier checkpoints are untouched.",
            hint=f"Free some disk space, then resume: convscope train --resume {folder.parent}",
        ) from None
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and validate everything in it.

    Raises:
        RunError: It is damaged, or was written by another version of convscope.
    """
    try:
        file = open_file(path, max_bytes=MAX_BYTES)
        about = parse_json(file.text, "its description")
        if about["schema_version"] != SCHEMA_VERSION:
            raise RunError(
                f"{path} was written by another version of convscope. Expected schema_version={SCHEMA_VERSION}. "
                f"Received: schema_version={str(about['schema_version'])[:20]}.",
                hint="Train again with another --out.",
            )
        step = _integer(about["step"])
        shapes = {str(name): tuple(map(_integer, shape)) for name, shape in about["shapes"].items()}
        tensors = tensors_of(file, {**shapes, _LOSSES: (step,)})
        measured = {
            _integer(at, highest=step): (_number(loss), _number(accuracy)) for at, loss, accuracy in about["measured"]
        }
        losses = tensors.pop(_LOSSES)
        return Checkpoint(step, tensors, losses, measured, _number(about["seconds"]), about["identity"])
    except ModelFileError as error:
        raise RunError(f"{path} is damaged: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise RunError(f"{path} is damaged: its description is not the one of a checkpoint.") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}).") from None


def _integer(value: object, *, highest: int = 2**40) -> int:
    if type(value) is not int or not 0 <= value <= highest:
        raise ValueError(f"{value!r} is not an integer from 0 to {highest}")
    return value


def _number(value: Any) -> float:
    if not is_number(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def latest_checkpoint(folder: Path) -> LatestCheckpoint:
    """Read the newest complete checkpoint of a run.

    Raises:
        RunError: There is none.
    """
    damaged = []
    for path in files(folder / FOLDER):
        try:
            return LatestCheckpoint(load_checkpoint(path), tuple(damaged))
        except RunError as error:
            damaged.append(str(error))
    if damaged:
        raise RunError(f"Every checkpoint of {folder} is damaged. {damaged[0]}", hint="Train again with another --out.")
    raise RunError(
        f"Nothing to resume in {folder}: it has no checkpoint.",
        hint="Checkpoints are deleted when a training finishes. Start a new one: convscope train",
    )


@contextlib.contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder; the operating system releases it when the process ends, however it ends.

    Raises:
        RunError: Another process is training there, or the folder cannot be written.
    """
    place = folder / FOLDER
    if place.is_symlink():
        raise RunError(f"Expected a folder. Received: {place}, which is a link.", hint="Remove the link.")
    try:
        make_folder(place)
        lock = lock_file(place / LOCK_FILE)
    except BlockingIOError:
        raise RunError(f"Another process is training in {folder}.", hint="Wait for it, or use another --out.") from None
    except OSError as error:
        raise RunError(f"{folder} cannot be written ({error.strerror}).", hint="Use another --out.") from None
    try:
        for part in _part_files(place):  # left by a process that was killed while writing
            with contextlib.suppress(OSError):
                part.unlink()
        yield
    finally:
        try:
            if not files(place):
                delete_checkpoints(folder)
        finally:
            unlock_file(lock, place / LOCK_FILE)


def delete_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a finished training, oldest first, and no other file.

    The caller holds the lock.
    """
    place = folder / FOLDER
    with contextlib.suppress(OSError, RunError):
        for old in [*reversed(files(place)), *_part_files(place), place / MOMENTS_FILE, place / LOCK_FILE]:
            with contextlib.suppress(OSError):
                old.unlink(missing_ok=True)
        place.rmdir()


def is_leftover(entry: Path) -> bool:
    """Whether a folder entry was left by a training that ended before its first checkpoint.

    Raises:
        OSError: The entry cannot be read.
    """
    if entry.name == CACHE_FOLDER:
        return is_cache_folder(entry)
    if entry.name != FOLDER or entry.is_symlink() or not entry.is_dir():
        return False
    leftover = (LOCK_FILE, MOMENTS_FILE, *PART_FILES)
    return all(any(file.match(pattern) for pattern in leftover) for file in entry.iterdir())


def _part_files(folder: Path) -> list[Path]:
    return [part for pattern in PART_FILES for part in folder.glob(pattern)]


def files(folder: Path) -> list[Path]:
    """List the checkpoints in a folder, newest first; partly written ones have other names.

    Raises:
        RunError: The folder cannot be read.
    """
    try:
        return sorted(folder.glob("step-*.safetensors"), reverse=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be read ({error.strerror}).") from None
