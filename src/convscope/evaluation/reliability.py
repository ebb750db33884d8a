"""What a network's answers on held-out images were like, as the model file holds it: thresholds and quantiles. Light.

Each part answers one question about a prediction: is the image like the training images (`out_of_distribution`), which
classes can it be (`conformal`), and from which confidence on are answers right (`selective`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from convscope.errors import ModelFileError
from convscope.evaluation.conformal import Conformal
from convscope.evaluation.out_of_distribution import Rejection
from convscope.evaluation.selective import SelectiveThreshold
from convscope.model.model_file import Model

_PARTS = {"rejection", "conformal", "selective"}


@dataclass(frozen=True)
class Reliability:
    """The parts that a model file has; None for those it does not have.

    Attributes:
        rejection: Thresholds of the out-of-distribution score.
        conformal: Quantiles for prediction sets.
        selective: The confidence from which the answers have a guaranteed accuracy.
    """

    rejection: Rejection | None = None
    conformal: Conformal | None = None
    selective: SelectiveThreshold | None = None

    def to_json(self) -> dict[str, object]:
        """Plain values, for the model file."""
        parts = {"rejection": self.rejection, "conformal": self.conformal, "selective": self.selective}
        return {name: part.to_json() for name, part in parts.items() if part is not None}


def reliability_of(model: Model) -> Reliability:
    """Read what a model file has about held-out images; all parts are None in a file of an older version.

    Raises:
        ModelFileError: There is an unknown part, or a part has other values than training writes.
    """
    if model not in _KNOWN:  # each prediction asks
        _KNOWN[model] = _read(model)
    return _KNOWN[model]


_KNOWN: WeakKeyDictionary[Model, Reliability] = WeakKeyDictionary()


def _read(model: Model) -> Reliability:
    found: Mapping = model.reliability
    if not found.keys() <= _PARTS:
        unknown = ", ".join(ascii(name)[:40] for name in sorted(found.keys() - _PARTS)[:4])
        raise ModelFileError(f"The reliability may have the parts {', '.join(sorted(_PARTS))}. Received: {unknown}.")
    rejection = Rejection.from_json(found["rejection"]) if "rejection" in found else None
    if (rejection is None) != (model.subspace is None):
        raise ModelFileError("Expected a subspace of features and the thresholds of its score, or neither of them.")
    return Reliability(
        rejection=rejection,
        conformal=Conformal.from_json(found["conformal"], model.spec.num_classes) if "conformal" in found else None,
        selective=SelectiveThreshold.from_json(found["selective"]) if "selective" in found else None,
    )
