"""Everything needed to go on bit for bit, on disk while a training runs: a process may end at any moment.

A checkpoint is one file of the model's container (`model.safetensors_io`): hashed, bounded, written beside and renamed,
so that every file with a checkpoint's name is whole, or known to be damaged. The last two are kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from convscope.arrays import is_number
from convscope.errors import ModelFileError, RunError
from convscope.model.files import make_folder, replace_file
from convscope.model.safetensors_io import encode, open_file, parse_json, tensors_of
from convscope.training.lock import lock_file

FOLDER = "checkpoints"
LOCK_FILE = "lock"
HALF_WRITTEN = ".step-*.part"
KEPT = 2
SECONDS_BETWEEN = 10.0
SCHEMA_VERSION = 1
MAX_BYTES = 2_000_000_000
"""Optimizer and averages make a checkpoint up to four times its model."""

_LOSSES = "losses"


@dataclass(frozen=True)
class Checkpoint:
    """A training between two steps.

    Attributes:
        step: Steps taken.
        state: Weights, moving statistics, averages and the optimizer's slots, float32, by names that `fit` gives.
        losses: One for each step taken.
        measured: Validation loss and accuracy, by the step after which they were measured.
        seconds: How long it has trained, stops left out.
        identity: What was trained on what, and how; the same when going on, or it would be another training.
    """

    step: int
    state: Mapping[str, np.ndarray]
    losses: Float32[np.ndarray, " steps"]
    measured: Mapping[int, tuple[float, float]]
    seconds: float
    identity: Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """What lies in a run's folder: the newest whole checkpoint, and words on those that are damaged."""

    checkpoint: Checkpoint
    damaged: tuple[str, ...]


class CheckpointManager:
    """Writes checkpoints of one training.

    Args:
        folder: The run's folder; None keeps nothing.
        identity: Plain JSON values.
        found: Where the training goes on; None begins it.
    """

    def __init__(
        self, folder: Path | None = None, identity: Mapping[str, Any] | None = None, found: Checkpoint | None = None
    ) -> None:
        self.found = found
        self._folder = folder / FOLDER if folder else None
        self._identity = identity or {}
        self._began = time.monotonic() - (found.seconds if found else 0.0)
        self._kept_at = time.monotonic()

    def is_due(self, *, ends_epoch: bool) -> bool:
        """Whether a checkpoint should be written between these two steps."""
        if self._folder is None:
            return False
        return ends_epoch or time.monotonic() - self._kept_at >= SECONDS_BETWEEN

    def save(
        self,
        step: int,
        state: Callable[[], Mapping[str, np.ndarray]],
        losses: list[float],
        measured: Mapping[int, tuple[float, float]],
    ) -> None:
        """Write a checkpoint; the last one before it stays, older ones go.

        Args:
            step: Steps taken.
            state: Called once, where anything is written at all.
            losses: One for each step.
            measured: As `Checkpoint` has it.

        Raises:
            RunError: It cannot be written. What was kept before is untouched.
        """
        if self._folder is None:
            return
        checkpoint = Checkpoint(
            step, state(), np.array(losses, np.float32), measured, time.monotonic() - self._began, self._identity
        )
        save_checkpoint(checkpoint, self._folder)
        self._kept_at = time.monotonic()


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write one checkpoint into a folder, and remove all but the last two.

    Raises:
        RunError: The disk is full or the folder read-only; the checkpoints before are untouched.
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
            f"The checkpoint {path} could not be written ({error.strerror}). What was kept before is untouched.",
            hint=f"Make room, then go on: convscope train --resume {folder.parent}",
        ) from None
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, trusting nothing in it.

    Raises:
        RunError: It is damaged, or a newer convscope wrote it.
    """
    try:
        file = open_file(path, max_bytes=MAX_BYTES)
        about = parse_json(file.text, "its description")
        if about["schema_version"] != SCHEMA_VERSION:
            raise RunError(f"{path}: written by another version of convscope.", hint="Train anew.")
        step = _whole(about["step"])
        shapes = {str(name): tuple(map(_whole, shape)) for name, shape in about["shapes"].items()}
        tensors = tensors_of(file, {**shapes, _LOSSES: (step,)})
        measured = {
            _whole(at, highest=step): (_figure(loss), _figure(accuracy)) for at, loss, accuracy in about["measured"]
        }
        losses = tensors.pop(_LOSSES)
        return Checkpoint(step, tensors, losses, measured, _figure(about["seconds"]), about["identity"])
    except ModelFileError as error:
        raise RunError(f"{path} is damaged: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise RunError(f"{path} is damaged: its description is not that of a checkpoint.") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}).") from None


def _whole(value: object, *, highest: int = 2**40) -> int:
    if type(value) is not int or not 0 <= value <= highest:
        raise ValueError(f"{value!r} is not a whole number from 0 to {highest}")
    return value


def _figure(value: Any) -> float:
    if not is_number(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def latest_checkpoint(folder: Path) -> Found:
    """The newest whole checkpoint of a run.

    Raises:
        RunError: There is none.
    """
    damaged = []
    for path in files(folder / FOLDER):
        try:
            return Found(load_checkpoint(path), tuple(damaged))
        except RunError as error:
            damaged.append(str(error))
    if damaged:
        raise RunError(f"Every checkpoint of {folder} is damaged. {damaged[0]}", hint="Train anew with another --out.")
    raise RunError(
        f"There is no training to go on with. Received: {folder}, which holds no checkpoint.",
        hint="A training that has finished keeps none. Begin one with convscope train.",
    )


@contextlib.contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Keep other trainings out of a run's folder; the system lets go of it when the process ends, however it ends.

    Raises:
        RunError: Another process trains there, or the folder cannot be written.
    """
    place = folder / FOLDER
    if place.is_symlink():
        raise RunError(f"Expected a folder of its own. Received: {place}, which is a link.", hint="Remove the link.")
    try:
        make_folder(place)
        lock = lock_file(place / LOCK_FILE)
    except BlockingIOError:
        raise RunError(f"Another process trains in {folder}.", hint="Wait for it, or give another --out.") from None
    except OSError as error:
        raise RunError(f"{folder} cannot be written ({error.strerror}).", hint="Give another --out.") from None
    try:
        for half in place.glob(HALF_WRITTEN):  # of a process that was killed while it wrote
            with contextlib.suppress(OSError):
                half.unlink()
        yield
    finally:
        try:
            if not files(place):
                delete_checkpoints(folder)
        finally:
            os.close(lock)


def delete_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a training that is over, the oldest first, and nothing else that may lie there.

    Whoever calls it holds the folder.
    """
    place = folder / FOLDER
    with contextlib.suppress(OSError, RunError):
        for old in [*reversed(files(place)), *place.glob(HALF_WRITTEN), place / LOCK_FILE]:
            with contextlib.suppress(OSError):
                old.unlink(missing_ok=True)
        place.rmdir()


def is_leftover(entry: Path) -> bool:
    """Whether this is what a training left that ended before its first checkpoint: nothing can be gone on with.

    Raises:
        OSError: It cannot be read.
    """
    if entry.name != FOLDER or entry.is_symlink() or not entry.is_dir():
        return False
    return all(file.name == LOCK_FILE or file.match(HALF_WRITTEN) for file in entry.iterdir())


def files(folder: Path) -> list[Path]:
    """The checkpoints that lie in a folder, newest first; half-written ones have other names.

    Raises:
        RunError: The folder cannot be read.
    """
    try:
        return sorted(folder.glob("step-*.safetensors"), reverse=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be read ({error.strerror}).") from None
