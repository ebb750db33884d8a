"""The parts of the ink search: the sheet's polygon, ruled lines, illumination, and which boxes are one digit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.data.ink.background import dilated, eroded, even_out, solve
from convscope.data.ink.components import connected_components
from convscope.data.ink.digits import belong
from convscope.data.ink.ruled_lines import remove_lines
from convscope.data.ink.sheet import (
    convex_hull,
    fill_polygon,
    find_sheet,
    is_whole,
    largest_quadrilateral,
    twice_area,
)
from convscope.data.pixels import contrasting_background


def test_the_hull_of_a_rectangle_is_its_corners_and_fills_it():
    mask = np.zeros((9, 12), bool)
    mask[2:6, 3:11] = True
    outline = convex_hull(mask)
    assert sorted(outline) == [(3, 2), (3, 6), (11, 2), (11, 6)]
    assert twice_area(outline) == 2 * 4 * 8 == largest_quadrilateral(outline)
    assert (fill_polygon(outline, 9, 12) == mask).all()


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 8)), min_size=1, max_size=12))
@settings(max_examples=40)
def test_a_hull_contains_its_pixels_and_no_quadrilateral_is_larger(points):
    mask = np.zeros((9, 12), bool)
    for x, y in points:
        mask[y, x] = True
    outline = convex_hull(mask)
    assert fill_polygon(outline, 9, 12)[mask].all()
    assert 0 < largest_quadrilateral(outline) <= twice_area(outline)


def test_a_mask_whose_largest_component_is_not_at_the_corners_is_searched_for_a_sheet():
    rng, quick = np.random.default_rng(0), []
    for index in range(200):
        h, w = (int(side) for side in rng.integers(32, 90, 2))
        mask = rng.random((h, w)) > 0.1 * rng.random() ** 3
        mask[[0, -1]] = mask[:, [0, -1]] = True
        gap = int(rng.integers(1, 12))
        if index % 2:  # a sheet in a frame
            mask[gap : h - gap, gap : w - gap] = False
            mask[gap + 6 : h - gap - 6, gap + 6 : w - gap - 6] = True
        components = connected_components(eroded(dilated(mask, 3), 3))
        largest = int(components.areas.argmax())
        at_corners = all(components.number_at(y, x) == largest for y in (0, h - 1) for x in (0, w - 1))
        quick.append(is_whole(mask))
        assert at_corners or not quick[-1]
        assert not is_whole(mask & (np.arange(w) > 0))
    assert 20 < sum(quick) < 180


def test_an_ellipse_is_no_sheet_and_a_square_is():
    y, x = np.mgrid[:200, :200]
    disc = np.where((y - 100) ** 2 + (x - 100) ** 2 < 70**2, 230, 40).astype(np.uint8)
    square = np.where((abs(y - 100) < 60) & (abs(x - 100) < 60), 230, 40).astype(np.uint8)
    assert find_sheet(disc, light=True) is None
    found = find_sheet(square, light=True)
    assert found is not None and found.sure and found.area == pytest.approx(119**2 / 200**2)
    assert find_sheet(255 - square, light=False) is not None


def test_a_soft_shadow_is_no_sheet():
    x = np.arange(200) + np.zeros((200, 1))
    lit = (230 - 180 / (1 + np.exp(-(x - 100) / 12))).astype(np.uint8)
    assert find_sheet(lit, light=True) is None


def test_ruled_lines_are_removed_and_the_strokes_that_cross_them_stay():
    mask = np.zeros((120, 160), bool)
    lines = [20, 50, 80]
    for row in lines:
        mask[row : row + 2] = True
    mask[10:100, 70:80] = True  # a stroke down
    taken, count = remove_lines(mask, np.ones_like(mask))
    assert count == 3
    assert not taken[10:100, 71:79].any()
    assert not (mask & ~taken)[:, :65].any() and not (mask & ~taken)[:, 85:].any()


def test_the_bar_of_a_seven_is_no_ruled_line():
    mask = np.zeros((120, 160), bool)
    mask[20:26, 40:120] = True
    mask[20:100, 110:118] = True
    assert remove_lines(mask, np.ones_like(mask))[1] == 0


def test_a_vignette_is_evened_out_and_its_ink_stays_dark():
    y, x = np.mgrid[:128, :128] / 128 - 0.5
    paper = 230 * (1 - 1.4 * (x**2 + y**2))
    paper[40:90, 60:68] *= 0.2
    even = even_out(paper.astype(np.uint8), np.ones((128, 128), bool))
    ink = np.zeros((128, 128), bool)
    ink[40:90, 60:68] = True
    assert np.ptp(even[~ink].astype(int)) <= 12 and even[ink].max() < 60


def test_even_light_is_left_alone():
    page = np.full((64, 64), 200, np.uint8)
    page[:, 40:] = 170
    assert even_out(page, np.ones((64, 64), bool)) is page


def test_linear_equations_are_solved():
    a = np.random.default_rng(0).normal(size=(6, 6))
    b = a @ np.arange(6)
    assert np.allclose(solve([[*row, value] for row, value in zip(a.tolist(), b.tolist(), strict=True)]), np.arange(6))


@pytest.mark.parametrize(
    ("a", "b", "together"),
    [
        ((0, 100, 0, 60), (0, 100, 90, 150), False),  # two digits side by side
        ((20, 100, 0, 60), (0, 12, 10, 70), True),  # the bar of a 5
        ((0, 100, 40, 50), (40, 50, 20, 70), True),  # the dash of a 7
        ((0, 100, 0, 30), (0, 100, 33, 60), True),  # a 0 with a break at the top and at the bottom
        ((0, 100, 0, 60), (140, 240, 0, 60), False),  # one digit below the other
    ],
)
def test_boxes_that_belong_to_one_digit(a, b, together):
    assert belong(a, b) == belong(b, a) == together


@pytest.mark.parametrize(("level", "background", "ground"), [(255, 255, 0), (0, 255, 255), (230, 255, 0), (20, 0, 255)])
def test_ink_on_a_transparent_ground_gets_a_background_that_contrasts(level, background, ground):
    picture = np.zeros((4, 4, 4), np.uint8)
    picture[0] = level, level, level, 255
    assert contrasting_background(picture, background) == ground


def test_a_few_transparent_pixels_do_not_change_the_background():
    picture = np.full((10, 10, 2), 240, np.uint8)
    picture[0, :3, 1] = 0
    assert contrasting_background(picture, 255) == 255
