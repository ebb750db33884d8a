"""Test accuracy of `quick` by number of shards, and the CPU seconds of its training.

    python benchmarks/shards.py [--seeds 10] [--shards 1,4,8]     # writes docs/figures/shards.json
    python benchmarks/shards.py --workers 1,2,4 --seeds 3         # writes docs/figures/workers.json
    python benchmarks/shards.py --gradients 40                    # writes docs/figures/shard-gradients.json

One thread computes each operation. With ``--workers``, `convscope train --shards 4` runs in
processes of its own, and all their CPU seconds count, also those to start. ``--gradients`` measures
the gradients of a batch of `quick` alone: of the whole batch, of four batches of a quarter of its size,
which is the least that four shards can cost, and of four shards. The ways take turns.
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
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ["TF_NUM_INTRAOP_THREADS"] = "1"

import numpy as np
from record import write

from convscope.api.load_data import load_data
from convscope.data.splits import stratified_split
from convscope.evaluation.predict import predict
from convscope.model.build import build
from convscope.model.model_file import Model
from convscope.model.presets import load_spec
from convscope.model.tensorflow import tf
from convscope.training.fit import fit
from convscope.training.gradients import Gradients
from convscope.training.options import TrainOptions, resolve
from convscope.training.shards import Alone
from convscope.training.share import share_of


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


def measure_gradients(rounds: int, steps: int = 12) -> None:
    """CPU milliseconds of the gradients of a step; each call computes some steps."""
    data = load_data("mnist").train
    spec = load_spec("quick", input_shape=data.image_shape, num_classes=10)
    options = resolve(TrainOptions(model="quick", precision="float32"))
    size = options.batch_size
    pixels = tf.constant(data.pixels[:size].reshape(size, -1))
    labels = tf.constant(data.labels[:size].astype(np.int32))

    def way_to_compute(batch: int, shards: int) -> Callable[[], float]:
        share = share_of(shards, batch)
        model = build(spec, seed=0, output="logits")
        gradients = Gradients(model, spec, data, replace(options, shards=shards, batch_size=batch), share, Alone())
        gradients.trace()

        def body(step: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            for first in range(0, size, batch):
                part = slice(first, first + batch)
                loss, tensors, _ = gradients.of_batch(pixels[part], labels[part], step)
                total += loss + tf.add_n([tf.reduce_sum(one) for one in tensors])
            return step + 1, total

        start = [tf.constant(0), tf.constant(0.0)]
        compute = tf.function(
            lambda: tf.while_loop(lambda step, total: step < steps, body, start)[1], autograph=False
        ).get_concrete_function()

        def measure() -> float:
            began = time.process_time()
            compute().numpy()
            return 1000 * (time.process_time() - began) / steps

        return measure

    ways = {
        "whole": way_to_compute(size, 1),
        "quarters": way_to_compute(size // 4, 1),
        "shards": way_to_compute(size, 4),
    }
    measured = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, measure in ways.items():
            spent = measure()
            if number:  # the first call makes the graph
                measured[name].append(round(spent, 3))
    summary = {"batch_size": size, "rounds": rounds}
    summary |= {f"{name}_ms": round(statistics.median(found), 2) for name, found in measured.items()}
    summary |= {f"{name}_ms_least": min(found) for name, found in measured.items()}
    write("shard-gradients", {"model": "quick", "summary": summary, "milliseconds": measured})
    print(summary, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--shards", default="1,4,8")
    parser.add_argument("--workers", default="")
    parser.add_argument("--gradients", type=int, default=0, metavar="ROUNDS")
    chosen = parser.parse_args()
    if chosen.gradients:
        measure_gradients(chosen.gradients)
        return
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
