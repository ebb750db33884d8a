"""Train the tutorial's network with several seeds and with one part changed, and measure what the tutorial claims.

    python benchmarks/tutorial.py --seeds 5 [--keep FOLDER]

Writes docs/figures/tutorial.json after each network, so that an interrupted run can be continued. Every network is
evaluated on the training, validation and test split in inference mode (no dropout, no augmentation); the test split is
used once, with the final weights. docs/tutorial-checked.md is written from these figures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from record import FIGURES, write

from convscope.arrays import to_images
from convscope.data.dataset import Dataset
from convscope.data.readers import load
from convscope.data.splits import stratified_split
from convscope.evaluation.metrics import measure
from convscope.evaluation.predict import predict
from convscope.model import model_file, ops
from convscope.model.forward import forward
from convscope.model.model_file import Model, weights_sha256
from convscope.model.presets import CLASSIC, load_spec
from convscope.model.window import Window
from convscope.training.fit import fit
from convscope.training.options import TrainOptions, resolve
from convscope.training.preset_recipes import RECIPES

TRAINING_SAMPLE = 10_000
POOLED_SAMPLE = 500

AS_IT_IS = CLASSIC
NO_DROPOUT = CLASSIC.replace("Dropout(0.33)\n", "")
AVERAGE = CLASSIC.replace("MaxPooling2D(2)", "AveragePooling2D(2)")
EVERY_SECOND = CLASSIC.replace("Conv2D(128, 3,", "Conv2D(128, 3, strides=2,").replace("MaxPooling2D(2)\n", "")

VARIANTS: dict[str, tuple[str, dict[str, object], int]] = {
    "classic": (AS_IT_IS, {}, 5),
    "without dropout": (NO_DROPOUT, {}, 5),
    "plain": (AS_IT_IS, {"shift": 0}, 5),
    "plain, without dropout": (NO_DROPOUT, {"shift": 0}, 5),
    "every second place": (EVERY_SECOND, {}, 5),
    "average pooling": (AVERAGE, {}, 3),
}
"""Name to network text, changes to the recipe, and maximum number of seeds. "plain" is the tutorial's own setting,
without augmentation."""

TOGETHER = (
    ("classic", "without dropout"),
    ("plain", "plain, without dropout"),
    ("every second place", "average pooling"),
)
"""Variants trained seed by seed, so that an interrupted run leaves complete pairs."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="a folder for the trained networks")
    chosen = parser.parse_args()
    path = FIGURES / "tutorial.json"
    runs = json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []
    done = {(run["variant"], run["seed"]) for run in runs}
    for variants in TOGETHER:
        for seed in range(chosen.seeds):
            for variant in variants:
                if (variant, seed) not in done and seed < VARIANTS[variant][2]:
                    runs.append(train(variant, seed, chosen.keep))
                    write("tutorial", {"recipe": RECIPES["classic"], "variants": described(), "runs": runs})


def described() -> dict[str, object]:
    return {name: {"network": text, "changes": changes} for name, (text, changes, _) in VARIANTS.items()}


def train(variant: str, seed: int, keep: Path | None) -> dict[str, object]:
    """Train and evaluate one network."""
    text, changes, _ = VARIANTS[variant]
    data = load("mnist")
    options = resolve(TrainOptions(model="classic", seed=seed, **changes))
    training, validation = stratified_split(data.train, fraction=options.validation_fraction, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.txt")
        path.write_text(text, encoding="utf-8")
        spec = load_spec(str(path), input_shape=training.image_shape, num_classes=training.num_classes)
    fitted = fit(spec, training, validation, options)
    model = Model(spec, fitted.weights, training.class_names)
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        model_file.write(model, keep / f"{variant.replace(', ', '-').replace(' ', '-')}-{seed}.safetensors")
    sample = np.random.default_rng(seed).permutation(len(training.labels))[:TRAINING_SAMPLE]
    row = {
        "variant": variant,
        "seed": seed,
        "seconds": fitted.seconds["total"],
        "weights_sha256": weights_sha256(fitted.weights),
        "history": [asdict(point) for point in fitted.history],
        "training": figures(model, training.pixels[sample], training.labels[sample]),
        "validation": figures(model, validation.pixels, validation.labels),
        "test": figures(model, data.test.pixels, data.test.labels, confusion=True),
        "pooling": pooling(model, validation) if "MaxPooling2D" in text else None,
    }
    print(
        f"{variant} seed {seed}: training {row['training']['accuracy']:.4f}, "
        f"validation {row['validation']['accuracy']:.4f}, test {row['test']['accuracy']:.4f}, {row['seconds']:.0f} s",
        flush=True,
    )
    return row


def figures(model: Model, pixels: np.ndarray, labels: np.ndarray, *, confusion: bool = False) -> dict[str, object]:
    """Accuracy and cross-entropy in inference mode."""
    measured = measure(predict(model, pixels).logits, labels, class_names=model.class_names)
    row = {"n": measured.n, "accuracy": measured.accuracy.rate, "loss": measured.calibration.nll}
    return row | ({"confusion": measured.confusion.tolist()} if confusion else {})


def pooling(model: Model, validation: Dataset) -> dict[str, object]:
    """How much of the 128 feature maps the pooling layer of a trained network keeps, over some validation images."""
    images = to_images(validation.pixels[:POOLED_SAMPLE])
    seen = forward(model.spec, model.weights, images)
    before = next(layer.output for layer in reversed(seen.layers) if layer.name.startswith("conv2d"))
    rows, columns = (size // 2 * 2 for size in before.shape[1:3])
    maps = np.ascontiguousarray(before[:, :rows, :columns])
    window = Window((2, 2), (2, 2))
    kept = {
        "max": ops.max_pooling2d(maps, window=window),
        "average": ops.average_pooling2d(maps, window=window),
        "every second place": np.ascontiguousarray(maps[:, ::2, ::2]),
    }
    peak = maps.max(axis=(1, 2))
    alive = peak > 0
    total = maps.sum(dtype=np.float64)
    return {
        "images": len(images),
        "share_of_activation": {name: float(value.sum(dtype=np.float64) / total) for name, value in kept.items()},
        "share_of_peak": {
            name: float((value.max(axis=(1, 2))[alive] / peak[alive]).mean()) for name, value in kept.items()
        },
        "accuracy_if_replaced": {name: replaced(model, value, validation.labels) for name, value in kept.items()},
    }


def replaced(model: Model, pooled: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy of the trained dense layer on these pooled maps."""
    kernel, bias = model.weights["dense/kernel"], model.weights["dense/bias"]
    answers = ops.dense(pooled.reshape(len(pooled), -1), kernel, bias).argmax(axis=1)
    return float((answers == labels[: len(pooled)]).mean())


if __name__ == "__main__":
    main()
