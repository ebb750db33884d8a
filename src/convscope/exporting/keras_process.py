"""A Keras file opened by Keras in a process of its own, which knows nothing of convscope."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import numpy as np

from convscope.arrays import Pixels
from convscope.errors import RunError
from convscope.exporting.exporter import Runtime

CHUNK = 64


def open_keras(path: Path, shape: tuple[int, int, int], classes: int) -> Runtime:
    """Open a ``.keras`` file.

    Raises:
        RunError: Keras refuses the file, or stops.
    """
    code = (resources.files("convscope.exporting") / "snippets" / "keras_process.txt").read_text(encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path), *map(str, shape)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
    )
    given, answered = process.stdin, process.stdout
    assert given is not None and answered is not None

    def answer(images: Pixels) -> np.ndarray:
        try:
            given.write(struct.pack("<I", len(images)) + np.ascontiguousarray(images).tobytes())
            given.flush()
            head = answered.read(4)
            size = len(images) * struct.unpack("<I", head)[0] * 4 if len(head) == 4 else 0
            content = answered.read(size)
        except BrokenPipeError:
            size, content = 0, b""
        if not size or len(content) != size:
            raise RunError("Keras must load the exported file and classify images. Received: no answer.")
        return np.frombuffer(content, np.float32).reshape(len(images), -1)

    def run(images: Pixels) -> tuple[np.ndarray, ...]:
        found = [answer(images[start : start + CHUNK]) for start in range(0, len(images), CHUNK)]
        rows = np.concatenate(found)
        pair = rows[:, :classes], rows[:, classes : 2 * classes]
        return pair if rows.shape[1] == 2 * classes else (*pair, rows[:, -1])

    def close() -> None:
        given.close()
        answered.close()
        process.wait()

    return Runtime(f"Keras {version('keras')}", run, close)
