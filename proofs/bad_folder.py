"""Train on a folder of 10,000 images, 37 of them invalid in 12 ways: exactly those must be skipped and named.

    python proofs/bad_folder.py [--pictures 10000]

Writes docs/figures/reliability-bad-folder.json.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from bad_inputs import png_file
from PIL import Image

CLASSES = ("bar", "column", "disc", "noise")
SIDE = 12
BAD = 37


def drawn(label: int, rng: np.random.Generator) -> Image.Image:
    """An image of one class."""
    pixels = rng.integers(0, 80, (SIDE, SIDE), np.uint8)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    shapes = (abs(rows - 6) < 2, abs(columns - 6) < 2, (rows - 6) ** 2 + (columns - 6) ** 2 < 16, rows < 0)
    pixels[shapes[label]] += 120
    return Image.fromarray(pixels)


def _stored(picture: Image.Image, form: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, form)
    return file.getvalue()


def _written(content: Callable[[Image.Image], bytes]) -> Callable[[Path, Image.Image], object]:
    return lambda path, picture: path.write_bytes(content(picture))


def _wrong_checksum(picture: Image.Image) -> bytes:
    good = bytearray(_stored(picture, "PNG"))
    good[good.index(b"IDAT") + 8] ^= 64
    return bytes(good)


WAYS: dict[str, Callable[[Path, Image.Image], object]] = {
    "empty": _written(lambda picture: b""),
    "cut in half": _written(lambda picture: _stored(picture, "PNG")[: len(_stored(picture, "PNG")) // 2]),
    "a wrong checksum": _written(_wrong_checksum),
    "a JPEG without its end": _written(lambda picture: _stored(picture, "JPEG")[:300]),
    "a text": _written(lambda picture: b"a bar"),
    "a page": _written(lambda picture: b"<!doctype html><title>404 not found</title>"),
    "a bomb": _written(lambda picture: png_file(w=60_000, h=60_000, body=b"")),
    "an icon": _written(lambda picture: _stored(picture, "ICO")),
    "noise": _written(lambda picture: np.random.default_rng(0).bytes(500)),
    "fewer rows than its header says": _written(lambda picture: png_file(w=12, h=12, body=b"\0" + bytes(12))),
    "a broken link": lambda path, picture: path.symlink_to("gone.png"),
    "a pipe": lambda path, picture: os.mkfifo(path),
}


@dataclass(frozen=True)
class Outcome:
    """What the training reported."""

    pictures: int
    bad: int
    kinds: int
    exit_code: int
    named: int
    named_wrongly: int
    not_named: int
    seconds: float
    accuracy: float


def write_folder(folder: Path, pictures: int) -> set[str]:
    """Write the folder, and return the names of the invalid files."""
    rng = np.random.default_rng(0)
    places = set(rng.permutation(pictures)[:BAD].tolist())
    ways, bad = list(WAYS), set()
    for index in range(pictures):
        label = index % len(CLASSES)
        name = f"{CLASSES[label]}/{index:05}.png"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = drawn(label, rng)
        if index in places:
            WAYS[ways[len(bad) % len(ways)]](path, picture)
            bad.add(name)
        else:
            picture.save(path)
    return bad


def prove(place: Path, pictures: int) -> Outcome:
    """Train on the folder with the command line."""
    bad = write_folder(place / "pictures", pictures)
    (place / "net.txt").write_text(
        "Conv2D(4, 3, activation='relu')\nFlatten()\nDense(num_classes, activation='softmax')"
    )
    words = ("train", "--data", "pictures", "--model", "net.txt", "--epochs", "3", "--out", "run", "--json")
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "convscope", *words], cwd=place, capture_output=True, text=True, timeout=600
    )
    seconds = round(time.monotonic() - started, 1)
    if done.returncode:
        return Outcome(pictures, len(bad), len(WAYS), done.returncode, 0, 0, len(bad), seconds, 0.0)
    run = json.loads(done.stdout)["run"]
    named = {entry["file"] for entry in run["data"]["skipped"]}
    rate = run["test"]["accuracy"]["rate"]
    return Outcome(
        pictures, len(bad), len(WAYS), 0, len(named), len(named - bad), len(bad - named), seconds, rate
    )  # fmt: skip


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=10_000)
    with tempfile.TemporaryDirectory() as folder:
        outcome = prove(Path(folder), parser.parse_args().pictures)
    write("reliability-bad-folder", {"summary": asdict(outcome)})


if __name__ == "__main__":
    main()
