"""An exported .keras file with another backend of Keras, also on a GPU: differences, and images a second.

    python benchmarks/keras_backends.py prepare FOLDER [--runs RUNS]
    KERAS_BACKEND=jax python benchmarks/keras_backends.py measure FOLDER [--float32]

`prepare`, with convscope, trains (or takes RUNS/quick, RUNS/classic, …), exports, and writes test images of MNIST with
the answers of the NumPy engine. `measure` needs Keras and NumPy only, so that it runs on a machine with a GPU and
without TensorFlow: it compares all answers, times batches, and adds a row for each network to FOLDER/measured.json. On
recent GPUs, JAX and PyTorch multiply in TensorFloat-32, with 10 bits of mantissa, unless --float32 turns it off.
`write FOLDER`, with convscope, turns these into docs/figures/keras_backends.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

import numpy as np

PRESETS = ("quick", "classic", "accurate")
IMAGES = 2_000
BATCHES = (1, 64, 1024)
SECONDS = 1.5
EPOCHS = 2


def prepare(folder: Path, runs: Path | None) -> None:
    import convscope as cs
    from convscope.data.mnist import load_part
    from convscope.evaluation.predict import predict
    from convscope.exporting.score import expected_scores

    pixels = load_part("test").pixels[:IMAGES]
    folder.mkdir(parents=True, exist_ok=True)
    for preset in PRESETS:
        kept = runs.resolve() / preset if runs else None
        run = (
            cs.load_run(kept) if kept else cs.train("mnist", model=preset, epochs=EPOCHS, out=folder / f"run-{preset}")
        )
        exported = cs.Run(run.folder).export(to="keras", out=folder / f"export-{preset}")
        (exported.folder / "model.keras").rename(folder / f"{preset}.keras")
        answers = predict(run.model, pixels)
        scores = expected_scores(run.model, pixels, answers)
        np.savez(folder / f"{preset}.npz", probabilities=answers.probabilities, scores=scores)
    np.savez_compressed(folder / "pixels.npz", pixels=pixels)


def measure(folder: Path, *, float32: bool) -> None:
    import keras

    if float32:
        turn_off_tensor_float_32()
    pixels = np.load(folder / "pixels.npz")["pixels"]
    path = folder / "measured.json"
    kept = json.loads(path.read_text()) if path.is_file() else []
    this = (keras.backend.backend(), "float32" if float32 else "default")
    rows = [row for row in kept if (row["backend"], row["precision"]) != this]
    for preset in PRESETS:
        expected = np.load(folder / f"{preset}.npz")
        model = keras.models.load_model(folder / f"{preset}.keras")
        given = {name: np.asarray(value) for name, value in model.predict(pixels, verbose=0).items()}
        scores = np.abs(given["score"] - expected["scores"]) / np.maximum(np.abs(expected["scores"]), 1.0)
        row = {
            "preset": preset,
            "backend": keras.backend.backend(),
            "versions": versions(),
            "device": device(),
            "precision": "float32" if float32 else "default",
            "images": len(pixels),
            "largest_difference": float(np.abs(given["probabilities"] - expected["probabilities"]).max()),
            "largest_score_difference": float(scores.max()),
            "same_class": int((given["probabilities"].argmax(1) == expected["probabilities"].argmax(1)).sum()),
        }
        row["per_second"] = {str(batch): rate(model, pixels, batch) for batch in BATCHES}
        print(json.dumps(row), flush=True)
        rows.append(row)
    path.write_text(json.dumps(rows, indent=1) + "\n")


def rate(model, pixels: np.ndarray, batch: int) -> float:
    """Images a second by `predict_on_batch`, the median of its calls; the answers are read back."""
    some = pixels[:batch]
    seconds = []
    for _ in range(5):
        model.predict_on_batch(some)
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        began = time.perf_counter()
        np.asarray(model.predict_on_batch(some)["probabilities"])
        seconds.append(time.perf_counter() - began)
    return batch / statistics.median(seconds)


def turn_off_tensor_float_32() -> None:
    import keras

    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
    if keras.backend.backend() == "torch":
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False


def versions() -> dict[str, str]:
    import keras

    found = {"python": platform.python_version(), "keras": keras.__version__, "numpy": np.__version__}
    backend = keras.backend.backend()
    return found | {backend: __import__(backend).__version__}


def device() -> str:
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return str(jax.devices()[0].device_kind)
    if keras.backend.backend() == "torch":
        import torch

        return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"
    return platform.processor() or "CPU"


def write_figures(folder: Path) -> None:
    from record import write

    rows = json.loads((folder / "measured.json").read_text())
    worst = {
        f"largest_difference_{precision}": max(
            row["largest_difference"] for row in rows if row["precision"] == precision
        )
        for precision in ("float32", "default")
    }
    environment = {"devices": sorted({row["device"] for row in rows}), "epochs": EPOCHS}
    write("keras_backends", {"environment": environment, "summary": worst, "rows": rows})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("prepare", "measure", "write"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--float32", action="store_true")
    chosen = parser.parse_args()
    if chosen.step == "prepare":
        prepare(chosen.folder, chosen.runs)
    elif chosen.step == "measure":
        measure(chosen.folder, float32=chosen.float32)
    else:
        write_figures(chosen.folder)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
