"""The number format of a training: bfloat16 where this machine multiplies it faster."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path

from convscope.api.callbacks import Callbacks
from convscope.api.prepare import Plan
from convscope.decisions import Decision
from convscope.training.duration import parse_time
from convscope.training.options import AUTO

CPU_FLAGS = Path("/proc/cpuinfo")

LONG_TRAINING = 2e11
"""Multiply-adds of all forward passes from which on a measurement takes less time than it can save."""

LONG_SECONDS = 30
"""The same for a training with a time of its own."""

WORTHWHILE = 1.1
"""bfloat16 is chosen if a step is so many times faster."""


def has_amx(flags: Path) -> bool:
    """Whether the processor multiplies bfloat16 matrices (AMX).

    Args:
        flags: The file in which Linux describes the processor; without one the answer is no.
    """
    try:
        lines = flags.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.startswith("flags") and "amx_bf16" in line.split() for line in lines)


def with_precision(plan: Plan, callbacks: Callbacks) -> Plan:
    """With ``precision="auto"``: float32, or bfloat16 if this machine trains this network faster with it.

    A step is measured in both only where the processor has AMX and the training is long.
    """
    options = plan.options
    if options.precision != AUTO:
        return plan
    if not (_is_long(plan) and has_amx(CPU_FLAGS)):
        return replace(plan, options=replace(options, precision="float32"))
    from convscope.training.fit import seconds_per_step

    callbacks.begin("measuring bfloat16 on this machine")
    began = time.perf_counter()
    each = {
        name: seconds_per_step(plan.spec, plan.training, replace(options, precision=name))[1]
        for name in ("float32", "bfloat16")
    }
    plan.seconds["measure"] = time.perf_counter() - began
    chosen = "bfloat16" if each["float32"] > WORTHWHILE * each["bfloat16"] else "float32"
    times = ", ".join(f"{seconds * 1000:.1f} ms a step in {name}" for name, seconds in each.items())
    decision = Decision("precision", chosen, times)
    callbacks.decided(decision)
    plan.data["decisions"].append(asdict(decision))
    return replace(plan, options=replace(options, precision=chosen))


def _is_long(plan: Plan) -> bool:
    options = plan.options
    if options.epochs is None:
        return parse_time(options.time or "1s") >= LONG_SECONDS
    return plan.spec.multiply_adds * len(plan.training) * options.epochs >= LONG_TRAINING
