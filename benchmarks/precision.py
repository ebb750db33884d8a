"""Training in bfloat16 beside float32: the time of a step of each preset, and accuracies of paired seeds.

    python benchmarks/precision.py 20

Worth running on a processor with AMX; on others bfloat16 is slower. `classic` is compared with `model.fit` as well.
Writes docs/figures/precision.json.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
from record import write
from seeds import measure_seeds, summarize

from convscope.data.readers import load
from convscope.model.build import build
from convscope.model.presets import PRESETS, load_spec
from convscope.model.tensorflow import keras
from convscope.training.loop import TrainingLoop
from convscope.training.options import TrainOptions, resolve

ROUNDS, STEPS = 5, 20
PRECISIONS = ("float32", "bfloat16")


def milliseconds_per_step(preset: str) -> dict[str, float]:
    """Medians over rounds that alternate between the precisions, and `model.fit` for ``classic``."""
    data = load("mnist").train
    spec = load_spec(preset, input_shape=data.image_shape, num_classes=10)
    loops = {
        p: TrainingLoop(spec, data, resolve(TrainOptions(model=preset, precision=p, epochs=1000.0))) for p in PRECISIONS
    }
    for loop in loops.values():
        loop.trace()
    taken: dict[str, list[float]] = {name: [] for name in loops}
    if preset == "classic":
        model = build(spec)
        model.compile(keras.optimizers.Adam(0.0015), "sparse_categorical_crossentropy", metrics=["accuracy"])
        batch = loops["float32"].batch_size
        images, labels = data.pixels[: STEPS * batch].astype(np.float32) / 255, data.labels[: STEPS * batch]
        taken["fit"] = []
    for turn in range(ROUNDS + 1):
        for name, loop in loops.items():
            began = time.perf_counter()
            loop.steps_from(turn * STEPS, STEPS)
            taken[name].append((time.perf_counter() - began) / STEPS * 1000)
        if preset == "classic":
            began = time.perf_counter()
            model.fit(images, labels, batch_size=batch, verbose=0)
            taken["fit"].append((time.perf_counter() - began) / STEPS * 1000)
    return {name: statistics.median(values[1:]) for name, values in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="?", default=20)
    parser.add_argument("--preset", default="quick")
    chosen = parser.parse_args()
    steps = {preset: milliseconds_per_step(preset) for preset in PRESETS}
    runs = {p: measure_seeds(chosen.preset, chosen.seeds, part="validation", precision=p) for p in PRECISIONS}
    both = zip(runs["bfloat16"], runs["float32"], strict=True)
    differences = [100 * (half["accuracy"] - full["accuracy"]) for half, full in both]
    summary = {
        "difference": statistics.mean(differences),
        "difference_se": statistics.stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else None,
    }
    figures = {"preset": chosen.preset, "milliseconds_per_step": steps, "summary": summary}
    write("precision", figures | {"accuracies": {p: summarize(rows) for p, rows in runs.items()}})


if __name__ == "__main__":
    main()
