"""Ablation of `quick`: its recipe with one thing changed at a time, measured on the validation split.

    python benchmarks/ablation.py --seeds 8

All variants are trained with the same seeds, so that differences are paired. Writes docs/figures/ablation.json.
"""

from __future__ import annotations

import argparse
import statistics

from record import write
from seeds import measure_seeds, summarize

VARIANTS: dict[str, dict[str, object]] = {
    "the recipe": {},
    "first convolution starts at random": {"whiten": False},
    "Adam for every weight": {"optimizer": "adam"},
    "SGD with Nesterov momentum": {"optimizer": "sgd", "learning_rate": 0.1},
    "no label smoothing": {"label_smoothing": 0.0},
    "no warm-up": {"warmup": 0.0},
    "batches of 128": {"batch_size": 128},
    "batches of 512": {"batch_size": 512},
    "three quarters of an epoch": {"epochs": 0.75},
    "two epochs": {"epochs": 2.0},
    "the last fifth of the weights averaged": {"average": 0.2},
    "shifts by one pixel": {"shift": 1},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    chosen = parser.parse_args()
    rows, base = [], []
    for name, changes in VARIANTS.items():
        runs = measure_seeds("quick", chosen.seeds, part="validation", **changes)
        accuracies = [run["accuracy"] for run in runs]
        base = base or accuracies
        differences = [mine - theirs for mine, theirs in zip(accuracies, base, strict=True)]
        row = {"variant": name, "changes": changes} | summarize(runs)
        row["difference"] = statistics.mean(differences)
        row["difference_se"] = statistics.stdev(differences) / len(differences) ** 0.5
        rows.append(row)
        print(f"{name}: {row['mean']:.4%} ({row['difference']:+.3%}), {row['seconds_median']:.2f} s", flush=True)
    write("ablation", {"seeds": chosen.seeds, "part": "validation", "rows": rows})


if __name__ == "__main__":
    main()
