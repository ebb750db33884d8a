"""MNIST, 60,000 + 10,000 digits, included in the package and verified by checksum at each load. No download.

``scripts/pack_mnist`` creates the .xz files; LICENSE.md gives their origin and license.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from convscope.arrays import Picture
from convscope.data.dataset import Dataset
from convscope.errors import DataError

FOLDER = Path(__file__).parent
CLASS_NAMES = tuple("0123456789")
DIGIT = re.compile(r"mnist:(\d{1,5})")
PARTS = {"train": "train", "test": "t10k"}
TEST_IMAGES = 10_000
THREADS = 2
"""Decompression releases the GIL. The training images are four streams; two threads leave cores for other work."""


def load_part(part: str) -> Dataset:
    """Load the training or the test part of MNIST, without reading the other.

    Args:
        part: ``"train"`` (60,000 digits) or ``"test"`` (10,000).

    Returns:
        Grayscale 28×28 images. ``known_wrong`` lists the 15 test images whose labels are known to be wrong.

    Raises:
        DataError: Another part, or a file of the package is missing or damaged.

    Example:
        >>> load_part("test")
        Dataset(10,000 images 28×28×1, 10 classes, MNIST test)
    """
    return load_parts(part)[0]


def load_parts(*parts: str) -> tuple[Dataset, ...]:
    """Load several parts at once, which is faster than one after the other; see `load_part`."""
    for part in parts:
        if part not in PARTS:
            raise DataError(f"Expected part 'train' or 'test'. Received: part={part!r}.")
    files = [f"{PARTS[part]}-{kind}-ubyte" for part in parts for kind in ("images-idx3", "labels-idx1")]
    raw = _unpack(files)
    return tuple(
        Dataset(
            images[16:].reshape(-1, 28, 28, 1),
            labels[8:].astype(np.int64),
            CLASS_NAMES,
            source=f"MNIST {part}",
            known_wrong=known_wrong() if part == "test" else (),
        )
        for part, images, labels in zip(parts, raw[::2], raw[1::2], strict=True)
    )


def digit_index(name: str) -> int | None:
    """The index in ``mnist:7``; None if the name has another form.

    Raises:
        DataError: The test part has no image with that index.

    Example:
        >>> digit_index("mnist:7"), digit_index("photo.png")
        (7, None)
    """
    found = DIGIT.fullmatch(name)
    if not found:
        return None
    if int(found[1]) >= TEST_IMAGES:
        raise DataError(f"Expected mnist:0 to mnist:{TEST_IMAGES - 1}. Received: {name}.")
    return int(found[1])


def digit(name: str) -> Picture | None:
    """The test image that ``mnist:7`` stands for; None if the name has another form.

    Returns:
        uint8 ``(28, 28, 1)``.

    Raises:
        DataError: The test part has no image with that index.

    Example:
        >>> digit("mnist:7").shape, digit("photo.png")
        ((28, 28, 1), None)
    """
    index = digit_index(name)
    return None if index is None else load_part("test").pixels[index]


def known_wrong() -> tuple[int, ...]:
    """The indices of the 15 test images whose label most people reject, ascending.

    Source:
        Northcutt, Athalye and Mueller, Pervasive Label Errors in Test Sets, 2021; ``wrong_test_labels.json``.

    Example:
        >>> known_wrong()[:3], len(known_wrong())
        ((947, 1621, 1901), 15)
    """
    table = json.loads(_read("wrong_test_labels.json"))
    return tuple(sorted(int(position) for group in ("relabelled", "no_agreement") for position in table[group]))


def _read(name: str) -> bytes:
    try:
        return (FOLDER / name).read_bytes()
    except OSError as error:
        raise _damaged(name, error.strerror or str(error)) from None


def _unpack(names: list[str]) -> list[UInt8[np.ndarray, " _"]]:
    """Decompress IDX files, with their streams in threads, and verify each SHA-256."""
    index = json.loads(_read("index.json"))
    packed = {name: memoryview(_read(f"{name}.xz")) for name in names}
    raw = [np.empty(index[name]["raw_bytes"], np.uint8) for name in names]

    def unpack(name: str, stream: dict[str, int], target: np.ndarray) -> None:
        piece = packed[name][stream["offset"] : stream["offset"] + stream["packed_bytes"]]
        # At most one byte more than expected is decompressed, so that a damaged file cannot fill the memory.
        found = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(piece, max_length=len(target) + 1)
        if len(found) != len(target):
            raise _damaged(f"{name}.xz", f"{len(found)} bytes instead of {len(target)}")
        target[:] = np.frombuffer(found, np.uint8)

    def check(name: str, whole: np.ndarray) -> None:
        found = hashlib.sha256(whole.data).hexdigest()
        if found != index[name]["sha256"]:
            raise _damaged(f"{name}.xz", f"sha256={found}")

    with ThreadPoolExecutor(THREADS) as pool:
        tasks = []
        for name, whole in zip(names, raw, strict=True):
            start = 0
            for stream in index[name]["streams"]:
                end = start + stream["raw_bytes"]
                tasks.append(pool.submit(unpack, name, stream, whole[start:end]))
                start = end
        try:
            for task in tasks:
                task.result()
        except lzma.LZMAError as error:
            raise _damaged("one of " + ", ".join(f"{name}.xz" for name in names), str(error)) from None
        list(pool.map(check, names, raw))
    return raw


def _damaged(name: str, reason: str) -> DataError:
    return DataError.about_file(
        "Expected the package's undamaged MNIST files", FOLDER / name, reason, hint="Reinstall convscope."
    )
