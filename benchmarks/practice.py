"""The default recipe on other people's images, beside a Keras recipe: accuracy and CPU time, in one run.

    python benchmarks/practice.py [--sets emoji,photos] [--seeds 1] [--size 64]

`benchmarks/practice_data.py` makes the datasets. Both sides get the same pixels: read by convscope, split by the same
seed; what is measured is `fit`, from its call to its weights, in CPU seconds of the process, because the machine may be
shared. Recipes were chosen on validation images cut from the training parts; the test parts are read here only. Writes
docs/figures/practice.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from record import write

from convscope.api.prepare import prepare
from convscope.data.dataset import Dataset
from convscope.data.readers import load
from convscope.evaluation.intervals import Proportion
from convscope.evaluation.predict import predict
from convscope.model.model_file import Model
from convscope.training.options import TrainOptions

HERE = Path(__file__).parent
DATA = HERE.parent / "build" / "practice"
SETS = {"fashion": 8, "emoji": 12, "photos": 12, "stamps": 40, "flags": 15}
"""The datasets, and the most epochs of the baseline, which stops earlier by itself if it no longer improves."""


def ours(plan: Any) -> dict[str, Any]:
    """Train with the recipe that `train` chooses; in this process, so that the CPU seconds are those of `fit`."""
    from convscope.training.fit import fit

    before = os.times()
    fitted = fit(plan.spec, plan.training, plan.validation, plan.options)
    after = os.times()
    test: Dataset = plan.loaded.test
    model = Model(plan.spec, fitted.weights, plan.loaded.train.class_names)
    predicted = predict(model, test.pixels).logits.argmax(axis=1)
    return {
        "accuracy": float((predicted == test.labels).mean()),
        "cpu_seconds": round(after.user + after.system - before.user - before.system, 1),
        "seconds": round(fitted.seconds["total"], 1),
        "epochs": plan.options.epochs,
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


def main() -> None:
    """Measure every set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--size", type=int, help="size of the photos")
    parser.add_argument("--name", default="practice")
    chosen = parser.parse_args()
    figures: dict[str, Any] = {"sets": {}, "summary": {}}
    for name in chosen.sets.split(","):
        size = (chosen.size, chosen.size) if chosen.size and name != "fashion" else None
        loaded = load(DATA / name, size=size)
        rows: dict[str, list] = {"convscope": [], "keras": []}
        for seed in range(chosen.seeds):
            plan = prepare(TrainOptions(data=name, seed=seed), lambda phase: None, loaded)
            rows["convscope"].append(ours(plan))
            with tempfile.TemporaryDirectory() as folder:
                rows["keras"].append(keras(plan, seed, folder, epochs=SETS[name], flip=name != "flags"))
            print(
                name,
                seed,
                rows["convscope"][-1],
                {k: v for k, v in rows["keras"][-1].items() if k != "curve"},
                flush=True,
            )
        n = len(loaded.test or ())
        accuracy = {side: statistics.mean(row["accuracy"] for row in found) for side, found in rows.items()}
        cpu = {side: statistics.median(row["cpu_seconds"] for row in found) for side, found in rows.items()}
        interval = {
            side: (Proportion(round(value * n), n).low, Proportion(round(value * n), n).high)
            for side, value in accuracy.items()
        }
        facts = {"n_train": len(loaded.train), "n_test": n, "image_shape": list(loaded.train.image_shape)}
        figures["sets"][name] = facts | {"runs": rows, "interval": interval}
        figures["summary"] |= {f"{name}_{side}_accuracy": value for side, value in accuracy.items()}
        figures["summary"] |= {f"{name}_{side}_cpu_seconds": value for side, value in cpu.items()}
    write(chosen.name, figures)


if __name__ == "__main__":
    main()
