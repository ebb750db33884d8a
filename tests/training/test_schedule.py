import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.training.schedule import one_cycle


@given(st.integers(1, 300), st.floats(0.01, 0.95), st.floats(0, 1), st.floats(0, 1))
def test_every_rate_lies_on_the_two_straight_lines(steps: int, warmup: float, start: float, end: float) -> None:
    rates = one_cycle(steps, peak=2.0, warmup=warmup, start=start, end=end)
    expected = np.interp(np.arange(steps) / steps, [0, warmup, 1], [2 * start, 2, 2 * end])
    assert rates.dtype == np.float32
    np.testing.assert_allclose(rates, expected, rtol=1e-5, atol=1e-6)


def test_it_starts_at_a_tenth_of_the_peak_and_ends_one_step_before_zero() -> None:
    rates = one_cycle(100, peak=3.0, warmup=0.25)
    np.testing.assert_allclose(rates[[0, 25, 99]], [0.3, 3.0, 3 / 75], rtol=1e-5)
    np.testing.assert_allclose(
        one_cycle(100, peak=1.0), np.interp(np.arange(100) / 100, [0, 0.2, 1], [0.1, 1, 0]), 1e-5
    )


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_without_warmup_the_first_step_has_the_peak(steps: int) -> None:
    np.testing.assert_allclose(one_cycle(steps, peak=0.5, warmup=0.0), 0.5 * (1 - np.arange(steps) / steps), rtol=1e-6)
