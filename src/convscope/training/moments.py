"""The weights at a few moments of a training, so that a page can show how the network learned. Light.

The moments are after 0, 1/64, 1/32, 1/16, 1/8, 1/4 and 1/2 of the steps: a network learns most at the beginning. The
last one, after all steps, is the model itself. Weights are kept in half precision, which pictures of them do not show.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from convscope.errors import ModelFileError, RunError
from convscope.model.files import replace_file
from convscope.model.forward import Weights
from convscope.model.safetensors_io import encode, open_file, parse_json, tensors_of
from convscope.model.spec import Spec

MOMENTS_FILE = "moments.safetensors"
SCHEMA_VERSION = 1
HALVINGS = 6
MAX_PARAMETERS = 10_000_000
"""Of larger networks no moments are kept: their pages would be too large anyway."""

HALF_MAX = float(np.finfo(np.float16).max)


@dataclass(frozen=True, eq=False)
class Moments:
    """Weights by the number of steps taken.

    Attributes:
        total_steps: Number of steps of the whole training.
        steps_per_epoch: Number of steps of one epoch.
        weights: By step, ascending: float16, by full name.
    """

    total_steps: int
    steps_per_epoch: int
    weights: Mapping[int, Mapping[str, np.ndarray]]

    def float32(self, step: int) -> Weights:
        """The weights after some steps, as every engine takes them."""
        return {name: value.astype(np.float32) for name, value in self.weights[step].items()}


def moment_steps(total_steps: int) -> tuple[int, ...]:
    """The steps after which weights are kept.

    Example:
        >>> moment_steps(940), moment_steps(3)
        ((0, 14, 29, 58, 117, 235, 470), (0, 1))
    """
    return tuple(sorted({0, *(total_steps >> halvings for halvings in range(1, HALVINGS + 1))}))


@dataclass(frozen=True)
class MomentRecorder:
    """Keeps weights while a training runs.

    Attributes:
        total_steps: Number of steps of the whole training.
        steps_per_epoch: Number of steps of one epoch.
        kept: Weights by step.
    """

    total_steps: int
    steps_per_epoch: int
    kept: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)

    def is_due(self, step: int) -> bool:
        """Whether the weights after so many steps are to be kept, and are not yet."""
        return step in moment_steps(self.total_steps) and step not in self.kept

    def next_step(self, step: int) -> int:
        """The next step at which weights are kept; the end of the training if there is none."""
        return min((due for due in moment_steps(self.total_steps) if due > step), default=self.total_steps)

    def record(self, step: int, weights: Weights) -> None:
        """Keep a copy of weights, rounded to half precision."""
        self.kept[step] = {
            name: np.clip(value, -HALF_MAX, HALF_MAX).astype(np.float16) for name, value in weights.items()
        }

    def restore(self, moments: Moments | None, step: int) -> None:
        """Continue with what an interrupted training had kept up to a step."""
        if moments and moments.total_steps == self.total_steps:
            self.kept.update({at: dict(weights) for at, weights in moments.weights.items() if at <= step})

    def moments(self) -> Moments:
        """What was kept so far."""
        return Moments(self.total_steps, self.steps_per_epoch, dict(sorted(self.kept.items())))


def write_moments(moments: Moments, path: Path) -> None:
    """Write moments as one file, atomically.

    Raises:
        RunError: It cannot be written; an older file is untouched.
    """
    text = json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "total_steps": moments.total_steps,
            "steps_per_epoch": moments.steps_per_epoch,
            "steps": list(moments.weights),
        }
    )
    tensors = {f"{step}/{name}": value for step, weights in moments.weights.items() for name, value in weights.items()}
    try:
        replace_file(path, encode(text, tensors))
    except OSError as error:
        raise RunError(
            f"{path} could not be written ({error.strerror}).", hint="Free some disk space, then resume the training."
        ) from None


def read_moments(path: Path, spec: Spec) -> Moments | None:
    """Read moments. They are not trusted: their shapes must be those of the network.

    Returns:
        None if there are none, as in runs of older versions.

    Raises:
        RunError: The file is damaged, or belongs to another network.
    """
    if not path.exists():
        return None
    try:
        file = open_file(path)
        about = parse_json(file.text, "its description")
        total, per_epoch, steps = (about[key] for key in ("total_steps", "steps_per_epoch", "steps"))
        if about["schema_version"] != SCHEMA_VERSION or not all(type(n) is int for n in (total, per_epoch, *steps)):
            raise ModelFileError("its description is not one of this version of convscope.")
        if steps != sorted(set(steps)) or not steps or steps[0] < 0 or steps[-1] >= total or per_epoch < 1:
            raise ModelFileError("its steps are not those of a training.")
        names = spec.weight_shapes()
        shapes = {f"{step}/{name}": shape for step in steps for name, shape in names.items()}
        tensors = tensors_of(file, shapes, float16=tuple(shapes))
    except (ModelFileError, KeyError, TypeError) as error:
        raise RunError(f"{path} is damaged: {error}", hint="Delete it: the model does not need it.") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}).") from None
    return Moments(total, per_epoch, {step: {name: tensors[f"{step}/{name}"] for name in names} for step in steps})


def read_kept(path: Path, spec: Spec) -> Moments | None:
    """`read_moments` for a training that resumes, which does without a damaged file."""
    with contextlib.suppress(RunError):
        return read_moments(path, spec)
    return None
