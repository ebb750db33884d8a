"""When `predict` gives no class, and which set of classes it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convscope.api.image_prediction import ImagePrediction, NetworkInput
from convscope.data.image_input import ImageInput
from convscope.errors import OptionError
from convscope.evaluation.conformal import METHODS, Conformal, parse_coverage
from convscope.evaluation.out_of_distribution import Rejection, is_constant, parse_level
from convscope.evaluation.predict import Choice, Predictions
from convscope.evaluation.reliability import reliability_of
from convscope.evaluation.temperature import temperature_of
from convscope.model.model_file import Model

AUTO = "auto"


@dataclass(frozen=True)
class AnswerRules:
    """What becomes of a prediction.

    Attributes:
        rejection: The network's score; None if nothing is rejected, not even an image of a single intensity.
        level: The fraction of familiar images that may be rejected; None if no score is too high.
        threshold: The score above which an image is unlike anything the network was trained on; None with `level`.
        conformal: The network's quantiles; None if no sets were asked for.
        coverage: Of the sets.
        by_class: Whether the coverage is promised for each class.
        sets: How the sets are made, ``lac`` or ``raps``.
        temperature: The network's, which the sets do without.
    """

    rejection: Rejection | None = None
    level: float | None = None
    threshold: float | None = None
    conformal: Conformal | None = None
    coverage: float = 0.99
    by_class: bool = False
    sets: str = METHODS[0]
    temperature: float = 1.0

    def class_sets(self, predictions: Predictions) -> list[tuple[str, ...]] | None:
        """The classes that each image can be, in the network's order; None if no sets were asked for."""
        if self.conformal is None:
            return None
        raw = (predictions.logits * np.float32(self.temperature)).astype(np.float32)
        found = self.conformal.sets(raw, coverage=self.coverage, method=self.sets, by_class=self.by_class)
        return [
            tuple(name for name, inside in zip(predictions.class_names, row, strict=True) if inside) for row in found
        ]

    def answer(
        self,
        source: ImageInput,
        given: NetworkInput,
        choices: tuple[Choice, ...],
        *,
        score: float | None,
        class_set: tuple[str, ...] | None,
    ) -> ImagePrediction:
        """The prediction for an image: without a class, if there is no ink or the image is rejected.

        Args:
            source: The image.
            given: What the network received of it.
            choices: The most likely classes.
            score: The out-of-distribution score; None if the network has none.
            class_set: The classes that it can be; None if no sets were asked for.
        """

        def made(choices: tuple[Choice, ...] = (), **more: Any) -> ImagePrediction:
            return ImagePrediction(source.name, choices, source, given.seen, given.report, given.digit, **more)

        if given.report.blank:  # nothing is not known either, whatever is rejected
            return made(is_known=False)
        if self.rejection is None:
            return made(choices, class_set=class_set)
        if self.rejection.rejects_blank and is_constant(given.seen[None])[0]:
            return made(is_known=False, is_constant=True)
        if score is None:
            return made(choices, class_set=class_set)
        rank = self.rejection.rank(score)
        has_several = given.digit is None and given.report.digits > 1  # which is what the answer says instead
        if self.threshold is None or score <= self.threshold or has_several:
            return made(choices, class_set=class_set, score=score, score_rank=rank)
        return made(is_known=False, score=score, score_rank=rank, closest=choices)


def answer_rules(
    model: Model,
    *,
    reject: str | float | None = AUTO,
    coverage: str | float | None = None,
    by_class: bool = False,
    sets: str = METHODS[0],
) -> AnswerRules:
    """The rules that follow from a model and from what was asked for.

    Args:
        model: From a model file.
        reject: The fraction of familiar images that may be rejected (``"0.1%"``, ``"1%"``, ``"5%"``), ``"off"``, or
            ``"auto"``: 1 %, 5 % if so few held-out images cannot promise 1 %, else images of a single intensity only.
        coverage: Of the sets of classes: ``"90%"``, ``"95%"``, ``"99%"`` or ``"99.9%"``; None for no sets.
        by_class: Whether the coverage is promised for each class.
        sets: How the sets are made: ``lac``, the smallest ones, or ``raps``, larger where the network is unsure.

    Raises:
        OptionError: The model has no such values, or too few held-out images for the level or the coverage.
    """
    found = reliability_of(model)
    level, threshold = _rejecting(found.rejection, reject)
    if by_class and coverage is None:
        raise OptionError("by_class is for sets of classes. Received: by_class=True without coverage.")
    if sets not in METHODS:
        raise OptionError(f"sets must be one of {', '.join(METHODS)}. Received: sets={sets!r}.")
    conformal = found.conformal if coverage is not None else None
    if coverage is not None and conformal is None:
        raise OptionError(
            f"Expected a network with held-out images. Received: coverage={coverage!r} and a network without any.",
            hint="Train it again, with a validation split; imported networks have none.",
        )
    rules = AnswerRules(
        rejection=found.rejection if level is not None or reject == AUTO else None,
        level=level,
        threshold=threshold,
        conformal=conformal,
        coverage=parse_coverage(coverage) if coverage is not None else 0.99,
        by_class=by_class,
        sets=sets,
        temperature=temperature_of(model.calibration),
    )
    if rules.conformal:  # too few images are refused before any image is read
        nothing = np.zeros((0, model.spec.num_classes), np.float32)
        rules.conformal.sets(nothing, coverage=rules.coverage, method=sets, by_class=by_class)
    return rules


def _rejecting(rejection: Rejection | None, reject: str | float | None) -> tuple[float | None, float | None]:
    """The level and its threshold; None where nothing is rejected by its score."""
    default = rejection.default_level if rejection else None
    level = default if reject == AUTO else parse_level(reject)
    if level is None:
        return None, None
    if rejection is None:
        raise OptionError(
            f"Expected a network with a score for unknown images. Received: reject={reject!r}, a network without one.",
            hint="Train it again, with a validation split; imported networks have none.",
        )
    threshold = rejection.threshold(level)
    if threshold is None:
        raise OptionError(
            f"{rejection.n} held-out images cannot promise that at most {level:.1%} of familiar images are rejected. "
            f"Received: reject={reject!r}.",
            hint="Use a higher level, or train with a larger validation fraction.",
        )
    return level, threshold
