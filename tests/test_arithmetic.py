import numpy as np
import oracles
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convscope.arithmetic import (
    PADDINGS,
    ReceptiveField,
    effective_kernel_size,
    output_size,
    padding_split,
)

AXIS = {
    "size": st.integers(1, 40),
    "kernel_size": st.integers(1, 9),
    "strides": st.integers(1, 6),
    "dilation_rate": st.integers(1, 5),
}


def brute(size: int, kernel_size: int, strides: int, dilation_rate: int, padding: str) -> list[int]:
    return oracles.window_starts(size, kernel_size, strides=strides, padding=padding, dilation_rate=dilation_rate)


@pytest.mark.parametrize("padding", PADDINGS)
@given(**AXIS)
def test_the_output_size_is_the_number_of_windows(padding, size, kernel_size, strides, dilation_rate) -> None:
    counted = len(brute(size, kernel_size, strides, dilation_rate, padding))
    formula = output_size(size, kernel_size, strides=strides, padding=padding, dilation_rate=dilation_rate)
    assert max(formula, 0) == counted


def test_the_output_size_is_right_on_every_small_axis() -> None:
    for size in range(1, 13):
        for kernel_size in range(1, 6):
            for strides in range(1, 5):
                for dilation_rate in range(1, 4):
                    for padding in PADDINGS:
                        counted = len(brute(size, kernel_size, strides, dilation_rate, padding))
                        formula = output_size(
                            size, kernel_size, strides=strides, padding=padding, dilation_rate=dilation_rate
                        )
                        assert max(formula, 0) == counted, (size, kernel_size, strides, dilation_rate, padding)


@given(**AXIS)
def test_the_first_window_begins_inside_the_padding(size, kernel_size, strides, dilation_rate) -> None:
    starts = brute(size, kernel_size, strides, dilation_rate, "same")
    before, after = padding_split(size, kernel_size, strides=strides, padding="same", dilation_rate=dilation_rate)
    assert before == -starts[0]
    last_tap = starts[-1] + (kernel_size - 1) * dilation_rate
    assert after == max(0, last_tap - size + 1)
    assert after - before in (0, 1), "the odd zero goes behind, as in TensorFlow"


@given(**AXIS)
def test_valid_pads_nothing(size, kernel_size, strides, dilation_rate) -> None:
    assert padding_split(size, kernel_size, strides=strides, dilation_rate=dilation_rate) == (0, 0)


@given(**AXIS)
def test_same_gives_one_output_for_each_stride_whatever_the_kernel(size, kernel_size, strides, dilation_rate) -> None:
    sizes = {
        output_size(size, kernel, strides=strides, padding="same", dilation_rate=dilation_rate)
        for kernel in (1, kernel_size)
    }
    assert sizes == {-(-size // strides)}


@given(kernel_size=st.integers(1, 9), dilation_rate=st.integers(1, 9))
def test_a_dilated_kernel_reaches_from_its_first_to_its_last_tap(kernel_size: int, dilation_rate: int) -> None:
    taps = [tap * dilation_rate for tap in range(kernel_size)]
    assert effective_kernel_size(kernel_size, dilation_rate=dilation_rate) == taps[-1] - taps[0] + 1


@pytest.mark.parametrize(
    "size, kernel_size, strides, padding, dilation_rate, expected",
    [
        (28, 3, 1, "valid", 1, 26),
        (26, 3, 1, "valid", 1, 24),
        (24, 2, 2, "valid", 1, 12),
        (28, 5, 2, "same", 1, 14),
        (224, 7, 2, "same", 1, 112),
        (5, 3, 1, "valid", 2, 1),
        (4, 3, 1, "valid", 2, 0),
        (1, 1, 4, "same", 1, 1),
    ],
)
def test_sizes_that_everybody_knows(size, kernel_size, strides, padding, dilation_rate, expected) -> None:
    assert expected == output_size(size, kernel_size, strides=strides, padding=padding, dilation_rate=dilation_rate)


SLIDE = st.tuples(
    st.sampled_from(["convolution", "max", "average"]),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.sampled_from(PADDINGS),
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
).filter(lambda slide: max(slide[4]) == 1 or (slide[0] == "convolution" and max(slide[2]) == 1))
"""What the vocabulary has: neither pooling (its window could lie in the padding alone) nor strides are dilated."""


def stack_of(slides: list, pictures: np.ndarray) -> np.ndarray:
    """The slides one after the other, all weights positive."""
    for kind, kernel_size, strides, padding, dilation_rate in slides:
        sliding = {"strides": strides, "padding": padding, "dilation_rate": dilation_rate}
        if kind == "convolution":
            pictures = oracles.convolution(pictures, np.ones((*kernel_size, 1, 1)), **sliding)
        else:
            fold = max if kind == "max" else oracles.mean
            pictures = oracles.pooling(pictures, kernel_size, fold, **sliding)
    return pictures


@settings(max_examples=60, deadline=None)
@given(
    slides=st.lists(SLIDE, min_size=1, max_size=3),
    shape=st.tuples(st.integers(3, 8), st.integers(3, 8)),
    at=st.tuples(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True)),
)
def test_the_receptive_field_is_what_a_changed_pixel_changes(slides: list, shape: tuple[int, int], at) -> None:
    fields, sizes = [ReceptiveField(), ReceptiveField()], list(shape)
    for _, kernel_size, strides, padding, dilation_rate in slides:
        for axis in (0, 1):
            sliding = {"strides": strides[axis], "padding": padding, "dilation_rate": dilation_rate[axis]}
            before, _ = padding_split(sizes[axis], kernel_size[axis], **sliding)
            sizes[axis] = output_size(sizes[axis], kernel_size[axis], **sliding)
            assume(sizes[axis] >= 1)
            fields[axis] = fields[axis].after(
                kernel_size[axis],
                strides=strides[axis],
                padding_before=before,
                dilation_rate=dilation_rate[axis],
            )
    place = (int(at[0] * sizes[0]), int(at[1] * sizes[1]))
    seen = oracles.seen_by(lambda pictures: stack_of(slides, pictures), shape, place)
    for axis in (0, 1):
        field, pixels = fields[axis], sorted({pixel[axis] for pixel in seen})
        first = field.start + place[axis] * field.jump
        last = first + field.size - 1
        # at the edge, padding between two layers can hide a pixel that the formula counts, never show another
        assert not pixels or first <= pixels[0] <= pixels[-1] <= last
        if first >= 0 and last < shape[axis] and pixels:
            assert (pixels[0], pixels[-1]) == (first, last)


def test_the_receptive_field_of_classic_is_six_pixels_every_two() -> None:
    field = ReceptiveField().after(3).after(3).after(2, strides=2)
    assert (field.size, field.jump, field.start) == (6, 2, 0)


def test_padding_moves_the_receptive_field_out_of_the_picture() -> None:
    field = ReceptiveField().after(3, strides=2, padding_before=1).after(5, padding_before=2)
    assert (field.size, field.jump, field.start) == (3 + 4 * 2, 2, -1 - 2 * 2)
