"""The result of one trial. Light."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from convscope.errors import RunError

COMPLETE, PRUNED, DIVERGED, FAILED = OUTCOMES = ("complete", "pruned", "diverged", "failed")


@dataclass(frozen=True)
class Trial:
    """One training of a sweep.

    Attributes:
        number: From 0; the order in which trials are proposed.
        seed: Random seed of the training.
        params: The values of the parameters.
        outcome: ``complete``, ``pruned`` (stopped early), ``diverged`` or ``failed`` (the options do not fit).
        accuracy: Validation accuracy at the end; of a pruned trial, at its last check. None if never measured.
        loss: Cross-entropy there.
        checks: Validation accuracy at the fixed points of the training, as fractions of its steps.
        model: Name of the network.
        epochs: Number of epochs of the whole training.
        seconds: Time of the training.
        weights_sha256: SHA-256 of the final weights; empty unless complete.
        test_accuracy: Accuracy on the test split; measured for several seeds of one recipe only.
        test_images: Number of test images.
        reason: Why it failed.
    """

    number: int
    seed: int
    params: dict[str, Any]
    outcome: str
    accuracy: float | None = None
    loss: float | None = None
    checks: dict[str, float] = field(default_factory=dict)
    model: str = ""
    epochs: float | None = None
    seconds: float = 0.0
    weights_sha256: str = ""
    test_accuracy: float | None = None
    test_images: int = 0
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` reads them back."""
        return asdict(self)


def from_json(value: Any) -> Trial:
    """Read what `Trial.to_json` wrote.

    Raises:
        RunError: It is not a trial.
    """
    try:
        trial = Trial(**value)
    except TypeError as error:
        raise RunError(f"The journal holds a trial that cannot be read ({error}).") from None
    if trial.outcome not in OUTCOMES:
        raise RunError(f"The journal holds a trial that cannot be read. Received: outcome={trial.outcome!r}.")
    return trial


def best(trials: Iterable[Trial]) -> Trial | None:
    """The complete trial with the highest validation accuracy; of equal ones that with the lowest loss.

    Example:
        >>> best([Trial(0, 0, {}, "complete", 0.9, 0.3), Trial(1, 0, {}, "complete", 0.9, 0.2)]).number
        1
    """
    complete = [one for one in trials if one.outcome == COMPLETE and one.accuracy is not None]
    return min(complete, key=lambda one: (-(one.accuracy or 0.0), one.loss or 0.0, one.number), default=None)
