"""The mean of a few fractions: against published quantiles, NumPy, and a simulation."""

import numpy as np
import pytest

from convscope.errors import DataError
from convscope.evaluation.mean_interval import Mean, mean_of, t_quantile


@pytest.mark.parametrize(
    ("degrees", "published"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (19, 2.093), (30, 2.042), (120, 1.980)],
)
def test_quantiles_are_those_of_the_published_table(degrees: int, published: float) -> None:
    assert t_quantile(degrees) == pytest.approx(published, abs=5e-4)


def test_mean_deviation_and_interval_are_those_of_the_textbook() -> None:
    values = (0.981, 0.985, 0.990, 0.984)
    mean = Mean(values)
    assert mean.mean == pytest.approx(np.mean(values)) and mean.sd == pytest.approx(np.std(values, ddof=1))
    half = 3.182446 * np.std(values, ddof=1) / 2
    assert mean.interval == pytest.approx((np.mean(values) - half, np.mean(values) + half), abs=1e-8)


def test_the_interval_covers_the_true_mean_in_95_of_100_samples() -> None:
    samples = np.random.default_rng(0).normal(0.5, 0.05, (4000, 4))
    covered = np.mean([low <= 0.5 <= high for low, high in (Mean(tuple(row)).interval for row in samples)])
    assert covered == pytest.approx(0.95, abs=0.011)  # three standard errors


def test_one_measurement_has_no_deviation_and_fractions_stay_fractions() -> None:
    alone = Mean((0.5,))
    assert (alone.sd, alone.interval, str(alone)) == (None, None, "50.00 % (n=1)")
    assert Mean((0.01, 0.99)).interval == (0.0, 1.0)
    assert mean_of([None, None]) is None and mean_of([None, 0.5]) == alone


@pytest.mark.parametrize("values", [(), (float("nan"),), (0.5, float("inf")), (1.5,)])
def test_what_is_no_fraction_is_refused(values: tuple) -> None:
    with pytest.raises(DataError, match="Expected at least one measurement, each from 0 to 1"):
        Mean(values)
