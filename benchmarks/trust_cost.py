"""What score, thresholds, conformal sets and guaranteed accuracy cost: in a training, in the model file, for an image.

    python benchmarks/trust_cost.py [SEEDS]

Trains `quick` with seeds 0 to 4 and counts CPU seconds of the process, which other programs change less than the time.
Everything but these parts is the training "without": they are timed inside the same training, and what a temperature
alone takes is timed beside them. Writes docs/figures/trust_cost.json.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from record import write

from convscope.api import conclude_training
from convscope.api.callbacks import Callbacks
from convscope.api.run import Run
from convscope.api.run_data import part_of_run
from convscope.api.train import train
from convscope.arrays import to_images
from convscope.evaluation.out_of_distribution import ood_scores
from convscope.evaluation.predict import raw_outputs, with_excess
from convscope.evaluation.reliability import reliability_of
from convscope.evaluation.temperature import fit_temperature
from convscope.model.blas_threads import one_blas_thread
from convscope.model.features import logits_and_features
from convscope.model.model_file import Model, save_model

PARTS = ("fit_reliability", "measured_reliability", "temperature_interval", "predict")
IMAGES, REPEATS = 500, 20


class Counted:
    """CPU seconds in some functions."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(PARTS, 0.0)

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, counted."""

        def call(*given: Any, **how: Any) -> Any:
            start = time.process_time()
            found = function(*given, **how)
            self.spent[name] += time.process_time() - start
            return found

        return call


def train_counted(seed: int, folder: Path) -> tuple[Run, dict[str, float]]:
    counted, kept = Counted(), {name: getattr(conclude_training, name) for name in PARTS}
    for name, function in kept.items():
        setattr(conclude_training, name, counted.around(name, function))
    start = time.process_time()
    try:
        run = train("mnist", model="quick", seed=seed, out=folder, callbacks=Callbacks())
    finally:
        for name, function in kept.items():
            setattr(conclude_training, name, function)
    whole = time.process_time() - start
    plain = without_score(run)
    extra = sum(counted.spent.values()) - plain
    return run, {"with": whole, "without": whole - extra, "ratio": whole / (whole - extra)} | counted.spent


def without_score(run: Run) -> float:
    """CPU seconds of a temperature and of the test split without a score."""
    model = replace(run.model, subspace=None, reliability={})
    validation, test = part_of_run(run, "validation"), part_of_run(run, "test")
    start = time.process_time()
    logits, _ = raw_outputs(model, validation.pixels)
    fit_temperature(logits, validation.labels)
    raw_outputs(model, test.pixels)
    return time.process_time() - start


def bytes_of(model: Model, folder: Path) -> int:
    save_model(model, folder / "model.safetensors")
    return (folder / "model.safetensors").stat().st_size


def microseconds(model: Model, pixels: np.ndarray, at_once: int) -> float:
    """CPU time of the score for an image, from its features and logits."""
    rejection = reliability_of(model).rejection
    assert rejection is not None and model.subspace is not None
    logits, features = logits_and_features(model.spec, model.weights, to_images(pixels))
    best = float("inf")
    with one_blas_thread():
        for _ in range(REPEATS):
            start = time.process_time()
            for at in range(0, len(pixels), at_once):
                part = slice(at, at + at_once)
                residuals = with_excess(model, model.subspace.residual(features[part]), pixels[part])
                ood_scores(logits[part], residuals, scale=rejection.scale)
            best = min(best, time.process_time() - start)
    return 1e6 * best / len(pixels)


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train("mnist", model="quick", epochs=0.05, seed=0, out=folder / "warm", callbacks=Callbacks())
        for seed in range(seeds):
            run, row = train_counted(seed, folder / str(seed))
            plain = replace(run.model, subspace=None, reliability={})
            pixels = np.asarray(part_of_run(run, "test").pixels[:IMAGES])
            row |= {"seed": seed, "bytes": bytes_of(run.model, folder) - bytes_of(plain, folder)}
            row |= {"microseconds, 100 at once": microseconds(run.model, pixels, 100)}
            row |= {"microseconds, alone": microseconds(run.model, pixels, 1)}
            rows.append(row)
            print({key: round(value, 4) for key, value in row.items()}, flush=True)
    keys = ("with", "without", "bytes", "microseconds, 100 at once", "microseconds, alone")
    summary = {"networks": seeds} | {key: statistics.median(row[key] for row in rows) for key in keys}
    ratios = [row["ratio"] for row in rows]
    summary |= {"ratio, median": statistics.median(ratios), "ratio, lowest": min(ratios), "ratio, highest": max(ratios)}
    write("trust_cost", {"summary": summary, "runs": rows})


if __name__ == "__main__":
    main()
