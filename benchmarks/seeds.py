"""Train a preset with several seeds and evaluate each network once on the test split.

    python benchmarks/seeds.py quick 20

Prints one line per seed and writes docs/figures/seeds-<preset>.json. Times are those of `fit`, with the data in memory:
they include building the model and tracing the graph, and exclude importing TensorFlow.
"""

from __future__ import annotations

import argparse
import statistics

from record import write

from convscope.data.readers import load
from convscope.data.splits import stratified_split
from convscope.evaluation.metrics import measure
from convscope.evaluation.predict import predict
from convscope.model.model_file import Model, weights_sha256
from convscope.model.presets import load_spec
from convscope.training.fit import fit
from convscope.training.options import TrainOptions, resolve


def measure_seeds(preset: str, seeds: int, *, part: str = "test", **changes: object) -> list[dict]:
    """Train and evaluate once per seed."""
    loaded = load("mnist")
    rows = []
    for seed in range(seeds):
        options = resolve(TrainOptions(model=preset, seed=seed, **changes))
        train, validation = stratified_split(loaded.train, fraction=options.validation_fraction, seed=seed)
        spec = load_spec(options.model, input_shape=train.image_shape, num_classes=train.num_classes)
        fitted = fit(spec, train, validation, options)
        model = Model(spec, fitted.weights, train.class_names)
        chosen = loaded.test if part == "test" else validation
        evaluation = measure(
            predict(model, chosen.pixels).logits,
            chosen.labels,
            class_names=chosen.class_names,
            known_wrong=chosen.known_wrong,
        )
        clean = evaluation.accuracy_without_known_wrong
        row = {
            "seed": seed,
            "accuracy": evaluation.accuracy.rate,
            "accuracy_without_known_wrong": clean.rate if clean else None,
            "validation_accuracy": fitted.history[-1].validation_accuracy,
            "seconds": fitted.seconds,
            "steps": fitted.steps,
            "weights_sha256": weights_sha256(fitted.weights),
        }
        rows.append(row)
        print(f"{preset} seed {seed}: {row['accuracy']:.4f} in {fitted.seconds['total']:.2f} s", flush=True)
    return rows


def summarize(rows: list[dict]) -> dict:
    """Mean, standard deviation and times over the seeds."""
    accuracies, seconds = [row["accuracy"] for row in rows], [row["seconds"]["total"] for row in rows]
    return {
        "n": len(rows),
        "mean": statistics.mean(accuracies),
        "sd": statistics.stdev(accuracies) if len(rows) > 1 else None,
        "min": min(accuracies),
        "max": max(accuracies),
        "seconds_min": min(seconds),
        "seconds_median": statistics.median(seconds),
        "seconds_max": max(seconds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset")
    parser.add_argument("seeds", type=int)
    parser.add_argument("--part", default="test", choices=("test", "validation"))
    parser.add_argument("--name", default="")
    parser.add_argument("--set", nargs="*", default=[], help="option=value")
    chosen = parser.parse_args()
    changes = {key: parse(value) for key, _, value in (entry.partition("=") for entry in chosen.set)}
    rows = measure_seeds(chosen.preset, chosen.seeds, part=chosen.part, **changes)
    head = {"part": chosen.part, "preset": chosen.preset, "changes": changes, "summary": summarize(rows)}
    write(chosen.name or f"seeds-{chosen.preset}", head | {"runs": rows})


def parse(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)


if __name__ == "__main__":
    main()
