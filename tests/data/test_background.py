"""What transparent images are laid on: decided once, recorded, and the same for the data and for other images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convscope.data.data_checks import check_dataset
from convscope.data.image_input import collect_images
from convscope.data.load_options import Caching
from convscope.data.readers import load, load_all
from convscope.data.scan import scan
from convscope.errors import OptionError
from data.makers import png

SIDE = 16


def drawing(level: int | tuple[int, int, int], seed: int, *, color: bool = True) -> bytes:
    """A bar of one color on a transparent ground, at a random place."""
    rng = np.random.default_rng(seed)
    alpha = np.zeros((SIDE, SIDE, 1), np.uint8)
    begin = int(rng.integers(1, SIDE - 5))
    alpha[begin : begin + 4] = 255
    ink = np.full((SIDE, SIDE, 3 if color else 1), level, np.uint8)
    return png(np.concatenate([ink, alpha], axis=-1))


def write(folder: Path, levels: list[int | tuple[int, int, int]], **options) -> Path:
    for index, level in enumerate(levels):
        place = folder / "ab"[index % 2] / f"{index}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(drawing(level, index, **options))
    return folder


WHITE, BLACK = 255, 0


@pytest.mark.parametrize(
    ("levels", "level"),
    [
        ([WHITE] * 20, 0),
        ([(255, 255, 200)] * 20, 0),
        ([BLACK] * 20, 255),
        ([BLACK] * 10 + [WHITE] * 10, 255),
        ([WHITE] * 12 + [BLACK] * 8, 128),  # on black, eight would vanish
        ([BLACK] * 14 + [WHITE] * 6, 255),
    ],
)
def test_drawings_stand_out_from_the_background(levels, level, tmp_path):
    loaded = load(write(tmp_path / "d", levels), channels=3)
    assert loaded.preprocessing.background == level
    told = [decision for decision in loaded.decisions if decision.what == "background"]
    assert bool(told) == (level != 255)
    if all(one != BLACK for one in levels):
        assert all(np.ptp(image) > 100 for image in loaded.train.pixels)


def test_the_decision_is_said_in_one_line(tmp_path):
    loaded = load(write(tmp_path / "d", [WHITE] * 20))
    assert (
        "background: black (20 of 20 drawings on a transparent ground that were looked at are white or nearly so; "
        "change with --background)"
    ) in map(str, loaded.decisions)


def test_opaque_images_and_drawings_that_fill_the_image_change_nothing(tmp_path):
    folder = tmp_path / "d"
    for index in range(20):
        place = folder / "ab"[index % 2] / f"{index}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(
            png(np.full((SIDE, SIDE, 4), 255, np.uint8) if index % 3 else np.full((SIDE, SIDE), 250, np.uint8))
        )
    loaded = load(folder)
    assert loaded.preprocessing.background == 255
    assert not any(decision.what == "background" for decision in loaded.decisions)


def test_cache_check_and_single_images_have_the_same_background(tmp_path):
    folder = write(tmp_path / "d", [(255, 255, 240)] * 20)
    everything = load_all(folder)[0]
    loaded = load(folder, test_fraction=0)
    stored = load(folder, test_fraction=0, caching=Caching(tmp_path / "cache"))
    assert (stored.train.pixels[:] == loaded.train.pixels).all() and (everything.pixels == loaded.train.pixels).all()
    for index, name in enumerate(loaded.train.names):
        (one,) = collect_images(folder / name, most=1)
        assert (loaded.preprocessing.apply(one.picture) == loaded.train.pixels[index]).all()
    report = check_dataset(scan(folder))
    assert "blank" not in report.counts
    assert [decision.chosen for decision in report.scan.decisions if decision.what == "background"] == ["black"]


def test_a_background_can_be_asked_for(tmp_path):
    folder = write(tmp_path / "d", [WHITE] * 20)
    cache = Caching(tmp_path / "cache")
    for name, level in (("white", 255), ("gray", 128), ("black", 0)):
        loaded = load(folder, background=name)
        assert loaded.preprocessing.background == level
        assert (loaded.train.pixels[:, 0, 0] == level).all()
        assert (load(folder, background=name, caching=cache).train.pixels[:] == loaded.train.pixels).all()
    with pytest.raises(OptionError, match="auto, white, gray, black for background"):
        load(folder, background="pink")


def test_white_digits_on_transparency_in_grayscale_stand_out_too(tmp_path):
    loaded = load(write(tmp_path / "d", [WHITE] * 20, color=False))
    assert loaded.preprocessing.background == 0
    assert all(np.ptp(image) == 255 for image in loaded.train.pixels)
