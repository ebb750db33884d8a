"""The learning rate as a function of the step."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32


def one_cycle(
    steps: int, *, peak: float, warmup: float = 0.2, start: float = 0.1, end: float = 0.0
) -> Float32[np.ndarray, " steps"]:
    """A linear increase to the peak, then a linear decrease.

    Args:
        steps: Number of training steps, >= 1.
        peak: Maximum learning rate.
        warmup: Fraction of the steps in which the rate increases, in [0, 1).
        start: First rate, as a fraction of the peak.
        end: Rate just after the last step, as a fraction of the peak.

    Returns:
        float32, the learning rate of each step.

    Source:
        Smith and Topin, "Super-convergence", 2017. We decrease the rate linearly and keep the momentum constant.

    Example:
        >>> [f"{rate:.2f}" for rate in one_cycle(5, peak=1.0, warmup=0.4, start=0.0)]
        ['0.00', '0.50', '1.00', '0.67', '0.33']
    """
    position = np.arange(steps) / steps
    rising = start + (1 - start) * position / max(warmup, 1e-9)
    falling = end + (1 - end) * (1 - position) / (1 - warmup)
    return (peak * np.where(position < warmup, rising, falling)).astype(np.float32)
