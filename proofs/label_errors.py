"""Label errors: how many flipped labels, and how many known label errors, `data check` finds.

    python proofs/label_errors.py [--seeds 3]

5 % of the labels of MNIST's training split are flipped to another class; then the original data are checked, whose test
split has 15 known label errors. `quick`, four folds. Writes
docs/figures/reliability-label-errors.json.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from convscope.api.check_data import LabelCheck, check_labels
from convscope.data.dataset import Dataset
from convscope.data.readers import load
from convscope.model.presets import load_spec
from convscope.training.options import TrainOptions

FRACTION = 0.05
FIRST = (15, 30, 60)


def flipped(dataset: Dataset, *, seed: int) -> tuple[Dataset, set[int]]:
    """The data with some labels changed to a random other class, and their positions."""
    rng = np.random.default_rng([seed, 0xF11B])
    positions = rng.permutation(len(dataset))[: round(FRACTION * len(dataset))]
    labels = dataset.labels.copy()
    labels[positions] = (labels[positions] + rng.integers(1, dataset.num_classes, len(positions))) % dataset.num_classes
    return replace(dataset, labels=labels, known_wrong=()), set(positions.tolist())


def score(checked: LabelCheck, wrong: set[int]) -> dict[str, Any]:
    """Precision and recall of the likely errors, and of all label issues."""
    likely = {issue.index for issue in checked.train if issue.is_likely}
    disputed = {issue.index for issue in checked.train}
    return {
        "flipped": len(wrong),
        "likely": len(likely),
        "precision": len(likely & wrong) / len(likely),
        "recall": len(likely & wrong) / len(wrong),
        "disputed": len(disputed),
        "disputed_precision": len(disputed & wrong) / len(disputed),
        "disputed_recall": len(disputed & wrong) / len(wrong),
    }


def known_found(checked: LabelCheck, known: set[int]) -> dict[str, Any]:
    """The ranks of the known label errors among the label issues of the test split."""
    order = [issue.index for issue in checked.test]
    return {
        "known": len(known),
        "likely": sum(issue.is_likely for issue in checked.test),
        "disputed": len(order),
        "found": sorted(known & set(order)),
        "missed": sorted(known - set(order)),
    } | {f"in_first_{count}": len(known & set(order[:count])) for count in FIRST}


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    started = time.monotonic()
    loaded = load("mnist")
    spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=10)
    runs = []
    for seed in range(parser.parse_args().seeds):
        dirty, wrong = flipped(loaded.train, seed=seed)
        runs.append({"seed": seed} | score(check_labels(spec, TrainOptions(seed=seed), dirty, None), wrong))
        print(runs[-1], flush=True)
    clean = check_labels(spec, TrainOptions(), loaded.train, loaded.test)
    known = known_found(clean, set(loaded.test.known_wrong if loaded.test else ()))
    print(known, flush=True)
    summary: dict[str, Any] = {"n": len(loaded.train), "seeds": len(runs)}
    for key in ("precision", "recall", "disputed_precision", "disputed_recall"):
        values = [run[key] for run in runs]
        summary |= {key: statistics.mean(values), f"{key}_worst": min(values)}
    summary |= {"known": known["known"], "known_found": len(known["found"]), "test_disputed": known["disputed"]}
    summary |= {f"known_in_first_{count}": known[f"in_first_{count}"] for count in FIRST}
    summary["seconds"] = round(time.monotonic() - started)
    write("reliability-label-errors", {"summary": summary, "runs": runs, "test_part": known})


if __name__ == "__main__":
    main()
