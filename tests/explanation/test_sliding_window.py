import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness import check_sliding_window, random_sliding_window
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convscope.arithmetic import output_size, padding_split
from convscope.errors import OptionError
from convscope.explanation.sliding_window import ConvOptions, slide

CASES = json.loads((Path(__file__).parent.parent / "cases" / "sliding.json").read_text(encoding="utf-8"))


def test_the_default_is_the_tutorial_s_own_caption() -> None:
    made = slide(ConvOptions())
    assert made.caption == "input (1, 9, 9) · output (1, 7, 7) · K (3, 3) · P (0, 0) · S (1, 1) · D (1, 1) · G 1"
    assert made.formula.splitlines()[0] == "rows    ⌊(9 + 0 + 0 − 1×(3 − 1) − 1) / 1⌋ + 1 = 7"


def test_tensorflow_slides_the_same_window_over_random_shapes() -> None:
    """A short version of benchmarks/conv.py, with other seeds."""
    rng = np.random.default_rng(1)
    for _ in range(400):
        check_sliding_window(random_sliding_window(rng))


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_the_products_of_a_place_make_its_number(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = random_sliding_window(rng)
    for step in rng.integers(0, made.steps, 5):
        row, column, filter_index = made.step(int(step))
        taps = made.products(row, column, filter_index)
        seen = [tap.value for tap in taps if not tap.is_padding]
        expected = {
            "conv": sum(tap.value * tap.weight for tap in taps),
            "max": max(seen, default=0.0),
            "average": sum(seen) / max(len(seen), 1),
        }[made.operation]
        assert made.output[row, column, filter_index] == pytest.approx(expected, rel=1e-6)
        for tap in taps:
            inside = 0 <= tap.row < made.pixels.shape[0] and 0 <= tap.column < made.pixels.shape[1]
            assert tap.is_padding != inside
            assert tap.value == (made.pixels[tap.row, tap.column, tap.channel] if inside else 0)


@pytest.mark.parametrize("case", CASES["axes"], ids=lambda case: "-".join(str(value) for value in case.values()))
def test_the_page_and_python_agree_on_every_axis_of_the_shared_table(case: dict) -> None:
    axis = {name: case[name] for name in ("size", "kernel_size", "strides", "padding", "dilation_rate")}
    assert padding_split(**axis) == (case["before"], case["after"])
    assert max(output_size(**axis), 0) == case["output_size"], "what does not fit has no output"


@pytest.mark.parametrize("case", CASES["slides"], ids=lambda case: case["caption"])
def test_the_page_and_python_agree_on_every_slide_of_the_shared_table(case: dict) -> None:
    made = slide(asked_of(case))
    assert made.caption == case["caption"]
    np.testing.assert_allclose(made.output, np.array(case["output"]), rtol=1e-6)


def asked_of(case: dict) -> ConvOptions:
    pools = case["operation"] != "conv"
    padding = case["padding"] if isinstance(case["padding"], str) else tuple(case["padding"])
    return ConvOptions(
        operation=case["operation"],
        kernel_size=tuple(case["kernel_size"]),
        strides=tuple(case["strides"]),
        dilation_rate=tuple(case["dilation_rate"]),
        padding=padding,
        groups=1 if pools else case["groups"],
        pixels=np.array(case["pixels"]),
        kernel=None if pools else np.array(case["kernel"]),
    )


def test_the_steps_walk_along_the_rows_then_down_then_to_the_next_filter() -> None:
    made = slide(ConvOptions(size=4, filters=2))
    assert [made.step(index) for index in range(5)] == [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0), (0, 0, 1)]
    assert made.steps == 8


def test_same_puts_the_odd_zero_at_the_end() -> None:
    made = slide(ConvOptions(size=6, kernel_size=3, strides=2, padding="same"))
    assert made.padding == ((0, 1), (0, 1)) and "P (0+1, 0+1)" in made.caption


def test_numbers_given_by_hand_are_used_as_they_are() -> None:
    pixels = np.arange(6.0).reshape(2, 3, 1)
    made = slide(ConvOptions(pixels=pixels, kernel=np.ones((2, 2, 1, 1))))
    assert made.output[:, :, 0].tolist() == [[0 + 1 + 3 + 4, 1 + 2 + 4 + 5]]


def test_the_same_seed_draws_the_same_numbers_and_another_seed_others() -> None:
    first, again, other = (slide(ConvOptions(seed=seed)) for seed in (5, 5, 6))
    assert np.array_equal(first.output, again.output) and not np.array_equal(first.pixels, other.pixels)
    given_kernel = slide(ConvOptions(seed=5, kernel=np.ones((3, 3, 1, 1))))
    assert np.array_equal(given_kernel.pixels, first.pixels), "giving a kernel does not draw another picture"


def test_pooling_steps_by_its_own_size_by_default() -> None:
    assert slide(ConvOptions(size=8, operation="max")).output.shape == (4, 4, 1)
    assert slide(ConvOptions(size=8, operation="max", strides=1)).output.shape == (7, 7, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ConvOptions(size=5, kernel_size=4, dilation_rate=3), "K: a kernel of 4 rows dilated by 3 needs 10"),
        (ConvOptions(size=(9, 2)), "K: a kernel of 3 columns needs 3, and the input has 2. What would fit: K up to 2"),
        (ConvOptions(channels=4, filters=6, groups=3), "channels (4) and the filters (6). What would fit: G 1 or 2."),
        (ConvOptions(operation="max", padding=3), "P: some pooling windows would contain only padding in the rows"),
        (ConvOptions(operation="max", kernel=np.ones((2, 2, 1, 1))), "Pooling has no weights."),
        (ConvOptions(operation="max", channels=2, filters=3), "Omit filters and groups."),
        (ConvOptions(operation="median"), "The operation must be one of conv, max, average. Received: 'median'."),
        (ConvOptions(padding="full"), "padding (P) must be valid, same or a number. Received: 'full'."),
        (ConvOptions(padding=-1), "padding (P) must be one or two whole numbers from 0 to 64. Received: -1."),
        (ConvOptions(strides=0), "strides (S) must be one or two whole numbers from 1 to 64. Received: 0."),
        (ConvOptions(size=True), "size must be one or two whole numbers"),
        (ConvOptions(size=513), "from 1 to 512. Received: 513."),
        (ConvOptions(channels=0), "channels must be a whole number from 1 to 64. Received: 0."),
        (ConvOptions(seed=-1), "seed must be a whole number"),
        (ConvOptions(pixels=np.ones((3, 3))), "(rows, columns, channels). Received: an array of shape (3, 3)."),
        (ConvOptions(pixels=np.full((3, 3, 1), np.nan)), "Received: an infinite number or NaN."),
        (ConvOptions(pixels=np.ones((3, 3, 1)), size=4), "size must match the array, which has 3×3. Received: 4."),
        (ConvOptions(pixels=np.ones((3, 3, 1)), channels=2), "channels must match the array, which has 1."),
        (ConvOptions(kernel=np.ones((3, 3, 2, 1))), "(rows, columns, channels / groups, filters) = (3, 3, 1, 1)."),
        (ConvOptions(size=512, kernel_size=64, filters=64, channels=64), "at most 1,000,000,000 multiply-adds."),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_an_error_names_the_hyperparameter_that_does_not_fit(options: ConvOptions, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        slide(options)
    assert message in str(caught.value)


@given(
    size=st.integers(1, 12),
    kernel_size=st.integers(1, 9),
    strides=st.integers(1, 4),
    dilation_rate=st.integers(1, 4),
    padding=st.integers(0, 3),
    pools=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_the_hints_are_right(size, kernel_size, strides, dilation_rate, padding, pools) -> None:
    asked = ConvOptions(
        size=size, kernel_size=kernel_size, strides=strides, dilation_rate=dilation_rate, padding=padding,
        operation="average" if pools else "conv",
    )  # fmt: skip
    try:
        slide(asked)
    except OptionError as error:
        hint = error.hint
    else:
        assume(False)
        return
    fields = {"K": "kernel_size", "D": "dilation_rate", "P": "padding", "input": "size"}
    for way in hint.removeprefix("What would fit: ").rstrip(".").split(", "):
        words = way.split()
        name = next((fields[word] for word in words if word in fields), None)
        value = next((int(word) for word in words if word.isdecimal()), None)
        if name and value is not None and not pools:
            slide(replace(asked, **{name: value}))
    if not pools and "P " in hint:
        needed = int(hint.split("P ")[1].split()[0])
        with pytest.raises(OptionError):
            slide(replace(asked, padding=needed - 1))


@pytest.mark.parametrize("operation", ["conv", "average"])
def test_sums_beyond_float32_are_refused(operation: str) -> None:
    large = np.full((3, 3, 1), 3e38, np.float32)
    with pytest.raises(OptionError, match="too large for float32"):
        slide(ConvOptions(pixels=large, kernel_size=2, operation=operation, padding=0))
