import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from convscope.training.schedule import one_cycle


@given(st.integers(1, 500), st.floats(0, 0.95), st.floats(0, 1))
def test_the_rate_rises_to_the_peak_and_falls_again(steps: int, warmup: float, start: float) -> None:
    rates = one_cycle(steps, peak=2.0, warmup=warmup, start=start)
    top = int(rates.argmax())
    assert len(rates) == steps
    assert np.all((rates >= 0) & (rates <= 2.0 + 1e-5))
    assert np.all(np.diff(rates[: top + 1]) >= 0) and np.all(np.diff(rates[top:]) <= 0)


def test_the_rate_starts_at_its_share_and_ends_one_step_before_zero() -> None:
    rates = one_cycle(100, peak=1.0, warmup=0.25, start=0.1)
    np.testing.assert_allclose(rates[[0, 25, 99]], [0.1, 1.0, 1 / 75], rtol=1e-5)
