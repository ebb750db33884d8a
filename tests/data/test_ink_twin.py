"""The fast search for ink beside the same with plain loops: the same pixels and the same report for every picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from convscope.data.ink import background, components, digits, find_ink, polarity, ruled_lines, sheet
from convscope.data.pixels import to_grey
from convscope.data.preprocess import Framing, Preprocessing
from data import slow_ink
from data.photo_conditions import CONDITIONS, blank_pictures, stroke_ink

SLOW = (
    (sheet, "connected_components", slow_ink.connected_components),
    (digits, "connected_components", slow_ink.connected_components),
    (background, "running", slow_ink.running),
    (digits, "running", slow_ink.running),
    (find_ink, "difference_from_background", slow_ink.difference_from_background),
    (find_ink, "is_darker", slow_ink.is_darker),
    (background, "_block_levels", slow_ink.block_levels),
    (background, "_fit", slow_ink.fit),
    (background, "divide_out", slow_ink.divide_out),
    (digits, "measure_components", slow_ink.measure_components),
    (digits, "sharp_parts", slow_ink.sharp_parts),
    # What is only faster is left out.
    (ruled_lines, "may_hold_lines", lambda inked, *, whole: True),
    (components.Components, "number_at", lambda self, row, column: -1),
    (sheet, "box_around", lambda mask, margin: (slice(None), slice(None))),
    (sheet, "is_too_small", lambda n, size: False),
    (sheet, "is_whole", lambda mask: False),
    (sheet, "_spanned", lambda part: 0),
    (ruled_lines, "find_lines", slow_ink.find_lines),
    (ruled_lines, "erase", slow_ink.erase),
    (sheet, "convex_hull", slow_ink.convex_hull),
    (sheet, "largest_quadrilateral", slow_ink.largest_quadrilateral),
    (sheet, "fill_polygon", slow_ink.fill_polygon),
    (find_ink, "fill_polygon", slow_ink.fill_polygon),
    (sheet, "is_sharp", slow_ink.is_sharp),
)


def photos(seed: int) -> Iterator[tuple[str, np.ndarray]]:
    for index, name in enumerate(CONDITIONS):
        rng = np.random.default_rng([seed, index, 5])
        photo = CONDITIONS[name](stroke_ink(int(rng.integers(10)), int(rng.integers(60, 190)), rng), rng)
        yield name, photo
        if index % 5 == seed % 5:
            yield f"{name}, 640×480", np.asarray(Image.fromarray(photo).resize((640, 480)))


def random_pictures(seed: int, count: int) -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng([seed, 6])
    for index in range(count):
        h, w, c = int(rng.integers(1, 300)), int(rng.integers(1, 300)), int(rng.integers(1, 5))
        kinds = (
            rng.integers(0, 256, (h, w, c)),
            np.where(rng.random((h, w, c)) < 0.2 * rng.random(), 0, 255),
            np.cumsum(rng.normal(0, 3, (h, w, c)), axis=index % 2) + 128,
            np.kron(rng.integers(0, 256, (h // 16 + 1, w // 16 + 1, c)), np.ones((16, 16, 1)))[:h, :w],
        )
        yield f"random {index}", kinds[index % 4].clip(0, 255).astype(np.uint8)


def framings(pictures: list[tuple[str, np.ndarray]]) -> dict[tuple[str, str], Framing]:
    return {
        (name, chosen): Preprocessing(28, 28, 1, fit="mnist", polarity=chosen).frame(picture)
        for index, (name, picture) in enumerate(pictures)
        for chosen in (("auto",), ("auto", "invert", "as_is"))[index % 4 == 0]
    }


def assert_same(pictures: list[tuple[str, np.ndarray]], monkeypatch: pytest.MonkeyPatch) -> dict:
    fast = framings(pictures)
    with monkeypatch.context() as patch:
        for module, name, function in SLOW:
            assert hasattr(module, name)
            patch.setattr(module, name, function)
        slow = framings(pictures)
    for key, framing in fast.items():
        assert framing.report == slow[key].report, key
        assert (framing.pixels == slow[key].pixels).all(), key
        assert len(framing.digits) == len(slow[key].digits), key
        assert all((a == b).all() for a, b in zip(framing.digits, slow[key].digits, strict=True)), key
    return fast


def test_the_ink_on_a_photo_of_each_condition_is_that_of_plain_loops(monkeypatch):
    found = assert_same([*[*photos(100)][::7], *random_pictures(100, 4)], monkeypatch)
    assert sum(framing.report.digits > 0 for framing in found.values()) >= 3


@pytest.mark.long
@pytest.mark.parametrize("seed", range(101, 109))
def test_the_ink_on_several_hundred_pictures_is_that_of_plain_loops(seed, monkeypatch):
    pictures = [*photos(seed), *random_pictures(seed, 30), *blank_pictures(seed).items()]
    found = assert_same(pictures, monkeypatch)
    reports = [framing.report for framing in found.values()]
    assert sum(report.digits > 0 for report in reports) >= 20
    assert any(report.lines for report in reports) and any(report.sheet for report in reports)


def test_levels_counted_give_the_decisions_of_sorted_pixels():
    rng = np.random.default_rng(3)
    for _ in range(200):
        gray = rng.integers(*np.sort(rng.choice(257, 2, replace=False)), rng.integers(1, 40, 2)).astype(np.uint8)
        region = rng.random(gray.shape) < rng.random() + 0.1
        if region.any():
            assert polarity.is_darker(gray, region) == slow_ink.is_darker(gray, region)
        wide, levels = gray.astype(np.int64).reshape(-1), find_ink.Levels.of(gray)
        assert levels.spread == wide.size * int((wide**2).sum()) - int(wide.sum()) ** 2
        assert levels.rounded_mean == int(int(wide.sum()) / wide.size + 0.5)


def test_brightness_in_float32_is_that_of_integers():
    values = np.arange(0, 1 << 24, 7, dtype=np.uint32)
    colors = np.stack([values >> 16, (values >> 8) & 255, values & 255], axis=1)
    gray = (19595 * colors[:, 0] + 38470 * colors[:, 1] + 7471 * colors[:, 2] + 32768) >> 16
    assert (to_grey(colors.astype(np.uint8)[:, None])[:, 0, 0] == gray).all()
