"""Figures of a sliding window, read back with an XML parser (SVG) and Pillow (GIF and PNG)."""

from __future__ import annotations

import io
import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageSequence

from convscope.errors import OptionError
from convscope.explanation.sliding_window import ConvOptions, slide
from convscope.report.sliding.layout import MARK, SIZES, plan
from convscope.report.sliding.raster import to_gif, to_strip
from convscope.report.sliding.scene import Box, Text, scene
from convscope.report.sliding.steps import draw_step, sum_in_words
from convscope.report.sliding.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"
MARK_RGB = tuple(int(MARK[i : i + 2], 16) for i in (1, 3, 5))

MANY = [
    ConvOptions(),
    ConvOptions(size=(5, 8), padding="same", strides=(1, 2)),
    ConvOptions(size=5, padding=2, dilation_rate=2, channels=2, filters=4, groups=2),
    ConvOptions(size=6, operation="max", padding="same", kernel_size=3),
    ConvOptions(size=8, operation="average", channels=3),
    ConvOptions(size=1, kernel_size=1),
    ConvOptions(size=28, kernel_size=5),
]


def numbers(values: np.ndarray) -> list[str]:
    return [f"{value:g}".replace("-", "−") for value in values.ravel()]


@pytest.mark.parametrize("options", MANY)
def test_everything_lies_inside_the_picture_and_no_window_leaves_its_grid(options: ConvOptions) -> None:
    drawn = scene(slide(options))
    assert (drawn.width, drawn.height) <= SIZES[-1]
    for shape in [*drawn.still, *(s for frame in drawn.frames for s in (*frame.stays, *frame.passes))]:
        if isinstance(shape, Box):
            assert shape.x >= 0 and shape.x + shape.width <= drawn.width, shape
            assert shape.y >= 0 and shape.y + shape.height <= drawn.height, shape
        else:
            assert 0 < shape.x < drawn.width and 0 < shape.y < drawn.height, shape


@pytest.mark.parametrize("options", MANY[:5])
def test_the_svg_tells_every_number_and_each_step_once(options: ConvOptions) -> None:
    made = slide(options)
    root = ElementTree.fromstring(to_svg(scene(made, frames=1000)))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    groups = {name: [g for g in root.iter(f"{SVG}g") if g.get("class") == name] for name in ("stays", "passes")}
    assert len(groups["stays"]) == len(groups["passes"]) == made.steps
    shown = [group.find(f"{SVG}text").text for group in groups["stays"]]
    in_order = np.moveaxis(made.output, 2, 0)
    if made.operation == "conv":
        assert shown == numbers(in_order), "step by step the output's own numbers appear"
        for text in set(numbers(made.kernel)):
            assert text in texts
    for text in numbers(made.pixels):
        assert text in texts
    assert root.find(f"{SVG}title").text == made.caption and "step by step" in root.find(f"{SVG}desc").text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|<script|url\(", to_svg(scene(made))), (
        "nothing from outside"
    )


def test_each_step_of_the_svg_is_there_in_its_own_time() -> None:
    drawn = scene(slide(ConvOptions(size=4)))
    root = ElementTree.fromstring(to_svg(drawn))
    timed = [g.find(f"{SVG}animate") for g in root.iter(f"{SVG}g") if g.get("class") == "passes"]
    spans = []
    for animation in timed:
        values, times = animation.get("values").split(";"), [float(t) for t in animation.get("keyTimes").split(";")]
        assert times[0] == 0 and times == sorted(times)
        begin = times[values.index("visible")]
        spans.append(
            (begin, times[values.index("visible") + 1] if values[-1] == "hidden" and begin < times[-1] else 1.0)
        )
    assert spans == [(0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)]


def test_the_gif_has_a_frame_a_step_and_the_window_moves() -> None:
    made = slide(ConvOptions(size=5))
    with Image.open(io.BytesIO(to_gif(scene(made)))) as gif:
        assert gif.n_frames == made.steps == 9 and gif.info["loop"] == 0
        frames = [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(gif)]
    assert all(tuple(frame[0, 0]) == (255, 255, 255) for frame in frames), "paper stays white"
    lefts = []
    for frame in frames:
        marked = np.argwhere((frame == MARK_RGB).all(-1))
        lefts.append(int(marked[:, 1].min()))
    assert lefts[0] < lefts[1] < lefts[2] and lefts[0] == lefts[3] == lefts[6], "along a row, then back"
    output = plan(made, numbers=True).output
    written = [int((frame[output.y : -100, output.x :] < 100).all(-1).sum()) for frame in frames]
    assert all(before < after for before, after in itertools.pairwise(written)), "each step leaves its number"


def test_the_gif_ends_as_the_svg_does() -> None:
    """Frames are encoded as differences, and the last one must still be complete."""
    drawn = scene(slide(ConvOptions(size=5)))
    with Image.open(io.BytesIO(to_gif(drawn))) as gif, Image.open(io.BytesIO(to_strip(drawn, steps=3))) as strip:
        gif.seek(gif.n_frames - 1)
        last = np.array(gif.convert("RGB"), np.int16)
        sheet = np.array(strip, np.int16)
    panels = [
        sheet[y : y + drawn.height, x : x + drawn.width]
        for y in range(0, sheet.shape[0], drawn.height)
        for x in range(0, sheet.shape[1], drawn.width)
    ]
    differences = [np.abs(panel - last).mean() for panel in panels]
    assert min(differences) < 1.0, "one panel of the strip is the last frame, but for the colours' rounding"


def test_a_long_slide_is_drawn_in_few_steps_with_the_first_and_the_last() -> None:
    made = slide(ConvOptions(size=28))
    drawn = scene(made, frames=50)
    assert len(drawn.frames) == 50 and drawn.frames[0].index == 0 and drawn.frames[-1].index == made.steps - 1
    shown = sum(len([s for s in frame.stays if isinstance(s, Box)]) for frame in drawn.frames)
    dots = int((made.output < 0).sum()) if not drawn.numbered else 0
    assert shown == made.steps + dots, "what lies between two steps appears with the later one"


def test_numbers_that_nobody_could_read_are_left_out() -> None:
    small, large = scene(slide(ConvOptions())), scene(slide(ConvOptions(size=100)))
    assert small.numbered and not large.numbered
    assert not any(isinstance(shape, Text) and shape.centered for shape in large.still)
    assert not scene(slide(ConvOptions()), numbers=False).numbered


def test_without_numbers_a_dot_tells_what_is_negative() -> None:
    made = slide(ConvOptions())
    boxes = [shape for frame in scene(made, numbers=False).frames for shape in frame.stays if isinstance(shape, Box)]
    assert len(boxes) == made.steps + int((made.output < 0).sum())


def test_grids_beyond_a_picture_are_refused() -> None:
    with pytest.raises(OptionError, match="too large for a figure"):
        scene(slide(ConvOptions(size=512, channels=4)))


def test_a_step_in_text_marks_what_the_window_reads() -> None:
    made = slide(
        ConvOptions(pixels=np.arange(12.0).reshape(3, 4, 1), kernel=np.array([[1.0, -1.0]]).reshape(1, 2, 1, 1))
    )
    lines = draw_step(made, 4).splitlines()
    assert lines[0] == "step 5 of 9: output row 1, column 1"
    assert lines[2].split() == ["4", "[", "5][", "6]", "7"]
    assert lines[-1] == "5×1 + 6×(−1) = −1"


def test_padding_is_a_dot_and_a_pooling_leaves_it_out_of_its_sum() -> None:
    made = slide(ConvOptions(size=2, operation="average", kernel_size=2, padding=1, pixels=np.ones((2, 2, 1))))
    assert draw_step(made, 0).splitlines()[1].split() == ["[·][·]", "·", "·"]
    assert sum_in_words(made, 0) == "(1) / 1 = 1"


def test_a_long_sum_keeps_its_ends_and_says_how_long_it_is() -> None:
    text = sum_in_words(slide(ConvOptions(kernel_size=7)), 0, width=80)
    assert len(text) <= 80 and "…" in text and text.endswith("(49 numbers)")
