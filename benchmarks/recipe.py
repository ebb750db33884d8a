"""Ablation of the recipe that fits the data: one thing changed at a time, on validation images of several datasets.

    python benchmarks/recipe.py [--sets emoji,flags] [--share 0.5]
    python benchmarks/recipe.py --augmentation

The datasets are the training parts of `benchmarks/practice_data.py`; their test parts are not read. All variants of a
dataset have the same split and seed. ``residual`` is measured twice: with the arithmetic of the recipe, and with three
times as much. Writes docs/figures/recipe.json after each dataset; the others stay as they were measured before.
``--augmentation`` measures the augmentation in all epochs of the recipe, because it needs them, and writes
docs/figures/augmentation.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

from record import FIGURES, write

from convscope.api.prepare import Plan, prepare
from convscope.data.readers import load
from convscope.training.fit import fit
from convscope.training.options import TrainOptions

DATA = Path(__file__).parent.parent / "build" / "practice"
GROUPS = {"emoji": "-([0-9a-f-]+)[.]png", "stamps": None, "flags": None, "fashion": None}
"""What keeps the images of one symbol together, for each dataset."""

EVERY_FOURTH = {"fashion"}
"""Datasets of which a quarter is used."""

VARIANTS: dict[str, dict[str, Any]] = {
    "the recipe": {},
    "no augmentation": {"crop": 0.0, "flip": False},
    "brightness, contrast and saturation too": {"brightness": 0.3, "contrast": 0.3, "saturation": 0.3},
    "residual, same arithmetic": {"model": "residual"},
    "residual, three times the arithmetic": {"model": "residual"},
}

AUGMENTATION: dict[str, dict[str, Any]] = {
    "the recipe": {},
    "half of the crop": {"crop": 0.15},
    "no augmentation": {"crop": 0.0, "flip": False},
}


def measure(plan: Plan, epochs: float) -> dict[str, float]:
    """Train, and return the validation accuracy at the end and the CPU seconds."""
    before = os.times()
    fitted = fit(plan.spec, plan.training, plan.validation, replace(plan.options, epochs=epochs))
    after = os.times()
    measured = [row.validation_accuracy for row in fitted.history if row.validation_accuracy is not None]
    seconds = after.user + after.system - before.user - before.system
    return {"accuracy": measured[-1], "cpu_seconds": round(seconds, 1), "epochs": round(epochs, 2)}


def compare(name: str, variants: dict[str, dict[str, Any]], share: float) -> dict[str, Any]:
    """The variants on one dataset."""
    where = DATA / name if name == "fashion" else DATA / name / "train"
    loaded = load(where, test_fraction=0)
    train = loaded.train
    if name in EVERY_FOURTH:
        train = train.take(range(0, len(train), 4))
    rows: dict[str, Any] = {}
    arithmetic = 0.0
    for variant, changes in variants.items():
        if train.image_shape[2] == 1 and "saturation" in changes:
            changes = {key: value for key, value in changes.items() if key != "saturation"}
        options = TrainOptions(data=name, group=GROUPS[name], validation_fraction=0.2, **changes)
        plan = prepare(options, lambda phase: None, replace(loaded, train=train, test=None))
        epochs = plan.options.epochs * share
        arithmetic = arithmetic or epochs * plan.spec.multiply_adds
        if "arithmetic" in variant:
            epochs = arithmetic / plan.spec.multiply_adds * (3 if "three" in variant else 1)
        rows[variant] = measure(plan, epochs)
        print(name, variant, rows[variant], flush=True)
    facts = {"n_train": len(plan.training), "n_validation": len(plan.validation)}
    return facts | {"image_shape": list(train.image_shape), "classes": train.num_classes, "rows": rows}


def main() -> None:
    """Measure, and write after each dataset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", default=",".join(GROUPS))
    parser.add_argument("--share", type=float, default=0.5, help="of the epochs of the recipe")
    parser.add_argument("--augmentation", action="store_true")
    chosen = parser.parse_args()
    figures, variants, share = "recipe", VARIANTS, chosen.share
    if chosen.augmentation:
        figures, variants, share = "augmentation", AUGMENTATION, 1.0
    kept = json.loads(file.read_text()) if (file := FIGURES / f"{figures}.json").exists() else {}
    sets: dict[str, Any] = kept.get("sets", {})
    for name in chosen.sets.split(","):
        sets[name] = compare(name, variants, share)
        differences = {
            variant: statistics.mean(
                one["rows"][variant]["accuracy"] - one["rows"]["the recipe"]["accuracy"] for one in sets.values()
            )
            for variant in variants
        }
        write(figures, {"part": "validation", "seeds": 1, "share": share, "sets": sets, "summary": differences})


if __name__ == "__main__":
    main()
