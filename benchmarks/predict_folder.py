"""Images a second of `convscope predict FOLDER --out table.csv`, CPU time for each image, and peak memory.

    python benchmarks/predict_folder.py [--images 5000] [--rounds 3] [--against ../older-checkout/src]

The images are generated JPEGs of 256×256; the network is a `quick` for colors, trained on 64×64. Whole commands are
measured, start included. With --against, `predict FOLDER --json` of another checkout is measured in turn with it: it
reads the same files with the same network. Writes docs/figures/predict_folder.json.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from record import write

SRC = Path(__file__).resolve().parent.parent / "src"
CLASSES = ("bar", "pole", "disc")
SIDE, INPUT, TRAINING_IMAGES = 256, 64, 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_images(folder, chosen.images)
        measure(["train", "labeled", "--size", str(INPUT), "--epochs", "1", "--out", "run"], folder, SRC)
        runs: dict[str, list[dict[str, float]]] = {"now": [], "against": []}
        for turn in range(chosen.rounds):
            command = ["predict", "images", "--run", "run", "--quiet"]
            runs["now"].append(measure([*command, "--out", f"{turn}.csv"], folder, SRC))
            if chosen.against:
                runs["against"].append(measure([*command, "--json"], folder, chosen.against.resolve()))
            rows = (folder / f"{turn}.csv").read_text(encoding="utf-8").count("\n") - 1
            if rows != chosen.images:
                raise SystemExit(f"{rows} rows for {chosen.images} images")
    summary: dict[str, float] = {"images": chosen.images, "rounds": chosen.rounds, "cores": os.cpu_count() or 1}
    for which, found in runs.items():
        if found:
            prefix = "" if which == "now" else "against_"
            seconds, cpu = (statistics.median(one[key] for one in found) for key in ("seconds", "cpu_seconds"))
            summary[f"{prefix}images_per_second"] = chosen.images / seconds
            summary[f"{prefix}cpu_milliseconds_per_image"] = 1000 * cpu / chosen.images
            summary[f"{prefix}peak_megabytes"] = max(one["peak_megabytes"] for one in found)
    if chosen.against:
        summary["speed_ratio"] = summary["images_per_second"] / summary["against_images_per_second"]
    write("predict_folder", {"summary": summary, "runs": runs})


def draw_images(folder: Path, count: int) -> None:
    """Smooth random backgrounds, a shape, and a little noise, which compress like photos."""
    (folder / "images").mkdir()
    for name in CLASSES:
        (folder / "labeled" / name).mkdir(parents=True)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for index in range(max(count, TRAINING_IMAGES)):
        rng = np.random.default_rng(index)
        coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3)).astype(np.uint8))
        pixels = np.array(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC)).astype(int)
        y, x = rng.integers(60, SIDE - 60, 2)
        shapes = (abs(rows - y) < 14, abs(columns - x) < 14, (rows - y) ** 2 + (columns - x) ** 2 < 3000)
        label = index % len(CLASSES)
        pixels[shapes[label]] = (230, 120 + 40 * label, 40)
        image = Image.fromarray(np.clip(pixels + rng.integers(-8, 9, pixels.shape), 0, 255).astype(np.uint8))
        if index < count:
            image.save(folder / "images" / f"{index:05d}.jpg", quality=85)
        if index < TRAINING_IMAGES:
            image.resize((INPUT, INPUT)).save(folder / "labeled" / CLASSES[label] / f"{index}.png")


def measure(words: list[str], folder: Path, source: Path) -> dict[str, float]:
    """Wall time, CPU time of all threads, and peak memory of one command."""
    environment = os.environ | {"PYTHONPATH": str(source)}
    began = time.perf_counter()
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        process = subprocess.Popen(
            [sys.executable, "-m", "convscope", *words], cwd=folder, env=environment, stdout=nowhere
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"convscope {' '.join(words)}: status {status}")
    return {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_megabytes": usage.ru_maxrss / 1024,
    }


if __name__ == "__main__":
    main()
