"""The default recipe on other people's images, beside a Keras recipe: accuracy and CPU time, in one run.

    python benchmarks/practice.py [--sets emoji,photos] [--seeds 1]

`benchmarks/practice_data.py` makes the datasets. Both sides get the same pixels: read by convscope, split by the same
seed; what is measured is `fit`, from its call to its weights, in CPU seconds of the process, because the machine may be
shared. Recipes were chosen on validation images cut from the training parts; the test parts are read here only.

For the time to the same accuracy, the default recipe is shortened to a twentieth of the baseline's CPU time, then to
a tenth and so on, until the test accuracy is at least the baseline's. Writes docs/figures/practice.json after each
set; the sets that were not asked for stay as they were measured before.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from record import FIGURES, write

from convscope.api.prepare import prepare
from convscope.data.dataset import Dataset
from convscope.data.readers import load
from convscope.evaluation.intervals import Proportion
from convscope.evaluation.predict import predict
from convscope.model.model_file import Model
from convscope.training.options import TrainOptions

HERE = Path(__file__).parent
DATA = HERE.parent / "build" / "practice"
SETS = {
    "fashion": ("fashion", None, 8),
    "emoji": ("emoji", None, 12),
    "photos64": ("photos", 64, 12),
    "photos128": ("photos", 128, 8),
    "stamps": ("stamps", None, 40),
    "flags": ("flags", None, 15),
}
"""Folder, size, and the most epochs of the baseline, which stops earlier by itself if it no longer improves."""

FRACTIONS = (1 / 20, 1 / 10, 1 / 5, 1 / 2, 1)
"""Of the baseline's CPU time, until its accuracy is reached."""


def ours(plan: Any, *, share: float = 1.0) -> dict[str, Any]:
    """Train with the recipe that `train` chooses; in this process, so that the CPU seconds are those of `fit`.

    Args:
        plan: What `prepare` returned.
        share: Of the recipe's epochs.
    """
    from convscope.training.fit import fit

    options = replace(plan.options, epochs=max(plan.options.epochs * share, 0.05))
    before = os.times()
    fitted = fit(plan.spec, plan.training, plan.validation, options)
    after = os.times()
    test: Dataset = plan.loaded.test
    model = Model(plan.spec, fitted.weights, plan.loaded.train.class_names)
    predicted = predict(model, test.pixels).logits.argmax(axis=1)
    return {
        "accuracy": float((predicted == test.labels).mean()),
        "cpu_seconds": round(after.user + after.system - before.user - before.system, 1),
        "seconds": round(fitted.seconds["total"], 1),
        "epochs": round(options.epochs, 2),
        "network": plan.spec.name,
        "parameters": plan.spec.parameters,
    }


def keras(plan: Any, seed: int, folder: str, *, epochs: int, flip: bool) -> dict[str, Any]:
    """The baseline on the same arrays, in a process of its own."""
    parts = {"train": plan.training, "val": plan.validation, "test": plan.loaded.test}
    file = Path(folder) / "data.npz"
    arrays = {f"x_{name}": part.pixels for name, part in parts.items()}
    np.savez(file, **arrays, **{f"y_{name}": part.labels for name, part in parts.items()})
    command = [sys.executable, HERE / "peer_practice.py", file, "--seed", str(seed), "--epochs", str(epochs)] + (
        [] if flip else ["--no-flip"]
    )
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def shortened(plan: Any, full: dict[str, Any], baseline: dict[str, Any]) -> dict[str, Any]:
    """The shortest of a few trainings that reaches the accuracy of the baseline."""
    found: dict[str, Any] = full
    for fraction in FRACTIONS:
        share = fraction * baseline["cpu_seconds"] / full["cpu_seconds"]
        if share >= 1:
            return full
        found = ours(plan, share=share)
        if found["accuracy"] >= baseline["accuracy"]:
            break
    return found


def main() -> None:
    """Measure every set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--name", default="practice")
    chosen = parser.parse_args()
    kept = json.loads(file.read_text()) if (file := FIGURES / f"{chosen.name}.json").exists() else {}
    figures: dict[str, Any] = {"sets": kept.get("sets", {}), "summary": kept.get("summary", {})}
    for name in chosen.sets.split(","):
        folder, side, epochs = SETS[name]
        loaded = load(DATA / folder, size=(side, side) if side else None)
        rows: dict[str, list] = {"convscope": [], "keras": [], "same_accuracy": []}
        for seed in range(chosen.seeds):
            plan = prepare(TrainOptions(data=name, seed=seed), lambda phase: None, loaded)
            rows["convscope"].append(ours(plan))
            with tempfile.TemporaryDirectory() as scratch:
                rows["keras"].append(keras(plan, seed, scratch, epochs=epochs, flip=name != "flags"))
            full, baseline = rows["convscope"][-1], rows["keras"][-1]
            same = shortened(plan, full, baseline)
            rows["same_accuracy"].append(same | {"ratio": round(baseline["cpu_seconds"] / same["cpu_seconds"], 1)})
            for side_name, found in rows.items():
                print(name, seed, side_name, {k: v for k, v in found[-1].items() if k != "curve"}, flush=True)
        n = len(loaded.test or ())
        accuracy = {side: statistics.mean(row["accuracy"] for row in found) for side, found in rows.items()}
        cpu = {side: statistics.median(row["cpu_seconds"] for row in found) for side, found in rows.items()}
        interval = {
            side: (Proportion(round(value * n), n).low, Proportion(round(value * n), n).high)
            for side, value in accuracy.items()
        }
        facts = {
            "measured": date.today().isoformat(),
            "n_train": len(loaded.train),
            "n_test": n,
            "image_shape": list(loaded.train.image_shape),
        }
        figures["sets"][name] = facts | {"runs": rows, "interval": interval}
        figures["summary"] |= {f"{name}_{side}_accuracy": value for side, value in accuracy.items()}
        figures["summary"] |= {f"{name}_{side}_cpu_seconds": value for side, value in cpu.items()}
        ratios = [row["ratio"] for row in rows["same_accuracy"]]
        figures["summary"][f"{name}_ratio_to_the_same_accuracy"] = statistics.median(ratios)
        write(chosen.name, figures)


if __name__ == "__main__":
    main()
