"""One server for the tests of `serve`: a network `digits` in two versions, and a second one, with small limits."""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.api.run import Run, load_run
from convscope.data.mnist import load_part
from serving.client import Served

LIMITS = ("--max-body", "0.3", "--max-images", "8", "--max-pixels", "0.5", "--receive-timeout", "1", "--timeout", "20")


@pytest.fixture(autouse=True)
def own_event_loop() -> Iterator[None]:
    """A test may run an event loop though Playwright's, of an earlier test in this process, goes on in this thread."""
    outer = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(outer)


@pytest.fixture(scope="session")
def run(short_run: Path) -> Run:
    return load_run(short_run)


@pytest.fixture(scope="session")
def served(short_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("serve")
    for version in ("1", "2"):
        shutil.copytree(short_run, folder / "digits" / version)
    server = Served("digits", short_run, "--name", "digits", "--name", "short", *LIMITS, cwd=folder)
    yield server
    server.stop()


def png(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="session")
def pictures() -> dict[str, bytes]:
    """Files as people send them: digits, a photo-like one with two, stripes, a blank one, and one that is no image."""
    test = load_part("test").pixels
    rows, columns = np.mgrid[:28, :28]
    inside = (abs(rows - 13.5) < 10) & (abs(columns - 13.5) < 10)
    stripes = np.where(inside & ((rows + columns) % 4 < 2), 255, 0).astype(np.uint8)
    sheet = np.full((120, 200), 245, np.uint8)
    for index, left in enumerate((20, 110)):
        sheet[30:90, left : left + 60] -= np.array(Image.fromarray(test[index, :, :, 0]).resize((60, 60))) // 2
    return {
        **{f"digit-{index}.png": png(test[index]) for index in range(12)},
        "two.jpg": png(sheet, "JPEG"),
        "stripes.png": png(stripes),
        "blank.png": png(np.full((28, 28), 200, np.uint8)),
        "broken.png": png(test[0])[:100],
    }
