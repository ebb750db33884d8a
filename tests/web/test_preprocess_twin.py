"""JavaScript prepares pictures as Python does: photos, drawings and noise, pixel by pixel."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from data.photo_conditions import CONDITIONS, blank_pictures, stroke_ink
from data.photos import photograph

from convscope.data import mnist
from convscope.data.preprocess import FIT_NAMES, POLARITIES, Preprocessing

RUNNER = Path(__file__).with_name("run_preprocess.js")
NODE = shutil.which("node")


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return mnist.load_part("test").pixels[:200, ..., 0]


def with_alpha(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A picture under a mask of opaque, transparent and half-transparent pixels."""
    alpha = rng.choice(np.array([0, 1, 127, 200, 255], np.uint8), colour.shape[:2], p=[0.02, 0.02, 0.02, 0.04, 0.9])
    return np.dstack([colour, alpha])


def drawing(digit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """White strokes on transparent black, as a canvas has them, somewhere in a larger field."""
    big = np.kron(digit, np.ones((int(rng.integers(1, 7)),) * 2, np.uint8))
    h, w = (side + int(rng.integers(0, 90)) for side in big.shape)
    field = np.zeros((h, w, 4), np.uint8)
    y, x = int(rng.integers(0, h - big.shape[0] + 1)), int(rng.integers(0, w - big.shape[1] + 1))
    field[y : y + big.shape[0], x : x + big.shape[1]] = big[..., None]
    return field


def noise(rng: np.random.Generator) -> np.ndarray:
    """Pixels of a few levels or of all, in any shape that can be, down to one pixel."""
    shape = rng.integers(1, [40, 40, 5])
    return rng.choice(rng.integers(0, 256, int(rng.choice([2, 3, 300])), np.uint8), shape)


def pictures(digits: np.ndarray) -> Iterator[np.ndarray]:
    """Without end: each kind of picture in turn."""
    for index, digit in enumerate(digits):
        rng = np.random.default_rng([index, 5])
        shot = photograph(digit, index, invert=index % 4 < 3, noise=float(rng.uniform(0, 9)), shadow=index % 2 == 0)
        makers: list[Callable[[], np.ndarray]] = [
            lambda shot=shot: shot,
            lambda shot=shot, rng=rng: with_alpha(shot, rng),
            lambda shot=shot: shot[..., 1:2],
            lambda shot=shot, rng=rng: with_alpha(shot[..., :1], rng),
            lambda digit=digit, rng=rng: drawing(digit, rng),
            lambda rng=rng: noise(rng),
        ]
        yield makers[index % len(makers)]()


def contracts() -> Iterator[Preprocessing]:
    """Every fit with every polarity and number of channels; for MNIST's recipe every image is grayscale."""
    rng = np.random.default_rng(6)
    for fit, polarity, channels in product(FIT_NAMES, POLARITIES, (1, 3)):
        for side in (28, None, 320):
            height, width = (side or int(rng.integers(1, 64)) for _ in range(2))
            grey = fit == "mnist"
            yield Preprocessing(
                height, width, 1 if grey else channels, fit=fit, polarity=polarity, background=int(rng.integers(256))
            )


def decoded(row: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(row["pixels"]), np.uint8).reshape(row["shape"])


def javascript(cases: list[tuple[np.ndarray, Preprocessing]], folder: Path) -> list[np.ndarray]:
    return [decoded(row) for row in javascript_rows(cases, folder)]


def javascript_rows(cases: list[tuple[np.ndarray, Preprocessing]], folder: Path) -> list[dict]:
    file = folder / "pictures.json"
    rows = [
        {
            "preprocessing": contract.to_json(),
            "shape": picture.shape,
            "pixels": base64.b64encode(picture.tobytes()).decode(),
        }
        for picture, contract in cases
    ]
    file.write_text(json.dumps(rows))
    done = subprocess.run([str(NODE), str(RUNNER), str(file)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_javascript_prepares_random_pictures_as_python_does_pixel_by_pixel(digits, tmp_path):
    cases = list(zip(pictures(digits), contracts(), strict=False))
    assert len(cases) == 72
    for index, (result, (picture, contract)) in enumerate(zip(javascript(cases, tmp_path), cases, strict=True)):
        np.testing.assert_array_equal(result, contract.apply(picture), f"case {index}: {picture.shape}, {contract}")


def test_javascript_normalizes_photos_and_drawings_of_digits_as_python_does(digits, tmp_path):
    contract = Preprocessing(28, 28, 1, fit="mnist", polarity="auto")
    cases = [(picture, contract) for picture in pictures(digits[:60])]
    results = javascript(cases, tmp_path)
    for index, (result, (picture, _)) in enumerate(zip(results, cases, strict=True)):
        np.testing.assert_array_equal(result, contract.apply(picture), f"case {index}: {picture.shape}")
    assert sum(result.any() for result in results) >= 40


def test_javascript_averages_blocks_of_a_large_photo_as_python_does(digits, tmp_path):
    rng = np.random.default_rng(7)
    photo = np.kron(photograph(digits[0], 0), np.ones((5, 5, 1), np.uint8))[3:-1, 2:]
    photo = np.clip(photo.astype(int) + rng.integers(-9, 10, photo.shape), 0, 255).astype(np.uint8)
    contracts = [
        Preprocessing(28, 28, 1, fit="mnist", polarity="auto"),
        Preprocessing(24, 40, 3, fit="pad"),
        Preprocessing(32, 17, 3, fit="crop"),
    ]
    results = javascript([(photo, contract) for contract in contracts], tmp_path)
    for result, contract in zip(results, contracts, strict=True):
        np.testing.assert_array_equal(result, contract.apply(photo), str(contract))


def test_javascript_composites_each_gray_level_on_each_background_as_python_does(tmp_path):
    levels = np.arange(256, dtype=np.uint8)
    every = np.stack(np.meshgrid(levels, levels, indexing="ij"), axis=-1)
    colours = np.random.default_rng(8).integers(0, 256, (256, 256, 4), np.uint8)
    cases = [
        (picture, Preprocessing(256, 256, channels, fit="stretch", background=background))
        for picture, channels in ((every, 1), (colours, 1), (colours, 3), (colours[..., :3], 1))
        for background in (0, 101, 255)
    ]
    for result, (picture, contract) in zip(javascript(cases, tmp_path), cases, strict=True):
        np.testing.assert_array_equal(result, contract.apply(picture), f"{picture.shape}, {contract}")


def test_javascript_decides_borderline_cases_as_python_does(digits, tmp_path):
    contract = Preprocessing(28, 28, 1, fit="mnist", polarity="auto")
    flat = [np.full((9, 9), level, np.uint8) for level in (0, 127, 128, 129, 255)]
    faint = [(digits[0] > 99) * np.uint8(rise) + np.uint8(100) for rise in range(4, 46)]
    # One row or column more or less than MNIST's box, or one pixel away from its middle.
    framed = [np.roll(digit, (y, x), (0, 1)) for digit in digits[:9] for y, x in ((0, 1), (-1, 0), (1, -1))]
    longer = [digit.copy() for digit in digits[:40]]
    for index, digit in enumerate(longer):
        box = np.flatnonzero(digit.any(axis=1))
        digit[box[0] if index % 2 else box[0] - 1 - index % 3] = digit[box[1]] // (1 + 250 * (index % 2))
    lopsided = np.zeros((40, 40), np.uint8)
    lopsided[10:30, 18:20] = 150
    lopsided[26:30, 12:28] = 255
    pictures = [*flat, *faint, *framed, *longer, lopsided, lopsided[::-1], lopsided.T, lopsided.T[:, ::-1]]
    cases = [(np.ascontiguousarray(picture)[..., None], contract) for picture in pictures]
    for index, (result, (picture, _)) in enumerate(zip(javascript(cases, tmp_path), cases, strict=True)):
        np.testing.assert_array_equal(result, contract.apply(picture), f"case {index}")
    levels = [(picture, Preprocessing(9, 9, 1, polarity="auto")) for picture, _ in cases[: len(flat)]]
    for result, (picture, auto) in zip(javascript(levels, tmp_path), levels, strict=True):
        np.testing.assert_array_equal(result, auto.apply(picture))


def test_javascript_finds_the_same_ink_on_photos_as_python_does(tmp_path):
    rng = np.random.default_rng(9)
    photos = {
        name: make(stroke_ink(index % 10, 110, rng), rng) for index, (name, make) in enumerate(CONDITIONS.items())
    }
    photos |= blank_pictures(9)
    photos["two digits"] = CONDITIONS["plain"](np.hstack([np.pad(stroke_ink(1, 100, rng), 9)] * 2), rng)
    photos["large photo"] = np.kron(photos["table, 4 sides"], np.ones((7, 7, 1), np.uint8))
    contract = Preprocessing(28, 28, 1, fit="mnist", polarity="auto")
    rows = javascript_rows([(photo, contract) for photo in photos.values()], tmp_path)
    for (name, photo), row in zip(photos.items(), rows, strict=True):
        framing = contract.frame(photo)
        report = framing.report.to_json()
        assert row["report"] == report | {"sheet_area": pytest.approx(report["sheet_area"])}, name
        assert row["warnings"] == list(framing.report.warnings), name
        np.testing.assert_array_equal(decoded(row), framing.pixels, name)
        for mine, theirs in zip(framing.digits, row["digits"], strict=True):
            np.testing.assert_array_equal(mine.reshape(-1), np.frombuffer(base64.b64decode(theirs), np.uint8), name)
