"""Test accuracy of `quick` by number of shards, and the CPU seconds of its training.

    python benchmarks/shards.py [--seeds 10] [--shards 1,4,8]     # writes docs/figures/shards.json
    python benchmarks/shards.py --workers 1,2,4 --seeds 3         # writes docs/figures/workers.json

One thread computes each operation. With ``--workers``, `convscope train --shards 4` runs in
processes of its own, and all their CPU seconds count, also those to start. The ways take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["TF_NUM_INTRAOP_THREADS"] = "1"

from record import write

from convscope.api.load_data import load_data
from convscope.data.splits import stratified_split
from convscope.evaluation.predict import predict
from convscope.model.model_file import Model
from convscope.model.presets import load_spec
from convscope.training.fit import fit
from convscope.training.options import TrainOptions, resolve


def measure_workers(counts: list[int], seeds: int) -> None:
    seconds = {count: [] for count in counts}
    hashes: list[set[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            hashes.append(set())
            for count in counts:
                out = f"run-{seed}-{count}"
                more = ["--processes", str(count)] if count > 1 else []
                words = ["train", "--model", "quick", "--precision", "float32", "--shards", "4", "--seed", str(seed)]
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                subprocess.run(
                    [sys.executable, "-m", "convscope", *words, *more, "--out", out, "-q"], cwd=folder, check=True,
                    stdout=subprocess.DEVNULL,
                )  # fmt: skip
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                seconds[count].append(round(spent, 2))
                record = json.loads(Path(folder, out, "run.json").read_text(encoding="utf-8"))
                hashes[-1].add(record["weights_sha256"])
                print(seed, count, seconds[count][-1], record["weights_sha256"][:12], flush=True)
    rows = {str(count): statistics.median(found) for count, found in seconds.items()}
    equal = sum(len(found) == 1 for found in hashes)
    summary = {"shards": 4, "seeds": seeds, "cpu_seconds_median": rows, "seeds_with_equal_weights": equal}
    write("workers", {"model": "quick", "summary": summary, "cpu_seconds": seconds})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--shards", default="1,4,8")
    parser.add_argument("--workers", default="")
    chosen = parser.parse_args()
    if chosen.workers:
        measure_workers([int(one) for one in chosen.workers.split(",")], chosen.seeds)
        return
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
