"""How long `Run.predict` takes for one image and for a thousand, with each engine, beside `predict` of Keras.

    python benchmarks/engines.py [--runs FOLDER] [--presets quick,classic,accurate]

FOLDER has finished runs on MNIST, each in a folder named as its preset; others are trained first, for a twentieth of an
epoch: the time does not depend on the weights. `Run.predict` gets arrays, and preprocesses, classifies, calibrates,
and compares each image with the training images; Keras's `predict` gets images that are preprocessed already, and
computes their logits. The ways take turns; medians. Writes docs/figures/engines.json.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from record import write

import convscope as cs
from convscope.arrays import to_images
from convscope.data.mnist import load_part
from convscope.model.build import build, set_weights

ENGINES = ("auto", "numpy", "onnx", "litert")
IMAGES = 1000
ROUNDS, CALLS = 5, 40
KERAS_CALLS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--presets", default="quick,classic,accurate")
    chosen = parser.parse_args()
    rows, load = [], os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        for preset in chosen.presets.split(","):
            folder = (chosen.runs or Path(name)).resolve() / preset
            run = cs.load_run(folder) if folder.is_dir() else cs.train("mnist", model=preset, epochs=0.05, out=folder)
            rows += measure(preset, run)
    quick = {row["way"]: row for row in rows if row["preset"] == "quick"}
    summary = {f"keras_over_{way}": quick["keras"]["one"] / row["one"] for way, row in quick.items() if way != "keras"}
    write("engines", {"summary": summary, "load_average": load, "images": IMAGES, "rows": rows})


def measure(preset: str, run: cs.Run) -> list[dict]:
    """One row for each way: milliseconds of one image, and of each of many."""
    pixels = load_part("test").pixels[:IMAGES]
    network = build(run.model.spec, output="logits")
    set_weights(network, run.model.weights)

    def by(engine: str) -> Callable[[np.ndarray], object]:
        return lambda some: run.predict(some, engine=engine)

    ways: dict[str, Callable[[np.ndarray], object]] = {engine: by(engine) for engine in ENGINES}
    ways["keras"] = lambda some: network.predict(to_images(some), verbose=0)
    one: dict[str, list[float]] = {way: [] for way in ways}
    many: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, classify in ways.items():
            classify(pixels[:1])
            one[way] += [spent(classify, pixels[k : k + 1]) for k in range(KERAS_CALLS if way == "keras" else CALLS)]
            many[way].append(spent(classify, pixels) / IMAGES)
    rows = [
        {"preset": preset, "way": way, "one": statistics.median(one[way]), "of_many": statistics.median(many[way])}
        for way in ways
    ]
    for row in rows:
        print(f"{preset:10} {row['way']:8} {row['one']:8.3f} ms, {row['of_many']:8.4f} ms each of {IMAGES}", flush=True)
    return rows


def spent(classify: Callable[[np.ndarray], object], pixels: np.ndarray) -> float:
    start = time.perf_counter()
    classify(pixels)
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
