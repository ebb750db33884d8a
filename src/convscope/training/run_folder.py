"""The folder of a run: make it, find it, and read and write the files in it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from convscope.errors import ModelFileError, RunError
from convscope.model.files import make_folder, read_small, replace_file
from convscope.model.safetensors_io import parse_json
from convscope.training import checkpoint
from convscope.training.config import to_toml
from convscope.training.run import RunRecord, from_json

MODEL_FILE = "model.safetensors"
RUN_FILE = "run.json"
CONFIG_FILE = "config.toml"
HASHES_FILE = "training_images.bin"
"""The 64-bit hashes of the training images, ascending, little-endian: the images that a network was trained on."""

MAX_PER_SECOND = 100
"""Runs that can start in the same second."""

MAX_RECORD_BYTES = 64_000_000


def new_folder(out: str | Path | None, *, name: str) -> Path:
    """Create the folder of a run.

    Args:
        out: Used as given; None creates ``runs/<name>``, or ``runs/<name>-2`` if that exists.
        name: ``<date>-<time>-<network>``.

    Returns:
        The folder, which is empty and writable.

    Raises:
        RunError: The folder is not empty, or cannot be written.
    """
    folder = Path(out) if out is not None else Path("runs") / name
    try:
        if out is None:
            folder = _make_free(folder)
        else:
            make_folder(folder)
        check_empty(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RunError(
            f"The run folder {str(folder)[:300]} cannot be written ({error.strerror}).", hint="Use another --out."
        ) from None
    return folder


def _make_free(folder: Path) -> Path:
    """Create the folder, or one with a number if it exists: two runs can start in the same second."""
    for number in range(2, MAX_PER_SECOND):
        name = folder if number == 2 else folder.with_name(f"{folder.name}-{number - 1}")
        with contextlib.suppress(FileExistsError):
            make_folder(name, exist_ok=False)
            return name
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def check_empty(folder: Path) -> None:
    """Refuse a folder that is not empty, except for what a training left that ended before its first checkpoint.

    Raises:
        RunError: It is not empty, or not a folder.
    """
    try:
        if folder.exists() and not all(map(checkpoint.is_leftover, folder.iterdir())):
            raise RunError(
                f"Expected a new or empty folder for the run. Received: {folder}, which is not empty.",
                hint="Use another --out, or delete the folder first.",
            )
    except OSError as error:
        raise RunError(
            f"The run folder {folder} cannot be written ({error.strerror}).", hint="Use another --out."
        ) from None


def write_text(path: Path, text: str) -> None:
    """Write a small file so that a reader sees the old one or the new one, never half of it.

    Raises:
        RunError: The disk is full or the folder is read-only; the old file is untouched.
    """
    try:
        replace_file(path, [text.encode()])
    except OSError as error:
        raise RunError(f"{path} could not be written ({error.strerror}).") from None


def save_run(run: RunRecord, folder: Path) -> None:
    """Write ``run.json`` and ``config.toml`` into a run's folder."""
    write_text(folder / CONFIG_FILE, to_toml(asdict(run.options)))
    write_text(folder / RUN_FILE, json.dumps(run.to_json(), indent=1, allow_nan=False) + "\n")


def load_record(folder: Path) -> RunRecord:
    """Read the record of a run.

    Raises:
        RunError: There is none, or it is damaged.
    """
    path = folder / RUN_FILE
    try:
        value = parse_json(read_small(path, MAX_RECORD_BYTES).decode("utf-8"), "it", any_text=True)
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}).", hint="Pass the folder of a run.") from None
    except UnicodeDecodeError:
        raise RunError(f"{path} is not the record of a run: it is not UTF-8.") from None
    except ModelFileError as error:
        raise RunError(f"{path} is not the record of a run: {error}") from None
    try:
        return from_json(value)
    except RunError as error:
        raise RunError(f"{path}: {error}") from None


def save_training_hashes(hashes: np.ndarray, folder: Path) -> None:
    """Write the hashes of the images that a network was trained on; see `data.dataset.image_hashes`."""
    try:
        replace_file(folder / HASHES_FILE, [np.unique(hashes).astype("<u8").tobytes()])
    except OSError as error:
        raise RunError(f"{folder / HASHES_FILE} could not be written ({error.strerror}).") from None


def training_hashes(folder: Path) -> np.ndarray | None:
    """The hashes of the images that a network was trained on, uint64; None if the run has none.

    Raises:
        RunError: The file is damaged.
    """
    path = folder / HASHES_FILE
    if not path.exists():
        return None
    try:
        content = read_small(path, MAX_RECORD_BYTES)
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}).") from None
    if len(content) % 8:
        raise RunError(f"{path} is damaged. Expected a multiple of 8 bytes. Received: {len(content)}.")
    return np.frombuffer(content, "<u8")


def find_run(run: str | Path | None) -> Path:
    """Find the folder of a run.

    Args:
        run: The folder, or a file in it; None takes the newest run below ``runs/``.

    Raises:
        RunError: There is no such folder, or no run in it.
    """
    if run is None:
        complete = [path for path in Path("runs").glob(f"*/{RUN_FILE}") if path.with_name(MODEL_FILE).is_file()]
        records = sorted(complete, key=lambda path: path.stat().st_mtime)
        if not records:
            raise RunError("Expected a run below runs/. Received: none.", hint="Train one first: convscope train")
        return records[-1].parent
    folder = Path(run)
    folder = folder.parent if folder.name in (RUN_FILE, MODEL_FILE) and folder.is_file() else folder
    if not (folder / MODEL_FILE).is_file():
        raise RunError(
            f"Expected the folder of a run, with {MODEL_FILE} in it. Received: {folder}.",
            hint="See what there is in runs/, or train one: convscope train",
        )
    return folder
