"""Class weights for datasets whose classes differ in size, on validation images.

    python benchmarks/rare.py [--sets fashion,flags] [--share 0.5]

Of each training part of `benchmarks/practice_data.py`, classes in random order keep fewer and fewer of their images;
``emoji`` is imbalanced as it is. The validation images are those of the whole set: their balanced accuracy counts all
classes alike, and their recalls weighted by the sizes of the training classes give the accuracy on images that are as
imbalanced. Writes docs/figures/rare.json.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
from recipe import DATA, EVERY_FOURTH, GROUPS
from record import write

from convscope.api.prepare import Plan, prepare
from convscope.data.dataset import Dataset
from convscope.data.readers import load
from convscope.evaluation.metrics import measure
from convscope.evaluation.predict import predict
from convscope.model.model_file import Model
from convscope.training.fit import fit
from convscope.training.options import CLASS_WEIGHTS, TrainOptions

TAILS = {"fashion": (50, 10), "flags": (10,), "emoji": (1,)}
"""How many times the images of the smallest class the largest one has; 1 leaves a dataset as it is."""


def thinned(train: Dataset, tail: int) -> Dataset:
    """The classes keep from all to 1/tail of their images, at least two."""
    rng = np.random.default_rng(0)
    kept = []
    for place, label in enumerate(rng.permutation(train.num_classes)):
        positions = rng.permutation(np.flatnonzero(train.labels == label))
        kept.append(positions[: max(2, round(len(positions) * tail ** (-place / (train.num_classes - 1))))])
    return train.take(np.sort(np.concatenate(kept)))


def measured(plan: Plan, train: Dataset, share: float) -> dict[str, float]:
    """Train, and return what the network is worth on the validation images."""
    epochs = (plan.options.epochs or 1) * min(share * len(plan.training) / len(train), 1)  # about as many steps
    fitted = fit(plan.spec, train, plan.validation, replace(plan.options, epochs=epochs))
    predicted = predict(Model(plan.spec, fitted.weights, train.class_names), plan.validation.pixels)
    found = measure(predicted.logits, plan.validation.labels, class_names=train.class_names)
    recalls = np.array([one.correct / max(one.support, 1) for one in found.classes])
    rarest = np.argsort(train.class_counts)[: max(1, len(recalls) // 3)]
    return {
        "balanced_accuracy": found.balanced_accuracy,
        "recall_of_rarest_third": float(recalls[rarest].mean()),
        "accuracy_as_imbalanced": float(np.average(recalls, weights=train.class_counts)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", default=",".join(TAILS))
    parser.add_argument("--share", type=float, default=0.5, help="of the epochs of the recipe")
    chosen = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in chosen.sets.split(","):
        loaded = load(DATA / name if name == "fashion" else DATA / name / "train", test_fraction=0)
        whole = loaded.train.take(range(0, len(loaded.train), 4)) if name in EVERY_FOURTH else loaded.train
        for tail in TAILS[name]:
            for weights in CLASS_WEIGHTS:
                options = TrainOptions(data=name, group=GROUPS[name], validation_fraction=0.2, class_weight=weights)
                plan = prepare(options, lambda phase: None, replace(loaded, train=whole, test=None))
                train = thinned(plan.training, tail)
                counts = train.class_counts
                row = {"set": name, "n_train": len(train), "largest": max(counts), "smallest": min(counts)}
                rows.append(row | {"class_weight": weights, **measured(plan, train, chosen.share)})
                print(rows[-1], flush=True)
    write("rare", {"part": "validation", "seeds": 1, "share": chosen.share, "rows": rows})


if __name__ == "__main__":
    main()
