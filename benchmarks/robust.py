"""How well `quick` does on corrupted and foreign digits, trained as it is and with ``--robust``.

    python benchmarks/robust.py 5 --optical digits.csv.gz --fonts FOLDER [--each 300]

Trains both with seeds 0 to n - 1, in turn, and measures each network with the preprocessing and thresholds of
`predict`: a picture is preprocessed, classified, and answered with a class unless nothing, several digits or something
unlike the training images is found on it. Accuracy counts the most likely class of every picture, rejected or not;
where no ink is found there is none. ``as received`` skips the preprocessing, as `evaluate --stress` does.
``--optical`` names the table of scikit-learn's digits (sklearn/datasets/data/digits.csv.gz), ``--fonts`` a folder with
handwriting fonts: those of the Debian packages fonts-comic-neue, fonts-ecolier-court, fonts-femkeklaver,
fonts-fifthhorseman-dkg-handwriting, fonts-humor-sans, fonts-klee, fonts-kristi and fonts-rufscript. The recipe was
chosen on other corruptions, fonts and images, and on the other half of the 8×8 digits (`robust_choice.py`). Writes
docs/figures/robust.json after each seed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from foreign_pictures import fonts, glyph, optical_digits
from record import write

from convscope.api.callbacks import Callbacks
from convscope.api.run import Run
from convscope.api.train import train
from convscope.data import mnist
from convscope.data.preprocess import Preprocessing
from convscope.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from convscope.evaluation.mean_interval import t_quantile
from convscope.evaluation.out_of_distribution import is_constant
from convscope.evaluation.predict import predict
from convscope.evaluation.reliability import reliability_of

sys.path.append(str(Path(__file__).parent.parent / "tests" / "data"))
from photo_conditions import CONDITIONS, mnist_ink  # pyright: ignore[reportMissingImports]

SEED = 2000
SURE = 0.9
RECIPES: dict[str, dict[str, Any]] = {"plain": {}, "robust": {"robust": True}}
PHOTOS = 8
"""Of each condition."""

FONT_DIGITS = 500


@dataclass(frozen=True)
class Digits:
    """Preprocessed pictures of digits.

    Attributes:
        pixels: As the network sees them.
        labels: What they are.
        is_blank: Nothing was found.
        is_several: Several digits were found.
    """

    pixels: np.ndarray
    labels: np.ndarray
    is_blank: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    is_several: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))


def framed(pictures: Any, labels: np.ndarray) -> Digits:
    """Through the preprocessing of MNIST."""
    preprocessing = Preprocessing(28, 28, 1, fit="mnist", polarity="auto")
    frames = [preprocessing.frame(one if one.ndim == 3 else one[..., None]) for one in pictures]
    blank = np.array([one.report.blank for one in frames])
    several = np.array([len(one.digits) > 1 for one in frames])
    return Digits(np.stack([one.pixels for one in frames]), labels, blank, several)


def received(pixels: np.ndarray, labels: np.ndarray) -> Digits:
    """As the network receives them."""
    none = np.zeros(len(labels), bool)
    return Digits(pixels, labels, none, none)


def photos() -> Digits:
    """Simulated photos of test digits under all conditions."""
    part = mnist.load_part("test")
    rng, made, labels = np.random.default_rng(SEED), [], []
    for take in CONDITIONS.values():
        for index in rng.integers(0, len(part), PHOTOS):
            made.append(take(mnist_ink(part.pixels[index][..., 0], int(rng.integers(60, 160))), rng))
            labels.append(int(part.labels[index]))
    return framed(made, np.array(labels))


def of_fonts(files: Sequence[str]) -> Digits:
    """Digits drawn by fonts."""
    rng = np.random.default_rng(SEED)
    labels = rng.integers(0, 10, FONT_DIGITS)
    return framed([glyph(str(label), files[rng.integers(len(files))], rng) for label in labels], labels)


def font_files(folder: Path) -> list[str]:
    """All fonts in a folder."""
    return sorted(str(path) for kind in ("ttf", "otf") for path in folder.rglob(f"*.{kind}"))


def pictures(chosen: argparse.Namespace) -> dict[str, Digits]:
    """Everything that networks are measured on, by name."""
    part = mnist.load_part("test")
    found = {"test": received(np.asarray(part.pixels), part.labels)}
    which = np.linspace(0, len(part) - 1, chosen.each).astype(int)
    for name in CORRUPTIONS:
        for strength in STRENGTHS:
            worse = corrupt(np.asarray(part.pixels[which]), name, strength, seed=SEED)
            found[f"{name} {strength}"] = framed(worse, part.labels[which])
            found[f"{name} {strength}, as received"] = received(worse, part.labels[which])
    found["printed fonts"] = of_fonts(fonts("Liberation"))
    found["photos"] = photos()
    small, labels = optical_digits(chosen.optical)
    found["8×8 digits"] = framed(small[1::2], labels[1::2])  # the others were used for the choice
    found["handwriting fonts"] = of_fonts(font_files(chosen.fonts))
    return found


def measured(run: Run, digits: Digits) -> dict[str, float]:
    """Accuracy, the fraction without a class, and the fraction that is wrong and above 90 % sure."""
    predictions = predict(run.model, digits.pixels)
    right = (predictions.logits.argmax(axis=1) == digits.labels) & ~digits.is_blank
    rejection = reliability_of(run.model).rejection
    threshold = rejection.threshold(rejection.default_level or 0.01) if rejection else None
    if predictions.scores is None or threshold is None:
        raise SystemExit(f"{run.folder} has no score for unknown images")
    unknown = predictions.scores > threshold
    none = digits.is_blank | digits.is_several | unknown | is_constant(digits.pixels)
    sure = ~right & ~digits.is_blank & (predictions.probabilities.max(axis=1) > SURE)
    found = {"accuracy": right, "without a class": none, "sure and wrong": sure & ~none, "without rejection": sure}
    return {name: float(value.mean()) for name, value in found.items()}


def one_network(recipe: str, seed: int, folder: Path, everything: dict[str, Digits]) -> dict[str, Any]:
    """Train and measure."""
    before = os.times()
    run = train("mnist", model="quick", seed=seed, out=folder, callbacks=Callbacks(), **RECIPES[recipe])
    after = os.times()
    by_name = {name: measured(run, digits) for name, digits in everything.items()}
    row: dict[str, Any] = {"recipe": recipe, "seed": seed}
    row["CPU seconds"] = round(after.user + after.system - before.user - before.system, 2)
    row["validation accuracy"] = run.record.history[-1].validation_accuracy
    corrupted = [f"{name} {strength}" for name in CORRUPTIONS for strength in STRENGTHS]
    for what in by_name["test"]:
        row[f"corruptions, {what}"] = statistics.mean(by_name[name][what] for name in corrupted)
        row[f"as received, {what}"] = statistics.mean(by_name[f"{name}, as received"][what] for name in corrupted)
    others = [name for name in everything if name not in corrupted and not name.endswith("as received")]
    row |= {f"{name}, {what}": value for name in others for what, value in by_name[name].items()}
    row["by_corruption"] = {
        name: round(statistics.mean(by_name[f"{name} {strength}"]["accuracy"] for strength in STRENGTHS), 4)
        for name in CORRUPTIONS
    }
    print(recipe, seed, {name: round(value, 4) for name, value in row.items() if "accuracy" in name}, flush=True)
    return row


def summarize(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over networks, and the paired difference in accuracy of the test images."""
    found: dict[str, Any] = {}
    names = [name for name in rows[0] if name not in ("recipe", "seed", "by_corruption")]
    by_recipe = {recipe: [row for row in rows if row["recipe"] == recipe] for recipe in RECIPES}
    for recipe, own in by_recipe.items():
        found |= {f"{recipe}: {name}": statistics.mean(row[name] for row in own) for name in names}
    pairs = list(zip(by_recipe["plain"], by_recipe["robust"], strict=True))
    for name in ("validation accuracy", "test, accuracy"):
        differences = [robust[name] - plain[name] for plain, robust in pairs]
        found[f"difference: {name}"] = statistics.mean(differences)
        if len(differences) > 1:
            half = t_quantile(len(differences) - 1) * statistics.stdev(differences) / len(differences) ** 0.5
            found[f"difference: {name}, half of the 95 % interval"] = half
    found["CPU time, ratio"] = statistics.median(
        robust["CPU seconds"] / plain["CPU seconds"] for plain, robust in pairs
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("seeds", type=int, nargs="?", default=5)
    parser.add_argument("--optical", type=Path, required=True)
    parser.add_argument("--fonts", type=Path, required=True)
    parser.add_argument("--each", type=int, default=300)
    chosen = parser.parse_args()
    everything, rows = pictures(chosen), []
    sizes = {name: len(one.labels) for name, one in everything.items() if not name[-1].isdigit() and "as" not in name}
    with tempfile.TemporaryDirectory() as folder:
        train(
            "mnist", model="quick", epochs=0.05, out=Path(folder) / "first", callbacks=Callbacks()
        )  # loads TensorFlow
        for seed in range(chosen.seeds):
            for recipe in RECIPES:
                rows.append(one_network(recipe, seed, Path(folder) / f"{recipe}-{seed}", everything))
            write("robust", {"each": chosen.each, "seed": SEED, "n": sizes, "summary": summarize(rows), "runs": rows})


if __name__ == "__main__":
    main()
