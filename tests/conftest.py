"""What several test files share: small data sets on disk, and one short training for everybody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

# Machines are shared: how long one example takes says nothing about the code.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


def run_convscope(
    *arguments: object, cwd: Path, timeout: float = 180, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The program as a person runs it: a fresh process, in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "convscope", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="session")
def convscope():
    return run_convscope


@pytest.fixture(scope="session")
def short_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of `quick`, trained on the real MNIST for a fifth of an epoch."""
    folder = tmp_path_factory.mktemp("short")
    done = run_convscope("train", "--epochs", "0.2", "--out", "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "run"


def draw_shape(label: int, rng: np.random.Generator, *, h: int = 24, w: int = 32) -> np.ndarray:
    """A noisy RGB picture of a horizontal bar, a vertical bar or a disc."""
    picture = rng.integers(0, 60, size=(h, w, 3)).astype(np.uint8)
    y, x = rng.integers(6, h - 6), rng.integers(6, w - 6)
    rows, columns = np.mgrid[:h, :w]
    shapes = (abs(rows - y) < 2, abs(columns - x) < 2, (rows - y) ** 2 + (columns - x) ** 2 < 30)
    picture[shapes[label]] = (230, 120 + 40 * label, 40)
    return picture


@pytest.fixture(scope="session")
def shapes_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of small RGB pictures, one sub-folder each."""
    folder, rng = tmp_path_factory.mktemp("data") / "shapes", np.random.default_rng(0)
    for label, name in enumerate(("bar", "pole", "disc")):
        (folder / name).mkdir(parents=True)
        for index in range(40):
            Image.fromarray(draw_shape(label, rng)).save(folder / name / f"{name}-{index:02d}.png")
    return folder
