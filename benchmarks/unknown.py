"""What networks answer for pictures that are no digits, and for digits of other writers and printers.

    python benchmarks/unknown.py 5 [--runs FOLDER …] [--optical digits.csv.gz] [--each 400] [--withheld]

Trains `quick` with seeds 0 to 4, or takes finished runs, and counts through the door of `predict`: a picture is
rejected if nothing or several things were found on it, or if it is unlike anything the network was trained on.
Variants of the score were compared on other kinds; the rates of the 19 kinds had been seen for one network by then.
Beside it stands the highest probability, at the same threshold rule. ``--optical`` names the table of scikit-learn's
digits (sklearn/datasets/data/digits.csv.gz). ``--withheld`` adds `evaluate --unknown`: each digit is excluded from a
training in turn, ten trainings for each network; a run that has this result already is not measured again. Writes
docs/figures/unknown.json.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from foreign_pictures import CHOOSING, FINAL, font_digits, optical_digits
from record import write

from convscope.api.run import Run, load_run
from convscope.api.run_data import part_of_run
from convscope.api.unknown_classes import KEY, unknown_classes
from convscope.data.preprocess import Preprocessing
from convscope.evaluation.measured_reliability import measure_reliability
from convscope.evaluation.out_of_distribution import LEVELS, is_constant, rank_for
from convscope.evaluation.predict import predict
from convscope.evaluation.reliability import reliability_of

SEED = 1000
CHOOSING_SEED = 0


@dataclass(frozen=True)
class Framed:
    """Preprocessed pictures.

    Attributes:
        pixels: As the network sees them.
        is_set_aside: Nothing was found on the picture, or several things.
        labels: Of digits; None for pictures that are none.
    """

    pixels: np.ndarray
    is_set_aside: np.ndarray
    labels: np.ndarray | None = None


def framed(pictures: np.ndarray, preprocessing: Preprocessing, labels: np.ndarray | None = None) -> Framed:
    frames = [preprocessing.frame(picture[..., None]) for picture in pictures]
    aside = [one.report.blank or len(one.digits) > 1 or bool(is_constant(one.pixels[None])[0]) for one in frames]
    return Framed(np.stack([one.pixels for one in frames]), np.array(aside), labels)


def measure(run: Run, kinds: dict[str, Framed], digits: dict[str, Framed]) -> dict[str, Any]:
    """The figures of one network."""
    rejection = reliability_of(run.model).rejection
    if rejection is None or (threshold := rejection.threshold(0.01)) is None:
        raise SystemExit(f"{run.folder} has no score for unknown images")
    validation, test = part_of_run(run, "validation"), part_of_run(run, "test")
    held_out = np.sort(predict(run.model, validation.pixels).probabilities.max(axis=1))
    lowest = held_out[rank_for(len(held_out), LEVELS[1]) - 1]
    row: dict[str, Any] = {"kinds": {}, "kinds_max_probability": {}, "digits": {}, "digits_max_probability": {}}
    for name, one in (kinds | digits).items():
        predictions = predict(run.model, one.pixels)
        rejected = one.is_set_aside | (predictions.scores > threshold)  # type: ignore[operator]
        unsure = one.is_set_aside | (predictions.probabilities.max(axis=1) < lowest)
        part = "kinds" if name in kinds else "digits"
        sign = (lambda chosen: chosen) if part == "kinds" else (lambda chosen: ~chosen)
        row[part][name] = float(sign(rejected).mean())
        row[f"{part}_max_probability"][name] = float(sign(unsure).mean())
        if one.labels is not None:
            right = predictions.logits.argmax(axis=1) == one.labels
            row[f"accuracy, {name}"] = float(right.mean())
            row[f"accuracy of answered, {name}"] = float(right[~rejected].mean())
    predictions = predict(run.model, test.pixels)
    row["test accuracy"] = float((predictions.logits.argmax(axis=1) == test.labels).mean())
    row["test rejected"] = float((predictions.scores > threshold).mean())  # type: ignore[operator]
    row["reliability"] = measure_reliability(run.model, predictions, test.labels, level=0.01).to_json()
    del row["reliability"]["risk_coverage"]
    return row


def withheld(run: Run, *, measured: bool) -> dict[str, Any] | None:
    """What networks without one digit reject: of the run's record, or measured now; else None."""
    known = (run.record.reliability or {}).get(KEY)
    if known is not None or not measured:
        return known
    return unknown_classes(run).to_json()


def of_withheld(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Means over networks for digits that were excluded from the training, and the extremes of both."""
    found = [row["withheld"] for row in rows if row["withheld"]]
    if not found:
        return {}
    by_digit: dict[str, list[float]] = {}
    for one in found:
        for digit in one["classes"]:
            by_digit.setdefault(digit["class"], []).append(digit["rejected"]["rate"])
    digits = {name: statistics.mean(rates) for name, rates in by_digit.items()}
    means = [one["mean"] for one in found]
    return {
        "networks, withheld digits": len(found),
        "rejected, withheld digits": statistics.mean(means),
        "rejected, withheld digits, lowest network": min(means),
        "rejected, withheld digits, highest network": max(means),
        "rejected, withheld digits, lowest digit": min(digits.values()),
        "rejected, withheld digits, highest digit": max(digits.values()),
        "known digits rejected, withheld": statistics.mean(one["known_rejected"] for one in found),
    }


def summarize(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Means over networks of means over kinds, and the spread between networks."""

    def mean(part: str, names: Any) -> list[float]:
        return [statistics.mean(row[part][name] for name in names) for row in rows]

    rejected = mean("kinds", FINAL)
    found = {
        "networks": len(rows),
        "rejected, 19 kinds": statistics.mean(rejected),
        "rejected, 19 kinds, lowest network": min(rejected),
        "rejected, 19 kinds, highest network": max(rejected),
        "rejected by highest probability": statistics.mean(mean("kinds_max_probability", FINAL)),
        "rejected, kinds chosen by": statistics.mean(mean("kinds", CHOOSING)),
        "digits answered": statistics.mean(mean("digits", rows[0]["digits"])),
        "digits answered by highest probability": statistics.mean(mean("digits_max_probability", rows[0]["digits"])),
        "test digits rejected, most": max(row["test rejected"] for row in rows),
    }
    found |= of_withheld(rows)
    return found | {
        f"{name} answered": statistics.mean(row["digits"][name] for row in rows) for name in rows[0]["digits"]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", type=int, nargs="?", default=5)
    parser.add_argument("--runs", type=Path, nargs="*", default=[])
    parser.add_argument("--optical", type=Path)
    parser.add_argument("--each", type=int, default=400)
    parser.add_argument("--withheld", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = [load_run(path) for path in chosen.runs] or [
            trained(Path(folder), seed) for seed in range(chosen.networks)
        ]
        preprocessing = runs[0].preprocessing
        kinds = {}
        for name, make in (CHOOSING | FINAL).items():
            seed = CHOOSING_SEED if name in CHOOSING else SEED
            kinds[name] = framed(make(chosen.each, np.random.default_rng(seed)), preprocessing)
        pictures, labels = font_digits(chosen.each, np.random.default_rng(SEED))
        digits = {"printed digits": framed(pictures, preprocessing, labels)}
        if chosen.optical:
            pictures, labels = optical_digits(chosen.optical)
            digits["8×8 digits"] = framed(pictures, preprocessing, labels)
        rows = [measure(run, kinds, digits) | {"withheld": withheld(run, measured=chosen.withheld)} for run in runs]
    summary = summarize(rows)
    by_kind = {name: round(statistics.mean(row["kinds"][name] for row in rows), 4) for name in kinds}
    write("unknown", {"each": chosen.each, "seed": SEED, "summary": summary, "by_kind": by_kind, "runs": rows})


def trained(folder: Path, seed: int) -> Run:
    from convscope.api.callbacks import Callbacks
    from convscope.api.train import train

    return train("mnist", model="quick", seed=seed, out=folder / str(seed), callbacks=Callbacks())


if __name__ == "__main__":
    main()
