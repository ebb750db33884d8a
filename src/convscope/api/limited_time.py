"""Train for a given time: the epochs follow from the measured speed of the machine."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

from convscope.api.callbacks import Callbacks
from convscope.api.prepare import Plan
from convscope.decisions import Decision
from convscope.errors import OptionError
from convscope.training.duration import parse_time

RESERVE = 4.0
"""Seconds of the time that are kept for evaluation, figures and the page."""

SLACK = 1.1
"""Steps are planned this much slower than they were measured, for validation and other work of the machine."""

MAX_EPOCHS = 200.0


def with_epochs_for_time(plan: Plan, callbacks: Callbacks) -> Plan:
    """With the option ``time``: measure the speed of this machine, and set the epochs that fit into what is left.

    Raises:
        OptionError: Not a single step fits.
    """
    options = plan.options
    if options.time is None or options.epochs is not None:
        return plan
    from convscope.training.fit import seconds_per_step

    callbacks.begin("measuring the speed of this machine")
    began, limit = time.perf_counter(), parse_time(options.time)
    trace, each = seconds_per_step(plan.spec, plan.training, options)
    measured = time.perf_counter() - began
    left = limit - sum(plan.seconds.values()) - measured - trace - RESERVE
    steps = int(left / (each * SLACK))
    if steps < 1:
        raise OptionError(
            f"Expected time for at least one step: {limit - left + each:.0f} s on this machine. "
            f"Received: time={options.time!r}.",
            hint="Give it more time.",
        )
    epochs = max(min(round(steps / options.steps_per_epoch(len(plan.training)), 2), MAX_EPOCHS), 0.01)
    plan.seconds["measure"] = plan.seconds.get("measure", 0.0) + measured
    decision = Decision("epochs", f"{epochs:g}", f"{each * 1000:.1f} ms a step, {options.time} in all")
    callbacks.decided(decision)
    plan.data["decisions"].append(asdict(decision))
    return replace(plan, options=replace(options, epochs=epochs))
