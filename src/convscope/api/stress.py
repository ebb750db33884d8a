"""Evaluate a network on images that get worse: twenty corruptions at five strengths."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from convscope.api.answer_rules import AUTO, answer_rules
from convscope.api.evaluate import evaluate
from convscope.api.run import Run, load_run
from convscope.arrays import Labels, Picture, Pixels
from convscope.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from convscope.evaluation.intervals import Proportion
from convscope.evaluation.out_of_distribution import is_constant
from convscope.evaluation.predict import predict
from convscope.evaluation.reliability import reliability_of
from convscope.markup import table
from convscope.model.model_file import Model, cost

MOST_IMAGES, FEWEST_IMAGES = 500, 50
WORK = 20_000_000_000
"""Multiply-adds for one corruption at one strength: about a second on one core, so that all take two minutes."""

SURE = 0.9
"""A wrong answer is confident from this probability on."""


@dataclass(frozen=True)
class StressRow:
    """The network on images with one corruption of one strength.

    Attributes:
        corruption: A key of `CORRUPTIONS`; ``none`` for the images as they are.
        strength: 1 to 5; 0 for the images as they are.
        accuracy: Images classified correctly, rejected or not.
        mean_confidence: Mean probability of the predicted class, calibrated on clean images.
        rejected: Images that are unlike anything the network was trained on; None without rejection.
        sure_but_wrong: Images with a wrong class of at least 90 % probability that are not rejected.
    """

    corruption: str
    strength: int
    accuracy: Proportion
    mean_confidence: float
    rejected: Proportion | None
    sure_but_wrong: Proportion

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "corruption": self.corruption,
            "strength": self.strength,
            "accuracy": self.accuracy.to_json(),
            "mean_confidence": self.mean_confidence,
            "rejected": self.rejected and self.rejected.to_json(),
            "sure_but_wrong": self.sure_but_wrong.to_json(),
        }


@dataclass(frozen=True, eq=False)
class StressResult:
    """All rows. Shows itself as a table.

    Attributes:
        clean: The images as they are.
        rows: One for each corruption and strength, in the order of `CORRUPTIONS`.
        images: Number of images in each row.
        seed: Of the corruptions.
        example: One of the images, uint8 ``(h, w, c)``.
    """

    clean: StressRow
    rows: tuple[StressRow, ...]
    images: int
    seed: int
    example: Picture = field(repr=False)

    @property
    def mean_accuracy(self) -> float:
        """Over all corruptions and strengths."""
        return float(np.mean([row.accuracy.rate for row in self.rows]))

    @property
    def mean_sure_but_wrong(self) -> float:
        """Over all corruptions and strengths."""
        return float(np.mean([row.sure_but_wrong.rate for row in self.rows]))

    def of(self, corruption: str) -> tuple[StressRow, ...]:
        """The five strengths of one corruption."""
        return tuple(row for row in self.rows if row.corruption == corruption)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "images": self.images,
            "seed": self.seed,
            "mean_accuracy": self.mean_accuracy,
            "mean_sure_but_wrong": self.mean_sure_but_wrong,
            "clean": self.clean.to_json(),
            "rows": [row.to_json() for row in self.rows],
        }

    def cells(self) -> list[list[str]]:
        """One line of text for each corruption: the accuracies, then means over the strengths."""
        lines = []
        for name in CORRUPTIONS:
            rows = self.of(name)
            rejected = [row.rejected.rate for row in rows if row.rejected]
            lines.append(
                [
                    name,
                    *(f"{row.accuracy.rate:.0%}" for row in rows),
                    f"{np.mean([row.mean_confidence for row in rows]):.0%}",
                    f"{np.mean(rejected):.0%}" if rejected else "off",
                    f"{np.mean([row.sure_but_wrong.rate for row in rows]):.1%}",
                ]
            )
        return lines

    def _repr_html_(self) -> str:
        heads = ("corruption", *map(str, STRENGTHS), "confidence", "rejected", "sure but wrong")
        caption = f"Accuracy at five strengths, {self.images:,} images; {self.clean.accuracy} without corruption"
        return table(heads, [tuple(map(escape, line)) for line in self.cells()], caption=caption)


def stress(
    run: Run | str | Path | None = None,
    data: Any = None,
    *,
    part: str | None = None,
    reject: str | float | None = AUTO,
    seed: int = 0,
) -> StressResult:
    """Evaluate a network on corrupted images.

    The corruptions are applied to images as the network receives them, after preprocessing. At most 500 images are
    used, evenly spaced, and fewer for a large network, so that it takes minutes.

    Args:
        run: A run or its folder; None takes the newest below ``runs/``.
        data: As for `api.evaluate.evaluate`.
        part: As for `api.evaluate.evaluate`.
        reject: As for `api.predict.predict`.
        seed: Of the corruptions.

    Raises:
        RunError, ModelFileError, DataError, OptionError: As `api.evaluate.evaluate`.
    """
    run = load_run(run)
    level = answer_rules(run.model, reject=reject).level
    dataset = evaluate(run, data, part=part, reject=reject).dataset
    count = min(len(dataset), max(FEWEST_IMAGES, min(MOST_IMAGES, WORK // max(1, cost(run.model.spec)))))
    chosen = np.unique(np.linspace(0, len(dataset) - 1, count).astype(np.int64))
    pixels, labels = np.asarray(dataset.pixels[chosen]), dataset.labels[chosen]
    rows = tuple(
        _row(run.model, corrupt(pixels, name, strength, seed=seed), labels, level, name, strength)
        for name in CORRUPTIONS
        for strength in STRENGTHS
    )
    return StressResult(_row(run.model, pixels, labels, level, "none", 0), rows, len(labels), seed, pixels[0])


def _row(model: Model, pixels: Pixels, labels: Labels, level: float | None, name: str, strength: int) -> StressRow:
    predictions = predict(model, pixels)
    confidences = predictions.probabilities.max(axis=1)
    correct = predictions.logits.argmax(axis=1) == labels
    rejection = reliability_of(model).rejection if level is not None else None
    threshold = rejection.threshold(level) if rejection and level is not None else None
    is_rejected = np.zeros(len(labels), bool)
    if rejection and threshold is not None and predictions.scores is not None:
        is_rejected = predictions.scores > threshold
        is_rejected |= is_constant(pixels) & rejection.rejects_blank
    n = len(labels)
    return StressRow(
        name,
        strength,
        accuracy=Proportion(int(correct.sum()), n),
        mean_confidence=float(confidences.mean()),
        rejected=Proportion(int(is_rejected.sum()), n) if rejection else None,
        sure_but_wrong=Proportion(int((~correct & ~is_rejected & (confidences >= SURE)).sum()), n),
    )
