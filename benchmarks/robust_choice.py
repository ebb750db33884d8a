"""Compare recipes for ``--robust`` on other data than those that benchmarks/robust.py measures it with.

    python benchmarks/robust_choice.py --optical digits.csv.gz --fonts FOLDER [--seeds 2]

The data are validation images; 18 corruptions of 120 of them at three strengths (`other_corruptions.py`), preprocessed
and as received; half of the 8×8 digits of scikit-learn; printed digits (DejaVu); and digits of handwriting fonts (the
packages font-amatic-sc, font-intuitive, fontpkg-caveat and fontpkg-dancing-script). All networks have the same
validation split. Writes docs/figures/robust_choice.json. The stored figures were measured while elastic distortion and
coarse pixels were augmentations too, so that other random numbers belong to a seed; lines of one network have the first
seed only.
"""

from __future__ import annotations

import argparse
import os
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from foreign_pictures import fonts, optical_digits
from other_corruptions import CHOOSING, corrupted
from record import write
from robust import Digits, font_files, framed, of_fonts, received

from convscope.data.dataset import Dataset
from convscope.data.readers import load
from convscope.data.splits import stratified_split
from convscope.evaluation.predict import predict
from convscope.model.model_file import Model
from convscope.model.presets import load_spec
from convscope.training.fit import fit
from convscope.training.options import TrainOptions, resolve

FIRST_SEED = 100
CORRUPTED = 120
STRONGER = {"blur": 0.06, "noise": 0.3, "lines": 0.15, "zoom": 0.15, "shear": 0.15}
VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "two epochs": {"epochs": 2},
    "thickness": {"thickness": 0.45},
    "thickness, two epochs": {"thickness": 0.45, "epochs": 2},
    "thickness, blur and noise, two epochs": {"thickness": 0.45, "blur": 0.06, "noise": 0.3, "epochs": 2},
    "`--robust`": {"robust": True},
    "`--robust`, 1.2 to 1.5 times as strong": {"robust": True, **STRONGER},
    "the same, four epochs": {"robust": True, "epochs": 4, **STRONGER},
}


def pictures(validation: Dataset, chosen: argparse.Namespace) -> dict[str, list[Digits]]:
    """Everything that the recipes are compared on."""
    which = np.random.default_rng(0).permutation(len(validation))[:CORRUPTED]
    pixels, labels = np.asarray(validation.pixels[which]), validation.labels[which]
    worse = [corrupted(pixels, name, level) for name in CHOOSING for level in range(3)]
    small, classes = optical_digits(chosen.optical)
    return {
        "validation": [received(np.asarray(validation.pixels[:]), validation.labels)],
        "corrupted, preprocessed": [framed(one, labels) for one in worse],
        "corrupted, as received": [received(one, labels) for one in worse],
        "8×8 digits": [framed(small[::2], classes[::2])],
        "handwriting fonts": [of_fonts(font_files(chosen.fonts))],
        "printed fonts": [of_fonts(fonts("DejaVu"))],
    }


def accuracy(model: Model, digits: Digits) -> float:
    """Of the most likely class; where nothing was found there is none."""
    right = predict(model, digits.pixels).logits.argmax(axis=1) == digits.labels
    return float((right & ~digits.is_blank).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--optical", type=Path, required=True)
    parser.add_argument("--fonts", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=2)
    chosen = parser.parse_args()
    training, validation = stratified_split(load("mnist").train, fraction=1 / 12, seed=0)
    everything, rows = pictures(validation, chosen), []
    for name, changes in VARIANTS.items():
        found: list[dict[str, float]] = []
        for seed in range(FIRST_SEED, FIRST_SEED + chosen.seeds):
            options = resolve(TrainOptions(model="quick", seed=seed, **changes))
            spec = load_spec("quick", input_shape=training.image_shape, num_classes=training.num_classes)
            before = os.times()
            fitted = fit(spec, training, validation, options)
            after = os.times()
            model = Model(spec, fitted.weights, training.class_names)
            row = {what: statistics.mean(accuracy(model, one) for one in parts) for what, parts in everything.items()}
            found.append(row | {"CPU seconds": after.user + after.system - before.user - before.system})
        means = {what: statistics.mean(row[what] for row in found) for what in found[0]}
        rows.append({"variant": name, "changes": changes, "networks": len(found)} | means)
        print(rows[-1], flush=True)
    write("robust_choice", {"corrupted": CORRUPTED * len(CHOOSING) * 3, "rows": rows})


if __name__ == "__main__":
    main()
