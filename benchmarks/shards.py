"""Test accuracy of `quick` by number of shards, and the CPU seconds of its training.

    python benchmarks/shards.py [--seeds 10] [--shards 1,4,8]

One thread computes each operation, with every number of shards. Writes docs/figures/shards.json.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ["TF_NUM_INTRAOP_THREADS"] = "1"

from record import write

from convscope.api.load_data import load_data
from convscope.data.dataset import stratified_split
from convscope.evaluation.predict import predict
from convscope.model.model_file import Model
from convscope.model.presets import load_spec
from convscope.training.fit import fit
from convscope.training.options import TrainOptions, resolve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--shards", default="1,4,8")
    chosen = parser.parse_args()
    data = load_data("mnist")
    spec = load_spec("quick", input_shape=data.train.image_shape, num_classes=10)
    counts = [int(one) for one in chosen.shards.split(",")]
    accuracy = {count: [] for count in counts}
    seconds = {count: [] for count in counts}
    for seed in range(chosen.seeds):
        for count in counts:
            options = resolve(TrainOptions(model="quick", precision="float32", seed=seed, shards=count))
            training, validation = stratified_split(data.train, fraction=options.validation_fraction, seed=seed)
            began = time.process_time()
            fitted = fit(spec, training, validation, options)
            seconds[count].append(time.process_time() - began)
            logits = predict(Model(spec, fitted.weights, data.train.class_names), data.test.pixels).logits
            accuracy[count].append(100 * float((logits.argmax(axis=1) == data.test.labels).mean()))
        rows = {
            str(count): {
                "accuracy_mean": round(statistics.mean(accuracy[count]), 3),
                "accuracy_sd": round(statistics.stdev(accuracy[count]), 3) if seed else None,
                "seeds": seed + 1,
                "cpu_seconds_median": round(statistics.median(seconds[count]), 2),
            }
            for count in counts
        }
        write("shards", {"model": "quick", "by_shards": rows, "accuracy": accuracy})
        print(rows, flush=True)


if __name__ == "__main__":
    main()
