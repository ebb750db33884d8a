"""Completeness of integrated gradients, run time and sanity checks of every attribution method, over test digits.

    python benchmarks/explain.py [quick=RUN classic=MODEL.safetensors ...] [--digits 100] [--examined 20]

Each network is a run folder or a model file; without any, a `quick` is trained. The completeness
error is the difference between the sum of an attribution and the logit's change from the empty image to the digit, as a
fraction of that change.
Writes docs/figures/explain.json.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from record import write

from convscope.arrays import to_images
from convscope.data.mnist import load_part
from convscope.explanation.deletion import random_baseline
from convscope.explanation.explainers.integrated_gradients import LEAST_DIFFERENCE, integrated_gradients
from convscope.explanation.saliency import EXPLAINERS
from convscope.explanation.sanity_checks import check_attribution
from convscope.model.model_file import Model, load_model, weights_sha256
from convscope.training.run_folder import MODEL_FILE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", metavar="NAME=RUN")
    parser.add_argument("--digits", type=int, default=100)
    parser.add_argument("--examined", type=int, default=20)
    chosen = parser.parse_args()
    images = to_images(load_part("test").pixels[: chosen.digits])
    summary, networks = {}, {}
    for name, model in named(chosen.networks):
        networks[name] = measure(model, images, chosen.examined)
        gaps = networks[name]["completeness"]
        for key in ("worst", "median", "n", "smaller_differences"):
            summary[f"{name}_gap_{key}"] = gaps[key]
        for method, row in networks[name]["methods"].items():
            summary[f"{name}_{method}_seconds"] = row["seconds"]
        write("explain", {"summary": summary, "digits": chosen.digits, "networks": networks})


def named(given: list[str]) -> Iterator[tuple[str, Model]]:
    """The networks to measure, by name."""
    for one in given:
        name, path = one.split("=", 1)
        yield name, load(Path(path))
    if not given:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "convscope", "train", "--out", "run"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            yield "quick", load(Path(folder, "run"))


def load(path: Path) -> Model:
    """The network; older files have no preprocessing and get that of digits."""
    model = load_model(path / MODEL_FILE if path.is_dir() else path)
    return model if model.preprocessing else replace(model, preprocessing={"fit": "mnist"})


def measure(model: Model, images: np.ndarray, examined: int) -> dict[str, object]:
    """Completeness over all images; time, deletion and parameter-randomization tests over the first ones."""
    before = weights_sha256(model.weights)
    maps = [integrated_gradients(model, image) for image in images]
    gaps = np.array([abs(one.total - one.difference) for one in maps])
    differences = np.array([abs(one.difference) for one in maps])
    measured = differences >= LEAST_DIFFERENCE
    shares = gaps[measured] / differences[measured]
    completeness = {
        "n": int(measured.sum()),
        "worst": float(shares.max()),
        "median": float(np.median(shares)),
        "above_one_percent": int((shares > 0.01).sum()),
        "smaller_differences": int((~measured).sum()),
        "worst_gap_of_those_in_logits": float(gaps[~measured].max(initial=0.0)),
        "steps_median": float(np.median([one.facts["steps"] for one in maps])),
        "steps_most": max(one.facts["steps"] for one in maps),
    }
    methods = worth(model, images[:examined])
    return {
        "completeness": completeness,
        "methods": methods,
        "weights_unchanged": weights_sha256(model.weights) == before,
    }


def worth(model: Model, images: np.ndarray) -> dict[str, dict[str, object]]:
    """Sanity checks of each method, and its run time."""
    found: dict[str, list] = {name: [] for name in EXPLAINERS}
    seconds: dict[str, list[float]] = {name: [] for name in EXPLAINERS}
    for image in images:
        random = random_baseline(model, image)
        for name, explain in EXPLAINERS.items():
            began = time.perf_counter()
            attribution = explain(model, image)
            seconds[name].append(time.perf_counter() - began)
            found[name].append(check_attribution(model, image, attribution, random=random))
    return {
        name: {
            "n": len(ones),
            "seconds": statistics.median(seconds[name]),
            "matters": sum(one.matters for one in ones),
            "learned": sum(one.learned for one in ones),
            "holds": sum(one.matters and one.learned for one in ones),
            "rank_correlation_median": statistics.median(one.parameter_randomization.mean_signed for one in ones),
            "rank_correlation_of_magnitudes_median": statistics.median(
                one.parameter_randomization.mean_magnitude for one in ones
            ),
        }
        for name, ones in found.items()
    }


if __name__ == "__main__":
    main()
