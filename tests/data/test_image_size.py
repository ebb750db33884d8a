"""Size and fit: what is chosen for images that nobody chose a size for, and what an option says."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from convscope.api.load_data import load_data
from convscope.data.image_size import choose_size, fit_decision, has_other_proportions, parse_size, size_text
from convscope.errors import OptionError
from data.makers import png


@pytest.mark.parametrize(
    ("given", "size"),
    [
        (28, (28, 28)),
        ("28", (28, 28)),
        ("32x512", (32, 512)),
        ("32X512", (32, 512)),
        (" 3 × 4 ", (3, 4)),
        ((5, 6), (5, 6)),
    ],
)
def test_a_size_is_a_number_a_pair_or_a_text(given, size):
    assert parse_size(given) == size
    assert parse_size(size_text(size)) == size


@pytest.mark.parametrize(
    "wrong", ["0", "big", "3x", "3x4x5", "1025", "99999999", 0, -1, 2.5, True, (1, 2, 3), (0, 4), ""]
)
def test_another_size_is_refused(wrong):
    with pytest.raises(OptionError, match="size must be 1 to 1024 rows and columns"):
        parse_size(wrong)


def test_a_chosen_size_never_enlarges_and_stays_in_the_range_of_a_network():
    rng = np.random.default_rng(0)
    for h, w in rng.integers(1, 9000, (300, 2)).tolist():
        height, width = choose_size([(h, w)])
        assert 1 <= height <= min(h, 1024) and 1 <= width <= min(w, 1024)
        assert height * width <= 64 * 64 * 1.1
        if max(h, w) <= 4 * min(h, w):
            assert max(height, width) <= 64


def stripes(rows: int, columns: int) -> np.ndarray:
    """Left half dark, right half light."""
    array = np.full((rows, columns), 20, np.uint8)
    array[:, columns // 2 :] = 220
    return array


@pytest.fixture
def wide(tmp_path):
    for name in "ab":
        (tmp_path / "wide" / name).mkdir(parents=True)
        for index in range(3):
            (tmp_path / "wide" / name / f"{index}.png").write_bytes(png(stripes(16, 32)))
    return tmp_path / "wide"


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
def test_fit_is_applied_to_files_and_to_arrays_and_to_other_images_alike(wide, fit):
    files = load_data(wide, size=16, fit=fit, test_fraction=0)
    stack = np.stack([stripes(16, 32)] * 6)
    arrays = load_data((stack, np.arange(6) % 2), size=16, fit=fit, test_fraction=0)
    other = files.preprocessing.apply(stripes(16, 32)[..., None])
    assert files.preprocessing == arrays.preprocessing
    assert (files.train.pixels[0] == other).all()
    assert (arrays.train.pixels[0] == other).all()
    pillow = {
        "crop": stripes(16, 32)[:, 8:24],
        "stretch": np.asarray(Image.fromarray(stripes(16, 32)).resize((16, 16), Image.Resampling.BILINEAR)),
    }
    if fit == "pad":
        assert (other[:4] == other[0, 0]).all() and (other[12:] == other[0, 0]).all() and other[8, -1] != other[8, 0]
    else:
        assert np.abs(other[..., 0].astype(int) - pillow[fit]).max() <= 1
    for loaded in (files, arrays):
        assert [str(one) for one in loaded.decisions if one.what == "fit"] == [
            f"fit: {fit} (all images are 16×32; change with --fit)"
        ]


def test_fit_is_not_mentioned_where_it_changes_nothing(wide):
    assert not [one for one in load_data(wide, test_fraction=0).decisions if one.what == "fit"]
    assert fit_decision([(640, 480), (64, 48)], (64, 48), "crop") == ()
    assert has_other_proportions((640, 360), (64, 48))


def test_an_unknown_fit_is_refused(wide):
    with pytest.raises(OptionError, match=r"auto, pad, crop, stretch for fit\. Received: fit='cover'"):
        load_data(wide, fit="cover")


def test_a_fit_replaces_the_framing_of_digits(tmp_path):
    framed = load_data("mnist", size=20)
    assert framed.preprocessing.fit == "mnist"
    assert load_data("mnist", size=20, fit="stretch").preprocessing.fit == "stretch"
